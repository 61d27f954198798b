"""The settings of a conversation, and what a change of them means, in the names of pipecat's settings. Pure.

Absent: it stays. null: it is cleared. A value: it is that from now on. Names: pipecat src/pipecat/services/settings.py
(`LLMSettings`, `from_mapping`, `apply_update`) and services/openai/realtime/llm.py (`OpenAIRealtimeLLMSettings`).

There is one truth, the session's settings by their places in OpenAI's session of today and the model's name; what goes
by two names, as `system_instruction` and `session_properties.instructions`, is two views of it. Of a conflict the name
on top wins where it is *given*: pipecat asks whether it has *changed*, so that a name on top that says again what is so
already loses against `session_properties` there.

Two things are done otherwise than in pipecat. A setting of the session that stands flat among the others (`tools`) is
that setting alone, the others stay; there it replaces them all. And `instructions` is `system_instruction`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from media.places import Leaves, dotted, leaves, merged_deep, nested, nulls
from media.realtime.dialect import (
    MISSING,
    SESSION_PATHS,
    TRANSCRIPTION,
    TURN_DETECTION,
    JsonObject,
    Path,
)
from media.realtime.updating import NESTED
from verbs.base import Finding, did_you_mean
from verbs.kinds import OBJECT, TEXT, Kind, check, number, whole
from verbs.llm_options import SESSION

MODEL: Final = "model"
PROPERTIES: Final = "session_properties"
EXTRA: Final = "extra"
INSTRUCTIONS: Final[Path] = ("instructions",)
ALIASES: Final[Mapping[str, str]] = {"instructions": "system_instruction"}

FIELDS: Final[Mapping[str, tuple[Path, Kind]]] = {
    "system_instruction": (INSTRUCTIONS, TEXT),
    "temperature": (("temperature",), number(0, 2)),
    "max_tokens": (("max_output_tokens",), SESSION["max_output_tokens"]),
    "top_p": (("top_p",), number(0, 1)),
    "top_k": (("top_k",), whole(0)),
    "frequency_penalty": (("frequency_penalty",), number(-2, 2)),
    "presence_penalty": (("presence_penalty",), number(-2, 2)),
    "seed": (("seed",), Kind((int,), "a whole number")),
}
"The names on top, where each stands in a session, and what it may be."
VIEWED: Final = (MODEL, *FIELDS, PROPERTIES, EXTRA)
ELSEWHERE: Final = frozenset({"filter_incomplete_user_turns", "user_turn_completion_config"})
"Settings of pipecat's own pipeline."
MADE_HERE: Final[Mapping[Path, tuple[Any, ...]]] = {
    **dict.fromkeys([("id",), ("object",), ("expires_at",)], ()),
    ("type",): ("realtime",),
    ("output_modalities",): (["audio"],),
    ("client_secret",): (),
    **dict.fromkeys([("input_audio_format",), ("output_audio_format",)], ()),
    **dict.fromkeys([("audio", way, "format") for way in ("input", "output")], ()),
}
"Settings that are the call's, and of which values nothing need be said."
IN_SESSION: Final = (frozenset(SESSION) | {"object", "id", "expires_at"}) - {MODEL, "temperature", *ALIASES}
"The names of a session's settings, of today and of the beta, that may stand flat among the others."

CLEARED: Final[Mapping[Path, Any]] = {
    INSTRUCTIONS: "",
    ("tools",): [],
    ("tool_choice",): "auto",
    ("max_output_tokens",): "inf",
    ("truncation",): "auto",
    ("parallel_tool_calls",): True,
    ("audio", "output", "speed"): 1.0,
    TURN_DETECTION: None,
    TRANSCRIPTION: None,
    ("audio", "input", "noise_reduction"): None,
}
"How a session that goes on is told that a setting is cleared; of any other it can only be left unsaid in a new one."
UNSAID: Final[Mapping[Path, Any]] = {**CLEARED, TURN_DETECTION: {"type": "server_vad"}}
"What a setting is of which nobody has said anything: the model's default."
STAYS: Final = frozenset({INSTRUCTIONS, ("audio", "output", "voice")})
"What stays where `session_properties` are replaced by others that do not name it: a view on top, and what is fixed."

OURS_TO_SAY = "is made here, as the call needs it"
NOT_HERE = (
    "is of pipecat's own pipeline: here the model finds the end of a turn. Set session_properties' audio.input."
    'turn_detection to {"type": "semantic_vad", "eagerness": "low"} for callers who pause'
)
NOT_KNOWN = "is not known here: it is kept, and the model is not told of it; what stands in session_properties it is"


@dataclass(frozen=True, slots=True)
class Delta:
    """What is given of a change, and under which names it is answered."""

    given: JsonObject
    "By the names on top."
    flat: JsonObject
    "Settings of the session that stand among them."
    extra: JsonObject
    names: Mapping[str, str]
    "As they were written, by their own names."

    def name_of(self, path: Path) -> str:
        """Give the name under which a setting of the session is wanted, as it was written."""
        on_top = (written for name, written in self.names.items() if name in FIELDS and FIELDS[name][0] == path)
        beside = (name for name in (*self.flat, *properties_in(self)) if SESSION_PATHS.get(name) == path)
        return next(on_top, next(beside, dotted(path)))

    def extra_after(self, before: JsonObject) -> JsonObject:
        """Give what nobody knows, as it is to be; `extra: null` clears all that was there."""
        kept = {} if EXTRA in self.given else before
        return {name: value for name, value in (kept | self.extra).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Settings:
    """What is so at a time."""

    model: str
    session: Leaves
    extra: JsonObject

    @property
    def view(self) -> JsonObject:
        """All of it, under all of its names; null is what nobody has set, or has cleared."""
        return {name: self.seen(name) for name in VIEWED}

    def seen(self, name: str) -> Any:
        """Give what stands under one of these names."""
        if name == PROPERTIES:
            return self.properties
        return {MODEL: self.model, EXTRA: self.extra}[name] if name in (MODEL, EXTRA) else self.at(FIELDS[name][0])

    @property
    def properties(self) -> JsonObject:
        """The session as an object, model and instructions in it."""
        return {MODEL: self.model, **nested({path: self.at(path) for path in self.session})}

    def at(self, path: Path) -> Any:
        """Give what a setting is; null: its default, as far as that has a word."""
        value = self.session[path] if path in self.session else UNSAID.get(path)
        return None if path in CLEARED and value == CLEARED[path] else value


@dataclass(frozen=True, slots=True)
class Wanted:
    """Settings as they are to be."""

    settings: Settings
    told: Leaves
    "What of the session is otherwise than before; None: cleared."
    same: Leaves
    "What was given of it and is so already."
    untold: dict[str, str]
    "What is not done, by the names under which it was wanted, and why."


def read(mapping: JsonObject) -> Delta:
    """Sort what is given: a session's settings go there, all but the model; what nobody knows is extra."""
    given: JsonObject = {}
    flat: JsonObject = {}
    extra: JsonObject = {}
    names: dict[str, str] = {}
    for written, value in mapping.items():
        name = ALIASES.get(written, written)
        if name in (MODEL, PROPERTIES) or name in FIELDS or name in ELSEWHERE:
            if name in given and written != name:
                continue  # both names of one setting: its own says it
            given[name], names[name] = value, written
        elif name == EXTRA and isinstance(value, dict):
            extra |= value
        elif name == EXTRA:
            given[name], names[name] = value, written
        elif name in IN_SESSION:
            flat[name] = value
        else:
            extra[name] = value
    return Delta(given, flat, extra, names)


def faults(delta: Delta) -> Iterator[Finding]:
    """Tell what of a change is not what it may be; what stands in the session is looked at as a verb's."""
    for name, (_, kind) in FIELDS.items():
        yield from check(delta.given.get(name), kind, (delta.names.get(name, name),))
    if MODEL in delta.given and not (isinstance(delta.given[MODEL], str) and delta.given[MODEL]):
        yield Finding((MODEL,), "must be the name of a model: a session has one", fatal=True)
    for name in (PROPERTIES, EXTRA):
        yield from check(delta.given.get(name), OBJECT, (name,))
    for inner in (delta.flat, properties_in(delta)):
        yield from (Finding((path[0],), "must be an object, and no null") for path in nulls(inner))


def properties_in(delta: Delta) -> JsonObject:
    """Give the `session_properties` of a change, none where there are none."""
    told = delta.given.get(PROPERTIES)
    return told if isinstance(told, dict) else {}


def apply(delta: Delta, before: Settings, *, deep: bool) -> Wanted:
    """Say what the settings are to be. `deep`: an object is merged into what is so; else it takes its place.

    `session_properties` go first, then what stands flat, and what is given on top is the last to speak.
    """
    properties = properties_in(delta)
    told: Leaves = {}
    if PROPERTIES in delta.given and not deep:
        told |= {path: UNSAID.get(path) for path in before.session if path not in STAYS}
    told |= leaves(properties)
    told |= leaves(delta.flat)
    told |= {FIELDS[name][0]: value for name, value in delta.given.items() if name in FIELDS}
    model = delta.given.get(MODEL) or told.get((MODEL,)) or before.model
    told.pop((MODEL,), None)
    if deep:
        told = {path: merged_deep(before.session.get(path), value) for path, value in told.items()}
    untold = {delta.name_of(path): OURS_TO_SAY for path, value in told.items() if _is_made_here(path, value)}
    untold |= {name: NOT_HERE for name in ELSEWHERE & delta.given.keys() if delta.given[name]}
    untold |= {name: f"{NOT_KNOWN}{did_you_mean(name, [*FIELDS, *IN_SESSION])}" for name in delta.extra}
    other = {path: value for path, value in told.items() if path not in MADE_HERE and _differs(before, path, value)}
    same = {p: value for p, value in told.items() if not (p in MADE_HERE or p in other or p in fixed({p: value}))}
    return Wanted(
        Settings(str(model), _with(before.session, other), delta.extra_after(before.extra)), other, same, untold
    )


def changes(delta: Delta, before: Settings, after: Settings) -> JsonObject:
    """Say by the names of a change what it has changed: `{name: {"old", "new"}}`."""
    seen = [name for name in delta.given if name in VIEWED]
    named = {delta.names[name]: (before.seen(name), after.seen(name)) for name in seen}
    drawn = {MODEL: MODEL, "system_instruction": "instructions"}
    for name in (name for name, inside in drawn.items() if inside in properties_in(delta)):
        named.setdefault(delta.names.get(name, name), (before.seen(name), after.seen(name)))
    for name, value in delta.flat.items():
        named[name] = (_among(before, name, value), _among(after, name, value))
    for name in delta.extra:
        named[name] = (before.extra.get(name), after.extra.get(name))
    return {name: {"old": was, "new": is_} for name, (was, is_) in named.items() if was != is_}


def fixed(told: Leaves) -> list[Path]:
    """Give what cannot be told to a session that goes on: it has no word for these being cleared."""
    return [path for path, value in told.items() if value is None and path not in CLEARED]


def in_words(told: Leaves) -> JsonObject:
    """Give what a session that goes on is to be told, as an object of it."""
    return nested({p: CLEARED[p] if value is None else value for p, value in told.items() if p not in fixed(told)})


def _is_made_here(path: Path, value: Any) -> bool:
    return path in MADE_HERE and value is not None and value not in MADE_HERE[path]


def _differs(before: Settings, path: Path, value: Any) -> bool:
    has = before.session.get(path, MISSING)
    unsaid = UNSAID.get(path)
    return bool((unsaid if has is MISSING else has) != (CLEARED.get(path) if value is None else value))


def _with(session: Leaves, told: Leaves) -> Leaves:
    whole = session | {path: CLEARED.get(path) if value is None else value for path, value in told.items()}
    return {path: value for path, value in whole.items() if value is not None or path in CLEARED}


def _among(settings: Settings, name: str, value: Any) -> Any:
    """Give what stands under a name that was written flat: a setting, or the object that holds some."""
    path = SESSION_PATHS.get(name, (name,))
    if path in NESTED and isinstance(value, dict):
        return nested({place: settings.at(place) for place in leaves({name: value})}).get(name)
    return settings.at(path)
