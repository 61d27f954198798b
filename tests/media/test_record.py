from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.playout import Heard, Speech
from media.record import Record

HELLO = Speech("item_1")


def spoken(text: str = "Hello, how can I help you?") -> Record:
    record = Record(now=100.0)
    record.spoken(HELLO, text, final=True, now=101.5)
    return record


def line(record: Record) -> dict[str, Any]:
    [found] = record.transcript
    return found


def test_a_line_is_told_with_its_time_since_the_beginning() -> None:
    assert line(spoken()) == {
        "role": "assistant",
        "text": "Hello, how can I help you?",
        "heard_ms": None,
        "interrupted": False,
        "at": 1.5,
    }


def test_a_line_grows_by_its_parts_and_the_whole_replaces_them() -> None:
    record = Record(now=0.0)
    record.spoken(HELLO, "Hel", final=False, now=1.0)
    record.spoken(HELLO, "lo", final=False, now=1.0)
    assert line(record)["text"] == "Hello"
    record.spoken(HELLO, "Hello.", final=True, now=1.0)
    assert line(record)["text"] == "Hello."


@pytest.mark.parametrize(
    ("heard_ms", "text"),
    [
        (0, ""),
        (400, "Hello,"),
        (500, "Hello, how"),
        (900, "Hello, how can I help"),
        (1000, "Hello, how can I help you?"),
    ],
)
def test_a_line_that_was_cut_ends_with_the_last_word_that_was_heard(heard_ms: float, text: str) -> None:
    record = spoken()
    record.heard(Heard(HELLO, heard_ms, 1000), interrupted=True, now=103.0)
    assert [each["text"] for each in record.transcript] == ([text] if text else [])


def test_what_comes_after_a_cut_was_not_heard() -> None:
    record = spoken()
    record.heard(Heard(HELLO, 500, 1000), interrupted=True, now=103.0)
    record.spoken(HELLO, "Hello, how can I help you? And so on.", final=True, now=103.0)
    record.spoken(HELLO, " And on.", final=False, now=103.0)
    record.heard(Heard(HELLO, 1000, 1000), interrupted=False, now=104.0)
    assert line(record)["text"] == "Hello, how"
    assert (line(record)["heard_ms"], line(record)["interrupted"]) == (500, True)


def test_the_words_may_come_after_the_voice() -> None:
    record = Record(now=0.0)
    record.heard(Heard(HELLO, 1000, 1000), interrupted=False, now=1.0)
    assert record.transcript == []
    record.spoken(HELLO, "Hello.", final=True, now=1.0)
    assert (line(record)["text"], line(record)["heard_ms"]) == ("Hello.", 1000)


def test_the_callers_turn_keeps_its_place_before_the_answer() -> None:
    record = Record(now=0.0)
    record.caller_turn("u1", transcribed=True, now=1.0)
    record.spoken(HELLO, "Fine.", final=True, now=2.0)
    awaited = record.awaits_text
    record.caller_text("u1", "How are you?", 3.0)
    assert (awaited, record.awaits_text) == (True, False)
    assert [each["text"] for each in record.transcript] == ["How are you?", "Fine."]


def test_a_turn_that_could_not_be_written_down_is_no_line() -> None:
    record = Record(now=0.0)
    record.caller_turn("u1", transcribed=True, now=1.0)
    record.caller_text("u1", None, 2.0)
    assert (record.transcript, record.awaits_text) == ([], False)


def test_a_turn_that_nobody_writes_down_is_not_awaited() -> None:
    record = Record(now=0.0)
    record.caller_turn("u1", transcribed=False, now=1.0)
    assert not record.awaits_text


def test_a_transcript_of_an_unknown_turn_is_kept_all_the_same() -> None:
    record = Record(now=0.0)
    record.caller_text("u9", "Hello?", 1.0)
    assert line(record)["text"] == "Hello?"


def test_a_text_that_comes_before_its_turn_takes_the_turns_place_and_is_not_awaited_again() -> None:
    record = Record(now=0.0)
    record.caller_text("u2", "Two.", 1.0)
    record.caller_text("u1", "One.", 1.0)
    record.caller_turn("u1", transcribed=True, now=2.0)
    record.spoken(HELLO, "Fine.", final=True, now=3.0)
    record.caller_turn("u2", transcribed=True, now=4.0)
    assert [(each["text"], each["at"]) for each in record.transcript] == [("One.", 2.0), ("Fine.", 3.0), ("Two.", 4.0)]
    assert (record.awaits_text, record.lacks_words) == (False, False)


def test_a_tools_answers_are_kept_with_how_long_they_took() -> None:
    record = Record(now=10.0)
    record.tool_called("c1", "get_weather", "{}", 11.0)
    [called] = record.tools
    assert (called["output"], called["ms"], called["late"]) == (None, None, False)
    record.tool_answered("c1", "timeout", 12.0)
    record.tool_answered("c1", "sunny", 13.25)
    record.tool_answered("c9", "nobody's", 13.25)
    [answered] = record.tools
    assert (answered["output"], answered["ms"], answered["late"]) == ("sunny", 2250, True)


def test_turns_and_the_duration_are_told_since_the_beginning() -> None:
    record = Record(now=10.0)
    record.turn(0.5004, 12.3456)
    assert record.turns == [{"at": 2.346, "latency_ms": 500}]
    assert record.duration_s(15.0) == 5.0


def test_usage_adds_up_in_every_detail() -> None:
    record = Record(now=0.0)
    record.used(
        {"total_tokens": 3, "details": {"text": 1, "cached": {"text": 1}}, "model": "x", "flag": True}, "openai/m", 1.0
    )
    record.used({"total_tokens": 4, "details": {"text": 2, "audio": 5, "cached": {"text": 1}}}, "openai/m", 2.0)
    assert record.usage == {"total_tokens": 7, "details": {"text": 3, "audio": 5, "cached": {"text": 2}}}


USAGE = st.recursive(
    st.integers(-9, 9) | st.floats(-9, 9) | st.booleans() | st.none() | st.text(max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2),
)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), USAGE, max_size=3), max_size=4))
def test_usage_of_any_shape_is_taken(usages: list[dict[str, Any]]) -> None:
    record = Record(now=0.0)
    for usage in usages:
        record.used(usage, "openai/m", 1.0)


def test_usage_nested_deeper_than_any_vendor_nests_is_left_out() -> None:
    deep: dict[str, Any] = {"n": 1}
    for _ in range(5000):
        deep = {"d": deep}
    record = Record(now=0.0)
    record.used(deep, "openai/m", 1.0)
    assert str(record.usage).count("d") < 10


def test_what_the_model_has_forgotten_is_not_told_again() -> None:
    record = spoken()
    record.heard(Heard(HELLO, 1000, 1000), interrupted=False, now=102.0)
    record.caller_turn("u1", transcribed=True, now=103.0)
    record.caller_text("u1", "My secret is 42.", 103.0)
    record.forgotten("u1")
    assert record.history() == (("assistant", "Hello, how can I help you?"),)
    record.forgotten(HELLO.item_id)
    assert record.history() == ()
    assert len(record.transcript) == 2


@pytest.mark.parametrize("early", [False, True])
def test_noise_that_was_forgotten_is_no_line_whenever_somebody_makes_words_of_it(*, early: bool) -> None:
    record = Record(now=0.0)
    if early:
        record.caller_text("u1", "Mhm.", 1.0)
    record.forgotten("u1")
    if not early:
        record.caller_text("u1", "Mhm.", 2.0)
    assert (record.transcript, record.history(), record.lacks_words) == ([], (), False)
