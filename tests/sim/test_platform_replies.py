"""What the platform makes of an answer (measured on jambonz-feature-server 0.9.8)."""

import json
from typing import Any

import pytest

from sim.platform.doing import modelled_s, prompt_s, summary
from sim.platform.replies import Failed, HttpReply, NoReply, Nothing, Outcome, Verbs, read
from sim.platform.signature import signed
from sim.platform.verbs import DocumentRefusedError, checked

JSON = "application/json; charset=utf-8"
SAY = {"verb": "say", "text": "x"}


def reply(status: int, content_type: str, body: Any) -> HttpReply:
    return HttpReply(status, content_type, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (reply(200, JSON, [SAY]), Verbs((SAY,))),
        (reply(202, JSON, [{"say": {"text": "x"}}]), Verbs((SAY,))),
        (reply(200, JSON, []), Nothing("no application provided")),
        (reply(200, JSON, {}), Nothing("malformed jambonz payload: must be array")),
        (reply(200, "text/plain", [SAY]), Nothing("malformed jambonz payload: must be array")),
        (reply(204, "", b""), Nothing("malformed jambonz payload: must be array")),
        (reply(201, JSON, [SAY]), Failed("Unexpected HTTP Response (201)", 201)),
        (reply(302, JSON, [SAY]), Failed("Unexpected HTTP Response (302)", 302)),
        (reply(500, "text/html", b"oops"), Failed("Unexpected HTTP Response (500)", 500)),
        (reply(200, JSON, [{"verb": "sing"}]), Failed("invalid instruction: sing")),
        (NoReply("Headers Timeout Error"), Failed("Headers Timeout Error")),
    ],
)
def test_an_answer_is_obeyed_or_ignored_or_an_error(answer: HttpReply | NoReply, outcome: Outcome) -> None:
    assert read(answer) == outcome


@pytest.mark.parametrize("body", [b"", b"[{"])
def test_a_json_type_with_a_bad_body_is_an_error_even_for_204(body: bytes) -> None:
    outcome = read(reply(204, JSON, body))
    assert isinstance(outcome, Failed)
    assert outcome.why.startswith("SyntaxError")


@pytest.mark.parametrize(
    ("item", "complaint"),
    [
        ("say", "malformed jambonz payload: must be array of objects"),
        ({}, "malformed jambonz payload: missing verb property"),
        ({"say": {}, "play": {}}, "malformed jambonz payload: missing verb property"),
        ({"say": "x"}, "malformed jambonz application payload"),
        ({"verb": "say", "earlyMedia": True}, "Say: either text or stream:true is required"),
        ({"verb": "gather", "say": {"loop": 1}}, "Say: either text or stream:true is required"),
        ({"verb": "conference", "name": ""}, "conference name required"),
        ({"verb": "dub", "action": "addTrack", "track": ""}, "TaskDub: track is required"),
        ({"verb": "auth", "username": "u", "password": "p"}, "invalid jambonz verb 'auth'"),
        ({"verb": "say", "bogus": 1}, "say: unknown property bogus"),
        ({"verb": "llm", "llmOptions": {}}, "llm: missing value for vendor"),
        ({"verb": "listen"}, "listen: missing value for url"),
    ],
)
def test_one_bad_verb_refuses_the_document(item: Any, complaint: str) -> None:
    with pytest.raises(DocumentRefusedError, match=complaint):
        checked(item)


def test_stream_is_another_name_of_listen() -> None:
    assert checked({"verb": "stream", "url": "/m", "id": "v1"}) == {"verb": "listen", "url": "/m", "id": "v1"}


@pytest.mark.parametrize(
    ("verb", "lasts_s"),
    [
        ({"verb": "say", "text": "x" * 30}, 2.0),
        ({"verb": "say", "text": ["a" * 15, "b" * 14]}, 2.0),
        ({"verb": "play", "url": "a.wav"}, 3.0),
        ({"verb": "play", "url": "a.wav", "timeoutSecs": 1}, 1.0),
        ({"verb": "pause", "length": 4}, 4.0),
        ({"verb": "dial", "target": [], "timeout": 1}, 1.0),
        ({"verb": "config"}, 0.0),
        ({"verb": "listen", "url": "/"}, None),
    ],
)
def test_verbs_take_a_modelled_time(verb: dict[str, Any], lasts_s: float | None) -> None:
    assert modelled_s(verb) == lasts_s


def test_a_gathers_prompt_is_what_it_says_and_plays() -> None:
    assert prompt_s({"verb": "gather", "say": {"text": "x" * 15}, "play": {"url": "a"}}) == 4.0
    assert prompt_s({"verb": "gather"}) == 0


@pytest.mark.parametrize(
    ("verb", "line"),
    [
        ({"verb": "say", "text": ["a", "b"]}, 'say "a b"'),
        ({"verb": "pause", "length": 1}, "pause 1 s"),
        ({"verb": "dial", "target": [{"type": "phone", "number": "1"}, {"type": "sip", "sipUri": "s"}]}, "dial 1, s"),
        ({"verb": "dial", "target": [{"type": "user", "name": "joe"}, {"type": "teams"}]}, "dial joe, teams"),
        ({"verb": "sip:decline", "status": 486, "reason": "Busy"}, "sip:decline 486 Busy"),
        ({"verb": "redirect", "actionHook": "/x"}, "redirect /x"),
        ({"verb": "answer"}, "answer"),
    ],
)
def test_a_verb_is_shown_in_a_line(verb: dict[str, Any], line: str) -> None:
    assert summary(verb).startswith(line)


def test_the_signature_is_that_of_jambonz() -> None:
    # printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
    digest = "49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
    assert signed(b'{"a":1}', "secret", 1700000000) == f"t=1700000000,v1={digest}"
