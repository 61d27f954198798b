"""`envelope: jambonz`. What is compared here with bytes was printed by jambonz' own code (snakecase-keys.js, 0.9.8)."""

import json
from typing import Any

import pytest

from hooks.jambonz_messages import MAX_DEPTH, action_body, event_body, snake_key, tool_body
from hooks.redaction import PLAIN

EVENT: dict[str, Any] = json.loads("""
{"type": "session.created", "event_id": "e1", "session": {"speed": 1.0, "temperature": 0.8, "tools": [{"name": "t",
 "parameters": {"properties": {"cityName": {"enum": ["aB", "größe"]}, "X-Y": {}, "args": {"cityName": 1.0}}}}],
 "nothing": null, "list": [[{"aB": 1}], "aB", 2.0]}}
""")
SENT = (
    '{"type":"session.created","event_id":"e1","session":{"speed":1,"temperature":0.8,"tools":[{"name":"t",'
    '"parameters":{"properties":{"city_name":{"enum":["aB","größe"]},"x_y":{},"args":{"cityName":1}}}}],'
    '"nothing":null,"list":[[{"a_b":1}],"aB",2]}}'
)
CALL = {
    "has_recording": False,
    "call_sid": "c-1",
    "to": "+2",
    "from": "+1",
    "direction": "inbound",
    "call_id": "x",
    "sip_status": 200,
    "caller_name": "Alice",
    "customerData": {"orderId": 7},
    "headers": {"x_reason": "r"},
    "service_provider_sid": "sp",
}


def end(**changes: Any) -> str:
    told = {
        "completion_reason": "normal conversation end",
        "reason_code": "caller_hung_up",
        "ended_by": "caller",
        "duration_s": 1.5,
        "transcript": [{"role": "user", "text": "Hello"}],
        "usage": {"total_tokens": 12},
        "cost": {"usd": 0.01},
    }
    return PLAIN.encode(action_body(CALL, **{**told, **changes})).decode()


@pytest.mark.claim("J9", "eventHook")
def test_an_event_is_the_vendors_and_nothing_of_ours() -> None:
    body = event_body(EVENT, name="session.created", call_sid="c-1")
    assert PLAIN.encode(body).decode() == SENT


def test_an_event_has_the_name_that_was_asked_for() -> None:
    event = {"event_id": "e1", "type": "response.output_audio_transcript.done"}
    assert event_body(event, name="response.audio_transcript.done", call_sid="c-1") == {
        "event_id": "e1",
        "type": "response.audio_transcript.done",
    }


@pytest.mark.claim("J9", "toolHook")
def test_a_tool_call_has_three_keys_and_its_arguments_are_not_renamed() -> None:
    arguments = {"cityName": "Rome", "days": 2.0, "X-Y": [{"aB": 1}]}
    body = tool_body("call_9", "get_weather", arguments, call_sid="c-1", caller="+1", called="+2")
    assert PLAIN.encode(body).decode() == (
        '{"tool_call_id":"call_9","name":"get_weather","args":{"cityName":"Rome","days":2,"X-Y":[{"aB":1}]}}'
    )


@pytest.mark.claim("J9", "actionHook")
def test_an_end_is_the_call_in_jambonz_order_and_the_reason() -> None:
    assert end() == (
        '{"call_sid":"c-1","direction":"inbound","from":"+1","to":"+2","call_id":"x","sip_status":200,'
        '"customerData":{"orderId":7},"headers":{"x_reason":"r"},"completion_reason":"normal conversation end"}'
    )


@pytest.mark.claim("J9", "J30")
def test_an_end_by_the_vendors_fault_has_its_error_and_the_verbs_id() -> None:
    error = {"type": "t", "eventId": None}
    assert end(completion_reason="server error", error=error, verb_id="v1").endswith(
        '"completion_reason":"server error","error":{"type":"t","event_id":null},"verb_id":"v1"}'
    )


@pytest.mark.claim("J9", "J30")
def test_a_connection_that_failed_has_no_error_there() -> None:
    told = end(completion_reason="connection failure", error={"message": "no session in time"})
    assert told.endswith('"completion_reason":"connection failure"}')


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("already_snake", "already_snake"),
        ("cityName", "city_name"),
        ("X-Reason", "x_reason"),
        ("response.x", "response_x"),
        ("item:id", "item_id"),
        ("gpt-4o", "gpt_4o"),
        ("someURLValue", "some_u_r_l_value"),
        ("OPENAI_API_KEY", "openai_api_key"),
        ("ID", "id"),
        ("userID", "user_i_d"),
        ("FooBar", "foo_bar"),
        ("$ref", "ref"),
        ("_customerData", "customerdata"),
        ("x__y", "x_y"),
        ("trailing_", "trailing"),
        ("a b", "a_b"),
        ("Temp °C", "temp_c"),
        ("größe", "gr_e"),
        ("日本", ""),
        ("-", ""),
        ("", ""),
    ],
)
def test_a_key_is_renamed_as_jambonz_was_seen_to_rename_it(key: str, sent: str) -> None:
    assert snake_key(key) == sent


def test_whole_numbers_lose_their_point_until_javascript_gives_them_an_exponent() -> None:
    body = event_body({"a": [1.0, -0.0, 1e20, 1e21, 0.5, True]}, name="x", call_sid="")
    assert PLAIN.encode(body) == b'{"a":[1,0,100000000000000000000,1e+21,0.5,true],"type":"x"}'


def test_what_is_nested_without_end_stays_as_it_came_and_breaks_nothing() -> None:
    deep: Any = {"cityName": 1}
    for _ in range(MAX_DEPTH + 200):
        deep = {"aB": [deep]}
    text = PLAIN.encode(event_body({"in": deep}, name="x", call_sid="")).decode()
    assert (text.count("a_b"), text.count("cityName")) == (MAX_DEPTH // 2, 1)
