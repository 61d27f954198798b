"""What a change of settings means, in pipecat's names: `from_mapping` and `apply_update` of its documentation."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.places import leaves, nested
from media.realtime.dialect import SESSION_PATHS
from media.settings import (
    FIELDS,
    IN_SESSION,
    MADE_HERE,
    Settings,
    Wanted,
    apply,
    changes,
    faults,
    fixed,
    in_words,
    read,
)
from tests.simulation import WEATHER
from tests.verbs.seed import SEED

JsonObject = dict[str, Any]
VAD: JsonObject = {"type": "server_vad", "threshold": 0.5}
SESSION: JsonObject = {
    "instructions": "Help.",
    "tools": [WEATHER],
    "audio": {"input": {"turn_detection": VAD}, "output": {"voice": "alloy"}},
}


def so(session: JsonObject | None = None, *, model: str = "m-1", **extra: Any) -> Settings:
    return Settings(model, leaves(SESSION if session is None else session), extra)


def wanted(before: Settings | None = None, *, deep: bool = False, **change: Any) -> Wanted:
    return apply(read(change), before or so(), deep=deep)


def changed(before: Settings | None = None, *, deep: bool = False, **change: Any) -> JsonObject:
    before = before or so()
    return changes(read(change), before, wanted(before, deep=deep, **change).settings)


def told(before: Settings | None = None, *, deep: bool = False, **change: Any) -> JsonObject:
    """Give what the session that goes on is told."""
    return in_words(wanted(before, deep=deep, **change).told)


# Absent, null, a value


@pytest.mark.claim("P10", "P12")
@pytest.mark.parametrize(
    ("change", "session", "answer"),
    [
        ({}, {}, {}),
        ({"instructions": "Help."}, {}, {}),
        ({"turn_detection": None}, {"audio": {"input": {"turn_detection": None}}}, {"turn_detection": (VAD, None)}),
        ({"instructions": None}, {"instructions": ""}, {"instructions": ("Help.", None)}),
        ({"system_instruction": "Hi."}, {"instructions": "Hi."}, {"system_instruction": ("Help.", "Hi.")}),
        ({"max_tokens": 9}, {"max_output_tokens": 9}, {"max_tokens": (None, 9)}),
        ({"tools": None}, {"tools": []}, {"tools": ([WEATHER], None)}),
        ({"max_tokens": None, "tool_choice": "auto", "seed": None, "tracing": None}, {}, {}),
    ],
)
def test_p10_what_is_absent_stays_null_clears_and_a_value_sets(
    change: JsonObject, session: JsonObject, answer: dict[str, tuple[Any, Any]]
) -> None:
    assert told(**change) == session
    assert changed(**change) == {name: {"old": old, "new": new} for name, (old, new) in answer.items()}


@pytest.mark.claim("P10")
def test_p10_turns_that_nobody_spoke_of_are_taken_and_null_takes_them_away() -> None:
    silent, by_itself = so({}), {"type": "server_vad"}
    assert changed(silent, turn_detection=None) == {"turn_detection": {"old": by_itself, "new": None}}
    assert changed(silent, turn_detection=by_itself) == {}
    off = so({"audio": {"input": {"turn_detection": None}}})
    assert changed(off, turn_detection=by_itself) == {"turn_detection": {"old": None, "new": by_itself}}
    assert told(silent, turn_detection={"type": "server_vad"}) == {}
    assert told(silent, turn_detection=None) == {"audio": {"input": {"turn_detection": None}}}
    assert wanted(silent, turn_detection=False).told == wanted(silent, turn_detection=None).told


@pytest.mark.claim("P12")
def test_p12_what_was_changed_is_told_with_what_it_was_and_a_second_time_nothing_is() -> None:
    first = wanted(instructions="Hi.", tool_choice="none", foo=1)
    assert changes(read({"instructions": "Hi.", "tool_choice": "none", "foo": 1}), so(), first.settings) == {
        "instructions": {"old": "Help.", "new": "Hi."},
        "tool_choice": {"old": None, "new": "none"},
        "foo": {"old": None, "new": 1},
    }
    again = wanted(first.settings, instructions="Hi.", tool_choice="none", foo=1)
    assert (again.told, again.settings) == ({}, first.settings)


def test_what_a_session_has_no_word_for_can_be_left_unsaid_in_a_new_one_only() -> None:
    change = wanted(so({**SESSION, "prompt": {"id": "p"}}), prompt=None, audio={"output": {"voice": None}})
    assert fixed(change.told) == [("prompt",), ("audio", "output", "voice")]
    assert in_words(change.told) == {}
    assert ("prompt",) not in change.settings.session


# Where a setting belongs


@pytest.mark.claim("P15", "P9", "P6", "P7")
@pytest.mark.parametrize("name", sorted(FIELDS))
def test_p15_a_name_on_top_stays_there(name: str) -> None:
    assert (read({name: 1}).given, read({name: 1}).flat, read({name: 1}).extra) == ({name: 1}, {}, {})


@pytest.mark.claim("P15", "P9")
@pytest.mark.parametrize("name", sorted(IN_SESSION))
def test_p15_a_setting_of_the_session_is_put_into_the_session_whichever_way_it_is_written(name: str) -> None:
    delta = read({name: "x"})
    assert (delta.given, delta.flat, delta.extra) == ({}, {name: "x"}, {})
    if name != "audio":
        assert leaves(delta.flat) == {SESSION_PATHS.get(name, (name,)): "x"}


@pytest.mark.claim("P15", "P4")
def test_p15_the_model_is_never_one_of_the_session() -> None:
    assert read({"model": "m-2"}).given == {"model": "m-2"}
    for change in ({"model": "m-2"}, {"session_properties": {"model": "m-2"}}):
        for deep in (True, False):
            result = wanted(deep=deep, **change)
            assert result.settings.model == "m-2"
            assert ("model",) not in result.told.keys() | result.settings.session.keys()


@pytest.mark.claim("P15", "P5")
def test_p15_what_nobody_knows_is_extra_and_told_of_with_what_may_be_meant() -> None:
    result = wanted(foo=1, temperatur=1)
    assert result.settings.extra == {"foo": 1, "temperatur": 1}
    assert result.told == {}
    assert "is not known here" in result.untold["foo"]
    assert "did you mean 'temperature'?" in result.untold["temperatur"]


@pytest.mark.claim("P5")
def test_p5_extra_is_merged_and_not_replaced() -> None:
    before = so(None, a=1, b=2)
    result = wanted(before, b=3, c=4, extra={"d": 5})
    assert result.settings.extra == {"a": 1, "b": 3, "c": 4, "d": 5}
    assert wanted(before, a=None).settings.extra == {"b": 2}
    assert changed(before, b=3, c=4, a=1) == {"b": {"old": 2, "new": 3}, "c": {"old": None, "new": 4}}
    cleared = wanted(before, extra=None, c=4)
    assert cleared.settings.extra == {"c": 4}
    assert changed(before, extra=None)["extra"] == {"old": {"a": 1, "b": 2}, "new": {}}
    assert changed(extra=None) == {}


@pytest.mark.claim("P8")
def test_p8_what_is_of_pipecats_own_pipeline_is_told_with_what_does_it_here() -> None:
    result = wanted(filter_incomplete_user_turns=True, user_turn_completion_config={"a": 1})
    assert result.told == {}
    assert all("semantic_vad" in why for why in result.untold.values())
    assert len(result.untold) == 2
    assert wanted(filter_incomplete_user_turns=False).untold == {}


@pytest.mark.claim("P9")
def test_p9_the_words_of_the_beta_are_those_of_today_and_todays_are_heard_of_two() -> None:
    assert told(voice="verse", speed=1.2) == {"audio": {"output": {"voice": "verse", "speed": 1.2}}}
    both = {"voice": "ash", "audio": {"output": {"voice": "verse"}}}
    assert told(session_properties=both, deep=True) == {"audio": {"output": {"voice": "verse"}}}


@pytest.mark.claim("P9")
def test_p9_the_session_of_the_documented_verb_is_that_of_today() -> None:
    beta = SEED["llmOptions"]["session_update"]
    listening = {"transcription": beta["input_audio_transcription"], "turn_detection": beta["turn_detection"]}
    today = {"tools": beta["tools"], "tool_choice": beta["tool_choice"], "audio": {"input": listening}}
    assert beta.keys() == {"tools", "tool_choice", "input_audio_transcription", "turn_detection"}
    assert wanted(session_properties=beta) == wanted(session_properties=today)


@pytest.mark.claim("P9")
def test_p9_a_name_in_the_session_that_nobody_knows_goes_to_the_model() -> None:
    assert told(session_properties={"mood": "sunny"}, deep=True) == {"mood": "sunny"}


@pytest.mark.parametrize(
    ("properties", "untold"),
    [
        ({"type": "realtime", "id": None, "output_modalities": ["audio"]}, []),
        ({"type": "transcription", "id": "s-1"}, ["id", "type"]),
        ({"audio": {"input": {"format": {"type": "audio/pcm"}}}}, ["audio.input.format"]),
        ({"modalities": ["text"]}, ["modalities"]),
    ],
)
def test_what_the_call_itself_needs_is_not_changed(properties: JsonObject, untold: list[str]) -> None:
    result = wanted(session_properties=properties, deep=True)
    assert (result.told, sorted(result.untold)) == ({}, untold)
    assert all(path not in result.settings.session for path in MADE_HERE)


# session_properties


@pytest.mark.claim("P13")
def test_p13_session_properties_take_the_place_of_those_that_were() -> None:
    properties = {"tool_choice": "none", "audio": {"input": {"noise_reduction": {"type": "near_field"}}}}
    result = wanted(session_properties=properties)
    assert nested(result.settings.session) == {
        "instructions": "Help.",  # a view on top, and that one stays
        "tools": [],
        "tool_choice": "none",
        "audio": {
            "input": {"turn_detection": {"type": "server_vad"}, "noise_reduction": {"type": "near_field"}},
            "output": {"voice": "alloy"},  # a session has one, and its own
        },
    }
    answer = changed(session_properties=properties)
    assert answer.keys() == {"session_properties"}
    assert answer["session_properties"]["old"] == {"model": "m-1", **SESSION}
    assert answer["session_properties"]["new"]["tool_choice"] == "none"


@pytest.mark.claim("P13")
def test_p13_asked_to_merge_they_are_merged_to_the_depth() -> None:
    properties = {"audio": {"input": {"turn_detection": {"threshold": 0.9}}}}
    assert told(session_properties=properties, deep=True) == {
        "audio": {"input": {"turn_detection": VAD | {"threshold": 0.9}}}
    }
    assert told(turn_detection={"type": "semantic_vad"})["audio"]["input"]["turn_detection"] == {"type": "semantic_vad"}
    assert told(turn_detection={"threshold": 0.9}, deep=True) == told(session_properties=properties, deep=True)


@pytest.mark.claim("P13", "P10")
def test_a_setting_that_stands_flat_is_that_one_alone() -> None:
    assert told(tool_choice="none") == {"tool_choice": "none"}
    assert changed(audio={"output": {"speed": 1.2}}) == {
        "audio": {"old": {"output": {"speed": None}}, "new": {"output": {"speed": 1.2}}}
    }


@pytest.mark.claim("P13")
def test_session_properties_that_are_replaced_by_none_are_the_models_own() -> None:
    either: tuple[JsonObject | None, ...] = ({}, None)
    for properties in either:
        result = wanted(session_properties=properties)
        assert nested(result.settings.session)["audio"]["input"] == {"turn_detection": {"type": "server_vad"}}
        assert result.settings.view["system_instruction"] == "Help."


# Two views


@pytest.mark.claim("P14")
@pytest.mark.parametrize(
    ("top", "inside", "is_"),
    [
        ({"model": "m-1"}, {"model": "m-2"}, "m-1"),  # pipecat: m-2, for what is given on top has not changed
        ({"model": "m-3"}, {"model": "m-2"}, "m-3"),
        ({}, {"model": "m-2"}, "m-2"),
        ({"model": "m-3"}, {}, "m-3"),
    ],
)
def test_p14_a_model_that_is_given_on_top_wins_though_it_says_what_is_so(
    top: JsonObject, inside: JsonObject, is_: str
) -> None:
    for deep in (True, False):
        result = wanted(**top, session_properties=inside, deep=deep).settings
        assert (result.model, result.properties["model"]) == (is_, is_)


@pytest.mark.claim("P14", "P6")
@pytest.mark.parametrize(
    ("top", "inside", "is_"),
    [
        ({"system_instruction": "Help."}, {"instructions": "Sell."}, "Help."),  # pipecat: Sell.
        ({"instructions": "Help."}, {"instructions": "Sell."}, "Help."),
        ({"system_instruction": None}, {"instructions": "Sell."}, None),
        ({"system_instruction": "Own.", "instructions": "Alias."}, {}, "Own."),
        ({"instructions": "Alias.", "system_instruction": "Own."}, {}, "Own."),
        ({}, {"instructions": "Sell."}, "Sell."),
        ({}, {}, "Help."),
    ],
)
def test_p6_p14_instructions_that_are_given_on_top_win_though_they_say_what_is_so(
    top: JsonObject, inside: JsonObject, is_: str | None
) -> None:
    for deep in (True, False):
        result = wanted(**top, session_properties=inside, deep=deep).settings
        assert (result.view["system_instruction"], result.properties["instructions"]) == (is_, is_)


@pytest.mark.claim("P11", "P12")
def test_p11_what_session_properties_bring_is_told_under_its_name_on_top_too() -> None:
    answer = changed(session_properties={"instructions": "Sell.", "model": "m-2"}, deep=True)
    assert answer["system_instruction"] == {"old": "Help.", "new": "Sell."}
    assert answer["model"] == {"old": "m-1", "new": "m-2"}
    assert answer["session_properties"]["new"]["instructions"] == "Sell."


texts = st.sampled_from(["a", "b", None])
names = st.sampled_from(["m-1", "m-2"])
inner = st.fixed_dictionaries(
    {}, optional={"instructions": texts, "model": names, "max_output_tokens": st.sampled_from([5, "inf"])}
)
deltas: st.SearchStrategy[JsonObject] = st.fixed_dictionaries(
    {},
    optional={
        "system_instruction": texts,
        "instructions": texts,
        "model": names,
        "max_tokens": st.sampled_from([7, None]),
        "session_properties": inner,
        "tools": st.sampled_from([[], None]),
    },
)


@pytest.mark.claim("P11")
@given(st.lists(st.tuples(deltas, st.booleans()), max_size=6))
def test_p11_after_any_changes_both_views_say_the_same_and_no_change_is_told_twice(
    steps: list[tuple[JsonObject, bool]],
) -> None:
    now = so()
    for change, deep in steps:
        delta = read(change)
        result = apply(delta, now, deep=deep)
        view, now = result.settings.view, result.settings
        assert view["session_properties"]["model"] == view["model"]
        assert view["session_properties"].get("instructions") == view["system_instruction"]
        assert view["session_properties"].get("max_output_tokens") == view["max_tokens"]
        assert apply(delta, now, deep=deep).told == {}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"temperature": "hot"}, "temperature must be"),
        ({"temperature": 3}, "temperature must be"),
        ({"instructions": 5}, "instructions must be text"),
        ({"model": None}, "model must be the name of a model"),
        ({"model": ""}, "model must be the name of a model"),
        ({"session_properties": []}, "session_properties must be an object"),
        ({"audio": None}, "audio must be an object"),
        ({"extra": 5}, "extra must be an object"),
        ({"session_properties": {"audio": {"input": None}}}, "audio must be an object"),
    ],
)
def test_what_cannot_be_a_setting_is_told_by_the_name_that_was_written(change: JsonObject, fault: str) -> None:
    found = [f"{'.'.join(map(str, finding.path))} {finding.message}" for finding in faults(read(change))]
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_what_can_be_a_setting_has_no_fault() -> None:
    change = {"temperature": 1, "max_tokens": "inf", "model": "m", "session_properties": SESSION, "tools": []}
    assert list(faults(read(change))) == []
