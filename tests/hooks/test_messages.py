import pytest

from hooks.messages import action_body, dropped_body, event_body, tool_body

ATTRIBUTES = {
    "call_sid": "c-1",
    "direction": "inbound",
    "from": "+15551230001",
    "to": "+15551230002",
    "call_status": "in-progress",
    "customerData": {"vip": True},
}


@pytest.mark.claim("J9", "eventHook")
def test_an_event_is_as_it_came_but_for_its_name_and_the_call() -> None:
    event = {"type": "response.output_audio_transcript.done", "event_id": "e1", "part": {"type": "output_audio"}}
    body = event_body(event, name="response.audio_transcript.done", call_sid="c-1")
    assert body == {**event, "type": "response.audio_transcript.done", "call_sid": "c-1"}
    assert [*body] == ["type", "event_id", "part", "call_sid"]
    assert event["type"] == "response.output_audio_transcript.done"


def test_a_gap_says_how_much_is_missing() -> None:
    assert dropped_body(3, call_sid="c-1") == {"type": "events.dropped", "count": 3, "call_sid": "c-1"}


@pytest.mark.claim("J10", "toolHook")
def test_a_tool_call_bears_its_id_twice_and_whose_call_it_is() -> None:
    assert tool_body("call_9", "get_weather", {"cityName": "Rome"}, call_sid="c-1", caller="+1", called="+2") == {
        "tool_call_id": "call_9",
        "call_id": "call_9",
        "name": "get_weather",
        "args": {"cityName": "Rome"},
        "call_sid": "c-1",
        "from": "+1",
        "to": "+2",
    }


@pytest.mark.claim("J8", "J30")
def test_an_end_has_the_attributes_of_the_call_and_how_it_ended() -> None:
    said = [{"role": "user", "text": "Hello"}]
    body = action_body(
        ATTRIBUTES,
        completion_reason="normal conversation end",
        reason_code="caller_hung_up",
        ended_by="caller",
        duration_s=12.5,
        transcript=said,
        usage={"total_tokens": 12},
    )
    assert body == {
        "call_sid": "c-1",
        "direction": "inbound",
        "from": "+15551230001",
        "to": "+15551230002",
        "call_status": "in-progress",
        "customerData": {"vip": True},
        "completion_reason": "normal conversation end",
        "reason_code": "caller_hung_up",
        "ended_by": "caller",
        "usage": {"total_tokens": 12},
        "cost": None,
        "duration_s": 12.5,
        "transcript": said,
    }


def test_an_end_may_have_an_error_a_cost_and_the_verbs_id() -> None:
    body = action_body(
        {},
        completion_reason="server error",
        reason_code="insufficient_quota",
        ended_by="model",
        duration_s=0.0,
        transcript=(),
        usage={},
        cost={"usd": 0.01},
        error={"code": "insufficient_quota"},
        verb_id="v1",
    )
    assert body["verb_id"] == "v1"
    assert body["error"] == {"code": "insufficient_quota"}
    assert body["cost"] == {"usd": 0.01}
