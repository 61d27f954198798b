import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.control import ControlEvent
from media.platforms.base import PlatformError
from media.platforms.jambonz.control import KINDS, JambonzControl

control = JambonzControl()
ENVELOPE = {"msgid": "6m5W", "call_sid": "CS1", "data": {"call_sid": "CS1", "from": "+15557654321"}, "b3": "T-S-1"}
ACKED = {
    "session:new": "new",
    "session:reconnect": "reconnect",
    "session:redirect": "redirect",
    "session:adulting": "adulting",
    "verb:hook": "hook",
    "dial:confirm": "confirm",
    "queue:status": "queue_status",
}
TOLD = {
    "call:status": "status",
    "verb:status": "verb_status",
    "llm:event": "llm_event",
    "llm:tool-call": "tool_call",
    "tts:tokens-result": "tokens_result",
    "tts:streaming-event": "streaming_event",
    "jambonz:error": "error",
    "agent:event": "unknown",
}


def said(**message: Any) -> ControlEvent:
    return control.receive(json.dumps(message))


@pytest.mark.parametrize(("word", "kind"), [*ACKED.items(), *TOLD.items()])
def test_every_message_is_read_and_it_is_known_which_wait_for_an_ack(word: str, kind: Any) -> None:
    event = said(type=word, hook="/x", **ENVELOPE)
    data = {"call_sid": "CS1", "from": "+15557654321"}
    assert event == ControlEvent(kind, "6m5W", "CS1", "/x", data, wants_ack=word in ACKED)


def test_every_word_of_the_platform_is_in_the_table_above() -> None:
    assert {**ACKED, **TOLD}.items() >= KINDS.items()


def test_a_message_without_a_sid_has_that_of_its_data() -> None:
    assert said(type="session:redirect", msgid="m", data={"call_sid": "CS2"}).call_sid == "CS2"
    assert said(type="dial:confirm", msgid="m", call_sid="CS1", data={"call_sid": "CS2"}).call_sid == "CS1"
    assert said(type="tts:tokens-result", data={"id": 1, "status": "ok"}).call_sid == ""


def test_what_may_be_missing_is_missed_by_nobody() -> None:
    assert said(type="verb:status") == ControlEvent("verb_status", "", "", "", {}, wants_ack=False)
    assert said(type="verb:status", data=None).data == {}
    assert said() == ControlEvent("unknown", "", "", "", {}, wants_ack=False)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "not JSON"),
        ("[]", "control message: not a JSON object"),
        ('"session:new"', "control message: not a JSON object"),
        ('{"type": "session:new", "type": "call:status"}', "JSON with the same key twice in an object"),
        ('{"type": "verb:status", "data": {"x": NaN}}', "JSON with a number that is none (NaN or Infinity)"),
        ("[" * 100_000, "JSON nested deeper than 64"),
        ('{"type": 7}', "control message: type is not a text of at most 128 characters"),
        (f'{{"type": "{"x" * 129}"}}', "control message: type is not a text of at most 128 characters"),
        ('{"type": "session:new"}', "control message: no msgid to acknowledge"),
        ('{"type": "session:new", "msgid": 1}', "control message: msgid is not usable"),
        ('{"type": "verb:hook", "msgid": "m", "hook": {}}', "control message: hook is not a text of at most 2048"),
        ('{"type": "verb:hook", "msgid": "m", "data": []}', "control message: data is not an object"),
        ('{"type": "verb:hook", "msgid": "m", "data": [1]}', "control message: data is not an object"),
        ('{"type": "verb:hook", "msgid": "m", "call_sid": "a b"}', "control message: call_sid is not usable"),
        ('{"type": "verb:hook", "msgid": "m", "call_sid": 7}', "control message: call_sid is not usable"),
        ('{"type": "verb:hook", "msgid": "m", "data": {"call_sid": {"a": 1}}}', "control message: call_sid is not us"),
    ],
)
def test_what_is_no_message_is_refused_and_the_fault_named(text: str, fault: str) -> None:
    with pytest.raises(PlatformError) as refusal:
        control.receive(text)
    assert str(refusal.value).startswith(fault)


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(PlatformError):
        assert isinstance(control.receive(text), ControlEvent)


fields = st.dictionaries(
    st.sampled_from(["type", "msgid", "call_sid", "hook", "data"]),
    st.sampled_from([*KINDS, "x", "", {}, {"call_sid": 1}, {"call_sid": "c"}, 1, None, [], [1], True, "\ud800"]),
)


@given(fields)
def test_no_message_raises_anything_else(message: dict[str, Any]) -> None:
    with suppress(PlatformError):
        assert isinstance(control.receive(json.dumps(message)), ControlEvent)


def test_an_ack_carries_the_document_or_nothing() -> None:
    assert json.loads(control.ack("a-b", b'[{"verb": "hangup"}]')) == {
        "type": "ack",
        "msgid": "a-b",
        "data": [{"verb": "hangup"}],
    }
    assert json.loads(control.ack("m")) == {"type": "ack", "msgid": "m"}
    assert json.loads(control.ack("m", b"[]"))["data"] == []


@pytest.mark.parametrize("queue", [False, True])
def test_a_redirect_replaces_what_the_call_does_or_adds_to_it(*, queue: bool) -> None:
    assert json.loads(control.redirect(b'[{"verb": "hangup"}]', queue=queue)) == {
        "type": "command",
        "command": "redirect",
        "queueCommand": queue,
        "data": [{"verb": "hangup"}],
    }


def test_other_commands_are_as_the_platform_writes_them() -> None:
    assert json.loads(control.hang_up()) == {
        "type": "command",
        "command": "call:status",
        "data": {"call_status": "completed"},
    }
    dtmf = {"command": "dtmf", "data": {"dtmf": {"digit": "1", "duration": 250}}}
    assert json.loads(control.command({**dtmf, "type": "ack"})) == {"type": "command", **dtmf}


def test_the_platform_takes_messages_of_24_kib_and_wants_its_subprotocol_back() -> None:
    assert control.patience_s < 5
    assert (control.max_message_bytes, control.subprotocol) == (24_576, "ws.jambonz.org")
    longest = b"[" + b" " * (control.max_document_bytes - 2) + b"]"
    for message in (control.ack("m" * 128, longest), control.redirect(longest, queue=False)):
        assert len(message) <= control.max_message_bytes
