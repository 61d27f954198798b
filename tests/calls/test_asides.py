"""What a hook answers whose verbs are heard beside the call's document."""

import pytest
from structlog.testing import capture_logs

from tests.calls.exchange import (
    HANGUP,
    LLM,
    SAY,
    Applications,
    Exchange,
    JsonObject,
    in_virtual_time,
    settings_of,
    settled,
    verbs_reply,
)

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
