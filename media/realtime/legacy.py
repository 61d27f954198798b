"""What verbs still say in the words of the Realtime API's beta, in the words of today's API.

OpenAI refuses the beta shape since 2026-05-12 (`beta_api_shape_disabled`), but most `llm` verbs were written in it,
and many mix both. So it is translated field by field, and what is said in today's words already stays as it is.
Field names: openai-python types/beta/realtime and types/realtime. All of it comes from users' hands: no shape of it
raises here; what makes no sense goes on to the model, which says so.
"""

from dataclasses import dataclass
from typing import Any, Final

from media.audio import AudioFormat
from media.realtime import models
from media.realtime.capabilities import ModelAudio
from media.realtime.dialect import (
    MISSING,
    OPENAI,
    REASONING,
    RESPONSE_PATHS,
    SESSION_PATHS,
    TRANSCRIPTION,
    Dialect,
    JsonObject,
    Path,
    find,
    place_of,
)
from media.realtime.updating import merged
from verbs.base import copied
from verbs.tools import bare

__all__ = ["Translated", "in_todays_words", "overruled", "share", "translate"]

FORMATS: Final = frozenset({"input_audio_format", "output_audio_format"})
"Not the user's to say: the bridge knows what the call needs, and sets both directions."
FORMAT_PLACES: Final[tuple[Path, ...]] = (("audio",), ("audio", "input"), ("audio", "output"))
"The objects of a session that hold what the bridge sets, from the outside in."
GONE: Final = frozenset({"temperature", "client_secret"})
SERVER_VAD: Final[JsonObject] = {"type": "server_vad"}
OF_SPEECH: Final = frozenset({"format", "voice", "speed"})
CONTENT_TYPES: Final = {"text": "output_text", "audio": "output_audio"}
"Of an assistant's words, in a response's own input."


@dataclass(frozen=True, slots=True)
class Translated:
    session: JsonObject
    """For session.update, whole, in the vendor's words: what is not in it is the model's default.

    Where the vendor's sessions say their audio formats, `audio.input` and `.output` are objects.
    """
    response: JsonObject
    "For the first response.create, in OpenAI's words; empty where the verb says nothing about it."
    warnings: list[str]
    "For whoever wrote the verb, once."


def translate(
    llm_options: JsonObject,
    *,
    audio: AudioFormat | ModelAudio,
    dialect: Dialect = OPENAI,
    model: str = models.DEFAULT_MODEL,
    leave_turns: bool = False,
) -> Translated:
    """Translate the `llmOptions` of a verb. `audio` is what the model shall hear and speak: one for both, or each.

    `leave_turns`: let the model hear turns, but neither answer them nor stop itself unasked.

    Its own output for OpenAI, given as session_update and response_create, comes back unchanged. What stands under
    `extra` is merged in last, as it is: the way to a setting that we do not know, or to overrule what is done here.
    """
    gone: set[str] = set()
    session = in_todays_words(llm_options.get("session_update"), SESSION_PATHS, gone, dialect)
    response = in_todays_words(llm_options.get("response_create"), RESPONSE_PATHS, gone, dialect)
    warnings = [f"{name} is no longer known to the Realtime API; it was left out" for name in sorted(gone)]
    warnings += _said_twice(llm_options, "session_update", SESSION_PATHS)
    warnings += _said_twice(llm_options, "response_create", RESPONSE_PATHS)
    warnings += _have_spoken(session, "session_update")
    warnings += _have_spoken(response, "response_create") if "output_modalities" in response else []
    _complete_session(session, audio if isinstance(audio, ModelAudio) else ModelAudio(audio, audio))
    if leave_turns:
        _leave_turns(session, dialect)
    warnings += share(response, session)
    _rename_content(response)
    warnings += _keep_in_band(response)
    warnings += [*_strip_tools(session, "session_update"), *_strip_tools(response, "response_create")]
    warnings += _check_models(session) if dialect.of_openai else []
    warnings += _check_reasoning(session, response, dialect, model)
    warnings += _check_forced_tool(session, dialect)
    warnings += dialect.missed(session, response)
    placed = dialect.place(session)
    extra = _object(llm_options.get("extra"))
    whole = overruled(placed, _object(extra.get("session_update")))
    warnings += _keep_formats(whole, placed)
    if not isinstance(whole.get("tools", []), list):
        warnings.append("session_update.tools is no list; the model will refuse it")
    return Translated(whole, overruled(response, _object(extra.get("response_create"))), warnings)


def changed(llm_options: JsonObject, session: JsonObject, dialect: Dialect) -> JsonObject:
    """Give a verb's `llmOptions` as they are with these settings changed; either may speak of today or of the beta."""
    gone: set[str] = set()
    told = [llm_options.get("session_update"), session]
    before, change = (in_todays_words(each, SESSION_PATHS, gone, dialect) for each in told)
    return {**llm_options, "session_update": merged(before, change)}


def in_todays_words(told: Any, paths: dict[str, Path], gone: set[str], dialect: Dialect) -> JsonObject:
    """Move each beta field to its place of today, unless something stands there already.

    A null is left out, as it says nothing that the start of a session does not say; in `audio.input` it switches off.
    """
    source = _object(told)
    result: JsonObject = {}
    for name, value in source.items():
        if name in GONE - dialect.keeps:
            gone.add(name)
        elif name not in FORMATS and name not in paths and value is not None:
            result[name] = copied(value)
    for name, path in paths.items():
        if name in source and (source[name] is not None or _switches_off(path)):
            place = place_of(result, path[:-1])
            if path[-1] not in place or (place[path[-1]] is None and not _switches_off(path)):
                place[path[-1]] = copied(source[name])
    return result


def _switches_off(path: Path) -> bool:
    """Tell whether a null at this place says something."""
    return path[:2] == ("audio", "input")


def _said_twice(llm_options: JsonObject, within: str, paths: dict[str, Path]) -> list[str]:
    """Complain of settings of which the beta's word says one thing and that of today another."""
    source = _object(llm_options.get(within))
    return [
        f"{within}.{name} says otherwise than {within}.{'.'.join(path)}, which is used"
        for name, path in paths.items()
        if path != ("output_modalities",) and source.get(name) is not None
        if find(source, path) not in (MISSING, source[name], *([] if _switches_off(path) else [None]))
    ]


def _have_spoken(told: JsonObject, within: str) -> list[str]:
    """Name the one modality in which a caller is answered; its transcript always comes along."""
    text_only = told.get("output_modalities") in (["text"], "text")
    told["output_modalities"] = ["audio"]
    return [f"{within}: an answer in text is not heard; it is asked for in audio"] if text_only else []


def _complete_session(session: JsonObject, audio: ModelAudio) -> None:
    session["type"] = "realtime"
    place_of(session, ("audio", "input"))["format"] = _wire_format(audio.hears)
    place_of(session, ("audio", "output"))["format"] = _wire_format(audio.speaks)
    hearing = session["audio"]["input"]
    if hearing.get("turn_detection") is False:  # how some write that nobody but the application ends a turn
        hearing["turn_detection"] = None
    session["audio"]["output"] = _without_nulls(session["audio"]["output"])


def _leave_turns(session: JsonObject, dialect: Dialect) -> None:
    """Have no turn answered; where the verb takes turns away from the model itself, there is nothing to leave."""
    listening = session["audio"]["input"]
    asked = listening.get("turn_detection", dialect.turns or SERVER_VAD)
    if asked is not None:
        turns = asked if asked and isinstance(asked, dict) else SERVER_VAD
        listening["turn_detection"] = {**turns, "create_response": False, "interrupt_response": False}


def _wire_format(audio: AudioFormat) -> JsonObject:
    """Linear audio must say its rate, of which OpenAI knows only one; G.711 must not (openai-openapi issue 513)."""
    if audio.encoding == "pcm16":
        return {"type": "audio/pcm", "rate": audio.rate_hz}
    return {"type": "audio/pcmu" if audio.encoding == "ulaw" else "audio/pcma"}


def share(response: JsonObject, session: JsonObject) -> list[str]:
    """Give the session what verbs say of the first response and mean of the whole call.

    Else the second turn is spoken by the model's default character. Voice and speed move altogether: a session does
    not change its voice after its first audio, so the first response has none of its own, and no response has a speed.
    """
    for name in ("instructions", "temperature"):
        if name in response:
            session.setdefault(name, copied(response[name]))
    response.pop("temperature", None)
    audio = _object(response.pop("audio", None))
    output, of_session = _object(audio.get("output")), session["audio"]["output"]
    foreign = [f"audio.{name}" for name in audio if name != "output"]
    foreign += [f"audio.output.{name}" for name in output if name not in OF_SPEECH]
    told = [f"response_create.{name} is not known to the model; it was left out" for name in foreign]
    given = [name for name in ("voice", "speed") if output.get(name) is not None]
    twice = [name for name in given if of_session.setdefault(name, output[name]) != output[name]]
    also = [
        f"response_create has another {name} than session_update, whose {name} is used: a call has one"
        for name in twice
    ]
    return [*told, *also]


def _rename_content(response: JsonObject) -> None:
    match response.get("input"):
        case list(items):
            response["input"] = copied(items)
            for item in response["input"]:
                rename_in_item(item)


def rename_in_item(item: Any) -> None:
    """Name the parts of an assistant's item as they are called today."""
    match item:
        case {"role": "assistant", "content": list(parts)}:
            for part in parts:
                if isinstance(part, dict) and isinstance(part.get("type"), str):
                    part["type"] = CONTENT_TYPES.get(part["type"], part["type"])


def _keep_in_band(response: JsonObject) -> list[str]:
    """What the caller hears first is part of the conversation: speech of a response beside it is not played."""
    if response.get("conversation") != "none":
        return []
    del response["conversation"]
    return ["response_create.conversation is left out: what is said outside of the conversation is not heard"]


def _strip_tools(told: JsonObject, within: str) -> list[str]:
    """Declare functions as the model knows them: one key more, and it refuses the whole session."""
    if not isinstance(told.get("tools"), list):
        return []
    stripped = [bare(tool) for tool in told["tools"]]
    told["tools"] = [tool for tool, _ in stripped]
    return [
        f"{within}.tools[{index}].{name} is not known to the model; it was left out"
        for index, (_, foreign) in enumerate(stripped)
        for name in foreign
    ]


def _check_models(session: JsonObject) -> list[str]:
    """Replace or complain of the models that the session names."""
    told: list[str | None] = []
    if isinstance(session.get("model"), str):
        session["model"], warning = models.resolve_model(session["model"])
        told.append(warning)
    transcription = _object(find(session, TRANSCRIPTION))
    told.append(models.last_day(transcription.get("model")))
    return [warning for warning in told if warning]


def _check_reasoning(session: JsonObject, response: JsonObject, dialect: Dialect, model: str) -> list[str]:
    """Leave out what only the second generation of models takes: an older one would refuse all settings for it."""
    if dialect.reasons is None or dialect.reasons(model):
        return []
    asked = [name for name in REASONING if name in session or name in response]
    for name in asked:
        session.pop(name, None)
        response.pop(name, None)
    return [f"{name} is not known to the model {model}; it was left out" for name in asked]


def _check_forced_tool(session: JsonObject, dialect: Dialect) -> list[str]:
    """Force no tool where its answer cannot be asked for without one: the model would call it for ever."""
    choice = session.get("tool_choice", "auto")
    if choice in ("auto", "none") or dialect.response is None or "tool_choice" in dialect.response:
        return []
    del session["tool_choice"]
    return ["session_update.tool_choice is left out: this vendor would go on calling tools for ever"]


def _without_nulls(tree: JsonObject) -> JsonObject:
    return {name: value for name, value in tree.items() if value is not None}


def _keep_formats(whole: JsonObject, session: JsonObject) -> list[str]:
    """Put back what `extra` has put something else in the place of, and say so: without it a call would be noise."""
    told = []
    for *parents, name in FORMAT_PLACES:
        ours = find(session, (*parents, name))
        if isinstance(ours, dict) and not isinstance((place := place_of(whole, tuple(parents)))[name], dict):
            place[name] = ours
            told.append(f"extra.session_update.{'.'.join((*parents, name))} is no object; it was left out")
    return told


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def overruled(tree: JsonObject, extra: JsonObject) -> JsonObject:
    merged = dict(tree)
    for name, value in extra.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = overruled(merged[name], value) if both else copied(value)
    return merged
