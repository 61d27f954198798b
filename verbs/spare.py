"""An `llm` verb as it is said to another model than its own, when its route falls back on that.

What of a verb only its own vendor knows (a voice, a model of transcription, turns told by their words, tools and
settings of that vendor's) is not carried to another vendor's model, which would refuse the session for it. What the
route's entry says in its own `llmOptions` goes before the verb's, however either spells it.
"""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple

from verbs.base import JsonObject
from verbs.llm import Llm
from verbs.vendors import VENDORS

Steps = tuple[str, ...]

_TRANSCRIPTION = frozenset({("input_audio_transcription",), ("audio", "input", "transcription")})
_TURN_DETECTION = frozenset({("turn_detection",), ("audio", "input", "turn_detection")})
_SETTINGS: tuple[frozenset[Steps], ...] = (
    frozenset({("voice",), ("audio", "output", "voice")}),
    _TRANSCRIPTION,
    _TURN_DETECTION,
    frozenset({("model",)}),
)
"What may belong to a vendor: each setting of a session in the beta's words and in today's."


class Spare(NamedTuple):
    llm: Llm
    warnings: list[str]
    "What of the verb is left out."


def spare(llm: Llm, *, vendor: str, model: str | None, auth: JsonObject, options: JsonObject) -> Spare:
    """Give the verb for a model that its route falls back on; `options` is that entry's own `llmOptions`."""
    told = deepcopy(llm.llm_options)
    for setting in _SETTINGS:
        if any(_take(deepcopy(options), setting)):
            list(_take(told, setting))
    alike = (VENDORS[vendor].serves or vendor) == (VENDORS[llm.vendor].serves or llm.vendor)
    lost = [] if alike else list(_take_foreign(told, llm.vendor, vendor))
    changes = {"vendor": vendor, "model": model, "auth": auth, "connect_options": None}
    whole = llm.model_copy(update={**changes, "llm_options": _laid_over(told, options)})
    return Spare(whole, [_warning(lost, llm.vendor, vendor)] if lost else [])


def _warning(lost: list[str], vendor: str, other: str) -> str:
    return (
        f"known to {vendor} only, and left out where {other} is fallen back on: {', '.join(lost)}; "
        "that entry of llm_fallback may have its own `llmOptions`"
    )


def _take_foreign(told: JsonObject, vendor: str, other: str) -> Iterator[str]:
    """Take out what only `vendor` knows; give the dotted names of that."""
    for setting in _SETTINGS:
        yield from _take(told, setting, foreign=True)
    theirs = VENDORS[vendor].settings - VENDORS[other].settings
    yield from _take(told, {tuple(name.split(".")) for name in theirs})
    served = VENDORS[vendor].tools - VENDORS[other].tools
    for name, section in _sections(told):
        if isinstance(tools := section.get("tools"), list):
            section["tools"] = [tool for tool in tools if not (isinstance(tool, dict) and tool.get("type") in served)]
            yield from (f"{name}.tools" for _ in tools[len(section["tools"]) :][:1])
        if isinstance(choice := section.get("tool_choice"), dict) and choice.get("type") in served:
            del section["tool_choice"]
            yield f"{name}.tool_choice"


def _take(told: JsonObject, setting: Iterable[Steps], *, foreign: bool = False) -> Iterator[str]:
    """Take a setting out of every section, `foreign`: where it belongs to a vendor; give the dotted names of it."""
    for name, section in _sections(told):
        for steps in sorted(setting):
            *parents, leaf = steps
            place: Any = section
            for step in parents:
                place = place.get(step) if isinstance(place, dict) else None
            if isinstance(place, dict) and leaf in place and (not foreign or _belongs(steps, place[leaf])):
                del place[leaf]
                yield f"{name}.{'.'.join(steps)}"


def _belongs(steps: Steps, value: Any) -> bool:
    """Tell whether what stands there is known to one vendor only."""
    if steps in _TRANSCRIPTION:
        return isinstance(value, dict) and bool(value.get("model"))
    if steps in _TURN_DETECTION:
        return isinstance(value, dict) and value.get("type") == "semantic_vad"
    return value is not None


def _sections(options: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Give the parts of `llmOptions` that hold settings, each with its dotted name."""
    extra = options.get("extra")
    for parent, prefix in ((options, ""), (extra if isinstance(extra, dict) else {}, "extra.")):
        for name in ("session_update", "response_create"):
            if isinstance(section := parent.get(name), dict):
                yield prefix + name, section


def _laid_over(under: JsonObject, over: JsonObject) -> JsonObject:
    laid = dict(under)
    for name, value in over.items():
        both = isinstance(value, dict) and isinstance(laid.get(name), dict)
        laid[name] = _laid_over(laid[name], value) if both else value
    return laid
