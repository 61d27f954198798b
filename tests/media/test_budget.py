"""What a conversation uses, by model, and what is done when it may use no more."""

from decimal import Decimal
from typing import Any

import pytest

from cost.budget import CallPurse, Limit, Spent
from cost.meter import Meter, by_model, cost_of
from cost.prices import Price, Prices, Rates
from media.effects import Redial
from media.ends import BUDGET_SPENT, HANGUP
from media.options import Exit, Manners, Options
from tests.by_hand import Hand, played, sent
from tests.simulation import PCM24, llm
from verbs.llm import Llm

JsonObject = dict[str, Any]
SECOND_BYTES = 48_000
MODEL = "openai/gpt-realtime-2.1"
PRICES = Prices(
    {
        MODEL: Price(text=Rates(Decimal(4), Decimal("0.4"), Decimal(24))),
        "openai/whisper-1": Price(minute=Decimal("0.006")),
    }
)
MANNERS = Manners(wind_down="Come to the end.", goodbye="Say goodbye.")


def used(read: int = 0, written: int = 0) -> JsonObject:
    return {
        "usage": {
            "total_tokens": read + written,
            "input_tokens": read,
            "output_tokens": written,
            "input_token_details": {"text_tokens": read},
            "output_token_details": {"text_tokens": written},
        }
    }


def hand(tokens: int | None = None, verb: Llm | None = None, **options: Any) -> Hand:
    purse = CallPurse(Limit(tokens=tokens), Decimal("0.8"))
    meter = Meter(PRICES, [purse])
    return Hand(verb, Options(audio=PCM24, manners=MANNERS, meter=meter, **options)).connect()


def bills(call: Hand) -> list[tuple[str, int, float | None]]:
    told = call.bridge.record.bills
    return [(bill["model"], bill["usage"]["input"] + bill["usage"]["output"], bill["usd"]) for bill in told]


def speaks(call: Hand, response_id: str, **more: Any) -> None:
    """Let the model say a sentence of a second, and let it be heard."""
    item = f"item-{response_id}"
    call.starts(response_id)
    call.speaks(item, ms=1000, response_id=response_id)
    call.model("response.output_audio.done", item_id=item, content_index=0)
    call.ends(response_id, **more)
    call.wait(1.5)


def told(call: Hand) -> list[str]:
    """What the model was asked with, each time."""
    return [event.get("response", {}).get("instructions", "") for event in sent(call.effects, "response.create")]


def notes(call: Hand) -> list[str]:
    items = [event["item"] for event in sent(call.effects, "conversation.item.create")]
    return [item["content"][0]["text"] for item in items if item.get("role") == "system"]


# What is counted, and to whom


def test_what_a_response_uses_is_billed_whatever_became_of_it() -> None:
    call = hand()
    call.starts("r1")
    call.ends("r1", status="cancelled", **used(10, 1))
    beside = {"id": "r2", "conversation_id": None}
    call.model("response.created", response=beside)
    call.model("response.done", response={**beside, "status": "completed", **used(20)})
    call.starts("r3")
    call.ends("r3", status="failed", **used(5))
    call.model("response.done", response={"id": "r9", "status": "completed", **used(7)})  # one that nobody knows of
    call.do(call.bridge.end(HANGUP, call.now))
    call.model("response.done", response={"id": "r4", "status": "completed", **used(3)})  # late
    assert bills(call) == [
        *((MODEL, 11, 0.000064), (MODEL, 20, 0.00008), (MODEL, 5, 0.00002)),
        *((MODEL, 7, 0.000028), (MODEL, 3, 0.000012)),
    ]
    assert call.bridge.record.usage["total_tokens"] == 46


def test_of_a_response_that_is_cancelled_by_the_end_the_usage_is_awaited() -> None:
    call = hand()
    call.starts("r1")
    call.do(call.bridge.end(HANGUP, call.now))
    call.ends("r1", status="cancelled", **used(10, 1))
    assert (bills(call), call.end) == ([(MODEL, 11, 0.000064)], HANGUP)


def test_a_response_without_usage_has_no_bill() -> None:
    call = hand()
    call.starts("r1")
    call.ends("r1")
    assert (bills(call), call.bridge.record.usage) == ([], {})


def test_what_writes_down_the_callers_words_is_billed_apart() -> None:
    call = hand(verb=llm(session_update={"input_audio_transcription": {"model": "whisper-1"}}))
    name = "conversation.item.input_audio_transcription.completed"
    call.model(name, item_id="u1", transcript="Hello?", usage={"type": "duration", "seconds": 2.5})
    call.model(name, item_id="u2", transcript="Hello?", usage="much")
    assert by_model(call.bridge.record.bills) == [
        {
            "model": "openai/whisper-1",
            "usage": {"input": 0, "cached": 0, "output": 0, "seconds": 2.5},
            "usd": 0.00025,
        }
    ]
    assert call.bridge.record.usage == {}


def test_where_nobody_has_said_what_writes_them_down_its_price_is_not_guessed() -> None:
    call = hand(verb=llm(session_update={"input_audio_transcription": {}}))
    name = "conversation.item.input_audio_transcription.completed"
    call.model(name, item_id="u1", transcript="Hello?", usage={"type": "duration", "seconds": 2.5})
    assert [(bill["model"], bill["usd"]) for bill in call.bridge.record.bills] == [("openai/transcription", None)]
    assert cost_of(call.bridge.record.bills) is None


def test_each_model_that_a_call_had_is_billed_for_what_was_its_own() -> None:
    call = hand()
    call = Hand(options=Options(audio=PCM24, meter=Meter(PRICES)), fallbacks=1).connect()
    call.bridge._session._models[1].rename("other")
    call.starts("r1")
    call.ends("r1", **used(10))
    call.do(call.bridge.model_failed(call.now, reason_code="insufficient_quota", message="no"))
    assert isinstance(call.effects[-1], Redial)
    call.falls_back()
    call.starts("r2")
    call.ends("r2", **used(20))
    assert bills(call) == [(MODEL, 10, 0.00004), ("openai/other", 20, None)]


def test_a_session_that_is_dialled_anew_is_billed_like_the_one_before() -> None:
    call = hand()
    call.starts("r1")
    call.ends("r1", **used(10))
    call.do(call.bridge.model_closed(call.now, code=1011, reason=""))
    call.falls_back()
    call.starts("r2")
    call.ends("r2", **used(20))
    assert bills(call) == [(MODEL, 10, 0.00004), (MODEL, 20, 0.00008)]


# What may be spent


def test_a_call_that_nears_its_budget_is_brought_to_its_end_by_the_model() -> None:
    call = hand(tokens=100)
    speaks(call, "r1", **used(79))
    assert (told(call)[1:], notes(call)) == ([], [])
    speaks(call, "r2", **used(1))
    assert told(call)[1:] == ["Come to the end."]
    assert notes(call) == ["Come to the end."]
    speaks(call, "r3", **used(10))
    assert (told(call)[1:], call.end) == (["Come to the end."], None)


def test_a_call_that_has_spent_its_budget_ends_when_what_is_said_has_been_heard() -> None:
    call = hand(tokens=100)
    speaks(call, "r1", **used(90))
    call.starts("r2")
    call.speaks("i2", ms=1000, response_id="r2")
    call.model("response.output_audio.done", item_id="i2", content_index=0)
    call.ends("r2", **used(10))
    call.wait(0.5)
    assert not call.bridge.finished
    call.wait(1.5)
    assert (call.end, told(call)[1:]) == (BUDGET_SPENT, ["Come to the end."])
    assert len(b"".join(played(call.effects)).replace(b"\0", b"")) == 2 * SECOND_BYTES


def test_a_caller_who_was_not_prepared_is_told_goodbye() -> None:
    call = hand(tokens=100)
    speaks(call, "r1", **used(150))
    assert told(call)[1:] == ["Say goodbye."]
    speaks(call, "r2", **used(50))
    assert (call.end, told(call)[1:], notes(call)) == (BUDGET_SPENT, ["Say goodbye."], [])


def test_a_budget_that_is_spent_while_the_agent_leaves_changes_nothing_any_more() -> None:
    call = hand(tokens=100, exits={"leave": Exit(HANGUP, "")})
    call.starts("r1")
    item = {"type": "function_call", "name": "leave", "call_id": "c1", "arguments": "{}"}
    call.model("response.output_item.done", response_id="r1", item=item)
    call.ends("r1", **used(500))
    call.wait(2)
    assert call.end is not None
    assert (call.end.reason_code, told(call)[1:]) == ("agent_hung_up", [])


def test_what_was_spent_before_a_conversation_counts_in_it() -> None:
    purse = CallPurse(Limit(tokens=100), Decimal("0.8"))
    purse.pay(Spent(tokens=100))
    call = Hand(options=Options(audio=PCM24, manners=MANNERS, meter=Meter(PRICES, [purse]))).connect()
    speaks(call, "r1", **used(1))
    speaks(call, "r2", **used(1))
    assert (call.end, told(call)[1:]) == (BUDGET_SPENT, ["Say goodbye."])


@pytest.mark.parametrize("tokens", [None, 10_000])
def test_within_its_budget_nothing_is_said_of_it(tokens: int | None) -> None:
    call = hand(tokens=tokens)
    speaks(call, "r1", **used(50))
    call.wait(5)
    assert (told(call)[1:], notes(call), call.end) == ([], [], None)
