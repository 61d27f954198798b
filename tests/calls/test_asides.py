"""What a hook answers whose verbs are heard beside the call's document."""

import asyncio

import pytest
from structlog.testing import capture_logs

from calls.control import CallUnreachableError
from calls.document import messages
from calls.leg import INTERNAL
from hooks.transports.base import HookReply
from media.ends import HANGUP as MODEL_HUNG_UP
from tests.calls.exchange import (
    HANGUP,
    LLM,
    SAY,
    Applications,
    Exchange,
    JsonObject,
    in_virtual_time,
    names,
    settings_of,
    settled,
    verbs_reply,
)
from tests.calls.test_obeying import heed

DIAL: JsonObject = {"verb": "dial", "target": [{"type": "phone", "number": "+1"}], "actionHook": "/dialled"}
GATHER: JsonObject = {"verb": "gather", "input": ["speech"], "actionHook": "/said"}
CONFERENCE: JsonObject = {"verb": "conference", "name": "room"}
ENQUEUE: JsonObject = {"verb": "enqueue", "name": "queue"}
PLAY: JsonObject = {"verb": "play", "url": "https://app.example.com/hold.mp3"}
PAUSE: JsonObject = {"verb": "pause", "length": 1}
TAG: JsonObject = {"verb": "tag", "data": {"a": 1}}
LEAVE: JsonObject = {"verb": "leave"}
CASES = [
    (DIAL, "onHoldHook"),
    (DIAL, "confirmHook"),
    (DIAL, "referHook"),
    (CONFERENCE, "enterHook"),
    (CONFERENCE, "waitHook"),
    (CONFERENCE | {"statusEvents": ["start"]}, "statusHook"),
    (ENQUEUE, "waitHook"),
    (DIAL, "dtmfHook"),
    (GATHER, "partialResultHook"),
]


async def answered(verb: JsonObject, hook: str, *verbs: JsonObject, **route: bool | str) -> tuple[Exchange, object]:
    settings = settings_of({"verbs": [verb | {hook: "/aside"}], **route})
    exchange = Exchange(settings, Applications({"/aside": verbs_reply(*verbs)}))
    [first, *_] = await exchange.ring()
    url = first[hook]["url"] if hook == "confirmHook" else first[hook]
    answer = await exchange.hook(url)
    await settled()
    return exchange, answer


@pytest.mark.parametrize("mode", ["bridge", "native"])
@pytest.mark.parametrize(("verb", "hook"), CASES)
def test_it_has_no_last_verb_and_ends_nothing(verb: JsonObject, hook: str, mode: str) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange, answer = await answered(verb, hook, SAY, llm_mode=mode)
        assert answer == ([] if hook in {"dtmfHook", "partialResultHook", "statusHook"} else [SAY])
        assert (exchange.switchboard.active, exchange.counts.ended) == (1, [])

    story()


@pytest.mark.parametrize(
    ("verb", "hook", "left"),
    [
        (DIAL, "onHoldHook", [SAY, PLAY, PAUSE]),
        (CONFERENCE, "enterHook", [SAY, PLAY, PAUSE]),
        (CONFERENCE, "waitHook", [SAY, PLAY, PAUSE]),
        (ENQUEUE, "waitHook", [SAY, PLAY, PAUSE, TAG, LEAVE]),
        (DIAL, "confirmHook", [SAY, PLAY, PAUSE, TAG, LEAVE, DIAL, HANGUP]),
        (DIAL, "dtmfHook", []),
    ],
)
def test_what_its_platform_would_throw_it_away_for_is_left_out_and_that_is_told(
    verb: JsonObject, hook: str, left: list[JsonObject]
) -> None:
    wanted = [SAY, PLAY, PAUSE, TAG, LEAVE, DIAL, HANGUP]

    @in_virtual_time
    async def story() -> None:
        with capture_logs() as logs:
            exchange, answer = await answered(verb, hook, *wanted)
        assert isinstance(answer, list)
        assert [item["verb"] for item in answer] == [item["verb"] for item in left]
        dropped = [item["verb"] for item in wanted if item not in left]
        [told] = [line["dropped"] for line in logs if line["event"] == "hook_verbs_dropped"] or [[]]
        assert told == dropped
        assert exchange.switchboard.active == 1

    story()


@in_virtual_time
async def test_a_conversation_cannot_be_held_beside_one() -> None:
    exchange, answer = await answered(DIAL, "onHoldHook", LLM)
    assert answer == []
    assert (exchange.lines.made, exchange.switchboard.active) == ([], 1)


@in_virtual_time
async def test_an_answer_that_is_no_document_is_none() -> None:
    exchange, answer = await answered(DIAL, "onHoldHook", {"verb": "say", "text": 7})
    assert (answer, exchange.switchboard.active) == ([], 1)


CALLED: JsonObject = DIAL | {"target": [{"type": "phone", "number": "+1", "confirmHook": "/confirm"}]}
TASTE: JsonObject = {"verb": "gather", "input": ["digits"], "actionHook": "/screen"}


async def called(
    *screening: JsonObject, after: tuple[JsonObject, ...] = (), **more: tuple[float, HookReply]
) -> tuple[Exchange, list[JsonObject], list[JsonObject]]:
    """Dial somebody who is asked first; give the call's document, and theirs."""
    answers = {f"/{path}": reply for path, reply in more.items()}
    applications = Applications({"/confirm": verbs_reply(*screening), "/dialled": verbs_reply(*after), **answers})
    exchange = Exchange(settings_of({"verbs": [CALLED]}), applications)
    first = await exchange.ring()
    return exchange, first, await exchange.hook(first[0]["target"][0]["confirmHook"]["url"])


@in_virtual_time
async def test_what_is_answered_within_one_is_run_beside_the_document_as_well() -> None:
    """Who was called presses a key, hears a word, and talks to the caller; later the caller talks to a model."""
    exchange, first, screening = await called(TASTE, after=(LLM,), screen=verbs_reply(SAY))
    assert names(screening) == ["gather"]
    assert await exchange.hook(screening[0]["actionHook"], digits="1") == [SAY]
    await asyncio.sleep(60)
    assert (exchange.switchboard.active, exchange.counts.ended) == (1, [])
    after = await exchange.hook(first[0]["actionHook"], call_status="in-progress")
    assert await exchange.open(after) is not None


@in_virtual_time
async def test_a_redirect_within_one_is_run_there_and_asks_as_one() -> None:
    away: JsonObject = {"verb": "redirect", "actionHook": "/screen"}
    exchange, _, screening = await called(TASTE, away, screen=verbs_reply(TASTE))
    once_more = await exchange.hook(screening[-1]["actionHook"])
    assert names(once_more) == ["gather"]
    assert names(await exchange.hook(once_more[0]["actionHook"])) == ["gather"]
    row = await exchange.store.by_sid("c-1")
    assert row is not None
    assert messages(row) == {0: "dial:confirm", 3: "session:redirect"}
    assert exchange.switchboard.active == 1


@pytest.mark.parametrize("final", [(), (SAY,), (HANGUP,)])
@in_virtual_time
async def test_a_conversation_in_one_leads_to_what_its_application_wants_and_else_to_the_caller(
    final: tuple[JsonObject, ...],
) -> None:
    exchange, first, screening = await called(LLM, after=(LLM,), final=verbs_reply(*final))
    assert names(screening) == ["listen"]
    line = await exchange.open(screening)
    assert line is not None
    line.finish(MODEL_HUNG_UP)
    await asyncio.sleep(1)
    assert await exchange.ended(screening, call_sid="c-2", call_status="in-progress") == list(final)
    await asyncio.sleep(600)
    assert exchange.switchboard.active == 1
    assert await exchange.open(await exchange.hook(first[0]["actionHook"])) is not None


@in_virtual_time
async def test_who_hangs_up_on_a_conversation_in_one_is_not_the_caller() -> None:
    exchange, first, screening = await called(LLM, after=(LLM,))
    await exchange.open(screening)
    assert await exchange.ended(screening, call_sid="c-2", call_status="completed") == []
    await asyncio.sleep(600)
    assert exchange.switchboard.active == 1
    assert await exchange.open(await exchange.hook(first[0]["actionHook"])) is not None


@in_virtual_time
async def test_a_conversation_in_one_of_which_nobody_asks_what_comes_next_ends_no_call() -> None:
    exchange, _, screening = await called(LLM)
    line = await exchange.open(screening)
    assert line is not None
    line.finish(MODEL_HUNG_UP)
    await asyncio.sleep(600)
    assert exchange.switchboard.active == 1


@in_virtual_time
async def test_a_model_that_cannot_be_reached_declines_nobody() -> None:
    exchange, _, screening = await called(LLM, SAY)
    line = await exchange.open(screening)
    assert line is not None
    line.finish(INTERNAL)
    await asyncio.sleep(1)
    assert await exchange.ended(screening, call_sid="c-2", call_status="in-progress") == [SAY]


@in_virtual_time
async def test_a_command_for_the_call_is_none_for_a_conversation_beside_it() -> None:
    exchange, _, screening = await called(LLM)
    line = await exchange.open(screening)
    assert line is not None
    with pytest.raises(CallUnreachableError):
        await exchange.switchboard.hang_up("c-1")
    assert not line.over.is_set()


@in_virtual_time
async def test_a_conversation_in_one_that_the_platform_carries_out_ends_no_call_either() -> None:
    applications = Applications({"/confirm": verbs_reply(LLM)})
    settings = settings_of({"verbs": [CALLED], "llm_mode": "native"}, platform={"webhook_secrets": ["whsec"]})
    exchange = Exchange(settings, applications)
    exchange.authenticated = True
    [dial, *_] = await exchange.ring()
    [llm] = await exchange.hook(dial["target"][0]["confirmHook"]["url"])
    over = {"call_sid": "c-2", "call_status": "completed", "completion_reason": "server failure"}
    assert await exchange.answer(llm["actionHook"], **over) == []
    await asyncio.sleep(600)
    assert exchange.switchboard.active == 1


@pytest.mark.parametrize(
    ("body", "answer"), [({"call_sid": "c-1"}, [SAY]), ({"call_sid": "c-2", "parent_call_sid": "c-1"}, [SAY, HANGUP])]
)
@in_virtual_time
async def test_who_refers_the_other_side_goes_on_alone_and_the_document_is_the_callers(
    body: JsonObject, answer: list[JsonObject]
) -> None:
    """Referred by the caller, who was called becomes a call of its own; referred by that one, the caller goes on."""
    applications = Applications({"/refer": verbs_reply(SAY)})
    exchange = Exchange(settings_of({"verbs": [DIAL | {"referHook": "/refer"}]}), applications)
    [dial, *_] = await exchange.ring()
    assert await exchange.hook(dial["referHook"], **body) == answer
    assert exchange.switchboard.active == (1 if answer == [SAY] else 0)


@in_virtual_time
async def test_a_model_that_is_not_configured_declines_nobody_either() -> None:
    exchange, _, screening = await called(LLM | {"vendor": "microsoft"})
    assert screening == []
    assert exchange.switchboard.active == 1


@in_virtual_time
async def test_verbs_are_not_queued_behind_a_conversation_in_one() -> None:
    exchange, _, screening = await called(LLM)
    await exchange.open(screening)
    assert "can be queued while" in str(await heed(exchange, "redirect", [SAY], queued=True))
