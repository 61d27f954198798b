"""What is asked of a call long after its end is answered as soon after it, though little of the call is left."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from calls import resting
from calls.control import CallUnknownError
from calls.document import Seat
from calls.register import FORGET_AFTER_S
from calls.rest import Rest
from calls.standing import Held
from config import Settings
from hooks.agent import NotDoneError
from hooks.transports.base import HookReply
from media.ends import PLATFORM_ENDED
from media.requests import Interrupt
from tests.calls import test_native as native
from tests.calls.exchange import (
    HANGUP,
    LLM,
    PLACE,
    SAY,
    Applications,
    Exchange,
    JsonObject,
    a_call,
    in_virtual_time,
    listen_in,
    settings_of,
    verbs_reply,
)
from tests.calls.test_obeying import API, Socket

GATHER: JsonObject = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
DIAL: JsonObject = {"verb": "dial", "target": [{"type": "phone", "number": "+15550001"}], "confirmHook": "/confirm"}
TALK = settings_of({"verbs": [LLM | {"id": "v1"}, SAY], "status_hook": "/status"}, platform={"api": API})
SIP: JsonObject = {"type": "sip", "sipUri": "sip:a@b.example", "auth": {"username": "u", "password": "sip-password"}}
HAND_OVER: JsonObject = {"verb": "dial", "target": [SIP]}
KEYS = settings_of({"verbs": [LLM | {"auth": {"apiKey": "sk-of-the-verb"}}, HAND_OVER], "status_hook": "/status"})
ASKS = settings_of({"verbs": [GATHER, SAY, HANGUP], "status_hook": "/status"})
BRIEF = settings_of({"verbs": [SAY, HANGUP], "status_hook": "/status"})
OF_HTTP = settings_of({"url": "https://app.example.com/first", "status_hook": "/status"})
NEVER_S = 1e6
LATE_S = 100.0
Story = Callable[[Exchange], Awaitable[Callable[[], Awaitable[Any]]]]
"Brings a call to its end; gives what is asked of it after that."


async def settle() -> None:
    await asyncio.sleep(LATE_S)


async def one_that_was_asked(exchange: Exchange) -> Callable[[], Awaitable[Any]]:
    first = await exchange.ring()
    await exchange.open(first)
    ended = await exchange.ended(first, call_status="completed")
    exchange.status("completed")

    async def late() -> Any:
        exchange.status("completed")  # no news
        exchange.status("ringing", "leg-2", parent_call_sid="c-1")
        again = [await exchange.ring(), await exchange.ended(first, call_status="completed")]
        assert again == [first, ended]
        return *again, await exchange.open(first), await exchange.switchboard.first_document("c-1")

    return late


async def one_that_was_not_asked(exchange: Exchange) -> Callable[[], Awaitable[Any]]:
    first = await exchange.ring()
    await exchange.open(first)
    exchange.status("completed")

    async def late() -> Any:
        asked = [exchange.ended(first, call_status="completed") for _ in range(2)]
        return await asyncio.gather(*asked), await exchange.ended(first)

    return late


def shown_a_secret(story: Story) -> Story:
    async def of_an_authenticated_platform(exchange: Exchange) -> Callable[[], Awaitable[Any]]:
        exchange.authenticated = True
        return await story(exchange)

    return of_an_authenticated_platform


async def one_whose_hook_is_late(exchange: Exchange) -> Callable[[], Awaitable[Any]]:
    [gather, *_] = await exchange.ring()
    exchange.status("completed")

    async def late() -> Any:
        answers = [await exchange.hook(gather["actionHook"], digits="1") for _ in range(2)]
        exchange.status("in-progress", "leg-2", parent_call_sid="c-1")
        return answers

    return late


async def one_that_goes_on_without_us(exchange: Exchange) -> Callable[[], Awaitable[Any]]:
    await exchange.ring()

    async def late() -> Any:
        exchange.status("in-progress")
        await settle()
        exchange.status("completed", call_termination_by="caller")
        await settle()
        row = await exchange.store.by_sid("c-1")
        assert row
        return row.state, row.answered_at_s is not None

    return late


async def one_that_was_redirected(exchange: Exchange) -> Callable[[], Awaitable[Any]]:
    first = await exchange.ring()
    await exchange.switchboard.redirect("c-1", [SAY, DIAL])
    [(_, _, body)] = exchange.api.asked
    hook = body["call_hook"]["url"]
    document = await exchange.hook(hook)
    exchange.status("completed")

    async def late() -> Any:
        assert await exchange.hook(hook) == document
        [dial] = [verb for verb in document if verb["verb"] == "dial"]
        with pytest.raises(CallUnknownError):
            await exchange.switchboard.hang_up("c-1")
        return document, await exchange.ended(first), await exchange.hook(dial["confirmHook"]["url"])

    return late


async def one_with_a_control_socket(exchange: Exchange) -> Callable[[], Awaitable[Any]]:
    control = Socket()
    first = await exchange.ring(control=control)
    await exchange.open(first)
    await exchange.ended(first, call_status="completed")
    exchange.switchboard.detach("c-1", control, for_good=True)

    async def late() -> Any:
        exchange.switchboard.attach("c-1", control)
        exchange.switchboard.detach("c-1", control, for_good=True)
        exchange.switchboard.pass_on("c-1", "verb:status", {})
        exchange.status("completed")
        return await exchange.ended(first, call_status="completed"), await exchange.switchboard.resume("c-1")

    return late


async def one_that_somebody_would_steer(exchange: Exchange) -> Callable[[], Awaitable[Any]]:
    first = await exchange.ring()
    await exchange.open(first)
    live = exchange.switchboard._calls.by_sid("c-1")
    assert live
    agent = live.call.agent
    ended = await exchange.ended(first, call_status="completed")
    exchange.status("completed")

    async def late() -> Any:
        board = exchange.switchboard
        settings = board.changing.settings("c-1", {"instructions": "x"}, deep=False, recycle=False)
        for asked in (
            board.midcall.ask("c-1", Interrupt()),
            settings,
            board.hang_up("c-1"),
            board.redirect("c-1", [SAY]),
        ):
            with pytest.raises(CallUnknownError):
                await asked
        errors = []
        for doing in (agent.interrupt(), agent.hang_up(), agent.redirect([SAY])):
            with pytest.raises(NotDoneError) as refused:
                await doing
            errors.append(refused.value.error)
        return ended, errors

    return late


STORIES: dict[str, tuple[Story, Settings, JsonObject]] = {
    "asked": (one_that_was_asked, TALK, {"/final": verbs_reply(SAY, HANGUP)}),
    "asked over HTTP": (one_that_was_asked, OF_HTTP, {"/first": verbs_reply(LLM)}),
    "asked, with keys": (
        shown_a_secret(one_that_was_asked),
        KEYS,
        {"/final": verbs_reply(HAND_OVER)},
    ),
    "not asked, with keys": (shown_a_secret(one_that_was_not_asked), KEYS, {}),
    "asked by who has shown no secret": (one_that_was_asked, KEYS, {"/final": verbs_reply(HAND_OVER)}),
    "not asked": (one_that_was_not_asked, TALK, {"/final": verbs_reply(SAY, GATHER)}),
    "not asked, and nothing wanted": (one_that_was_not_asked, TALK, {}),
    "not asked, over HTTP": (one_that_was_not_asked, OF_HTTP, {"/first": verbs_reply(LLM, SAY)}),
    "asked by its hook": (one_whose_hook_is_late, ASKS, {"/menu": verbs_reply(SAY, HANGUP)}),
    "apart": (one_that_goes_on_without_us, BRIEF, {}),
    "apart, over HTTP": (one_that_goes_on_without_us, OF_HTTP, {"/first": verbs_reply(SAY, HANGUP)}),
    "redirected": (one_that_was_redirected, TALK, {"/confirm": verbs_reply(SAY)}),
    "by a control socket": (one_with_a_control_socket, TALK, {}),
    "steered": (one_that_somebody_would_steer, TALK, {}),
}


async def told(story: Story, settings: Settings, answers: JsonObject) -> tuple[Any, Any, list[int], bool]:
    """Give what a call was answered after its end, what applications heard, its hooks' numbers, and if it rested."""
    exchange = Exchange(settings, Applications(dict(answers)))
    late = await story(exchange)
    await settle()
    rests = isinstance(exchange.switchboard._calls.known("c-1"), Rest)
    answered = await late()
    await settle()
    numbers = [row.seq for row in await exchange.store.deliveries_of("c-1", limit=100)]
    assert numbers == sorted(set(numbers))
    assert exchange.counts.started == len(exchange.counts.ended) == 1
    return answered, exchange.applications.asked, numbers, rests


@pytest.mark.parametrize("name", list(STORIES))
def test_a_call_at_rest_answers_as_one_that_is_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calls.document.new_row", lambda: b"row of call.")
    heard = []
    for after_s in (NEVER_S, resting.REST_AFTER_S):
        monkeypatch.setattr(resting, "REST_AFTER_S", after_s)

        @in_virtual_time
        async def story() -> None:
            heard.append(await told(*STORIES[name]))

        story()
    awake, at_rest = heard
    assert (awake[3], at_rest[3]) == (False, True)
    assert at_rest[:3] == awake[:3]
    assert ("sip-password" in repr(at_rest[0])) == (name == "asked, with keys")


@in_virtual_time
async def test_no_key_is_kept_of_a_call_at_rest_but_where_its_platform_has_been_answered_with_it() -> None:
    for authenticated, ask in ((True, False), (True, True), (False, True)):
        exchange = Exchange(KEYS, Applications({"/final": verbs_reply(HAND_OVER)}))
        exchange.authenticated = authenticated
        first = await exchange.ring()
        await exchange.open(first)
        if ask:
            await exchange.ended(first, call_status="completed")
        exchange.status("completed")
        await settle()
        rest = exchange.switchboard._calls.known("c-1")
        assert isinstance(rest, Rest)
        own = repr([rest.answer, rest.answers, rest.transfers, rest.wanted, rest.instead, rest.redirects, rest.again])
        assert "sk-of-the-verb" not in own
        assert ("sip-password" in own) == authenticated


@pytest.mark.parametrize(
    "why", ["its socket is open", "its socket may come back", "something was held back", "a human is called"]
)
@in_virtual_time
async def test_a_call_that_may_still_be_told_something_does_not_rest(why: str) -> None:
    control, exchange = Socket(), Exchange(TALK)
    await exchange.ring(control=control)
    live = exchange.switchboard._calls.by_sid("c-1")
    assert live
    exchange.status("completed")
    if why != "its socket is open":
        exchange.switchboard.detach("c-1", control, for_good=True)
    await asyncio.sleep(1)
    live.expected = why == "its socket may come back"
    live.held = Held(PLATFORM_ENDED, [SAY]) if why == "something was held back" else None
    live.consulting = int(why == "a human is called")
    await settle()
    assert exchange.switchboard._calls.known("c-1") is live
    exchange.switchboard.detach("c-1", control, for_good=True)
    live.expected, live.held, live.consulting = False, None, 0
    await settle()
    assert isinstance(exchange.switchboard._calls.known("c-1"), Rest)


@in_virtual_time
async def test_a_verb_that_the_platform_carried_out_is_answered_as_before() -> None:
    applications = Applications({"/toolCall": (0.0, HookReply(200, "application/json", b'{"ok": true}'))})
    exchange, llm = await native.talking(applications=applications)
    first = await exchange.switchboard.first_document("c-1")
    assert await exchange.answer(llm["actionHook"], **native.LIVE) == []
    exchange.status("completed")
    await settle()
    assert isinstance(exchange.switchboard._calls.known("c-1"), Rest)
    assert await exchange.answer(llm["actionHook"], **native.LIVE) == []
    assert len(exchange.applications.bodies("/final")) == 1
    assert await exchange.answer(llm["eventHook"], type="response.created") is None
    output = native.output_of(await exchange.answer(llm["toolHook"], **native.ASKED))
    assert json.loads(output) == {"ok": True}
    await settle()
    assert [body["type"] for body in exchange.applications.bodies("/event")] == ["response.created"]
    assert await exchange.switchboard.first_document("c-1") == first
    assert json.dumps(await exchange.ring()).encode() == first
    assert b"sk-of-the-verb" in first


@in_virtual_time
async def test_a_call_does_not_rest_before_its_hooks_do() -> None:
    exchange = Exchange(BRIEF, Applications({"/status": (0.0, HookReply(503))}))
    await exchange.ring()
    exchange.status("in-progress")
    exchange.status("completed")
    await settle()
    assert exchange.switchboard._calls.by_sid("c-1")
    exchange.applications.answers.clear()
    await asyncio.sleep(300)
    assert [body["call_status"] for body in exchange.applications.bodies("/status")][-1] == "completed"
    assert isinstance(exchange.switchboard._calls.known("c-1"), Rest)


@in_virtual_time
async def test_a_leg_of_a_call_at_rest_may_become_a_call_of_its_own() -> None:
    exchange = Exchange(OF_HTTP, Applications({"/first": verbs_reply(SAY), "/adulting": verbs_reply(SAY, HANGUP)}))
    await exchange.ring()
    exchange.status("completed")
    await settle()
    leg = a_call("c-2", parent_call_sid="c-1")
    first = await exchange.switchboard.adulting(leg, Seat(PLACE))
    await settle()
    assert isinstance(exchange.switchboard._calls.known("c-2"), Rest)
    assert await exchange.switchboard.adulting(leg, Seat(PLACE)) == first
    assert [path for path, _ in exchange.applications.asked].count("/adulting") == 1


@in_virtual_time
async def test_a_call_at_rest_whose_record_is_gone_is_one_that_nobody_knows() -> None:
    exchange = Exchange(TALK)
    first = await exchange.ring()
    exchange.status("completed")
    await settle()
    assert isinstance(exchange.switchboard._calls.known("c-1"), Rest)
    assert await exchange.store.forget(1e12)
    exchange.status("in-progress", "leg-2", parent_call_sid="c-1")
    assert await exchange.ended(first) == []
    assert await exchange.hook(listen_in(first)["url"]) == []
    await settle()
    await asyncio.sleep(FORGET_AFTER_S)
    assert exchange.switchboard._calls.known("c-1") is None


@in_virtual_time
async def test_an_application_is_let_go_with_its_call_at_rest() -> None:
    exchange = Exchange(BRIEF)
    await exchange.ring()
    await settle()
    rest = exchange.switchboard._calls.known("c-1")
    assert isinstance(rest, Rest)
    closed = []

    async def close() -> None:
        closed.append(asyncio.get_running_loop().time())

    rest.application.close = close  # type: ignore[method-assign]
    await asyncio.sleep(BRIEF.routes[0].max_call_s + 1)
    assert (len(closed), exchange.switchboard._calls.known("c-1")) == (1, None)
