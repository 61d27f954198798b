"""What an application with a socket commands of its call, in virtual time and without that socket."""

import asyncio
import json
from typing import Any

import pytest
import structlog

from calls.control import CommandTooLongError
from egress.guard import TRUSTED
from hooks.applications.http import Http
from hooks.control_socket import Command
from hooks.mcp.servers import Servers
from hooks.transports.base import HookReply
from media.ends import TOO_LONG
from media.remote import RemoteReply, RemoteUnreachable
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
    settings_of,
    verbs_reply,
)
from tests.simulation import WEATHER

PAUSE: JsonObject = {"verb": "pause", "length": 1}
API = {"base_url": "https://jambonz.example.com/api", "account_sid": "acc-1", "api_key": "key-of-the-api"}
TOOLS = {"price": {"url": "/price", "parameters": {"type": "object"}}}
TALK = settings_of({"verbs": [LLM | {"hangup": {}}], "tools": TOOLS})
QUIET = settings_of({"verbs": [{"verb": "gather", "input": ["digits"], "actionHook": "/menu"}]})

REMOTE = settings_of({"verbs": [LLM]}, platform={"api": API})


class Socket:
    """The call's way to the platform, and what was said by it."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def redirect(self, document: bytes, *, queue: bool = False) -> None:
        said = json.loads(document)
        self.said.append({"queued": said} if queue else said)

    def hang_up(self) -> None:
        self.said.append("hang up")

    def command(self, command: JsonObject) -> None:
        self.said.append(command)


async def heed(exchange: Exchange, name: str, data: Any = None, **more: Any) -> str | None:
    return await exchange.switchboard._asking._obeying.heed("c-1", Command(name, data, **more))


async def talking(exchange: Exchange) -> list[JsonObject]:
    """Place a call and open its media socket."""
    verbs = await exchange.ring()
    await exchange.open(verbs)
    return verbs


def leg_of(exchange: Exchange) -> Any:
    live = exchange.switchboard._calls.by_sid("c-1")
    assert live
    return live.legs[0]


# Redirects


@in_virtual_time
async def test_verbs_replace_what_the_call_does() -> None:
    exchange = Exchange(TALK)
    verbs = await talking(exchange)
    assert await heed(exchange, "redirect", [SAY]) is None
    assert await exchange.ended(verbs) == [SAY, HANGUP]


@in_virtual_time
async def test_verbs_that_are_queued_come_after_the_conversation() -> None:
    exchange = Exchange(TALK)
    verbs = await talking(exchange)
    assert await heed(exchange, "redirect", [SAY], queued=True) is None
    assert "verbs[0]" in str(await heed(exchange, "redirect", [7], queued=True))
    leg_of(exchange).line.finish(TOO_LONG)
    assert await exchange.ended(verbs) == [SAY, HANGUP]


@pytest.mark.parametrize("control", [None, Socket()])
def test_verbs_that_are_queued_before_the_conversation_come_after_it_too(control: Socket | None) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(settings_of({"verbs": [SAY, LLM]}))
        verbs = await exchange.ring(control=control)
        assert await heed(exchange, "redirect", [SAY], queued=True) is None
        line = await exchange.open(verbs)
        assert line
        line.finish(TOO_LONG)
        assert await exchange.ended(verbs) == [SAY, HANGUP]
        assert control is None or control.said == []

    story()


@pytest.mark.parametrize(
    ("hook", "answer", "complaint"),
    [
        ("https://app.example.com/other", verbs_reply(SAY), None),
        ("/other", verbs_reply(SAY), None),
        ("/other", (0.0, HookReply(204)), "gave no verbs"),
        ("/other", (0.0, HookReply(500)), "HTTP status 500"),
        ("wss://other.example.com/ws", verbs_reply(SAY), "another websocket application"),
        (None, verbs_reply(SAY), "must be a URL or a path"),
    ],
)
def test_a_call_hook_is_asked_what_the_call_does(
    hook: object, answer: tuple[float, HookReply], complaint: str | None
) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(TALK, Applications({"/other": answer}))
        verbs = await talking(exchange)
        said = await heed(exchange, "redirect", {"call_hook": hook})
        assert (complaint or "") in (said or "")
        assert (said is None) == (complaint is None)
        if said is None:
            [asked] = exchange.applications.bodies("/other")
            assert asked["call_sid"] == "c-1"
            assert await exchange.ended(verbs) == [SAY, HANGUP]

    story()


@in_virtual_time
async def test_what_cannot_be_is_said_to_be_so() -> None:
    exchange = Exchange(QUIET)
    assert "no call" in str(await heed(exchange, "redirect", [SAY]))
    await exchange.ring()
    assert "nothing leads to this call" in str(await heed(exchange, "redirect", [SAY]))
    assert "queueCommand" in str(await heed(exchange, "redirect", [SAY], queued=True))
    assert "nothing leads to this call" in str(await heed(exchange, "mute:status", {"mute_status": "mute"}))
    assert "not known here" in str(await heed(exchange, "dial", [SAY]))
    assert "not known here" in str(await heed(exchange, "redirect", "x"))
    assert "not known here" in str(await heed(exchange, "call:status", {"call_status": "ringing"}))
    assert "no conversation" in str(await heed(exchange, "llm:update", {"type": "response.cancel"}))
    assert "no tool call" in str(await heed(exchange, "llm:tool-output", {}, tool_call_id="call_1"))


# The call itself


@in_virtual_time
async def test_a_call_is_hung_up() -> None:
    exchange = Exchange(TALK)
    verbs = await talking(exchange)
    assert await heed(exchange, "call:status", {"call_status": "completed"}) is None
    assert await exchange.ended(verbs) == [HANGUP]


@in_virtual_time
async def test_what_only_the_platform_can_do_is_passed_on_to_it() -> None:
    exchange, socket = Exchange(TALK), Socket()
    await exchange.ring(control=socket)
    assert await heed(exchange, "mute:status", {"mute_status": "mute"}) is None
    assert await heed(exchange, "tts:clear") is None
    assert socket.said == [{"command": "mute:status", "data": {"mute_status": "mute"}}, {"command": "tts:clear"}]


@in_virtual_time
async def test_a_command_for_another_leg_is_passed_on_as_such_or_refused() -> None:
    exchange, socket = Exchange(TALK), Socket()
    await exchange.ring(control=socket)
    assert await heed(exchange, "mute:status", {"mute_status": "mute"}, call_sid="child") is None
    assert socket.said == [{"command": "mute:status", "callSid": "child", "data": {"mute_status": "mute"}}]
    for name, data in [
        ("redirect", [SAY]),
        ("call:status", {"call_status": "completed"}),
        ("llm:update", {"type": "response.cancel"}),
        ("llm:tool-output", {}),
    ]:
        assert "for the call itself only" in str(await heed(exchange, name, data, call_sid="child"))
    assert len(socket.said) == 1
    assert await heed(exchange, "redirect", [SAY], call_sid="c-1") is None
    assert socket.said[1:] == [[SAY, HANGUP]]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("conf:hold-status", {"conf_hold_status": "hold"}),
        ("conf:participant-action", {"action": "hold", "tag": "a"}),
    ],
)
def test_what_a_conference_plays_who_holds_comes_by_us(name: str, data: JsonObject) -> None:
    @in_virtual_time
    async def story() -> None:
        applications = Applications({"/music": verbs_reply(SAY), "/other": verbs_reply(PAUSE)})
        exchange, socket = Exchange(QUIET, applications), Socket()
        await exchange.ring(control=socket)
        for hook in ("/music", {"url": "/music"}, "/other"):
            assert await heed(exchange, name, {**data, "wait_hook": hook}) is None
        first, again, other = (told["data"].pop("wait_hook") for told in socket.said)
        assert [told["data"] for told in socket.said] == [data] * 3
        assert first == again
        assert first.startswith("https://voice.example.com/agent/call/hook/")
        assert await exchange.hook(first, call_sid="c-1") == await exchange.hook(first, call_sid="c-1") == [SAY]
        assert await exchange.hook(other) == [PAUSE]
        assert await heed(exchange, name, data) is None
        assert "must be a URL or a path" in str(await heed(exchange, name, {**data, "wait_hook": 7}))
        assert await heed(exchange, name, "hold") is None
        assert [told["data"] for told in socket.said[3:]] == [data, "hold"]
        assert await heed(exchange, "redirect", [SAY]) is None
        assert await exchange.hook(first) == []
        assert await heed(exchange, name, {**data, "wait_hook": "/music"}) is None
        assert await exchange.hook(socket.said[-1]["data"]["wait_hook"]) == [SAY]

    story()


@in_virtual_time
async def test_what_a_conference_plays_who_holds_comes_by_us_where_it_is_told_by_rest() -> None:
    exchange = Exchange(REMOTE, Applications({"/music": verbs_reply(SAY)}))
    await exchange.ring()
    assert await heed(exchange, "conf:participant-action", {"action": "hold", "wait_hook": "/music"}) is None
    [(_, _, change)] = exchange.api.asked
    assert await exchange.hook(change["conferenceParticipantAction"]["wait_hook"]) == [SAY]


@pytest.mark.parametrize(
    ("name", "data", "change"),
    [
        ("boostAudioSignal", "3 dB", {"boostAudioSignal": "3 dB"}),
        ("conf:hold-status", {"conf_hold_status": "hold", "waitHook": "/wait"}, {"conf_hold_status": "hold"}),
        ("conf:mute-status", {"conf_mute_status": "mute"}, {"conf_mute_status": "mute"}),
        ("conf:participant-action", {"action": "mute"}, {"conferenceParticipantAction": {"action": "mute"}}),
        ("dtmf", {"dtmf": {"digit": "1", "duration": 250}}, {"dtmf": {"digit": "1", "duration": 250}}),
        ("dub", {"action": "playOnTrack", "track": "b"}, {"dub": {"action": "playOnTrack", "track": "b"}}),
        ("listen:status", {"listen_status": "pause"}, {"listen_status": "pause"}),
        ("media:path", "no-media", {"media_path": "no-media"}),
        ("mute:status", "mute", {"mute_status": "mute"}),
        ("mute:status", {"mute_status": "unmute"}, {"mute_status": "unmute"}),
        ("record", {"action": "stopCallRecording"}, {"record": {"action": "stopCallRecording"}}),
        ("sip:request", {"sip_request": {"method": "INFO"}}, {"sip_request": {"method": "INFO"}}),
        ("stream:status", {"stream_status": "resume"}, {"listen_status": "resume"}),
        ("tag", {"tag": {"a": 1}}, {"tag": {"a": 1}}),
        ("tag", {"a": 1}, {"tag": {"a": 1}}),
        ("transcribe:status", {"transcribe_status": "pause"}, {"transcribe_status": "pause"}),
        ("whisper", {"whisper": [SAY]}, {"whisper": [SAY]}),
    ],
)
def test_what_only_the_platform_can_do_goes_by_rest_where_it_asks_by_webhook(
    name: str, data: Any, change: JsonObject
) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(REMOTE)
        await exchange.ring()
        assert await heed(exchange, name, data) is None
        assert exchange.api.asked == [("PUT", "/Accounts/acc-1/Calls/c-1", change)]

    story()


@in_virtual_time
async def test_what_rest_cannot_do_or_does_not_do_is_said() -> None:
    exchange = Exchange(REMOTE)
    await exchange.ring()
    for name in ("noiseIsolation:status", "tts:clear", "tts:flush", "tts:tokens"):
        assert "by websocket" in str(await heed(exchange, name, {}))
    for nothing in (None, ""):
        assert "not known here" in str(await heed(exchange, "mute:status", nothing))
    assert exchange.api.asked == []
    exchange.api.replies = [RemoteReply(400, b'{"msg": "invalid mute_status"}'), RemoteUnreachable("no answer")]
    assert "invalid mute_status" in str(await heed(exchange, "mute:status", "loud"))
    assert "no answer" in str(await heed(exchange, "mute:status", "mute"))


@in_virtual_time
async def test_by_rest_no_leg_is_told_anything_that_is_not_the_calls_own() -> None:
    exchange = Exchange(REMOTE)
    await exchange.ring()
    assert "no leg of this call" in str(await heed(exchange, "mute:status", "mute", call_sid="child"))
    assert exchange.api.asked == []
    exchange.status("in-progress", "child", parent_call_sid="c-1")
    assert await heed(exchange, "mute:status", "mute", call_sid="child") is None
    assert exchange.api.asked == [("PUT", "/Accounts/acc-1/Calls/child", {"mute_status": "mute"})]


@in_virtual_time
async def test_what_the_platform_says_to_a_redirect_is_passed_on() -> None:
    exchange = Exchange(settings_of({"verbs": [QUIET.routes[0].verbs[0]]}, platform={"api": API}))
    await exchange.ring()
    exchange.api.replies = [RemoteUnreachable("no answer from the platform")]
    assert await heed(exchange, "redirect", [SAY]) == "no answer from the platform"


# The conversation


@in_virtual_time
async def test_settings_of_the_conversation_are_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exchange = Exchange(TALK)
    await talking(exchange)
    assert "no session" in str(await heed(exchange, "llm:update", {"type": "response.cancel"}))
    events: list[JsonObject] = []
    monkeypatch.setattr(leg_of(exchange), "update", events.append)
    update = {"type": "session.update", "session": {"tools": [WEATHER]}}
    assert await heed(exchange, "llm:update", update) is None
    assert events == [update]


@in_virtual_time
async def test_a_tool_that_the_application_declares_is_its_own_and_no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = Exchange(TALK)
    await talking(exchange)
    ways: list[frozenset[str]] = []
    servers = Servers([], taken=(), reach=lambda _: TRUSTED, log=structlog.get_logger())
    monkeypatch.setattr(servers, "give_way", ways.append)
    monkeypatch.setattr(leg_of(exchange), "_servers", servers)
    update = {"type": "session.update", "session": {"tools": [WEATHER]}}
    assert "no session" in str(await heed(exchange, "llm:update", update))
    assert ways == []
    monkeypatch.setattr(leg_of(exchange), "_update", lambda _: None)
    assert await heed(exchange, "llm:update", update) is None
    assert await heed(exchange, "llm:update", {"type": "session.update", "session": {"speed": 1}}) is None
    assert ways == [{WEATHER["name"]}]


@in_virtual_time
async def test_an_output_that_nobody_waits_for_any_more_goes_to_the_conversation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exchange = Exchange(TALK)
    await talking(exchange)
    outputs: list[tuple[str, str]] = []
    monkeypatch.setattr(leg_of(exchange).line, "tool_answered", lambda *said: outputs.append(said))
    assert await heed(exchange, "llm:tool-output", {"result": {"a": 1}}, tool_call_id="call_1") is None
    assert outputs == [("call_1", '{"a":1}')]
    assert "no tool call" in str(await heed(exchange, "llm:tool-output", {}))


@in_virtual_time
async def test_a_conversation_that_is_over_is_not_changed() -> None:
    exchange = Exchange(TALK)
    await talking(exchange)
    leg_of(exchange).line.finish(TOO_LONG)
    assert "no conversation" in str(await heed(exchange, "llm:update", {"type": "response.cancel"}))


# A call that waits for commands


@pytest.fixture
def commanding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Http, "commanding", True)


def waiting(*verbs: JsonObject, store: MemoryStore | None = None, **answers: tuple[float, HookReply]) -> Exchange:
    """An exchange whose application gives these verbs, and may command the call after them."""
    hooks = {f"/{name}": answer for name, answer in answers.items()}
    return Exchange(
        settings_of({"url": "https://app.example.com/call"}),
        Applications({"/call": verbs_reply(*verbs), **hooks}),
        store,
    )


@pytest.mark.usefixtures("commanding")
@in_virtual_time
async def test_a_call_with_a_control_socket_waits_for_what_its_application_commands_later() -> None:
    menu = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
    exchange, socket = waiting(SAY, menu, menu=verbs_reply(SAY)), Socket()
    [_, gather] = await exchange.ring(control=socket)
    assert await exchange.hook(gather["actionHook"], digits="1") == [SAY]
    assert await heed(exchange, "redirect", [SAY, HANGUP]) is None
    assert socket.said == [[SAY, HANGUP]]


@pytest.mark.usefixtures("commanding")
@in_virtual_time
async def test_verbs_are_queued_on_the_platform_while_it_carries_out_others() -> None:
    menu = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
    exchange, socket = waiting(SAY, menu=verbs_reply(SAY, HANGUP)), Socket()
    await exchange.ring(control=socket)
    assert await heed(exchange, "redirect", [menu], queued=True) is None
    [gather] = socket.said[0]["queued"]
    assert await exchange.hook(gather["actionHook"], digits="1") == [SAY, HANGUP]
    assert "cannot be queued" in str(await heed(exchange, "redirect", [LLM], queued=True))
    long = SAY | {"text": "x" * 25_000}
    assert "bytes" in str(await heed(exchange, "redirect", [long], queued=True))
    assert "verbs[0]" in str(await heed(exchange, "redirect", [7], queued=True))
    assert "at least one" in str(await heed(exchange, "redirect", [], queued=True))
    assert len(socket.said) == 1


@pytest.mark.usefixtures("commanding")
@in_virtual_time
async def test_neither_a_conversation_nor_a_fallback_is_left_open() -> None:
    assert (await waiting(LLM).ring(control=Socket()))[1:] == SORRY
    assert await waiting({"verb": "say", "text": 7}).ring(control=Socket()) == SORRY


@pytest.mark.usefixtures("commanding")
@in_virtual_time
async def test_a_call_whose_application_has_gone_ends_after_what_it_does() -> None:
    exchange, socket = waiting(SAY), Socket()
    exchange.switchboard._asking._obeying.left_alone("c-1")
    await exchange.ring(control=socket)
    exchange.switchboard._asking._obeying.left_alone("c-1")
    assert socket.said == [{"queued": [HANGUP]}]
    live = exchange.switchboard._calls.by_sid("c-1")
    assert live
    live.control = None
    exchange.switchboard._asking._obeying.left_alone("c-1")


@pytest.mark.usefixtures("commanding")
@in_virtual_time
async def test_a_call_that_waits_for_ever_is_ended() -> None:
    exchange, socket = waiting(SAY), Socket()
    await exchange.ring(control=socket)
    await asyncio.sleep(24 * 3600)
    assert socket.said == [{"queued": [HANGUP]}]
    assert exchange.switchboard.active == 0


@in_virtual_time
async def test_what_the_platform_would_drop_its_socket_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def command(*_: object) -> None:
        raise CommandTooLongError(30_000, 24_576)

    monkeypatch.setattr(Socket, "command", command)
    exchange = Exchange(TALK)
    await exchange.ring(control=Socket())
    assert "30000 bytes" in str(await heed(exchange, "whisper", {"whisper": []}))
