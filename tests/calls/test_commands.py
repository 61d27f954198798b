"""A call that is told what it has not asked: by its control socket, or by ending its conversation."""

import asyncio
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from calls.control import RECONNECT_S, CallUnknownError, CallUnreachableError, ControlError, DocumentTooLongError
from media.ends import HANDOFF, HUNG_UP
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
from verbs import DocumentError

TALK = settings_of({"verbs": [LLM, HANGUP]})
MENU: JsonObject = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
DIAL: JsonObject = {"verb": "dial", "target": [{"type": "phone", "number": "+15550000000"}]}
HELLO = [SAY, HANGUP]
JAMBONZ = PLATFORMS["jambonz"].control
assert JAMBONZ
LONG: JsonObject = {"verb": "say", "text": "x" * JAMBONZ.max_document_bytes}


class Socket:
    """A call's control socket, and what was said by it."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def redirect(self, document: bytes, *, queue: bool = False) -> None:
        assert not queue
        self.said.append(json.loads(document))

    def hang_up(self) -> None:
        self.said.append("hang up")

    def command(self, command: JsonObject) -> None:
        self.said.append(command)


def ends(exchange: Exchange) -> list[tuple[str, str]]:
    return [(body["reason_code"], body["ended_by"]) for body in exchange.applications.bodies("/final")]


# By the control socket


@in_virtual_time
async def test_a_redirect_replaces_what_the_call_does_and_ends_who_is_talking() -> None:
    exchange, socket = Exchange(TALK), Socket()
    verbs = await exchange.ring(control=socket)
    await exchange.open(verbs)
    await exchange.switchboard.redirect("c-1", [MENU])
    [sent] = socket.said
    assert names(sent) == ["gather", "hangup"]
    assert sent[0]["actionHook"].startswith("https://voice.example.com/agent/call/hook/")
    assert await exchange.ended(verbs) == []
    await settled()
    assert ends(exchange) == [("redirected", "operator")]
    exchange.applications.answers["/menu"] = verbs_reply(SAY)
    assert await exchange.hook(sent[0]["actionHook"], digits="1") == [SAY, HANGUP]


@in_virtual_time
async def test_what_the_action_hook_wants_then_is_not_waited_for_and_not_done() -> None:
    applications = Applications({"/final": verbs_reply(SAY, after_s=3)})
    exchange, socket = Exchange(TALK, applications), Socket()
    verbs = await exchange.ring(control=socket)
    await exchange.open(verbs)
    await exchange.switchboard.redirect("c-1", HELLO)
    before = asyncio.get_running_loop().time()
    assert await exchange.ended(verbs) == []
    assert asyncio.get_running_loop().time() - before < 1
    assert await exchange.ended(verbs) == []


@in_virtual_time
async def test_an_answer_that_was_being_waited_for_is_not_done_any_more() -> None:
    applications = Applications({"/final": verbs_reply(LLM, after_s=3), "/menu": verbs_reply(LLM, after_s=3)})
    exchange, socket = Exchange(settings_of({"verbs": [MENU, LLM]}), applications), Socket()
    verbs = await exchange.ring(control=socket)
    line = await exchange.open(verbs)
    assert line
    line.finish(HUNG_UP)
    ended = asyncio.create_task(exchange.ended(verbs))
    hooked = asyncio.create_task(exchange.hook(verbs[0]["actionHook"], digits="1"))
    await asyncio.sleep(1)
    await exchange.switchboard.redirect("c-1", HELLO)
    assert (await ended, await hooked) == ([], [])
    row = await exchange.store.by_sid("c-1")
    assert row
    assert len(row.legs) == 1


@in_virtual_time
async def test_hooks_of_a_document_that_was_replaced_are_told_and_answered_with_nothing() -> None:
    applications = Applications({"/menu": verbs_reply(SAY, after_s=3)})
    exchange, socket = Exchange(settings_of({"verbs": [MENU, LLM]}), applications), Socket()
    verbs = await exchange.ring(control=socket)
    await exchange.switchboard.redirect("c-1", HELLO)
    before = asyncio.get_running_loop().time()
    assert await exchange.hook(verbs[0]["actionHook"], digits="1") == []
    assert asyncio.get_running_loop().time() - before < 1
    await settled()
    assert len(applications.bodies("/menu")) == 1
    await asyncio.sleep(3)
    assert ends(exchange) == [("redirected", "operator")]
    assert await exchange.open(verbs) is None


@in_virtual_time
async def test_a_transfer_that_was_replaced_has_no_say() -> None:
    leaving = LLM | {"handoff": {"mode": "blind", "blindMethod": "dial", "target": DIAL["target"], "callerId": "+1"}}
    exchange, socket = Exchange(settings_of({"verbs": [leaving]})), Socket()
    verbs = await exchange.ring(control=socket)
    line = await exchange.open(verbs)
    assert line
    line.finish(HANDOFF)
    dialled = await exchange.ended(verbs)
    hook = next(verb["actionHook"] for verb in dialled if verb["verb"] == "dial")
    await exchange.switchboard.redirect("c-1", HELLO)
    assert await exchange.hook(hook, dial_call_status="busy") == []


@in_virtual_time
async def test_a_call_can_be_redirected_to_an_agent_again_and_again() -> None:
    exchange, socket = Exchange(TALK), Socket()
    verbs = [await exchange.ring(control=socket)]
    for _ in range(3):
        assert await exchange.open(verbs[-1])
        await exchange.switchboard.redirect("c-1", [LLM])
        verbs.append(socket.said[-1])
        assert await exchange.ended(verbs[-2]) == []
    line = await exchange.open(verbs[-1])
    assert line
    assert len({listen_in(each)["url"] for each in verbs}) == 4
    exchange.status("completed")
    assert await exchange.ended(verbs[-1]) == []
    await asyncio.sleep(3)
    assert [reason for reason, _ in ends(exchange)] == ["redirected"] * 3 + ["caller_hung_up"]
    assert exchange.counts.ended == [("route-0", "caller_hung_up")]


@in_virtual_time
async def test_a_hang_up_ends_who_is_talking_and_nothing_comes_next() -> None:
    exchange, socket = Exchange(TALK), Socket()
    verbs = await exchange.ring(control=socket)
    await exchange.open(verbs)
    await exchange.switchboard.hang_up("c-1")
    assert socket.said == ["hang up"]
    assert await exchange.ended(verbs) == []
    exchange.status("completed", call_termination_by="jambonz")
    await asyncio.sleep(3)
    assert ends(exchange) == [("operator_hung_up", "operator")]
    assert exchange.counts.ended == [("route-0", "operator_hung_up")]
    assert exchange.switchboard.active == 0


@in_virtual_time
async def test_a_call_on_which_nobody_talks_can_be_told_while_it_has_a_control_socket() -> None:
    exchange, socket = Exchange(settings_of({"verbs": [DIAL]})), Socket()
    await exchange.ring(control=socket)
    assert exchange.switchboard.active == 1
    await exchange.switchboard.redirect("c-1", HELLO)
    await exchange.switchboard.redirect("c-1", [LLM])
    assert [names(sent) for sent in socket.said] == [["say", "hangup"], ["listen", "say", "hangup"]]
    assert await exchange.open(socket.said[-1])
    await exchange.switchboard.hang_up("c-1")
    exchange.status("completed")
    await asyncio.sleep(3)
    assert exchange.switchboard.active == 0


# The control socket comes and goes


@pytest.mark.parametrize(("for_good", "after_s"), [(True, 0.1), (False, RECONNECT_S + 0.1)])
def test_a_call_that_has_nothing_else_is_over_with_its_control_socket(*, for_good: bool, after_s: float) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange, socket = Exchange(settings_of({"verbs": [DIAL]})), Socket()
        await exchange.ring(control=socket)
        exchange.switchboard.detach("c-1", socket, for_good=for_good)
        await settled()
        assert exchange.switchboard.active == (0 if for_good else 1)
        await asyncio.sleep(after_s)
        assert exchange.switchboard.active == 0
        assert exchange.counts.ended == [("route-0", "no_conversation")]

    story()


@in_virtual_time
async def test_a_server_that_stops_waits_for_no_socket() -> None:
    exchange, first, second = Exchange(settings_of({"verbs": [DIAL]})), Socket(), Socket()
    await exchange.ring("c-1", control=first)
    await exchange.ring("c-2", control=second)
    exchange.switchboard.detach("c-1", first, for_good=False)
    began = asyncio.get_running_loop().time()
    await exchange.switchboard.drain(300)
    assert asyncio.get_running_loop().time() == began
    exchange.switchboard.detach("c-2", second, for_good=False)
    await settled()


@in_virtual_time
async def test_a_call_goes_on_with_the_control_socket_that_comes_in_time() -> None:
    exchange, first, second = Exchange(settings_of({"verbs": [DIAL]})), Socket(), Socket()
    await exchange.ring(control=first)
    exchange.switchboard.attach("c-1", second)
    exchange.switchboard.detach("c-1", first, for_good=True)
    exchange.switchboard.detach("c-1", second, for_good=False)
    await asyncio.sleep(RECONNECT_S / 2)
    exchange.switchboard.attach("c-1", second)
    await asyncio.sleep(RECONNECT_S)
    await exchange.switchboard.hang_up("c-1")
    assert (first.said, second.said) == ([], ["hang up"])
    exchange.switchboard.attach("nobody", second)
    exchange.switchboard.detach("nobody", second, for_good=True)


@in_virtual_time
async def test_a_call_whose_hooks_lead_back_goes_on_without_the_control_socket() -> None:
    exchange, socket = Exchange(settings_of({"verbs": [MENU]})), Socket()
    verbs = await exchange.ring(control=socket)
    exchange.switchboard.detach("c-1", socket, for_good=True)
    await asyncio.sleep(2 * RECONNECT_S)
    assert exchange.switchboard.active == 1
    exchange.applications.answers["/menu"] = verbs_reply(SAY)
    assert await exchange.hook(verbs[0]["actionHook"], digits="1") == HELLO
    assert exchange.switchboard.active == 0


class SlowStore(MemoryStore):
    async def by_row(self, row_id: bytes) -> CallRow | None:
        await asyncio.sleep(0.1)
        return await super().by_row(row_id)


@in_virtual_time
async def test_a_socket_that_breaks_at_that_moment_takes_the_command_with_it() -> None:
    exchange, socket = Exchange(TALK, store=SlowStore()), Socket()
    await exchange.ring(control=socket)
    for command in (exchange.switchboard.redirect("c-1", HELLO), exchange.switchboard.hang_up("c-1")):
        exchange.switchboard.attach("c-1", socket)
        telling = asyncio.create_task(command)
        await asyncio.sleep(0.05)
        exchange.switchboard.detach("c-1", socket, for_good=False)
        with pytest.raises(CallUnreachableError):
            await telling
    assert socket.said == []


# By the conversation


@in_virtual_time
async def test_without_a_control_socket_the_conversation_is_ended_and_the_platform_told_when_it_asks() -> None:
    exchange = Exchange(TALK, Applications({"/final": verbs_reply(DIAL, after_s=3)}))
    verbs = await exchange.ring()
    line = await exchange.open(verbs)
    await exchange.switchboard.redirect("c-1", [MENU])
    assert line
    assert line.over.is_set()
    before = asyncio.get_running_loop().time()
    assert names(await exchange.ended(verbs)) == ["gather", "hangup"]
    assert asyncio.get_running_loop().time() - before < 1
    assert names(await exchange.ended(verbs)) == ["gather", "hangup"]
    await settled()
    assert ends(exchange) == [("redirected", "operator")]


@in_virtual_time
async def test_without_a_control_socket_a_call_is_hung_up_when_the_platform_asks() -> None:
    exchange = Exchange(TALK)
    verbs = await exchange.ring()
    await exchange.open(verbs)
    await exchange.switchboard.hang_up("c-1")
    assert await exchange.ended(verbs) == [HANGUP]
    await asyncio.sleep(3)
    assert ends(exchange) == [("operator_hung_up", "operator")]
    assert exchange.switchboard.active == 0


TOLD = [
    (lambda switchboard: switchboard.redirect("c-1", [MENU]), "redirected", ["gather", "hangup"]),
    (lambda switchboard: switchboard.hang_up("c-1"), "operator_hung_up", ["hangup"]),
]


@pytest.mark.parametrize(("tell", "reason", "next_"), TOLD)
@pytest.mark.parametrize("before", [[], [SAY]])
def test_what_a_call_is_told_before_its_conversation_is_done_when_the_platform_comes_to_it(
    tell: Any, reason: str, next_: list[str], before: list[JsonObject]
) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(settings_of({"verbs": [*before, LLM, HANGUP]}))
        verbs = await exchange.ring()
        await exchange.switchboard.redirect("c-1", [SAY])  # the last word counts
        await tell(exchange.switchboard)
        line = await exchange.open(verbs)
        assert line
        assert line.over.is_set()
        assert names(await exchange.ended(verbs)) == next_
        await asyncio.sleep(3)
        assert [why for why, _ in ends(exchange)] == [reason]

    story()


@pytest.mark.parametrize(("tell", "reason", "next_"), TOLD)
def test_it_is_done_earlier_where_the_platform_asks_something_else_before(
    tell: Any, reason: str, next_: list[str]
) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(settings_of({"verbs": [{**MENU, "actionHook": "/first"}, LLM]}))
        verbs = await exchange.ring()
        await tell(exchange.switchboard)
        assert names(await exchange.hook(verbs[0]["actionHook"], digits="1")) == next_
        assert await exchange.hook(verbs[0]["actionHook"], digits="1") == []
        await asyncio.sleep(3)
        assert [body["digits"] for body in exchange.applications.bodies("/first")] == ["1", "1"]
        assert [why for why, _ in ends(exchange)] == [reason]
        assert await exchange.open(verbs) is None

    story()


@in_virtual_time
async def test_what_was_held_back_is_dropped_where_the_conversation_does_not_come() -> None:
    exchange = Exchange(TALK)
    verbs = await exchange.ring()
    await exchange.switchboard.redirect("c-1", [MENU])
    exchange.status("completed")
    await asyncio.sleep(3)
    assert [reason for reason, _ in ends(exchange)] == ["caller_hung_up"]
    assert await exchange.open(verbs) is None
    assert await exchange.ended(verbs) == []


# What cannot be done


@in_virtual_time
async def test_a_call_to_which_nothing_leads_says_which_key_to_set() -> None:
    exchange = Exchange(settings_of({"verbs": [MENU]}))
    [menu, _] = await exchange.ring()
    for command in (exchange.switchboard.redirect("c-1", HELLO), exchange.switchboard.hang_up("c-1")):
        with pytest.raises(CallUnreachableError, match=r"platform\.api"):
            await command
    assert await exchange.hook(menu["actionHook"], digits="1") == []
    exchange.status("completed")
    for sid in ("c-1", "nobody"):
        with pytest.raises(CallUnknownError):
            await exchange.switchboard.redirect(sid, HELLO)
        with pytest.raises(ControlError):
            await exchange.switchboard.hang_up(sid)


@pytest.mark.parametrize("wanted", [[], [7], [SAY, {"verb": "say", "text": {}}]])
def test_verbs_that_are_no_document_change_nothing(wanted: list[Any]) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange, socket = Exchange(TALK), Socket()
        verbs = await exchange.ring(control=socket)
        line = await exchange.open(verbs)
        with pytest.raises(DocumentError):
            await exchange.switchboard.redirect("c-1", wanted)
        assert line
        assert (socket.said, line.over.is_set()) == ([], False)

    story()


@in_virtual_time
async def test_a_document_that_the_socket_cannot_carry_is_not_sent() -> None:
    exchange, socket = Exchange(TALK), Socket()
    verbs = await exchange.ring(control=socket)
    line = await exchange.open(verbs)
    with pytest.raises(DocumentTooLongError, match=r"24\d\d\d bytes; the platform takes 24320"):
        await exchange.switchboard.redirect("c-1", [LONG])
    assert line
    assert (socket.said, line.over.is_set()) == ([], False)


@pytest.mark.parametrize(
    ("fallback", "heard"), [(SORRY, SORRY), ([LONG], [HANGUP])], ids=["the fallback", "a fallback too long as well"]
)
def test_a_call_whose_document_cannot_be_carried_hears_its_fallback(
    fallback: list[JsonObject], heard: list[JsonObject]
) -> None:
    @in_virtual_time
    async def story() -> None:
        template = LONG | {"text": "{{customerData.text}}" * 200}
        exchange = Exchange(settings_of({"verbs": [template], "fallback": [SAY]}))
        exchange.switchboard.settings.routes[0].fallback[:] = fallback
        with capture_logs() as logs:
            assert await exchange.ring(control=Socket(), customerData={"text": "x" * 250}) == heard
        [line] = [line for line in logs if line["event"] == "document_too_long"]
        assert line["bytes"] > line["max_bytes"] == 24_320
        assert names(await exchange.ring("c-2", customerData={"text": "x" * 250})) == ["say", "hangup"]

    story()
