"""What single vendors say otherwise; what holds for all of them is in test_vendors.py."""

import json
from typing import Any

import pytest

from media.audio import AudioFormat
from media.realtime import VENDORS
from media.realtime.base import CallerText, Realtime, SessionOpened, SessionReady
from media.realtime.capabilities import Capabilities, ModelAudio
from media.realtime.dialect import FLAT, FORMATS, OPENAI, Dialect, find, take
from media.realtime.inworld import authorization
from verbs.llm import Llm

JsonObject = dict[str, Any]


def model(vendor: str, name: str | None = "m", **options: Any) -> Realtime:
    llm = Llm.model_validate({"vendor": vendor, "model": name, "llmOptions": options})
    return VENDORS[vendor].realtime(llm, audio=VENDORS[vendor].audio_at(24000))


def session(vendor: str, name: str | None = "m", **options: Any) -> JsonObject:
    told: JsonObject = json.loads(model(vendor, name, **options).configure())["session"]
    return told


def turns_of(told: JsonObject) -> JsonObject:
    turns: JsonObject = told.get("turn_detection") or told["audio"]["input"]["turn_detection"]
    return turns


def said(one: Realtime, type_: str, **fields: Any) -> object:
    return one.receive(json.dumps({"type": type_, **fields})).meaning


# Data


@pytest.mark.parametrize(
    ("rates_hz", "rate_hz", "chosen_hz"),
    [
        ((8000, 24000), 8000, 8000),
        ((8000, 24000), 16000, 24000),
        ((24000, 8000), 24000, 24000),
        ((16000,), 24000, 16000),
        ((8000, 16000), 48000, 16000),
    ],
)
def test_the_rate_is_the_platforms_or_the_next_higher_or_the_highest(
    rates_hz: tuple[int, ...], rate_hz: int, chosen_hz: int
) -> None:
    formats = tuple(AudioFormat("pcm16", rate) for rate in rates_hz)
    chosen = AudioFormat("pcm16", chosen_hz)
    assert Capabilities(hears=formats, speaks=formats).audio_at(rate_hz) == ModelAudio(chosen, chosen)


def test_what_is_taken_leaves_no_empty_object() -> None:
    tree = {"a": {"b": {"c": 1}, "d": 2}, "e": 3}
    assert take(tree, ("a", "b", "c")) == 1
    assert tree == {"a": {"d": 2}, "e": 3}
    assert take(tree, ("e", "x")) is take(tree, ("x",)) is find(tree, ("e", "x"))


def test_a_flat_session_is_the_betas() -> None:
    dialect = Dialect(moved=FLAT, unknown=frozenset({"type", *FORMATS}))
    told = {
        "type": "realtime",
        "output_modalities": ["audio"],
        "max_output_tokens": 5,
        "audio": {
            "input": {"format": {}, "transcription": {"model": "w"}, "noise_reduction": None, "turn_detection": None},
            "output": {"format": {}, "voice": "v", "speed": 1},
        },
    }
    assert dialect.place(told) == {
        "modalities": ["text", "audio"],
        "max_response_output_tokens": 5,
        "input_audio_transcription": {"model": "w"},
        "input_audio_noise_reduction": None,
        "turn_detection": None,
        "voice": "v",
        "speed": 1,
    }


def test_what_a_vendor_does_not_know_is_told_once_and_only_if_it_was_asked_for() -> None:
    dialect = Dialect(unknown=frozenset({"type", "truncation", "output_modalities"}), response={"a": "b"})
    quiet = dialect.missed({"type": "realtime", "output_modalities": ["audio"]}, {"a": 1})
    loud = dialect.missed({"truncation": "auto", "output_modalities": ["text"]}, {"c": 1})
    assert quiet == []
    assert [line.split()[0] for line in loud] == [
        "response_create.c",
        "session_update.output_modalities",
        "session_update.truncation",
    ]


def test_a_response_is_asked_for_in_the_vendors_words() -> None:
    dialect = Dialect(response={"instructions": "instructions", "output_modalities": "modalities"})
    asked = {"instructions": "x", "output_modalities": ["text"], "tool_choice": "none", "mood": "kind"}
    assert dialect.word(asked, frozenset({"mood"})) == {"instructions": "x", "modalities": ["text"], "mood": "kind"}
    assert OPENAI.word(asked) is asked


# Vendors


@pytest.mark.parametrize("opener", ["session.created", "conversation.created"])
def test_xai_opens_a_session_with_either_of_two_events(opener: str) -> None:
    one = model("xai")
    told = [said(one, type_) for type_ in (opener, "conversation.created", opener, "conversation.created")]
    opened = [isinstance(meaning, SessionOpened) for meaning in told]
    assert opened == ([True] * 4 if opener == "conversation.created" else [True, False, True, False])


def test_xai_transcribes_again_and_again() -> None:
    one = model("xai")
    type_ = "conversation.item.input_audio_transcription.completed"
    told = [said(one, type_, item_id="u", transcript="Hi", **more) for more in ({"status": "in_progress"}, {})]
    assert told == [None, CallerText("u", "Hi")]


def test_xai_and_inworld_are_told_of_turns_although_nothing_is_said_of_them() -> None:
    assert session("xai")["turn_detection"] == {"type": "server_vad"}
    assert session("inworld")["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
    assert session("xai", session_update={"turn_detection": None})["turn_detection"] is None
    assert session("inworld", session_update={"turn_detection": None})["audio"]["input"]["turn_detection"] is None


def test_inworlds_model_stands_in_the_session() -> None:
    assert session("inworld", "openai/gpt-4.1-nano")["model"] == "openai/gpt-4.1-nano"
    assert "model" not in session("inworld", None)
    extra = {"extra": {"session_update": {"model": "mine"}}}
    assert session("inworld", "openai/gpt-4.1-nano", **extra)["model"] == "mine"


def test_inworld_takes_the_key_of_its_portal_and_a_token() -> None:
    assert authorization("a2V5") == {"Authorization": "Basic a2V5"}
    assert authorization("ey.ey.s") == {"Authorization": "Bearer ey.ey.s"}


def test_each_session_with_inworld_has_a_name_of_its_own() -> None:
    llm = Llm.model_validate({"vendor": "inworld", "llmOptions": {}})
    first, second = (VENDORS["inworld"].dial(llm, url="wss://api.inworld.ai/x", api_key="k").url for _ in range(2))
    assert first != second
    assert first.startswith("wss://api.inworld.ai/x?key=hookswitch-")
    assert first.endswith("&protocol=realtime")


@pytest.mark.parametrize("vendor", ["localai", "speaches"])
def test_all_of_a_turn_detection_is_said_where_half_of_it_would_be_wrong(vendor: str) -> None:
    for asked in ({"threshold": 0.9}, {"type": "server_vad", "threshold": 0.9}):
        turns = turns_of(session(vendor, session_update={"turn_detection": asked}))
        assert turns.items() >= asked.items()
        assert "silence_duration_ms" in turns
    assert "turn_detection" not in json.dumps(session(vendor))


@pytest.mark.parametrize("vendor", list(VENDORS))
def test_turns_told_by_their_words_are_told_by_silence_where_the_vendor_knows_nothing_else(vendor: str) -> None:
    asked = {"type": "semantic_vad", "eagerness": "low", "create_response": True}
    one = model(vendor, "gpt-realtime-2.1", session_update={"turn_detection": asked})
    turns = turns_of(json.loads(one.configure())["session"])
    if vendor in {"xai", "speaches"}:
        assert (turns["type"], turns["create_response"], "eagerness" in turns) == ("server_vad", True, False)
        [warning] = one.warnings
        assert warning == (
            "session_update.turn_detection: semantic_vad is not known to this vendor; server_vad is used in its place"
        )
    else:
        assert (turns, one.warnings) == (asked, [])


@pytest.mark.parametrize("vendor", ["xai", "localai"])
def test_who_answers_every_turn_is_known_for_it(vendor: str) -> None:
    deaf = {"turn_detection": {"type": "server_vad", "create_response": False, "interrupt_response": False}}
    assert model(vendor, session_update=deaf).answers_itself
    assert not model(vendor, session_update={"turn_detection": None}).answers_itself


@pytest.mark.parametrize("vendor", ["qwen", "inworld", "speaches", "xai"])
def test_j18_temperature_is_the_calls_where_a_vendor_still_knows_it(vendor: str) -> None:
    one = model(vendor, response_create={"temperature": 0.8})
    told = json.loads(one.configure())["session"]
    keeps = vendor != "xai"
    assert told.get("temperature") == (0.8 if keeps else None)
    assert [line.split()[0] for line in one.warnings] == ([] if keeps else ["temperature"])


def test_qwen_has_its_own_word_for_the_most_tokens() -> None:
    assert session("qwen", session_update={"max_response_output_tokens": 100})["max_tokens"] == 100


@pytest.mark.parametrize("tool", [{"type": "mcp", "server_label": "m"}, 5])
def test_qwen_gets_other_tools_as_they_are(tool: Any) -> None:
    assert session("qwen", session_update={"tools": [tool]})["tools"] == [tool]


@pytest.mark.parametrize("tools", [5, "x"])
def test_tools_that_are_no_list_go_to_qwen_and_are_told(tools: Any) -> None:
    one = model("qwen", session_update={"tools": tools})
    assert one.warnings == ["session_update.tools is no list; the model will refuse it"]


@pytest.mark.parametrize("told", ["pcm", "pcm16", "pcm24", "g711_ulaw", None])
def test_a_flat_session_in_another_format_than_linear_is_a_mismatch(told: str | None) -> None:
    ready = said(model("qwen"), "session.updated", session={"output_audio_format": told})
    assert isinstance(ready, SessionReady)
    assert bool(ready.mismatch) is (told in {"g711_ulaw", None})


def test_a_session_may_tell_more_of_its_formats_than_was_asked_for() -> None:
    told = {"type": "audio/pcm", "rate": 24000, "channels": 1}
    audio = {"input": {"format": told}, "output": {"format": told}}
    assert said(model("xai"), "session.updated", session={"audio": audio}) == SessionReady()
