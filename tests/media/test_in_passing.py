"""What is only said in passing, a word about a wait or the warning, costs nothing when it is lost."""

from typing import Any

import pytest

from media.options import Manners, Options
from tests.by_hand import Hand, played, sent, warned
from tests.simulation import PCM24

FAULT = {"error": {"code": "server_error", "message": "x"}}


def filling(tool_timeout_s: float = 20, **manners: Any) -> Hand:
    """A caller who has waited two seconds for a tool, and is to be told so."""
    call = Hand(options=Options(audio=PCM24, tool_timeout_s=tool_timeout_s, manners=Manners(**manners))).connect()
    call.starts()
    call.calls()
    call.ends()
    [ask] = sent(call.wait(2), "response.create")
    assert ask["response"]["tool_choice"] == "none"
    return call


def answered(call: Hand) -> list[Any]:
    return call.do(call.bridge.tool_answered("c1", "sunny", call.now))


def asked(effects: list[Any]) -> list[Any]:
    """What is asked of the model, by its instructions; nothing where it is to go on."""
    return [event.get("response", {}).get("instructions") for event in sent(effects, "response.create")]


def test_a_result_does_not_wait_for_a_filler_that_has_not_begun() -> None:
    call = filling()
    assert [event["type"] for event in sent(answered(call))] == [
        "conversation.item.create",
        "response.cancel",
        "response.create",
    ]
    call.starts("r2")
    assert played(call.speaks("i2", response_id="r2") + call.ends("r2"))
    assert sent(call.wait(20)) == []


def test_a_filler_that_begins_after_it_was_taken_back_leaves_the_result_awaited() -> None:
    call = filling()
    answered(call)
    call.starts("the filler")
    call.ends("the filler", status="cancelled")
    assert asked(call.wait(9)) == [None]


@pytest.mark.parametrize("error", [FAULT, {"error": {"code": "other", "message": "x"}}, {}])
def test_a_filler_that_fails_is_not_made_again_and_a_result_that_waited_for_its_end_goes_out(error: Any) -> None:
    call = filling()
    call.starts("r2")
    answered(call)
    assert asked(call.ends("r2", "failed", status_details=error) + call.wait(1)) == [None]


def test_a_call_survives_fillers_that_fail() -> None:
    call = filling()
    for response_id in ("r2", "r3"):
        call.starts(response_id)
        assert asked(call.ends(response_id, "failed", status_details=FAULT)) == []
        call.wait(6.5)
    assert call.end is None
    assert asked(answered(call)) == [None]


def test_a_filler_that_fails_for_a_reason_that_must_repeat_itself_ends_the_call() -> None:
    call = filling()
    call.starts("r2")
    call.ends("r2", "failed", status_details={"error": {"code": "insufficient_quota", "message": "x"}})
    assert call.end
    assert call.end.reason_code == "insufficient_quota"


@pytest.mark.parametrize("spoken_ms", [0, 500])
def test_a_filler_that_stalls_is_left_off_and_the_result_goes_out(spoken_ms: int) -> None:
    call = filling()
    call.starts("r2")
    if spoken_ms:
        call.speaks("i2", ms=spoken_ms, response_id="r2")
    answered(call)
    effects = call.wait(9)
    assert asked(effects) == [None]
    assert sent(effects, "response.cancel")
    assert "model_stalled" in warned(effects)
    call.ends("r2", status="cancelled")
    call.starts("r3")
    call.speaks("i3", response_id="r3")
    assert asked(call.ends("r3") + call.wait(3)) == []


def test_a_filler_that_never_begins_is_forgotten() -> None:
    call = filling(fillers_s=(1.5,))
    assert asked(call.wait(15)) == []
    assert (call.end, warned(call.effects)) == (None, ["model_stalled"])
    assert asked(answered(call)) == [None]


def test_a_filler_that_is_refused_is_not_made_in_another_way() -> None:
    call = filling()
    filler = sent(call.effects, "response.create")[-1]
    assert asked(call.refuses(code="invalid_value", event_id=filler["event_id"])) == []
    assert asked(answered(call)) == [None]


@pytest.mark.parametrize("code", ["invalid_value", "conversation_already_has_active_response"])
def test_the_refusal_of_a_filler_that_was_taken_back_is_not_the_results(code: str) -> None:
    call = filling()
    filler = sent(call.effects, "response.create")[-1]
    answered(call)
    assert asked(call.refuses(code=code, event_id=filler["event_id"])) == []
    call.starts("r2")
    assert asked(call.ends("r2")) == []


def test_a_warning_waits_for_the_result_of_a_tool_and_is_not_merged_with_it() -> None:
    call = Hand(
        options=Options(audio=PCM24, max_call_s=22, tool_timeout_s=20, manners=Manners(warn_before_s=19))
    ).connect()
    call.starts()
    call.calls()
    call.ends()
    call.wait(2)
    call.starts("r2")
    answered(call)
    assert asked(call.wait(1.5) + call.ends("r2")) == [None]
    call.starts("r3")
    assert asked(call.ends("r3")) == [Manners().warning]


def cancelled() -> Hand:
    """A caller has typed something, and the application cancels the answer before it begins."""
    call = Hand().connect()
    call.starts()
    call.ends()
    assert asked(typed(call)) == [None]
    assert sent(call.do(call.bridge.update({"type": "response.cancel"}, call.now))) == []
    return call


def typed(call: Hand) -> list[Any]:
    told = len(call.effects)
    for key in "1#":
        call.do(call.bridge.platform_said(f'{{"event":"dtmf","dtmf":"{key}","duration":"100"}}', call.now))
    return call.effects[told:]


def test_what_the_application_cancels_before_it_begins_is_not_heard_and_holds_nothing_up() -> None:
    call = cancelled()
    [cancel] = sent(call.starts("r2"))
    assert (cancel["type"], cancel["response_id"]) == ("response.cancel", "r2")
    call.speaks("i2", ms=2000, response_id="r2")
    call.ends("r2", status="cancelled")
    assert played(call.wait(2)) == []
    assert asked(typed(call)) == [None]
    call.starts("r3")
    call.speaks("i3", response_id="r3")
    assert played(call.wait(1))


def test_what_the_application_cancels_and_never_begins_does_not_hold_up_the_next_request() -> None:
    call = cancelled()
    effects = call.wait(20)
    assert (asked(effects), played(effects)) == ([], [])
    assert asked(typed(call)) == [None]
    assert call.end is None
