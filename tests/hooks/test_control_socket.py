"""The platform's side of the websocket API, message by message."""

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.control_socket import (
    MAX_CONNECTIONS,
    NAME_CHARS,
    WAITS_S,
    Address,
    Answered,
    Command,
    ControlSocket,
    Effect,
    Greeted,
    Send,
    read_address,
)
from tests.properties import NEARLY_JSON, changed, json_values, tried_with

BODY = '{"call_sid": "c-1", "from": "+1555"}'
SAY = {"verb": "say", "text": "Hello."}
FINAL = Address("c-1", "/final")


def a_socket() -> ControlSocket:
    ids = count(1)
    return ControlSocket("c-1", BODY, new_id=lambda: f"m-{next(ids)}")


def up() -> ControlSocket:
    socket = a_socket()
    socket.opened()
    socket.said(ack("m-1", [SAY]))
    return socket


def ack(msgid: str, data: Any = None) -> str:
    return json.dumps({"type": "ack", "msgid": msgid, "data": data})


def sent(effects: list[Effect]) -> list[Any]:
    return [json.loads(effect.text) for effect in effects if isinstance(effect, Send)]


# Greeting


def test_the_first_message_is_the_call_webhook_and_its_ack_the_calls_verbs() -> None:
    socket = a_socket()
    assert socket.next_try_s() == 0
    [new] = sent(socket.opened())
    assert new == {"type": "session:new", "msgid": "m-1", "call_sid": "c-1", "data": json.loads(BODY)}
    assert [socket.up] == [False]
    assert socket.said(ack("m-1", [SAY])) == [Greeted([SAY])]
    assert socket.up
    assert socket.said(ack("m-1", [])) == []


def test_a_binary_message_is_read_as_text() -> None:
    socket = a_socket()
    socket.opened()
    assert socket.said(ack("m-1", [SAY]).encode()) == [Greeted([SAY])]


# Hooks


@pytest.mark.parametrize(
    ("kind", "address", "head"),
    [
        ("event", Address("c-1", "/event"), {"type": "llm:event", "hook": "/event"}),
        ("tool", Address("c-1", "tool?x=1"), {"type": "llm:tool-call", "hook": "tool?x=1"}),
        ("status", Address("c-1", "/status"), {"type": "call:status"}),
    ],
)
def test_what_is_told_is_a_message_of_its_kind(kind: str, address: Address, head: dict[str, str]) -> None:
    told = json.loads(up().tell(read_address(address.url()), kind, '{"a": "ë"}'))
    assert told == {**head, "msgid": "m-2", "call_sid": "c-1", "data": {"a": "ë"}}


@pytest.mark.parametrize(
    ("address", "head"),
    [
        (FINAL, {"type": "verb:hook", "hook": "/final"}),
        (Address("c-1", "/confirm#rc=2", "dial:confirm"), {"type": "dial:confirm", "hook": "/confirm"}),
        (Address("c-1", "/other", "session:redirect"), {"type": "session:redirect", "hook": "/other"}),
        (Address("c-1", "/adulting", "session:adulting"), {"type": "session:adulting"}),
    ],
)
def test_what_is_asked_is_answered_by_its_ack(address: Address, head: dict[str, str]) -> None:
    socket = up()
    msgid, text = socket.ask(read_address(address.url()), "action", "{}")
    assert json.loads(text) == {**head, "msgid": msgid, "call_sid": "c-1", "data": {}}
    assert socket.said(ack(msgid, [SAY])) == [Answered(msgid, [SAY])]
    assert socket.said(ack(msgid, [SAY])) == []


def test_an_address_keeps_the_hook_as_it_was_written() -> None:
    url = Address("a/b@c", "final?x=#rc=2", "dial:confirm").url()
    assert url == "app://a%2Fb%40c/final?x=#dial:confirm"
    assert read_address(url) == Address("a%2Fb%40c", "final?x=", "dial:confirm")


def test_an_answer_that_nobody_waits_for_is_dropped() -> None:
    socket = up()
    msgid, _ = socket.ask(FINAL, "action", "{}")
    socket.give_up(msgid)
    assert socket.said(ack(msgid, [SAY])) == []


# Commands


@pytest.mark.parametrize(
    ("message", "command"),
    [
        ({"command": "redirect", "data": [SAY]}, Command("redirect", [SAY])),
        ({"command": "redirect", "queueCommand": True, "data": [SAY]}, Command("redirect", [SAY], queued=True)),
        ({"command": "redirect", "queueCommand": "yes", "data": []}, Command("redirect", [])),
        (
            {"command": "llm:tool-output", "tool_call_id": "call_9", "data": {"result": 1}},
            Command("llm:tool-output", {"result": 1}, tool_call_id="call_9"),
        ),
        ({"command": "llm:tool-output", "tool_call_id": None}, Command("llm:tool-output")),
        ({"command": "tts:clear"}, Command("tts:clear")),
        ({"command": "tts:clear", "callSid": "c-2"}, Command("tts:clear", call_sid="c-2")),
        ({"command": "x" * 100_000, "data": 1}, Command("x" * 64, 1)),
    ],
)
def test_a_command_is_passed_on(message: dict[str, Any], command: Command) -> None:
    assert up().said(json.dumps({"type": "command", **message})) == [command]


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[" * 65 + "]" * 65, "nested more than 64 deep"),
        ("[" * 64 + "]" * 64, "type property not supplied"),
        ('{"type": "command", "command": "dtmf", "data": NaN}', "not valid JSON"),
        ("[]", "type property not supplied"),
        ('{"foo": 1}', "type property not supplied"),
        ('{"type": "llm:tool-output"}', "type must be ack or command"),
        ('{"type": "ack"}', "msgid property not supplied"),
        ('{"type": "command"}', "command property not supplied"),
        ('{"type": "command", "command": "dtmf"}', "data property not supplied"),
    ],
)
def test_what_makes_no_sense_is_told_to_be_so(message: str, fault: str) -> None:
    [error] = sent(up().said(message))
    assert (error["type"], error["data"]["msg"]) == ("jambonz:error", "InvalidMessage")
    assert (error["data"]["details"], error["data"]["content"]) == (fault, message[:300])


# Reconnecting


def test_after_a_drop_the_same_session_is_taken_up_and_what_has_no_answer_is_asked_again() -> None:
    socket = up()
    _, asked = socket.ask(FINAL, "action", "{}")
    socket.closed(1006)
    assert (socket.up, socket.done, socket.next_try_s()) == (False, False, WAITS_S[0])
    [again] = sent(socket.opened())
    assert (again["type"], again["data"]) == ("session:reconnect", json.loads(BODY))
    assert socket.said(ack(again["msgid"], [SAY])) == [Send(asked)]
    assert socket.up


def test_a_drop_before_the_first_ack_leaves_the_call_to_be_answered_by_the_ack_of_the_reconnect() -> None:
    socket = a_socket()
    socket.opened()
    socket.closed(1011)
    [again] = sent(socket.opened())
    assert again["type"] == "session:reconnect"
    assert socket.said(ack("m-1", [SAY])) == []
    assert socket.said(ack(again["msgid"], [SAY])) == [Greeted([SAY])]


def test_each_try_waits_longer_and_the_last_one_is_the_last() -> None:
    socket = a_socket()
    waits = []
    while (wait_s := socket.next_try_s()) is not None:
        waits.append(wait_s)
        socket.failed()
    assert waits == [0.0, *WAITS_S]
    assert (socket.done, socket.left) == (True, False)


def test_a_call_has_so_many_connections_and_no_more() -> None:
    socket = a_socket()
    for _ in range(MAX_CONNECTIONS):
        assert socket.next_try_s() is not None
        [hello] = sent(socket.opened())
        socket.said(ack(hello["msgid"], [SAY]))
        socket.closed(None)
    assert socket.next_try_s() is None


def test_who_is_refused_at_first_does_not_try_again_and_who_was_let_in_before_does() -> None:
    socket = a_socket()
    socket.failed(refused=True)
    assert socket.next_try_s() is None
    socket = up()
    socket.closed(1006)
    socket.failed(refused=True)
    assert socket.next_try_s() == WAITS_S[0]


def test_an_application_that_closes_with_1000_wants_nothing_more() -> None:
    socket = up()
    socket.closed(1000)
    assert (socket.left, socket.done, socket.next_try_s()) == (True, True, None)


def test_at_the_calls_end_there_is_nobody_to_talk_to() -> None:
    socket = up()
    socket.finish()
    socket.closed(1000)
    assert (socket.up, socket.left, socket.done) == (False, False, True)


# Whatever it says

MOST_BYTES = 4 * 1024
WORDS = ["ack", "command", "session:new", "llm:tool-output", "redirect", "x" * 100, "", None, 7, ["ack"]]
MESSAGES: list[dict[str, Any]] = [
    {"type": "ack", "msgid": "m-1", "data": [SAY]},
    {"type": "ack", "msgid": "m-2"},
    {"type": "command", "command": "redirect", "queueCommand": True, "callSid": "c-1", "data": [SAY]},
    {"type": "command", "command": "llm:tool-output", "tool_call_id": "t-1"},
]


@tried_with("wires", [[wire, wire.decode(errors="surrogateescape")] for wire in NEARLY_JSON])
@given(
    wires=st.lists(
        changed(MESSAGES, st.sampled_from(WORDS) | json_values()).map(json.dumps) | st.binary(max_size=40) | st.text()
    )
)
def test_whatever_an_application_says_is_done_or_answered_and_hurts_nothing(wires: list[str | bytes]) -> None:
    socket = a_socket()
    socket.opened()
    msgid, _ = socket.ask(FINAL, "action", BODY)
    for wire in wires:
        for effect in socket.said(wire):
            match effect:
                case Send(text):
                    assert len(text.encode()) < MOST_BYTES
                    assert json.loads(text)["type"] in {"jambonz:error", "verb:hook"}  # what was asked before
                case Command(name, _, _, tool_call_id, call_sid):
                    assert len(name) <= NAME_CHARS
                    assert isinstance(tool_call_id + call_sid, str)
                case Greeted():
                    assert socket.up
                case Answered(answered):
                    assert answered == msgid
    assert socket.next_try_s() is not None
