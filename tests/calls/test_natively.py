"""A conversation that the platform carries out is told what it can be told, and by the one way there is."""

from typing import Any

import pytest

from calls.control import CommandTooLongError, NobodyTalksError, OrderError, PlatformTalksError
from calls.natively import goes_on
from media.requests import AddItem, Interrupt, PauseInput, Request, Reset, RetrieveItem, SendEvent
from tests.calls.exchange import Exchange, JsonObject, in_virtual_time, settings_of
from tests.calls.test_commands import Socket
from tests.calls.test_native import TALK
from tests.calls.test_obeying import heed

ITEM: JsonObject = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
UPDATE: JsonObject = {"type": "session.update", "session": {"instructions": "Be brief."}}


class Told(Socket):
    """The call's control socket, with what was commanded by it."""

    def __init__(self, *, full: bool = False) -> None:
        super().__init__()
        self.commanded: list[JsonObject] = []
        self._full = full

    def command(self, command: JsonObject) -> None:
        if self._full:
            raise CommandTooLongError(9, 8)
        self.commanded.append(command)


async def a_call(socket: Any, settings: Any = TALK) -> tuple[Exchange, Any]:
    exchange = Exchange(settings)
    await exchange.ring()
    live = exchange.switchboard._calls.by_sid("c-1")
    assert live
    live.attach(socket)
    return exchange, live


@pytest.mark.parametrize(
    ("request_", "data"),
    [
        (AddItem(ITEM), {"type": "conversation.item.create", "item": ITEM}),
        (AddItem(ITEM, "root"), {"type": "conversation.item.create", "previous_item_id": "root", "item": ITEM}),
        (Interrupt(), {"type": "response.cancel"}),
        (SendEvent(UPDATE), UPDATE),
    ],
)
def test_what_the_platform_takes_is_passed_on(request_: Request, data: JsonObject) -> None:
    @in_virtual_time
    async def story() -> None:
        socket = Told()
        exchange, _ = await a_call(socket)
        outcome = await exchange.switchboard.midcall.ask("c-1", request_)
        assert (outcome.how, outcome.told) == ("sent", {"passed_on": data["type"]})
        assert socket.commanded == [{"command": "llm:update", "data": data}]

    story()


@pytest.mark.parametrize(
    "request_", [PauseInput(paused=True), Reset(), RetrieveItem("item_1"), SendEvent({"type": "response.create"})]
)
def test_what_it_does_not_take_is_refused_with_what_it_does(request_: Request) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange, _ = await a_call(Told())
        with pytest.raises(PlatformTalksError, match="the events"):
            await exchange.switchboard.midcall.ask("c-1", request_)

    story()


@in_virtual_time
async def test_without_a_socket_or_to_a_model_with_other_words_nothing_is_passed_on() -> None:
    exchange, _ = await a_call(None)
    with pytest.raises(PlatformTalksError, match="by websocket"):
        await exchange.switchboard.midcall.ask("c-1", Interrupt())
    verb = {"verb": "llm", "vendor": "ultravox", "auth": {"apiKey": "k"}, "llmOptions": {"systemPrompt": "Help."}}
    exchange, _ = await a_call(Told(), settings_of({"llm_mode": "native", "verbs": [verb]}))
    with pytest.raises(PlatformTalksError):
        await exchange.switchboard.midcall.ask("c-1", Interrupt())


@in_virtual_time
async def test_what_is_too_long_for_the_socket_is_refused() -> None:
    exchange, _ = await a_call(Told(full=True))
    with pytest.raises(OrderError, match="9 bytes"):
        await exchange.switchboard.midcall.ask("c-1", AddItem(ITEM))


@in_virtual_time
async def test_an_applications_update_is_passed_on_as_it_is() -> None:
    socket = Told()
    exchange, _ = await a_call(socket)
    assert await heed(exchange, "llm:update", {"any": "words"}) is None
    assert socket.commanded == [{"command": "llm:update", "data": {"any": "words"}}]


@in_virtual_time
async def test_a_conversation_that_is_over_or_was_left_is_told_nothing() -> None:
    exchange, live = await a_call(Told())
    live.superseded = live.superseded._replace(llms=1)
    assert not goes_on(live)
    with pytest.raises(NobodyTalksError):
        await exchange.switchboard.midcall.ask("c-1", Interrupt())
    _, live = await a_call(Told(), settings_of({"verbs": [{"verb": "pause", "length": 9}]}))
    assert not goes_on(live)
