"""What verbs still say in the words of the Realtime API's beta, in the words of today's API.

OpenAI refuses the beta shape since 2026-05-12 (`beta_api_shape_disabled`), but most `llm` verbs were written in it,
and many mix both. So it is translated field by field, and what is said in today's words already stays as it is.
Field names: openai-python types/beta/realtime and types/realtime. All of it comes from users' hands: no shape of it
raises here; what makes no sense goes on to the model, which says so.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from media.audio import AudioFormat, Encoding

__all__ = ["DEFAULT_MODEL", "Translated", "resolve_model", "translate"]

JsonObject = dict[str, Any]
Path = tuple[str, ...]

DEFAULT_MODEL: Final = "gpt-realtime-2.1"

MODEL_ALIASES: Final = {
    "gpt-4o-realtime-preview": DEFAULT_MODEL,
    "gpt-4o-realtime-preview-2024-10-01": DEFAULT_MODEL,
    "gpt-4o-realtime-preview-2024-12-17": DEFAULT_MODEL,
    "gpt-4o-realtime-preview-2025-06-03": DEFAULT_MODEL,
    "gpt-4o-mini-realtime-preview": "gpt-realtime-2.1-mini",
    "gpt-4o-mini-realtime-preview-2024-12-17": "gpt-realtime-2.1-mini",
}
"Models that went with the beta."

LAST_DAYS: Final = {
    "gpt-realtime": "2027-01-20",
    "gpt-realtime-2025-08-28": "2027-01-20",
    "gpt-realtime-mini": "2027-01-20",
    "gpt-realtime-mini-2025-12-15": "2027-01-20",
    "whisper-1": "2027-02-26",
    "gpt-4o-transcribe": "2027-02-26",
    "gpt-4o-transcribe-diarize": "2027-02-26",
    "gpt-4o-mini-transcribe": "2027-02-26",
    "gpt-4o-mini-transcribe-2025-12-15": "2027-02-26",
}
"Models that still answer, and when they cease to (OpenAI: deprecations). They are used as asked for."

WIRE_FORMATS: Final[dict[Encoding, JsonObject]] = {
    "pcm16": {"type": "audio/pcm", "rate": 24000},  # the one rate there is, and it must be said
    "ulaw": {"type": "audio/pcmu"},  # whose rate must not be said
    "alaw": {"type": "audio/pcma"},
}

SESSION_PATHS: Final[dict[str, Path]] = {
    "modalities": ("output_modalities",),
    "voice": ("audio", "output", "voice"),
    "speed": ("audio", "output", "speed"),
    "input_audio_transcription": ("audio", "input", "transcription"),
    "input_audio_noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": ("audio", "input", "turn_detection"),
    "max_response_output_tokens": ("max_output_tokens",),
}
RESPONSE_PATHS: Final[dict[str, Path]] = {
    "modalities": ("output_modalities",),
    "voice": ("audio", "output", "voice"),
    "max_response_output_tokens": ("max_output_tokens",),
}
FORMATS: Final = frozenset({"input_audio_format", "output_audio_format"})
"Not the user's to say: the bridge knows what the call needs, and sets both directions."
FORMAT_PLACES: Final[tuple[Path, ...]] = (("audio",), ("audio", "input"), ("audio", "output"))
"The objects of a session that hold what the bridge sets, from the outside in."
GONE: Final = frozenset({"temperature", "client_secret"})
CONTENT_TYPES: Final = {"text": "output_text", "audio": "output_audio"}
"Of an assistant's words, in a response's own input."


@dataclass(frozen=True, slots=True)
class Translated:
    session: JsonObject
    "For session.update, whole: what is not in it is the model's default. `audio.input` and `.output` are objects."
    response: JsonObject
    "For the first response.create; empty where the verb says nothing about it."
    warnings: list[str]
    "For whoever wrote the verb, once."


def translate(llm_options: JsonObject, *, audio: AudioFormat) -> Translated:
    """Translate the `llmOptions` of a verb. `audio` is what the model shall hear and speak.

    Its own output, given as session_update and response_create, comes back unchanged. What stands under `extra` is
    merged in last, as it is: the way to a setting that we do not know, or to overrule what is done here.
    """
    gone: set[str] = set()
    session = _in_todays_words(llm_options.get("session_update"), SESSION_PATHS, gone)
    response = _in_todays_words(llm_options.get("response_create"), RESPONSE_PATHS, gone)
    warnings = [f"{name} is no longer known to the Realtime API; it was left out" for name in sorted(gone)]
    _complete_session(session, audio)
    warnings += _share(response, session)
    _rename_content(response)
    warnings += _check_models(session)
    extra = _object(llm_options.get("extra"))
    whole = _merged(session, _object(extra.get("session_update")))
    warnings += _keep_formats(whole, session)
    if not isinstance(whole.get("tools", []), list):
        warnings.append("session_update.tools is no list; the model will refuse it")
    return Translated(whole, _merged(response, _object(extra.get("response_create"))), warnings)


def resolve_model(name: str | None) -> tuple[str, str | None]:
    """Return the model to ask for, and what to tell whoever named another."""
    if not name:
        return DEFAULT_MODEL, None
    if name in MODEL_ALIASES:
        return MODEL_ALIASES[name], f"the model {name} is gone; {MODEL_ALIASES[name]} is used in its place"
    return name, _last_day(name)


def _in_todays_words(told: Any, paths: dict[str, Path], gone: set[str]) -> JsonObject:
    """Move each beta field to its place of today, unless something stands there already.

    A null is left out, as it says nothing that the start of a session does not say; below `audio` it switches off.
    """
    source = _object(told)
    result: JsonObject = {}
    for name, value in source.items():
        if name in GONE:
            gone.add(name)
        elif name not in FORMATS and name not in paths and value is not None:
            result[name] = deepcopy(value)
    for name, path in paths.items():
        if name in source and (source[name] is not None or path[:2] == ("audio", "input")):
            _place(result, path[:-1]).setdefault(path[-1], deepcopy(source[name]))
    if "output_modalities" in result:
        result["output_modalities"] = _one_modality(result["output_modalities"])
    return result


def _one_modality(told: Any) -> list[str]:
    """Speech always brings its transcript along, so today one of the two is named."""
    return ["text"] if told in (["text"], "text") else ["audio"]


def _complete_session(session: JsonObject, audio: AudioFormat) -> None:
    session["type"] = "realtime"
    for way in ("input", "output"):
        _place(session, ("audio", way))["format"] = dict(WIRE_FORMATS[audio.encoding])
    hearing = session["audio"]["input"]
    if hearing.get("turn_detection") is False:  # how some write that nobody but the application ends a turn
        hearing["turn_detection"] = None
    session["audio"]["output"] = _without_nulls(session["audio"]["output"])


def _share(response: JsonObject, session: JsonObject) -> list[str]:
    """Give the session what verbs say of the first response and mean of the whole call.

    Else the second turn is spoken by the model's default character. The voice moves altogether: a session does not
    change it after its first audio, so the first response cannot have one of its own.
    """
    for name in ("instructions", "output_modalities"):
        if name in response:
            session.setdefault(name, deepcopy(response[name]))
    output = _object(_object(response.pop("audio", None)).get("output"))
    voice = output.get("voice")
    if voice is None or session["audio"]["output"].setdefault("voice", voice) == voice:
        return []
    return ["response_create has another voice than session_update, whose voice is used: a call has one"]


def _rename_content(response: JsonObject) -> None:
    match response.get("input"):
        case list(items):
            for item in items:
                _rename_in_item(item)


def _rename_in_item(item: Any) -> None:
    match item:
        case {"role": "assistant", "content": list(parts)}:
            for part in parts:
                if isinstance(part, dict) and isinstance(part.get("type"), str):
                    part["type"] = CONTENT_TYPES.get(part["type"], part["type"])


def _check_models(session: JsonObject) -> list[str]:
    """Replace or complain of the models that the session names."""
    told: list[str | None] = []
    if isinstance(session.get("model"), str):
        session["model"], warning = resolve_model(session["model"])
        told.append(warning)
    transcription = _object(session["audio"]["input"].get("transcription"))
    told.append(_last_day(transcription.get("model")))
    return [warning for warning in told if warning]


def _last_day(model: Any) -> str | None:
    if not isinstance(model, str) or model not in LAST_DAYS:
        return None
    return f"the model {model} ceases to answer on {LAST_DAYS[model]}"


def _place(tree: JsonObject, path: Path) -> JsonObject:
    """Return the object at this place, made where there is none."""
    for name in path:
        tree[name] = _object(tree.get(name))
        tree = tree[name]
    return tree


def _without_nulls(tree: JsonObject) -> JsonObject:
    return {name: value for name, value in tree.items() if value is not None}


def _keep_formats(whole: JsonObject, session: JsonObject) -> list[str]:
    """Put back what `extra` has put something else in the place of, and say so: without it a call would be noise."""
    told = []
    for *parents, name in FORMAT_PLACES:
        place, ours = _place(whole, tuple(parents)), _place(session, tuple(parents))
        if not isinstance(place[name], dict):
            place[name] = ours[name]
            told.append(f"extra.session_update.{'.'.join((*parents, name))} is no object; it was left out")
    return told


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _merged(tree: JsonObject, extra: JsonObject) -> JsonObject:
    merged = dict(tree)
    for name, value in extra.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merged(merged[name], value) if both else deepcopy(value)
    return merged
