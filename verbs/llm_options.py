"""What the `llmOptions` of a verb may hold: the words of the Realtime API of today and of its beta.

All vendors are asked in these words, and some have more. Field names and ranges: openai-python types/realtime and
types/beta/realtime.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from verbs.base import Finding, JsonObject, JsonValue, Path
from verbs.kinds import BOOLEAN, OBJECT, TEXT, TEXTS, Kind, an_object, check_fields, number, whole, words
from verbs.tools import check_tool_choice, check_tools

BETA_FIELDS = frozenset(
    {
        *("modalities", "voice", "speed", "temperature", "client_secret", "max_response_output_tokens"),
        *("input_audio_format", "output_audio_format", "input_audio_transcription", "input_audio_noise_reduction"),
        "turn_detection",
    }
)
GA_FIELDS = frozenset({"type", "audio", "output_modalities"})
"What only verbs of today have."

_MOST_TOKENS = 4096
_LIVE_WHISPER = "gpt-realtime-whisper"
_MILLISECONDS = whole(0)
_LIST = Kind((list,), "a list")
_SERVER_VAD: dict[str, Kind] = {
    "type": words("server_vad", "semantic_vad"),
    "threshold": number(0, 1),
    "prefix_padding_ms": _MILLISECONDS,
    "silence_duration_ms": _MILLISECONDS,
    "idle_timeout_ms": _MILLISECONDS,
    "create_response": BOOLEAN,
    "interrupt_response": BOOLEAN,
}
_SEMANTIC_VAD: dict[str, Kind] = {
    "type": _SERVER_VAD["type"],
    "eagerness": words("low", "medium", "high", "auto"),
    "create_response": BOOLEAN,
    "interrupt_response": BOOLEAN,
}
_TURN_DETECTION = Kind((dict, bool), "an object, or null for none", lambda value: value is not True)
_TRANSCRIPTION = an_object(
    {"model": TEXT, "language": TEXT, "languages": TEXTS, "prompt": TEXT, "keywords": TEXTS, "delay": TEXT}
)
_NOISE_REDUCTION = an_object(
    {"type": words("near_field", "far_field"), "strength": Kind((str, int, float), "a strength")}
)
_BETA_FORMAT = words("pcm16", "g711_ulaw", "g711_alaw")
_FORMAT = an_object({"type": words("audio/pcm", "audio/pcmu", "audio/pcma"), "rate": whole(1)})
_VOICE = Kind((str, dict), "a voice's name, or an object with its id")
_SPEED = number(0.25, 1.5)
_MODALITIES = Kind(
    (list,),
    "[text, audio] or [audio]: an answer in text alone is not heard",
    lambda value: all(item in ("text", "audio") for item in value) and value != ["text"],
)
_TOKENS = Kind(
    (int, str),
    f'from 1 to {_MOST_TOKENS}, or "inf"',
    lambda value: value == "inf" if isinstance(value, str) else 1 <= value <= _MOST_TOKENS,
)
_TEXT_OR_OBJECT = Kind((str, dict), "text or an object")
_TRUNCATION = Kind(
    (str, dict),
    "auto or disabled, or an object",
    lambda value: isinstance(value, dict) or value in {"auto", "disabled"},
    {"type": words("retention_ratio"), "retention_ratio": number(0, 1), "token_limits": OBJECT},
)
_REASONING = an_object({"effort": words("none", "minimal", "low", "medium", "high", "xhigh")})
_MOST_PAIRS, _LONGEST_KEY, _LONGEST_VALUE = 16, 64, 512
_METADATA = Kind(
    (dict,),
    f"an object of {_MOST_PAIRS} texts at most, of {_LONGEST_VALUE} characters at most, with names of {_LONGEST_KEY}",
    lambda value: len(value) <= _MOST_PAIRS and all(_is_metadata(*pair) for pair in value.items()),
)
_AUDIO_OUTPUT = {"format": _FORMAT, "voice": _VOICE, "speed": _SPEED}
_AUDIO_INPUT = {
    "format": _FORMAT,
    "transcription": _TRANSCRIPTION,
    "noise_reduction": _NOISE_REDUCTION,
    "turn_detection": _TURN_DETECTION,
}
_EITHER: dict[str, Kind] = {
    "instructions": TEXT,
    "modalities": _MODALITIES,
    "output_modalities": _MODALITIES,
    "voice": _VOICE,
    "output_audio_format": _BETA_FORMAT,
    "temperature": number(0, 2),
    "max_output_tokens": _TOKENS,
    "max_response_output_tokens": _TOKENS,
    "tools": _LIST,
    "tool_choice": _TEXT_OR_OBJECT,
    "parallel_tool_calls": BOOLEAN,
    "prompt": OBJECT,
    "reasoning": _REASONING,
}
SESSION: dict[str, Kind] = {
    **_EITHER,
    "type": words("realtime"),
    "model": TEXT,
    "audio": an_object({"input": an_object(_AUDIO_INPUT), "output": an_object(_AUDIO_OUTPUT)}),
    "speed": _SPEED,
    "input_audio_format": _BETA_FORMAT,
    "input_audio_transcription": _TRANSCRIPTION,
    "input_audio_noise_reduction": _NOISE_REDUCTION,
    "turn_detection": _TURN_DETECTION,
    "tracing": _TEXT_OR_OBJECT,
    "truncation": _TRUNCATION,
    "include": TEXTS,
    "client_secret": OBJECT,
}
RESPONSE: dict[str, Kind] = {
    **_EITHER,
    "audio": an_object({"output": an_object(_AUDIO_OUTPUT)}),
    "conversation": words("auto", "none"),
    "metadata": _METADATA,
    "input": _LIST,
}
_BY_NAME: Mapping[str, Mapping[str, Kind]] = {"session_update": SESSION, "response_create": RESPONSE}
_OPTIONS = {"session_update": OBJECT, "response_create": OBJECT, "extra": an_object(dict.fromkeys(_BY_NAME, OBJECT))}


def check_options(
    options: JsonObject,
    path: Path,
    *,
    settings: AbstractSet[str] = frozenset(),
    built_in: AbstractSet[str] = frozenset({"mcp"}),
) -> Iterator[Finding]:
    """Check `llmOptions`. What stands under `extra` may be anything that we can work with.

    `settings` are those of a session that this vendor knows besides, by their dotted names; `built_in` the types of
    the tools that it serves itself.
    """
    yield from check_fields(options, _OPTIONS, path)
    for name, fields in _BY_NAME.items():
        within = (*path, name)
        found = [*_check_told(options.get(name), fields, within), *_check_tools(options.get(name), within, built_in)]
        yield from (finding for finding in found if _dotted(finding.path[len(within) :]) not in settings)
        extra = options.get("extra")
        if isinstance(extra, dict):
            within = (*path, "extra", name)
            told = [*_check_told(extra.get(name), fields, within), *_check_tools(extra.get(name), within, built_in)]
            yield from (finding for finding in told if finding.fatal)


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _check_told(told: JsonValue, fields: Mapping[str, Kind], path: Path) -> Iterator[Finding]:
    if not isinstance(told, dict):
        return
    yield from check_fields(told, fields, path)
    yield from _check_listening(told, path, "input_audio_transcription")
    match told:
        case {"audio": {"input": dict(listening)}}:
            yield from _check_listening(listening, (*path, "audio", "input"), "transcription")


def _check_tools(told: JsonValue, path: Path, built_in: AbstractSet[str]) -> Iterator[Finding]:
    if isinstance(told, dict):
        yield from check_tools(told.get("tools"), (*path, "tools"), built_in=built_in)
        yield from check_tool_choice(told.get("tool_choice"), (*path, "tool_choice"))


def _check_listening(told: JsonObject, path: Path, transcription: str) -> Iterator[Finding]:
    yield from _check_turn_detection(told.get("turn_detection"), (*path, "turn_detection"))
    yield from _check_transcription(told.get(transcription), (*path, transcription))


def _check_transcription(told: JsonValue, path: Path) -> Iterator[Finding]:
    """Each model of transcription takes what the others refuse (openai-python: AudioTranscription)."""
    given = {key for key, value in told.items() if value is not None} if isinstance(told, dict) else set()
    if {"language", "languages"} <= given:
        yield Finding((*path, "languages"), "cannot be told together with language")
    model = told["model"] if "model" in given else None
    if "delay" in given and model != _LIVE_WHISPER:
        yield Finding((*path, "delay"), f"is only known to {_LIVE_WHISPER}")
    if "prompt" in given and model == _LIVE_WHISPER:
        yield Finding((*path, "prompt"), f"is not known to {_LIVE_WHISPER}")


def _is_metadata(name: str, value: JsonValue) -> bool:
    return isinstance(value, str) and len(name) <= _LONGEST_KEY and len(value) <= _LONGEST_VALUE


def _check_turn_detection(detection: JsonValue, path: Path) -> Iterator[Finding]:
    if isinstance(detection, dict):
        yield from check_fields(
            detection, _SEMANTIC_VAD if detection.get("type") == "semantic_vad" else _SERVER_VAD, path
        )


def is_beta_shaped(options: JsonObject) -> bool:
    """Tell whether a verb is written in the beta's words: it uses one of them, or none that only today's API has."""
    told = [inner for inner in (options.get(name) for name in _BY_NAME) if isinstance(inner, dict)]
    used = {key for inner in told for key in inner}
    return bool(used & BETA_FIELDS) or not used & GA_FIELDS
