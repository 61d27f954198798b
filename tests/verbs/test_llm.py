"""The `llm` verb: what it holds, and in whose words it is written."""

import json
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verbs.seed import SEED
from verbs import DocumentError, lint, parse, serialise
from verbs.llm import Llm
from verbs.llm_options import RESPONSE, SESSION, check_options
from verbs.vendors import VENDORS

GA: dict[str, Any] = {
    "session_update": {
        "type": "realtime",
        "output_modalities": ["audio"],
        "max_output_tokens": "inf",
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low"},
        "prompt": {"id": "p"},
        "tracing": "auto",
        "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
        "include": ["item.input_audio_transcription.logprobs"],
        "tool_choice": {"type": "function", "name": "f"},
        "tools": [
            {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}},
            {"type": "mcp", "server_label": "m", "server_url": "https://x.example", "require_approval": "never"},
        ],
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": {"model": "gpt-4o-transcribe", "languages": ["en"], "prompt": "x"},
                "noise_reduction": {"type": "far_field", "strength": 0.5},
                "turn_detection": {"type": "semantic_vad", "eagerness": "low", "create_response": True},
            },
            "output": {"format": {"type": "audio/pcmu"}, "voice": {"id": "voice_1"}, "speed": 1.25},
        },
    },
    "response_create": {
        "conversation": "none",
        "metadata": {"k": "v"},
        "input": [],
        "audio": {"output": {"voice": "marin"}},
        "tool_choice": "required",
    },
    "extra": {"session_update": {"not": "known"}, "response_create": {"temperature": 99}},
}


def llm(**properties: Any) -> dict[str, Any]:
    return {"verb": "llm", "vendor": "openai", "llmOptions": {}, **properties}


def options(**session: Any) -> dict[str, Any]:
    return llm(llmOptions={"session_update": session})


def complaints(written: dict[str, Any]) -> str:
    return "; ".join(map(str, lint(written, version="0.9")))


def read(written: dict[str, Any]) -> Llm:
    [verb] = parse(written, strict=False)
    assert isinstance(verb, Llm)
    return verb


@pytest.mark.claim(
    "J4", "vendor", "model", "auth", "auth.apiKey", "actionHook", "eventHook", "toolHook", "events", "llmOptions"
)
def test_the_documented_verb_has_all_its_properties() -> None:
    verb = read(SEED)
    assert (verb.vendor, verb.model) == ("openai", "gpt-4o-realtime-preview-2024-10-01")
    assert (verb.action_hook, verb.event_hook, verb.tool_hook) == ("/final", "/event", "/toolCall")
    assert verb.auth == {"apiKey": "sk-example"}
    assert verb.events == SEED["events"]
    assert verb.llm_options == SEED["llmOptions"]


def test_a_verb_in_the_words_of_today_is_taken_whole() -> None:
    assert serialise(parse(llm(llmOptions=GA))) == [llm(llmOptions=GA)]


@pytest.mark.parametrize(
    "written",
    [
        llm(),
        llm(model=None, auth=None, connectOptions=None, actionHook=None, events=None),
        llm(auth={}, connectOptions={}, events=[]),
        llm(auth={"apiKey": None}),
        llm(events=["all"]),
        llm(events=["*", "-response.audio.*", "x", "a_b.c2"]),
        llm(connectOptions={"host": "127.0.0.1:9000", "path": "v1/realtime?model=x"}),
        llm(connectOptions={"url": "wss://x.example/v1", "headers": {"X-A": "b"}, "query": {"a": "b"}}),
        llm(connectOptions={"host": "{{env.HOST}}:{{env.PORT}}", "path": "{{env.PATH}}", "headers": {"X": "{{from}}"}}),
        llm(connectOptions={"url": "wss://{{env.HOST}}/v1"}),
        llm(mcpServers=[{"url": "https://x.example/sse", "auth": {}, "roots": [{}]}]),
        llm(llmOptions={"response_create": None, "session_update": None, "extra": None}),
        options(turn_detection=None, tools=None, input_audio_transcription=None, instructions=None),
        options(turn_detection=False),
        options(turn_detection={"type": "server_vad", "idle_timeout_ms": 5000, "interrupt_response": False}),
        options(turn_detection={"threshold": 0}),
        options(max_response_output_tokens="inf", speed=0.25, temperature=1, client_secret={}),
        options(tools=[], tool_choice="none"),
        options(truncation="disabled", reasoning={"effort": "xhigh"}, tool_choice={"type": "mcp", "server_label": "m"}),
        options(input_audio_transcription={"model": "gpt-realtime-whisper", "delay": "low", "prompt": None}),
        options(input_audio_transcription={"model": "whisper-1", "language": "de", "prompt": "Names."}),
    ],
)
def test_these_are_taken(written: dict[str, Any]) -> None:
    assert complaints(written) == ""
    assert json.dumps(serialise(parse(written))) == json.dumps([written])


UPDATE = "verbs[0].llmOptions.session_update"


@pytest.mark.claim("llmOptions.session_update.tools")
@pytest.mark.parametrize("vendor", list(VENDORS))
@pytest.mark.parametrize("type_", ["mcp", "web_search", "x_search", "file_search", "code_interpreter"])
def test_a_tool_that_the_vendor_serves_itself_is_taken_for_that_vendor(vendor: str, type_: str) -> None:
    written = {**options(tools=[{"type": type_}]), "vendor": vendor, "model": "m"}
    own = {
        "openai": ["mcp"],
        "microsoft": ["mcp"],
        "xai": ["file_search", "mcp", "web_search", "x_search"],
    }.get(vendor, [])
    known, kinds = type_ in own, " or ".join(["function", *own])
    assert complaints(written) == ("" if known else f"{UPDATE}.tools[0].type: must be {kinds}")


@pytest.mark.claim(
    "J12",
    "J19",
    "J25",
    "J27",
    "connectOptions",
    "auth",
    "llmOptions.session_update.turn_detection.type",
    "llmOptions.session_update.turn_detection.threshold",
    "llmOptions.session_update.turn_detection.silence_duration_ms",
    "llmOptions.response_create.modalities",
    "llmOptions.response_create.output_audio_format",
    "llmOptions.response_create.temperature",
)
@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (llm(auth={"apikey": "x"}), "verbs[0].auth.apikey: unknown property 'apikey' (did you mean 'apiKey'?)"),
        (llm(connectOptions={"host": "https://x"}), "connectOptions.host: must be a host's name, and :port"),
        (
            llm(connectOptions={"url": "https://x"}),
            "connectOptions.url: must be a ws:// or wss:// URL, not 'https://x'",
        ),
        (llm(connectOptions={"uri": "wss://x"}), "connectOptions.uri: unknown property 'uri' (did you mean 'url'?)"),
        (llm(connectOptions={"url": "{{env.URL}}"}), "connectOptions.url: must be a ws:// or wss:// URL"),
        (llm(connectOptions={"path": "a b"}), "connectOptions.path: must be a path, without a space or a #, not 'a b'"),
        (llm(connectOptions={"headers": {"X": 1}}), "connectOptions.headers: must be an object of texts"),
        (llm(connectOptions={"headers": {"X": "1\r\nY: 2"}}), "that HTTP can carry, each in one line"),
        (llm(connectOptions={"query": {"X": 1}}), "connectOptions.query: must be an object of texts"),
        (llm(events=["response.**"]), "verbs[0].events[0]: no event is named 'response.**'"),
        (llm(events=["response."]), "no event is named 'response.'"),
        (llm(events=[""]), "no event is named ''"),
        (llm(llmOptions={"temprature": 1}), "verbs[0].llmOptions.temprature: unknown property 'temprature'"),
        (llm(llmOptions={"sessionUpdate": {}}), "unknown property 'sessionUpdate' (did you mean 'session_update'?)"),
        (llm(llmOptions={"extra": {"x": {}}}), "llmOptions.extra.x: unknown property 'x'"),
        (
            options(instruction="x"),
            f"{UPDATE}.instruction: unknown property 'instruction' (did you mean 'instructions'?)",
        ),
        (options(max_output_tokens=5000), f'{UPDATE}.max_output_tokens: must be from 1 to 4096, or "inf", not 5000'),
        (options(max_output_tokens="lots"), "or \"inf\", not 'lots'"),
        (options(speed=2), f"{UPDATE}.speed: must be from 0.25 to 1.5, not 2"),
        (options(temperature=2.5), "temperature: must be from 0 to 2, not 2.5"),
        (options(modalities=["voice"]), f"{UPDATE}.modalities: must be [text, audio] or [audio]: an answer in text"),
        (options(output_modalities=["text"]), f"{UPDATE}.output_modalities: must be [text, audio] or [audio]"),
        (
            llm(llmOptions={"response_create": {"modalities": ["text"]}}),
            "response_create.modalities: must be [text, audio] or [audio]: an answer in text alone is not heard",
        ),
        (options(output_audio_format="wav"), "must be pcm16 or g711_ulaw or g711_alaw, not 'wav'"),
        (options(type="transcription"), f"{UPDATE}.type: must be realtime, not 'transcription'"),
        (options(turn_detection=True), "turn_detection: must be an object, or null for none, not true"),
        (options(turn_detection={"type": "vad"}), "turn_detection.type: must be server_vad or semantic_vad, not 'vad'"),
        (options(turn_detection={"threshold": 8}), "turn_detection.threshold: must be from 0 to 1, not 8"),
        (options(turn_detection={"silence_duration_ms": -1}), "must be a whole number, 0 at least, not -1"),
        (options(turn_detection={"type": "semantic_vad", "threshold": 1}), "threshold: unknown property 'threshold'"),
        (
            options(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "x"}}}),
            f"{UPDATE}.audio.input.turn_detection.eagerness: must be low or medium or high or auto, not 'x'",
        ),
        (options(audio={"input": {"voice": "x"}}), f"{UPDATE}.audio.input.voice: unknown property 'voice'"),
        (options(tool_choice="always"), f"{UPDATE}.tool_choice: must be auto or none or required, not 'always'"),
        (options(tool_choice={"type": []}), f"{UPDATE}.tool_choice.type: must be function or mcp"),
        (options(tool_choice={"type": "function"}), f"{UPDATE}.tool_choice.name: is missing: which function?"),
        (options(truncation="never"), f"{UPDATE}.truncation: must be auto or disabled, or an object, not 'never'"),
        (options(truncation={"type": "retention_ratio", "retention_ratio": 2}), "retention_ratio: must be from 0 to 1"),
        (options(reasoning={"effort": "huge"}), f"{UPDATE}.reasoning.effort: must be none or minimal or low or medium"),
        (
            options(input_audio_transcription={"model": "gpt-transcribe", "language": "en", "languages": ["en"]}),
            f"{UPDATE}.input_audio_transcription.languages: cannot be told together with language",
        ),
        (
            options(audio={"input": {"transcription": {"model": "whisper-1", "delay": "low"}}}),
            f"{UPDATE}.audio.input.transcription.delay: is only known to gpt-realtime-whisper",
        ),
        (
            options(audio={"input": {"transcription": {"model": "gpt-realtime-whisper", "prompt": "x"}}}),
            f"{UPDATE}.audio.input.transcription.prompt: is not known to gpt-realtime-whisper",
        ),
        (
            llm(llmOptions={"response_create": {"metadata": {"k": 5}}}),
            "response_create.metadata: must be an object of 16 texts at most, of 512 characters at most",
        ),
        (
            llm(llmOptions={"response_create": {"metadata": {str(n): "x" for n in range(17)}}}),
            "response_create.metadata: must be an object of 16 texts",
        ),
        (
            llm(llmOptions={"response_create": {"turn_detection": None}}),
            "llmOptions.response_create.turn_detection: unknown property 'turn_detection'",
        ),
    ],
)
def test_what_the_model_would_not_know_is_told_before_a_call(written: dict[str, Any], complaint: str) -> None:
    assert complaint in complaints(written)
    with pytest.raises(DocumentError):
        parse(written)
    assert serialise(parse(written, strict=False)) == [written]


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (llm(auth="x"), "verbs[0].auth: must be an object, not 'x'"),
        (llm(auth={"apiKey": 5}), "verbs[0].auth.apiKey: must be text, not 5"),
        (
            llm(connectOptions={"host": ["x"]}),
            "verbs[0].connectOptions.host: must be a host's name, and :port, not a list",
        ),
        (
            llm(connectOptions={"headers": 1}),
            "connectOptions.headers: must be an object of texts that HTTP can carry, each in one line, not 1",
        ),
        (llm(events=["x", 5]), "verbs[0].events[1]: must be text, not 5"),
        (llm(events="all"), "verbs[0].events: must be a list, not 'all'"),
        (llm(vendor=5), "verbs[0].vendor: must be text, not 5"),
        (llm(llmOptions={"session_update": []}), f"{UPDATE}: must be an object, not a list"),
        (llm(llmOptions={"extra": 1}), "verbs[0].llmOptions.extra: must be an object, not 1"),
        (options(max_output_tokens=True), f'{UPDATE}.max_output_tokens: must be from 1 to 4096, or "inf", not true'),
        (options(turn_detection="none"), "turn_detection: must be an object, or null for none, not 'none'"),
        (
            options(turn_detection={"silence_duration_ms": "x"}),
            "silence_duration_ms: must be a whole number, 0 at least",
        ),
        (options(tools={}), f"{UPDATE}.tools: must be a list, not an object"),
        (options(tools=[5]), f"{UPDATE}.tools[0]: must be an object, not 5"),
        (options(tools=[{"type": "function"}]), f"{UPDATE}.tools[0].name: is missing and required"),
        (options(tools=[{"type": "function", "name": 5}]), f"{UPDATE}.tools[0].name: must be text, not 5"),
        (options(audio={"input": []}), f"{UPDATE}.audio.input: must be an object, not a list"),
        (
            llm(llmOptions={"extra": {"session_update": {"tools": [{"type": "function"}]}}}),
            "verbs[0].llmOptions.extra.session_update.tools[0].name: is missing and required",
        ),
    ],
)
def test_what_no_call_could_be_made_with_is_refused_always(written: dict[str, Any], complaint: str) -> None:
    for strict in (True, False):
        with pytest.raises(DocumentError) as error:
            parse(written, strict=strict)
        assert complaint in str(error.value)


def test_one_fault_is_one_complaint() -> None:
    for written in (llm(auth="x"), llm(events="x"), options(tools=1), llm(llmOptions=[]), options(turn_detection=1)):
        assert len(lint(written, version="0.9")) == 1


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        ("openai/gpt-realtime-2.1", {"vendor": "openai", "model": "gpt-realtime-2.1"}),
        ("inworld/openai/gpt-4.1-nano", {"vendor": "inworld", "model": "openai/gpt-4.1-nano"}),
        ("openai", {"vendor": "openai"}),
        ("xai/", {"vendor": "xai"}),
    ],
)
def test_a_verb_in_short_is_the_whole_verb(short: str, whole: dict[str, Any]) -> None:
    expected = {"verb": "llm", **whole, "llmOptions": {}}
    for written in ({"llm": short}, {"s2s": short}, {"llm": {"model": short}}, {"verb": "llm", "model": short}):
        [verb] = parse(written)
        assert isinstance(verb, Llm)
        assert (verb.plain(), verb.to_wire(), lint(written, version="0.9")) == (expected, written, [])
        assert (verb.vendor, verb.model, verb.llm_options) == (whole["vendor"], whole.get("model"), {})


def test_a_synonym_with_a_vendor_has_the_rest_in_short() -> None:
    [verb] = parse({"openai_s2s": "gpt-realtime-2.1"})
    assert verb.plain() == {"verb": "llm", "vendor": "openai", "model": "gpt-realtime-2.1", "llmOptions": {}}


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"llm": "opnai/gpt-realtime-2.1"}, "verbs[0].vendor: unknown vendor 'opnai' (did you mean 'openai'?)"),
        ({"llm": "gpt-realtime-2.1"}, "verbs[0].vendor: is missing and required"),
        ({"llm": ""}, "verbs[0].vendor: is missing and required"),
        ({"say": "openai/gpt-realtime-2.1"}, "must be a verb, as"),
        ({"lmm": "openai/gpt-realtime-2.1"}, "must be a verb, as"),
        ({"llm": 5}, "must be a verb, as"),
    ],
)
def test_what_is_said_too_short_is_told(written: dict[str, Any], complaint: str) -> None:
    assert complaint in complaints(written)


@pytest.mark.parametrize("llm_options", [{}, {"llmOptions": None}, {"llmOptions": {}}, {"llmOptions": {"extra": {}}}])
def test_j13_a_verb_need_say_nothing_of_the_model(llm_options: dict[str, Any]) -> None:
    verb = read({"verb": "llm", "vendor": "openai", **llm_options})
    assert verb.llm_options == (llm_options.get("llmOptions") or {})
    assert verb.in_plain_form().to_wire()["llmOptions"] == verb.llm_options


def test_j4_the_documented_verb_can_be_made_without_a_document() -> None:
    assert Llm.model_validate(SEED).to_wire() == SEED


@pytest.mark.parametrize("vendor", list(VENDORS))
def test_j27_every_vendor_can_be_reached_where_the_verb_says(vendor: str) -> None:
    written = llm(vendor=vendor, model="m", connectOptions={"host": "h.example", "path": "/x", "headers": {"A": "b"}})
    assert complaints(written) == ""
    wrong = llm(vendor=vendor, model="m", connectOptions={"url": "https://h.example"})
    assert "connectOptions.url: must be a ws:// or wss:// URL" in complaints(wrong)


@pytest.mark.parametrize(
    ("vendor", "setting", "value"),
    [
        ("inworld", "providerData", {"stt": {}}),
        ("inworld", "audio", {"output": {"model": "inworld-tts-2", "voice": "Sarah"}}),
        ("qwen", "enable_search", True),
        ("speaches", "speech_model", "kokoro"),
        ("xai", "input_audio_transcription", {"language_hint": "de"}),
    ],
)
def test_a_vendor_may_have_settings_that_others_have_not(vendor: str, setting: str, value: Any) -> None:
    told = {"session_update": {setting: value}}
    assert complaints(llm(vendor=vendor, model="m", llmOptions=told)) == ""
    assert "unknown property" in complaints(llm(llmOptions=told))
    assert "unknown property 'moood'" in complaints(
        llm(vendor=vendor, model="m", llmOptions={"session_update": {"moood": 1}})
    )


@pytest.mark.parametrize("vendor", ["microsoft", "localai", "speaches"])
@pytest.mark.parametrize(
    "connect",
    [
        {"query": {"model": "m"}},
        {"query": {"deployment": "m"}},
        {"path": "openai/realtime?api-version=2024-10-01-preview&deployment=m"},
        {"url": "wss://h.example/v1/realtime?model=m"},
    ],
)
def test_j6_a_model_must_be_named_where_the_vendor_has_no_default(vendor: str, connect: dict[str, Any]) -> None:
    assert f"verbs[0].model: is missing: vendor {vendor} has no model" in complaints(llm(vendor=vendor))
    assert "verbs[0].model: is missing" in complaints(llm(vendor=vendor, connectOptions={"path": "v1?models=3"}))
    assert complaints(llm(vendor=vendor, model="m")) == ""
    assert complaints(llm(vendor=vendor, connectOptions=connect)) == ""


def test_another_vendors_options_are_its_own() -> None:
    written = llm(vendor="ultravox", auth={"agent_id": "x"}, llmOptions={"anything": 1})
    assert [complaint.path for complaint in lint(written, version="0.9")] == [(0, "vendor")]
    assert read(written).vendor == "ultravox"


@pytest.mark.parametrize(
    ("llm_options", "beta"),
    [
        (SEED["llmOptions"], True),
        (GA, False),
        ({}, True),
        ({"response_create": {"instructions": "x"}}, True),
        ({"session_update": {"type": "realtime"}}, False),
        ({"session_update": {"audio": {}}}, False),
        ({"session_update": {"audio": {}, "turn_detection": None}}, True),
        ({"session_update": {"type": "realtime"}, "response_create": {"modalities": ["text"]}}, True),
        ({"response_create": {"output_modalities": ["audio"]}}, False),
        ({"session_update": None}, True),
    ],
)
def test_a_verb_is_in_the_betas_words_or_in_those_of_today(llm_options: dict[str, Any], *, beta: bool) -> None:
    assert read(llm(llmOptions=llm_options)).beta_shaped is beta


@pytest.mark.claim("J12")
def test_every_field_that_openais_own_package_knows_is_known() -> None:
    from openai.types.beta.realtime.session_update_event import Session as BetaSession
    from openai.types.realtime import RealtimeResponseCreateParams, RealtimeSessionCreateRequest

    assert RealtimeSessionCreateRequest.model_fields.keys() - SESSION.keys() == set()
    assert BetaSession.model_fields.keys() - SESSION.keys() == set()
    assert RealtimeResponseCreateParams.model_fields.keys() - RESPONSE.keys() == set()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(SESSION)), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(VALUES, st.integers(0, 10_000))
def test_options_with_anything_anywhere_are_judged(value: Any, seed: int) -> None:
    changed = deepcopy(GA if seed % 2 else SEED["llmOptions"])
    place: Any = changed
    rng = Random(seed)  # noqa: S311  # the same documents every time
    while True:
        key = rng.choice([*place] if isinstance(place, dict) else range(len(place)))
        if not place[key] or not isinstance(place[key], dict | list) or rng.random() < 0.2:
            break
        place = place[key]
    place[key] = value
    for finding in check_options(changed, ()):
        assert finding.message
    with suppress(DocumentError):
        assert serialise(parse(llm(llmOptions=changed), strict=False)) == [llm(llmOptions=changed)]


def test_a_verb_a_file() -> None:
    files = {path.stem for path in (Path(__file__).parents[2] / "verbs").glob("*.py")}
    typed = {"llm", "listen", "say", "play", "gather", "dial", "redirect", "pause", "hangup", "answer", "config"}
    assert typed <= files


def test_the_object_of_the_builder_is_an_llm_verb_without_its_name() -> None:
    bare = {key: value for key, value in SEED.items() if key != "verb"}
    [verb] = parse([bare])
    assert isinstance(verb, Llm)
    assert (verb.vendor, verb.tool_hook, verb.to_wire()) == ("openai", "/toolCall", bare)
    with pytest.raises(DocumentError, match="llmOptions"):
        parse([{**bare, "llmOptions": 7}])
