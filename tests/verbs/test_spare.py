"""A verb that is said to another model than its own."""

from typing import Any

import pytest

from tests.verbs.seed import SEED
from verbs.llm import Llm
from verbs.spare import Spare, spare

JsonObject = dict[str, Any]
OPENAI: JsonObject = {
    "response_create": {"instructions": "Be kind.", "voice": "alloy"},
    "session_update": {
        "voice": "alloy",
        "audio": {"input": {"turn_detection": {"type": "semantic_vad"}}, "output": {"speed": 1.1, "voice": "marin"}},
        "input_audio_transcription": {"model": "whisper-1", "language": "de"},
        "turn_detection": {"type": "server_vad", "threshold": 0.8},
        "model": "gpt-realtime-2.1",
        "tools": [{"type": "function", "name": "f"}, {"type": "mcp", "server_label": "m"}],
    },
    "extra": {"session_update": {"voice": "sage", "mood": "sunny"}},
}


def said_to(vendor: str, told: JsonObject, own: JsonObject | None = None, *, of: str = "openai") -> Spare:
    llm = Llm.model_validate({"vendor": of, "model": "m", "llmOptions": told, "connectOptions": {"host": "h"}})
    return spare(llm, vendor=vendor, model="n", auth={"apiKey": "k"}, options=own or {})


@pytest.mark.parametrize(
    ("vendor", "knows"),
    [
        *(("openai", True), ("microsoft", True), ("xai", True)),
        *(("inworld", False), ("qwen", False), ("localai", False), ("speaches", False)),
    ],
)
def test_tools_by_mcp_and_the_choice_of_them_go_to_those_who_know_it(vendor: str, *, knows: bool) -> None:
    tools = [{"type": "function", "name": "f"}, {"type": "mcp", "server_label": "m"}]
    choice = {"type": "mcp", "server_label": "m"}
    told = {"session_update": {"tools": tools, "tool_choice": choice}, "response_create": {"tool_choice": choice}}
    (llm, warnings) = said_to(vendor, told)
    if knows:
        assert (llm.llm_options, warnings) == (told, [])
    else:
        assert llm.llm_options == {"session_update": {"tools": tools[:1]}, "response_create": {}}
        assert "session_update.tools, session_update.tool_choice, response_create.tool_choice" in warnings[0]


def test_the_choice_of_a_function_goes_to_anybody() -> None:
    told = {"session_update": {"tool_choice": {"type": "function", "name": "f"}}}
    assert said_to("qwen", told) == said_to("qwen", told)._replace(warnings=[])
    assert said_to("qwen", told).llm.llm_options == told


@pytest.mark.claim("fallback models")
def test_what_only_its_own_vendor_knows_is_not_carried_to_anothers_model() -> None:
    (llm, [warning]) = said_to("xai", OPENAI)
    assert (llm.vendor, llm.model, llm.auth, llm.connect_options) == ("xai", "n", {"apiKey": "k"}, None)
    assert llm.llm_options == {
        "response_create": {"instructions": "Be kind."},
        "session_update": {
            "audio": {"input": {}, "output": {"speed": 1.1}},
            "turn_detection": {"type": "server_vad", "threshold": 0.8},
            "tools": OPENAI["session_update"]["tools"],
        },
        "extra": {"session_update": {"mood": "sunny"}},
    }
    assert warning == (
        "known to openai only, and left out where xai is fallen back on: session_update.audio.output.voice, "
        "session_update.voice, response_create.voice, extra.session_update.voice, "
        "session_update.input_audio_transcription, session_update.audio.input.turn_detection, session_update.model; "
        "that entry of llm_fallback may have its own `llmOptions`"
    )


@pytest.mark.parametrize(("of", "vendor"), [("openai", "openai"), ("openai", "microsoft"), ("microsoft", "openai")])
def test_the_same_models_have_the_same_voices_wherever_they_are_served(of: str, vendor: str) -> None:
    llm, warnings = said_to(vendor, OPENAI, of=of)
    assert (llm.llm_options, warnings) == (OPENAI, [])


@pytest.mark.parametrize("vendor", ["xai", "openai"])
@pytest.mark.parametrize("own", [{"voice": "ara"}, {"audio": {"output": {"voice": "ara"}}}])
def test_what_an_entry_says_itself_goes_before_the_verb_however_either_spells_it(vendor: str, own: JsonObject) -> None:
    told = {"session_update": {"instructions": "x", "voice": "v", "audio": {"output": {"voice": "w"}}}}
    llm, warnings = said_to(vendor, told, {"session_update": own})
    session = llm.llm_options["session_update"]
    assert (session["instructions"], warnings) == ("x", [])
    assert [session.get("voice"), session["audio"]["output"].get("voice")].count("ara") == 1
    assert "'v'" not in str(session)
    assert "'w'" not in str(session)


def test_sections_are_laid_over_setting_by_setting() -> None:
    told = {"session_update": {"instructions": "x", "speed": 1}, "response_create": {"instructions": "y"}}
    llm, _ = said_to("xai", told, {"session_update": {"instructions": "z"}, "extra": {"session_update": {"a": 1}}})
    assert llm.llm_options == {
        "session_update": {"instructions": "z", "speed": 1},
        "response_create": {"instructions": "y"},
        "extra": {"session_update": {"a": 1}},
    }


def test_a_vendors_own_tools_and_settings_stay_with_it() -> None:
    search = {"type": "web_search"}
    own: JsonObject = {"resumption": {}, "tools": [search, *SEED["llmOptions"]["session_update"]["tools"]]}
    llm, [warning] = said_to("openai", {"session_update": own}, of="xai")
    assert llm.llm_options == {"session_update": {"tools": own["tools"][1:]}}
    assert "session_update.resumption, session_update.tools;" in warning
    assert said_to("xai", {"session_update": own}, of="xai").llm.llm_options == {"session_update": own}


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"session_update": None, "extra": "x"},
        {"session_update": {"voice": None, "audio": "x", "tools": ["x"], "input_audio_transcription": {"prompt": "p"}}},
        {"session_update": {"turn_detection": None, "tools": None}, "response_create": []},
    ],
)
def test_what_says_nothing_of_a_vendor_is_carried_as_it_is(told: JsonObject) -> None:
    assert said_to("xai", told) == Spare(said_to("xai", told).llm, [])
    assert said_to("xai", told).llm.llm_options == told
