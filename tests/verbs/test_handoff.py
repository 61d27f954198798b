"""`handoff` of an `llm` verb: a human takes over, or does not."""

from typing import Any

import pytest

from verbs import DocumentError, lint, parse
from verbs.base import JsonObject
from verbs.handoff import Outcome, check_handoff, disposition, result_body, transfer, transfer_name, voicemail

HOOK = "hookswitch:x"
PHONE = {"type": "phone", "number": "+15085551212"}
SIP = {"type": "sip", "sipUri": "sip:a@example.com"}
USER = {"type": "user", "name": "bob"}
TEAMS = {"type": "teams", "number": "+1", "tenant": "t"}
WARM: JsonObject = {"mode": "warm", "target": [PHONE]}


def handoff(*targets: JsonObject, **more: Any) -> JsonObject:
    return {"mode": "blind", "target": [*targets] or [PHONE], **more}


@pytest.mark.claim("handoff")
@pytest.mark.parametrize(
    "written",
    [
        handoff(),
        handoff(SIP, blindMethod="refer"),
        handoff(PHONE, SIP, USER, TEAMS, blindMethod="dial", callerId="+1", timeout=20),
        handoff(toolName="get_a-human", toolDescription="x", brief="none"),
        handoff(disposition={"onBusy": "voicemail", "voicemailUrl": "sip:vm@example.com"}),
        handoff(disposition={"voicemailUrl": "https://vm.example.com"}),
        {**handoff(TEAMS), "mode": "warm", "confirm": {"prompt": "Press 1.", "digit": "1"}, "amd": {}},
        {**handoff(), "mode": "warm", "confirm": "x"},
        None,
        {"target": "x", "disposition": 5},
    ],
)
def test_a_handoff_that_can_be_carried_out_is_taken(written: Any) -> None:
    assert list(check_handoff(written, ())) == []


@pytest.mark.claim("handoff")
@pytest.mark.parametrize(
    ("written", "path", "words", "fatal"),
    [
        (handoff(confirm={"prompt": "1", "digit": "1"}), ("confirm",), "a blind transfer asks nobody", 0),
        (WARM | {"callerPresent": True}, ("callerPresent",), "briefed alone", 0),
        (WARM | {"onHoldHook": "/music"}, ("onHoldHook",), "stays with the agent", 0),
        (WARM | {"blindMethod": "dial"}, ("blindMethod",), "is of a blind transfer", 0),
        (WARM | {"target": [{"type": "phone"}]}, ("target", 0, "number"), "is missing", 1),
        (WARM | {"confirm": {"prompt": "1", "digit": "12"}}, ("confirm", "digit"), "one key of 0 to 9", 0),
        (handoff(toolName="a b"), ("toolName",), "letters, digits, _ and -, and not 'hangup', not 'a b'", 0),
        (handoff(toolName="hangup"), ("toolName",), "and not 'hangup'", 0),
        (handoff(PHONE, SIP), ("target",), "has one target: set blindMethod: dial", 0),
        (handoff() | {"target": []}, ("target",), "must not be empty", 1),
        (handoff(TEAMS), ("target", 0, "type"), "no REFER reaches teams: set blindMethod: dial", 1),
        (handoff({"type": "phone"}), ("target", 0, "number"), "is missing: it is where a phone is reached", 1),
        (handoff({"type": "sip"}), ("target", 0, "sipUri"), "is missing", 1),
        (
            handoff(disposition={"onBusy": "voicemail"}),
            ("disposition", "voicemailUrl"),
            "is missing: a disposition is voicemail",
            0,
        ),
        (handoff(disposition={"voicemailUrl": "ftp:x"}), ("disposition", "voicemailUrl"), "sip: or an http", 0),
    ],
)
def test_a_handoff_that_cannot_be_carried_out_is_told(
    written: JsonObject, path: tuple[str | int, ...], words: str, fatal: int
) -> None:
    document = {"verb": "llm", "vendor": "openai", "llmOptions": {}, "handoff": written}
    with pytest.raises(DocumentError, match=words) as error:
        parse(document)
    assert ("verbs", *path)[1:] == error.value.complaints[0].path[2:]
    if fatal:
        with pytest.raises(DocumentError, match=words):
            parse(document, strict=False)
    else:
        assert parse(document, strict=False)
        assert lint(document, version="0.9")


def test_a_target_that_is_none_is_the_tables_to_complain_of() -> None:
    assert list(check_handoff(handoff() | {"target": ["x", {"type": 5}]}, ())) != [None]
    with pytest.raises(DocumentError, match=r"target\[0\]: must be an object"):
        parse({"verb": "llm", "vendor": "openai", "llmOptions": {}, "handoff": {"mode": "blind", "target": ["x"]}})


@pytest.mark.claim("handoff")
@pytest.mark.parametrize(
    ("written", "verbs"),
    [
        (
            handoff(),
            [
                {"verb": "sip:refer", "referTo": "+15085551212", "actionHook": HOOK},
                {"verb": "redirect", "actionHook": HOOK},
            ],
        ),
        (
            handoff(SIP, PHONE, eventHook="/progress", callerId="+1"),
            [
                {"verb": "sip:refer", "referTo": "sip:a@example.com", "actionHook": HOOK, "eventHook": "/progress"},
                {"verb": "redirect", "actionHook": HOOK},
            ],
        ),
        (
            handoff(PHONE, USER, blindMethod="dial"),
            [{"verb": "dial", "target": [PHONE, USER], "timeout": 30, "actionHook": HOOK}],
        ),
        (
            handoff(blindMethod="dial", callerId="+1", timeout=5, eventHook="/progress"),
            [{"verb": "dial", "target": [PHONE], "callerId": "+1", "timeout": 5, "actionHook": HOOK}],
        ),
    ],
)
def test_a_transfer_is_verbs_that_every_platform_knows(written: JsonObject, verbs: list[JsonObject]) -> None:
    assert transfer(written, HOOK) == verbs
    assert lint([verb | {"actionHook": "https://x.example"} for verb in verbs], version="0.9") == []


@pytest.mark.parametrize(
    ("outcome", "said", "disposed"),
    [
        ("no-answer", None, "return"),
        ("no-answer", {"onNoAnswer": "hangup"}, "hangup"),
        ("busy", {"onNoAnswer": "hangup"}, "return"),
        ("busy", {"onBusy": "voicemail", "voicemailUrl": "sip:x"}, "voicemail"),
        ("busy", {"onBusy": "voicemail"}, "return"),
        ("declined", {"onDecline": "hangup"}, "hangup"),
        ("error", {"onFailure": "hangup"}, "hangup"),
        ("completed", {"onFailure": "hangup"}, "return"),
    ],
)
def test_what_becomes_of_the_caller_is_said_for_each_outcome(outcome: Outcome, said: Any, disposed: str) -> None:
    assert disposition(handoff(disposition=said), outcome) == disposed


@pytest.mark.parametrize(
    ("url", "verbs"),
    [
        ("https://vm.example.com/x", [{"verb": "redirect", "actionHook": "https://vm.example.com/x"}]),
        ("sip:vm@example.com", [{"verb": "dial", "target": [{"type": "sip", "sipUri": "sip:vm@example.com"}]}]),
    ],
)
def test_the_voicemail_is_an_application_or_a_number(url: str, verbs: list[JsonObject]) -> None:
    assert voicemail(handoff(disposition={"voicemailUrl": url})) == verbs


def test_the_outcome_is_told_in_the_platforms_words() -> None:
    assert result_body("completed", "return") == {"transfer_result": "bridged", "transfer_reason": "completed"}
    assert result_body("busy", "return") == {"transfer_result": "returned", "transfer_reason": "busy"}
    assert result_body("busy", "voicemail") == {"transfer_result": "voicemail", "transfer_reason": "busy"}
    assert result_body("error", "hangup") == {"transfer_result": "failed", "transfer_reason": "error"}
    assert result_body("caller-abandoned", "return")["transfer_result"] == "failed"


@pytest.mark.parametrize(("name", "used"), [(None, "transfer_to_human"), ("a b", "transfer_to_human"), ("ab", "ab")])
def test_the_tool_has_the_name_that_was_given_if_a_model_can_say_it(name: str | None, used: str) -> None:
    assert transfer_name(handoff(toolName=name)) == used
