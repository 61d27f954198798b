"""What is handed to the load in C, and what is read from it; the load itself is in test_loads.py."""

import json
from array import array
from typing import Any

import pytest
from pydantic import TypeAdapter

from bench.events import JsonObject
from bench.native_load import AUDIO, CALL, EVENT, ITEM, METADATA, RESPONSE, SESSION, calls_in, filled_later, templates
from bench.variant import Variant

TEMPLATES = list(templates(Variant(rate_hz=8000)))
FILLED = {
    CALL: "00000007",
    RESPONSE: "000003",
    METADATA: '{"id":"r1"}',
    EVENT: "event_9",
    AUDIO: "AAAA",
    ITEM: "2",
    SESSION: ',"instructions":"Be kind."',
}


def filled(event: JsonObject) -> JsonObject:
    """As model.c does it."""
    text = filled_later(event)
    for code, value in FILLED.items():
        text = text.replace(code, value)
    whole: JsonObject = json.loads(text)
    return whole


@pytest.mark.parametrize(("group", "event"), TEMPLATES, ids=[f"{group}-{e.get('type')}" for group, e in TEMPLATES])
def test_what_is_filled_in_makes_events_that_the_published_types_know(group: str, event: JsonObject) -> None:
    from openai.types.realtime import RealtimeServerEvent

    known: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    whole = filled(event)
    if group == "about":
        assert (whole["callSid"], whole["sampleRate"]) == ("bench-00000007", 8000)
        return
    assert known.validate_python(whole).type == whole["type"]
    assert whole["event_id"] == "event_9"


def test_each_template_is_one_line() -> None:
    assert not [group for group, event in TEMPLATES if "\n" in filled_later(event)]


def test_what_differs_between_calls_is_filled_in() -> None:
    events = {group: filled(event) for group, event in TEMPLATES if group in {"updated", "delta", "item"}}
    assert events["updated"]["session"]["instructions"] == "Be kind."
    assert events["delta"]["delta"] == "AAAA"
    assert (events["delta"]["response_id"], events["delta"]["item_id"]) == (
        "resp_00000007_000003",
        "item_00000007_000003",
    )
    assert events["item"]["item"]["id"] == "item_00000007_000003_u2"
    begun = [filled(event) for group, event in TEMPLATES if group == "before" and "response" in event]
    assert begun[0]["response"]["metadata"] == {"id": "r1"}


def test_what_the_load_noted_is_read_as_it_was_written() -> None:
    to_model = [2, 1, 0, 0, 0, *(10, 30), *(40, 0, 2)]
    to_caller = [3, 2, 1, 1, 5, *(10, 20, 30), *(25, 0, 1), *(35, 2, 1), *(1, 1)]
    written = array("q", [1, 7, 0, 4_000_000, *to_model, *to_caller, 0, 0, 0, 0, 0])
    (call,) = calls_in(iter(written))
    assert (call.dropped, call.configured_ns) == (False, 4_000_000)
    assert (list(call.to_model.sent_ns), call.to_model.runs) == ([10, 30], [(40, 0, 2)])
    assert (call.to_caller.runs, call.to_caller.cuts) == ([(25, 0, 1), (35, 2, 1)], [(1, 1)])
