"""What is said on control sockets, and what it is answered, in virtual time."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from calls.control import RECONNECT_S, CommandTooLongError
from calls.readers import READERS
from calls.session import MAX_UNREADABLE, Misused, Unreadable
from calls.sessions import KNOWN_WITHIN_S
from config import load
from media.platforms import PLATFORMS
from store.base import CallRow
from store.memory import MemoryStore
from tests.calls.exchange import (
    HANGUP,
    LLM,
    SAY,
    SORRY,
    Applications,
    Exchange,
    JsonObject,
    in_virtual_time,
    listen_in,
    names,
    settings_of,
    settled,
    verbs_reply,
)
from tests.calls.platform_socket import PlatformSocket, data_of, sessions_of

TALK = settings_of({"verbs": [LLM, HANGUP]})
MENU: JsonObject = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
PLAIN = settings_of({"verbs": [MENU]})
SLOW = """
import asyncio

async def answer(call):
    await asyncio.sleep(6)
    return [{"verb": "say", "text": "Hello."}]
"""
JAMBONZ = PLATFORMS["jambonz"].control
assert JAMBONZ


def a_socket(settings: Any = TALK, **options: Any) -> tuple[Exchange, PlatformSocket]:
    exchange = Exchange(settings, **options)
    return exchange, PlatformSocket(sessions_of(exchange))


def events(logs: list[Any]) -> list[str]:
    return [line["event"] for line in logs]


# A call begins


@in_virtual_time
async def test_a_new_call_gets_the_document_that_a_webhook_would_get() -> None:
    exchange, socket = a_socket()
    document = await socket.ask("session:new")
    assert names(document) == ["listen", "say", "hangup"]
    assert listen_in(document)["actionHook"].startswith("https://voice.example.com/agent/call/ended/")
    assert len(exchange.lines.made) == 1
    assert await exchange.open(document)


@in_virtual_time
async def test_the_same_message_again_gets_the_same_document_and_starts_nothing() -> None:
    exchange, socket = a_socket()
    first = socket.send("session:new")
    second = socket.send("session:new")
    await settled()
    third = await socket.ask("session:new")
    assert socket.acks()[first] == socket.acks()[second] == third
    assert (exchange.counts.started, len(exchange.lines.made)) == (1, 1)
    assert await exchange.ring() == third


@in_virtual_time
async def test_a_platform_that_cannot_reach_us_hears_the_fallback() -> None:
    exchange = Exchange(TALK)
    socket = PlatformSocket(sessions_of(exchange), reachable_by="https://voice.example.com")
    assert await socket.ask("session:new") == SORRY


@in_virtual_time
async def test_a_call_whose_document_we_fail_to_make_hears_that_something_went_wrong() -> None:
    class BrokenStore(MemoryStore):
        async def create(self, row: CallRow) -> CallRow:
            raise ZeroDivisionError

    _, socket = a_socket(store=BrokenStore())
    with capture_logs() as logs:
        assert await socket.ask("session:new") == SORRY
    assert events(logs) == ["call_failed"]


def test_an_application_that_is_slower_than_the_platform_waits_is_the_fallback(tmp_path: Path) -> None:
    (tmp_path / "slow_ones.py").write_text(SLOW)
    config = {"store": "memory://", "routes": [{"name": "r", "numbers": ["*"], "python": "slow_ones:answer"}]}
    (tmp_path / "c.yaml").write_text(json.dumps(config))
    settings = load(tmp_path / "c.yaml", environ={}, read=READERS)

    @in_virtual_time
    async def story() -> None:
        exchange, socket = a_socket(settings)
        with capture_logs() as logs:
            msgid = socket.send("session:new")
            await asyncio.sleep(4.5)
        assert socket.acks()[msgid] == SORRY
        assert [line["event"] for line in logs] == ["application_failed"]
        assert await exchange.ring("c-2") == [SAY, HANGUP]

    story()


# Whose it is


@pytest.mark.parametrize(
    ("word", "more"),
    [
        ("session:new", {"data": {"call_sid": "c-2"}}),
        ("session:new", {"data": {"call_sid": "c-1", "from": {}}}),
        ("session:new", {"data": {}}),
        ("session:new", {"call_sid": "", "data": {}}),
        ("session:new", {"msgid": ""}),
        ("session:reconnect", {"data": {"call_sid": "c-2"}}),
        ("verb:hook", {}),
        ("call:status", {}),
        ("jambonz:error", {}),
        ("nonsense", {}),
    ],
)
def test_a_socket_that_does_not_begin_with_a_call_is_refused(word: str, more: JsonObject) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange, socket = a_socket()
        with pytest.raises(Misused):
            socket.send(word, **more)
        socket.session.lost(for_good=False)
        assert (socket.told, exchange.counts.started) == ([], 0)

    story()


@pytest.mark.parametrize("word", ["verb:hook", "call:status", "session:new", "nonsense"])
def test_a_message_of_another_call_is_refused(word: str) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange, socket = a_socket()
        await exchange.ring("c-2")
        await socket.ask("session:new")
        with pytest.raises(Misused, match="another call"):
            socket.send(word, call_sid="c-2", data=data_of("c-2", call_status="completed"))
        assert exchange.switchboard.active == 2

    story()


@in_virtual_time
async def test_what_is_no_message_is_passed_over_a_few_times() -> None:
    _, socket = a_socket()
    await socket.ask("session:new")
    for _ in range(MAX_UNREADABLE):
        with pytest.raises(Unreadable, match="not JSON"):
            socket.session.said("{")
    with pytest.raises(Misused, match="not JSON"):
        socket.session.said("{")


# What the platform tells


@in_virtual_time
async def test_a_status_is_taken_and_never_acknowledged() -> None:
    exchange, socket = a_socket(settings_of({"verbs": [LLM], "status_hook": "/status"}))
    await socket.ask("session:new")
    said = len(socket.told)
    socket.send("call:status", data=data_of(call_status="in-progress"))
    socket.send("call:status", data=data_of("c-child", parent_call_sid="c-1", call_status="ringing"))
    socket.send("call:status", data=data_of(call_status="completed", call_termination_by="caller"))
    await asyncio.sleep(3)
    assert len(socket.told) == said
    assert [body["call_status"] for body in exchange.applications.bodies("/status")] == [
        "in-progress",
        "ringing",
        "completed",
    ]
    assert [body["reason_code"] for body in exchange.applications.bodies("/final")] == ["caller_hung_up"]
    assert exchange.switchboard.active == 0


@in_virtual_time
async def test_a_status_of_somebody_elses_call_is_passed_over() -> None:
    exchange, socket = a_socket()
    await exchange.ring("c-2")
    await socket.ask("session:new")
    with capture_logs() as logs:
        socket.send("call:status", data=data_of("c-2", call_status="completed"))
    assert exchange.switchboard.active == 2
    assert events(logs) == ["control_message_ignored"]
    with pytest.raises(Unreadable):
        socket.send("call:status", data={})


@in_virtual_time
async def test_a_call_of_another_socket_cannot_be_ended_as_a_child_of_ones_own() -> None:
    exchange = Exchange(TALK)
    sessions = sessions_of(exchange)
    socket, other = PlatformSocket(sessions), PlatformSocket(sessions, call_sid="c-2")
    await socket.ask("session:new")
    await other.ask("session:new")
    socket.send("call:status", data=data_of("c-2", parent_call_sid="c-1", call_status="completed"))
    await asyncio.sleep(3)
    assert exchange.switchboard.active == 2
    await exchange.switchboard.redirect("c-2", [{"verb": "hangup"}])


@in_virtual_time
async def test_what_is_listened_to_nowhere_is_said_once_and_never_acknowledged() -> None:
    _, socket = a_socket()
    await socket.ask("session:new")
    said = len(socket.told)
    with capture_logs() as logs:
        for word in ("verb:status", "llm:event", "llm:tool-call", "tts:tokens-result", "tts:streaming-event", "new!"):
            socket.send(word)
            socket.send(word, call_sid="")
    await settled()
    assert len(socket.told) == said
    assert [(line["event"], line["kind"], line["log_level"]) for line in logs] == [
        ("control_message_ignored", "llm_event", "warning"),
        ("control_message_ignored", "tool_call", "warning"),
        ("control_message_ignored", "unknown", "warning"),
    ]


@in_virtual_time
async def test_an_error_of_the_platform_is_in_the_log_without_anybodys_number() -> None:
    _, socket = a_socket()
    await socket.ask("session:new")
    with capture_logs() as logs:
        socket.send("jambonz:error", data={"msg": "InvalidMessage", "details": "no +15557654321" + "x" * 999})
    [line] = logs
    assert (line["event"], line["log_level"], line["call_sid"]) == ("platform.error", "warning", "c-1")
    assert line["message"].startswith("InvalidMessage: no +***xxx")
    assert len(line["message"]) <= 300


@in_virtual_time
async def test_a_leg_that_became_a_call_has_no_document() -> None:
    exchange, socket = a_socket()
    assert await socket.ask("session:adulting", call_sid="") == []
    assert exchange.counts.started == 0


# Hooks


@in_virtual_time
async def test_a_hook_that_names_one_of_our_urls_is_answered_as_over_http() -> None:
    exchange, socket = a_socket(settings_of({"verbs": [MENU, LLM]}))
    document = await socket.ask("session:new")
    exchange.applications.answers["/menu"] = verbs_reply(SAY)
    url = document[0]["actionHook"]
    for hook in (url, url.removeprefix("https://voice.example.com")):
        assert await socket.ask("verb:hook", hook=hook) == [SAY, HANGUP]
        assert await socket.ask("dial:confirm", hook=hook, data=data_of("c-child")) == [SAY, HANGUP]
    assert await exchange.open(document)
    exchange.applications.answers["/final"] = verbs_reply(SAY)
    for word in ("verb:hook", "session:redirect"):
        assert await socket.ask(word, hook=listen_in(document)["actionHook"]) == [SAY, HANGUP]


@in_virtual_time
async def test_a_hook_of_which_nothing_comes_and_one_that_is_not_ours_let_the_call_go_on() -> None:
    _, socket = a_socket(PLAIN)
    document = await socket.ask("session:new")
    assert await socket.ask("verb:hook", hook=document[0]["actionHook"]) == "none"
    with capture_logs() as logs:
        for word in ("verb:hook", "dial:confirm", "session:redirect", "queue:status"):
            assert await socket.ask(word, hook="/elsewhere") == "none"
            assert await socket.ask(word, hook=listen_ticket(document)) == "none"
    assert [line["kind"] for line in logs if line["event"] == "control_message_ignored"] == [
        "hook",
        "confirm",
        "redirect",
        "queue_status",
    ]


def listen_ticket(document: list[JsonObject]) -> str:
    """A ticket that was changed."""
    return str(document[0]["actionHook"])[:-4] + "AAAA"


@in_virtual_time
async def test_a_hook_that_fails_here_is_acknowledged_all_the_same() -> None:
    class BreakingStore(MemoryStore):
        broken = False

        async def by_row(self, row_id: bytes) -> CallRow | None:
            if self.broken:
                raise ZeroDivisionError
            return await super().by_row(row_id)

    store = BreakingStore()
    _, socket = a_socket(PLAIN, store=store)
    document = await socket.ask("session:new")
    store.broken = True
    with capture_logs() as logs:
        assert await socket.ask("verb:hook", hook=document[0]["actionHook"]) == "none"
    assert events(logs) == ["control_message_failed"]


@in_virtual_time
async def test_a_hook_that_is_slower_than_the_platform_waits_is_acknowledged_without_verbs() -> None:
    applications = Applications({"/menu": verbs_reply(SAY, after_s=4.9), "/final": verbs_reply(SAY, after_s=6)})
    _, socket = a_socket(settings_of({"verbs": [MENU, LLM]}), applications=applications)
    document = await socket.ask("session:new")
    msgids = [socket.send("verb:hook", hook=verb["actionHook"]) for verb in document[:2]]
    await asyncio.sleep(4.5)
    assert [socket.acks()[msgid] for msgid in msgids] == ["none", "none"]


@in_virtual_time
async def test_a_call_that_another_application_redirects_to_us_is_a_new_call() -> None:
    exchange, socket = a_socket()
    assert names(await socket.ask("session:redirect", call_sid="", hook="wss://v.example.com/call")) == [
        "listen",
        "say",
        "hangup",
    ]
    await exchange.switchboard.hang_up("c-1")
    assert [command["command"] for command in socket.commands()] == ["call:status"]


@in_virtual_time
async def test_a_reply_that_the_socket_cannot_carry_is_not_sent_and_the_log_names_its_size() -> None:
    assert JAMBONZ
    long = {"verb": "say", "text": "x" * JAMBONZ.max_document_bytes}
    _, socket = a_socket(PLAIN, applications=Applications({"/menu": verbs_reply(long)}))
    document = await socket.ask("session:new")
    with capture_logs() as logs:
        assert await socket.ask("verb:hook", hook=document[0]["actionHook"]) == "none"
    [line] = [line for line in logs if line["event"] == "document_too_long"]
    assert line["bytes"] > line["max_bytes"] == 24_320


# What the platform is told


@in_virtual_time
async def test_a_redirect_goes_out_as_a_command() -> None:
    exchange, socket = a_socket()
    await socket.ask("session:new")
    await exchange.switchboard.redirect("c-1", [SAY])
    await exchange.switchboard.hang_up("c-1")
    assert socket.commands() == [
        {"type": "command", "command": "redirect", "queueCommand": False, "data": [SAY, HANGUP]},
        {"type": "command", "command": "call:status", "data": {"call_status": "completed"}},
    ]


@in_virtual_time
async def test_other_commands_go_out_as_they_are_but_for_what_is_too_long() -> None:
    _, socket = a_socket()
    socket.session.redirect(b"[1]", queue=True)
    socket.session.command({"command": "dtmf", "data": {"dtmf": {"digit": "1"}}})
    with pytest.raises(CommandTooLongError, match="24576 at most"):
        socket.session.command({"command": "whisper", "data": {"whisper": "x" * 24_600}})
    with capture_logs() as logs:
        socket.session.redirect(b"[" + b" " * 24_600 + b"]")
    assert events(logs) == ["document_too_long"]
    assert socket.commands() == [
        {"type": "command", "command": "redirect", "queueCommand": True, "data": [1]},
        {"type": "command", "command": "dtmf", "data": {"dtmf": {"digit": "1"}}},
    ]


# It breaks, and comes back


@in_virtual_time
async def test_a_call_is_told_by_the_socket_that_came_last() -> None:
    exchange, first = a_socket()
    sessions = first.session._sessions
    document = await first.ask("session:new")
    with capture_logs() as logs:
        first.session.lost(for_good=False)
        second = PlatformSocket(sessions)
        assert await second.ask("session:reconnect") == document
    assert events(logs) == ["control_dropped", "session_resumed"]
    assert (exchange.counts.started, second.commands()) == (1, [])
    third = PlatformSocket(sessions)
    assert await third.ask("session:reconnect") == document
    assert (first.closed_with, second.closed_with, third.closed_with) == ([], [1001], [])
    second.session.lost(for_good=False)
    await asyncio.sleep(2 * RECONNECT_S)
    await exchange.switchboard.hang_up("c-1")
    assert (len(second.commands()), len(third.commands())) == (0, 1)


@in_virtual_time
async def test_an_ack_that_was_still_to_come_goes_to_the_socket_that_came_back() -> None:
    class SlowStore(MemoryStore):
        async def create(self, row: CallRow) -> CallRow:
            await asyncio.sleep(2)
            return await super().create(row)

    exchange, first = a_socket(store=SlowStore())
    first.send("session:new")
    await asyncio.sleep(1)
    first.session.lost(for_good=False)
    second = PlatformSocket(first.session._sessions)
    msgid = second.send("session:reconnect")
    await asyncio.sleep(1.5)
    assert names(second.acks()[msgid]) == ["listen", "say", "hangup"]
    assert second.commands() == []
    assert exchange.counts.started == 1
    await exchange.switchboard.hang_up("c-1")
    assert len(second.commands()) == 1


@in_virtual_time
async def test_a_new_call_whose_socket_breaks_for_good_before_its_ack_does_not_stay() -> None:
    class SlowStore(MemoryStore):
        async def create(self, row: CallRow) -> CallRow:
            await asyncio.sleep(2)
            return await super().create(row)

    exchange, socket = a_socket(settings_of({"verbs": [SAY]}), store=SlowStore())
    socket.send("session:new")
    await asyncio.sleep(1)
    socket.session.lost(for_good=False)
    await asyncio.sleep(2)
    assert exchange.switchboard.active == 1
    await asyncio.sleep(RECONNECT_S)
    assert exchange.switchboard.active == 0


@in_virtual_time
async def test_a_call_of_another_process_is_acknowledged_at_once_and_then_told_what_to_do() -> None:
    exchange, socket = a_socket()
    with capture_logs() as logs:
        assert await socket.ask("session:reconnect") == "none"
    assert events(logs) == ["session_taken_anew"]
    [command] = socket.commands()
    assert (command["command"], names(command["data"])) == ("redirect", ["listen", "say", "hangup"])
    assert [message["type"] for message in socket.told] == ["ack", "command"]
    assert await exchange.open(command["data"])
    again = PlatformSocket(socket.session._sessions)
    assert await again.ask("session:reconnect") == command["data"]


@in_virtual_time
async def test_a_reconnect_is_acknowledged_within_a_second_even_where_the_store_is_slow() -> None:
    class SlowStore(MemoryStore):
        async def by_sid(self, call_sid: str) -> CallRow | None:
            await asyncio.sleep(10)
            return None

    _, socket = a_socket(store=SlowStore())
    msgid = socket.send("session:reconnect")
    await asyncio.sleep(KNOWN_WITHIN_S + 0.1)
    assert socket.acks()[msgid] == "none"


# The end


@in_virtual_time
async def test_a_server_that_stops_sends_the_platform_to_the_next_one() -> None:
    exchange, socket = a_socket()
    await socket.ask("session:new")
    unnamed = PlatformSocket(socket.session._sessions)
    socket.session._sessions.restart()
    assert (socket.closed_with, unnamed.closed_with) == ([1012], [1012])
    socket.session.lost(for_good=False)
    socket.session._sessions.restart()
    assert socket.closed_with == [1012]
    await socket.session._sessions.close()
    assert exchange.switchboard.active == 1


@in_virtual_time
async def test_a_socket_that_the_platform_has_done_with_is_told_of_by_nobody() -> None:
    exchange, socket = a_socket(settings_of({"verbs": [SAY]}))
    await socket.ask("session:new")
    with capture_logs() as logs:
        socket.session.lost(for_good=True)
        await settled()
    assert (events(logs), exchange.switchboard.active) == ([], 0)


def test_every_ack_is_json() -> None:
    assert JAMBONZ
    assert json.loads(JAMBONZ.ack("m", b"[]"))["data"] == []
