"""What was typed in confidence is the model's and its tools' alone, wherever it comes up again."""

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.confidential import DEEPEST, MASK, Confidential
from media.effects import CallTool, Effect, End, Finish, Report, ToModel, Warn
from media.keypad import TYPED, Digits
from media.options import Manners, Options
from tests.by_hand import Hand, sent
from tests.simulation import PCM24, llm

JsonObject = dict[str, Any]
PAY: JsonObject = {"type": "function", "name": "pay", "parameters": {"properties": {"pin": {"maxLength": 4}}}}


def confidential(*entries: str) -> Confidential:
    found = Confidential()
    for entry in entries:
        found.remember(entry)
    return found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("4711", "••••"),
        ("Your PIN is 4711.", "Your PIN is ••••."),
        ("It is 4, 7, 1, 1.", "It is ••••••••••."),
        ("4-7-1-1", "•••••••"),
        ("47 11", "•••••"),
        ("4/7/1/1", "•••••••"),
        ("4_7_1_1", "•••••••"),
        ("4\u20137\u20131\u20131", "•••••••"),
        ("4… 7… 1… 1", "••••••••••"),
        ("4; 7; 1; 1", "••••••••••"),
        ("(47)11", "(•••••"),
        ("47:11", "•••••"),
        ("**4**711", "**••••••"),
        ("4+7+1+1 is x², and 4→7→1→1", "••••••• is x², and •••••••"),
        ("\uff14\uff17\uff11\uff11 ④⑦①①", "•••• ••••"),
        ("4\u200b711", "•••••"),
        ("4\ufe0f\u20e3 7\ufe0f\u20e3 1\ufe0f\u20e3 1", "•••••••••••••"),
        ("4. 7 of 11", "4. 7 of 11"),
        (f"4{' ' * 17}711", f"4{' ' * 17}711"),
        ("004711", "00••••"),
        ("471", "471"),
        ("four seven one one", "four seven one one"),
        (TYPED + "12", TYPED + "••"),
        ('{"pin":"4711"}', '{"pin": "••••"}'),
        ('{"pin":4711,"of":[1,47.11,true,null]}', '{"pin": "••••", "of": [1, "•••••", true, null]}'),
        ('{"customer_id":"4711"}', '{"customer_id": "••••"}'),
        ('{"4711":1}', '{"••••": 1}'),
        ('{"pin":"4711', '{"pin":"••••'),
        ("[" * 20_000 + "4711", "[" * 20_000 + "••••"),
    ],
)
def test_an_entry_is_masked_wherever_it_stands(text: str, shown: str) -> None:
    assert confidential("4711").shown(text) == shown


@pytest.mark.parametrize(
    ("entry", "text", "shown"),
    [
        ("12", "12 of 120", "12 of 120"),
        ("1*2*", "1*2*", "1*2*"),
        ("1*2*3", "1 * 2 * 3", "•••••••••"),
        ("1*2*3", "1*2*3", "•••••"),
        ("1*2*3#", "It is 1, 2, 3.", "It is •••••••."),
        ("*****************1*2*3", "*" * 1000, "*" * 1000),
        ("0471", '{"pin":471}', '{"pin": "•••"}'),
        ("0012", '{"a":12,"b":"0012"}', '{"a": "••", "b": "••••"}'),
        ("0012", '{"pin":12.0}', '{"pin": "••••"}'),
        ("0001", '[1,true,"yes"]', '["•", true, "yes"]'),
        ("0000", '{"pin":0}', '{"pin": "•"}'),
        ("0012", '{"a":13}', '{"a":13}'),
        ("0012", "12 of 12", "12 of 12"),
        ("12", '{"a":12}', '{"a":12}'),
        ("000", "000", "•••"),
    ],
)
def test_which_entries_are_looked_for(entry: str, text: str, shown: str) -> None:
    assert confidential(entry).shown(text) == shown


def test_the_longest_of_two_entries_is_masked_whole() -> None:
    assert confidential("123", "12345").shown("12345 and 123") == "••••• and •••"


def test_names_that_others_go_by_and_numbers_of_an_event_stay() -> None:
    event = {"id": "i_4711", "item_id": "4711", "type": "x.4711", "audio_end_ms": 4711, "text": "4711", "a": ["4711"]}
    shown = confidential("4711").shown(event)
    assert shown == {**event, "text": "••••", "a": ["••••"]}


def test_names_that_an_application_gives_are_masked() -> None:
    event = {"call_id": "4711", "metadata": {"account_id": "4711", "customer_id": "no"}}
    shown = confidential("4711").shown(event)
    assert shown == {"call_id": "4711", "metadata": {"account_id": "••••", "customer_id": "no"}}


def test_what_lies_too_deep_is_not_told() -> None:
    told: Any = "x"
    for _ in range(DEEPEST + 1):
        told = [told]
    shown = confidential("471").shown(told)
    assert json.dumps(shown) == json.dumps(told).replace("x", json.dumps(MASK)[1:-1])
    nested: Any = "4711"
    for _ in range(6):
        nested = json.dumps([nested])
    assert "4711" not in confidential("4711").shown(nested)


def test_as_long_as_nothing_is_typed_all_is_told_as_it_is() -> None:
    event = {"type": "x.delta", "delta": "4711"}
    effects: list[Effect] = [Report("x", event), Warn("x", event)]
    told = Confidential().taken([*effects])
    assert told == effects
    assert told is not effects
    assert Confidential().shown(event) is event


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (
            Report("a.transcript.delta", {"type": "a.transcript.delta", "delta": "It is 47", "item_id": "i1"}),
            Report("a.transcript.delta", {"type": "a.transcript.delta", "delta": "It is ••", "item_id": "i1"}),
        ),
        (
            Report("response.output_audio.delta", {"type": "response.output_audio.delta", "delta": "AA4711AA"}),
            Report("response.output_audio.delta", {"type": "response.output_audio.delta", "delta": "AA4711AA"}),
        ),
        (Warn("x", {"call_id": "4711", "message": "no 4711"}), Warn("x", {"call_id": "4711", "message": "no ••••"})),
        (
            Finish(End("e", "r", "model", {"message": "no 4711"}, {"pin": 4711})),
            Finish(End("e", "r", "model", {"message": "no ••••"}, {"pin": "••••"})),
        ),
        (Finish(End("e", "r", "caller")), Finish(End("e", "r", "caller"))),
        (CallTool("c1", "pay", {"pin": "4711"}), CallTool("c1", "pay", {"pin": "4711"})),
        (ToModel(b"4711"), ToModel(b"4711")),
    ],
)
def test_those_who_are_told_of_the_call_see_dots_and_the_model_and_its_tools_do_not(
    told: Effect, shown: Effect
) -> None:
    assert confidential("4711").taken([told]) == [shown]


@given(
    entry=st.text("0123456789", min_size=3, max_size=8),
    value=st.recursive(
        st.none() | st.integers() | st.text("0123 x"),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("0123 x"), inner),
    ),
)
def test_no_text_of_an_entry_is_left_in_what_is_shown(entry: str, value: Any) -> None:
    told = {"arguments": json.dumps({"x": value, "pin": entry}), "text": f"a{entry}b", "output": [entry, {"a": entry}]}
    assert entry not in json.dumps(confidential(entry).shown(told), ensure_ascii=False)


SEPARATORS = st.text(st.characters(exclude_categories=["L", "N"]), max_size=16)


@given(
    st.text("0123456789", min_size=3, max_size=8).flatmap(
        lambda entry: st.tuples(st.just(entry), st.lists(SEPARATORS, min_size=len(entry), max_size=len(entry)))
    )
)
def test_no_entry_is_told_whatever_stands_between_its_digits(entry_and_separators: tuple[str, list[str]]) -> None:
    entry, separators = entry_and_separators
    for shift in (0, ord("\uff10") - ord("0"), ord("\u0966") - ord("0")):
        spread = "".join(chr(ord(sign) + shift) + after for sign, after in zip(entry, separators, strict=True))
        shown = confidential(entry).shown(f"It is {spread}")
        assert not any(sign.isdecimal() for sign in shown)


@pytest.mark.parametrize("text", ["4 7 1 " * 20_000, "4" + " 4" * 60_000, "4" + " " * 120_000, "4711" * 30_000])
def test_a_text_that_is_nearly_an_entry_all_along_takes_no_time_to_speak_of(text: str) -> None:
    spent_s = process_time()
    confidential("4711", "*4#7*1#1*4").shown(text)
    assert process_time() - spent_s < 1.0


def test_a_later_entry_does_not_bring_an_earlier_one_to_light_until_there_are_very_many() -> None:
    many = confidential(*(str(number) for number in range(1000, 1100)))
    assert many.shown("1000 1099") == "•••• ••••"


@pytest.mark.claim("keypad entry")
def test_what_was_typed_in_confidence_is_masked_also_where_a_tool_is_given_it() -> None:
    """Seven events of a call and three of its records quote what the model passes to a tool."""
    manners = Manners(digits=Digits(sensitive=True))
    hand = Hand(llm(session_update={"tools": [PAY]}), Options(audio=PCM24, manners=manners)).connect()
    hand.starts()
    hand.ends()
    for key in "4711#":
        hand.do(hand.bridge.platform_said(json.dumps({"event": "dtmf", "dtmf": key, "duration": "1"}), hand.now))
    hand.starts("r2")
    about = {"response_id": "r2", "item_id": "i2", "call_id": "c1"}
    for part in ('{"pin":"47', '11"}'):
        hand.model("response.function_call_arguments.delta", **about, delta=part)
    item = {"type": "function_call", "id": "i2", "name": "pay", "call_id": "c1", "arguments": '{"pin":"4711"}'}
    hand.model("response.function_call_arguments.done", **about, arguments='{"pin":"4711"}')
    hand.model("response.output_item.done", response_id="r2", item=item)
    hand.model("response.done", response={"id": "r2", "status": "completed", "output": [item]})
    hand.do(hand.bridge.tool_answered("c1", '{"paid_with":4711}', hand.now))
    hand.starts("r3")
    hand.model("response.output_audio_transcript.done", item_id="i3", content_index=0, transcript="Thanks for 4 7 1 1.")
    hand.ends("r3")
    hand.refuses(code="item_create_invalid", message="Invalid item: (typed on the keypad) 4711")

    outside = [effect for effect in hand.effects if not isinstance(effect, ToModel | CallTool)]
    record = hand.bridge.record
    for told in (outside, record.tools, record.transcript):
        assert "4711" not in repr(told)
        assert "4 7 1 1" not in repr(told)
    deltas = [e.event["delta"] for e in outside if isinstance(e, Report) and e.type.endswith("arguments.delta")]
    assert deltas == ['{"pin":"••', '••"}']
    [call] = [effect for effect in hand.effects if isinstance(effect, CallTool)]
    assert call.arguments == {"pin": "4711"}
    [output] = [e for e in sent(hand.effects) if e.get("item", {}).get("type") == "function_call_output"]
    assert output["item"]["output"] == '{"paid_with":4711}'
    assert ("user", "(typed on the keypad) 4711") in record.history()
