"""The document that leaves: what the caller hears before the model, a `listen` in place of `llm`, and a way out.

The platform never sees an `llm` verb or a hook of somebody else's: both would go past this server. Where a verb is left
to it (`leave`), it sees that verb, and hooks of ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from verbs.base import JsonObject, JsonValue, Verb
from verbs.llm import Llm
from verbs.tables import LATEST, TABLES, Type

TERMINAL = frozenset({"hangup", "leave", "redirect", "sip:decline"})
"Nothing after these is reached. After a `sip:refer` that was refused the call goes on."

REDIRECT = {"actionHook": "redirect", "statusHook": "redirect.statusHook"}
"What the hooks of that verb are called here: its platform goes there with the whole call, and with its statuses."
CONFERENCE = {"waitHook": "conference.waitHook"}
"The same of a conference, whose `waitHook` may answer less than that of an `enqueue`."
DIAL = {"referHook": "dial.referHook"}
"And of a `dial`, whose `referHook` may lead who was called away, not the caller as that of a `config` does."
_RENAMED = {"redirect": REDIRECT, "conference": CONFERENCE, "dial": DIAL}

FREE = frozenset({"customerData", "data", "headers", "metadata", "tag"})
"Free for the application's own: what is named like a hook in there is none."


@dataclass(frozen=True, slots=True)
class Rewritten:
    document: list[JsonObject]
    llm: Llm | None
    'The first one, under its own name and in the form `{"verb": "llm", …}`.'
    remaining: list[JsonObject]
    "What comes after the `llm`, as it was written."
    hooks: list[str]
    "What the hooks in `document` were, in the order of their indices: URLs and paths."
    hook_names: list[str]
    "The property that each of them is, such as `waitHook`; or its name in `REDIRECT`, `CONFERENCE` or `DIAL`."


@dataclass(slots=True)
class _Hooks:
    url: Callable[[int], str]
    redirect_url: Callable[[int], str]
    first: int
    targets: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def replaced_in(self, verb: Verb) -> JsonObject:
        """Return a verb as it leaves, with hooks of ours."""
        item = _lean(verb)
        url = self.redirect_url if verb.verb == "redirect" else self.url
        hooks = _RENAMED.get(verb.verb, {})
        ours = {key: self._hook(name, item[key], url) for key, name in hooks.items() if key in item}
        return {key: ours[key] if key in ours else self._property(key, value) for key, value in item.items()}

    def replaced(self, value: JsonValue) -> JsonValue:
        """Return a copy in which every hook is one of ours; it is called by POST, whatever it was."""
        match value:
            case list():
                return [self.replaced(item) for item in value]
            case dict():
                return {key: self._property(key, inner) for key, inner in value.items()}
            case _:
                return value

    def _property(self, key: str, value: JsonValue) -> JsonValue:
        if key in FREE:
            return value
        return self._hook(key, value, self.url) if key.endswith("Hook") else self.replaced(value)

    def _hook(self, name: str, value: JsonValue, url: Callable[[int], str]) -> JsonValue:
        target = value.get("url") if isinstance(value, dict) else value
        if not (isinstance(target, str) and target):
            return self.replaced(value)
        self.targets.append(target)
        self.names.append(name)
        ours = url(self.first + len(self.targets) - 1)
        # A plain string fits two of the schema's alternatives for a target's confirmHook, and so none.
        return {"url": ours} if name == "confirmHook" else ours


def rewrite(
    verbs: Sequence[Verb],
    *,
    media_url: str,
    ended_url: str,
    hook_url: Callable[[int], str],
    redirect_url: Callable[[int], str] | None = None,
    fallback: Sequence[Verb],
    sample_rate_hz: int,
    hooks_from: int = 0,
    closed: bool = True,
) -> Rewritten:
    """Make the document that leaves of the verbs up to the first `llm`.

    `hook_url` gives our URL for the n-th hook of the call, counted from `hooks_from`; `redirect_url` the same for those
    of a `redirect`, where that is another. Not `closed`: without a last
    verb, for what a `waitHook` or `confirmHook` answers, where the call goes on after the last one.
    """
    hooks = _Hooks(hook_url, redirect_url or hook_url, hooks_from)
    llm = next((verb for verb in verbs if isinstance(verb, Llm)), None)
    before = list(takewhile(lambda verb: verb is not llm, verbs))
    document = [hooks.replaced_in(verb) for verb in before]
    if llm:
        document.append(_listen(llm.id, media_url, ended_url, sample_rate_hz))
        document += [hooks.replaced_in(verb) for verb in fallback]
    return Rewritten(
        document=_closed(document) if closed else document,
        llm=llm.in_plain_form() if llm else None,
        remaining=[verb.to_wire() for verb in verbs[len(before) + 1 :]],
        hooks=hooks.targets,
        hook_names=hooks.names,
    )


@dataclass(frozen=True, slots=True)
class Left:
    """A document whose `llm` verbs the platform carries out."""

    document: list[JsonObject]
    llms: list[Llm]
    "All of them, under their own name and in their plain form."
    returns: list[bool]
    "Of each, whether the platform has something to ask of us after it."
    hooks: list[str]
    hook_names: list[str]
    "Both as in `Rewritten`."


def leave(
    verbs: Sequence[Verb],
    *,
    item: Callable[[int, Llm], JsonObject],
    hook_url: Callable[[int], str],
    redirect_url: Callable[[int], str] | None = None,
    hooks_from: int = 0,
    closed: bool = True,
) -> Left:
    """Make the document that leaves of all verbs; `item` gives the i-th `llm` as it is to leave."""
    hooks = _Hooks(hook_url, redirect_url or hook_url, hooks_from)
    document: list[JsonObject] = []
    llms: list[Llm] = []
    asked: list[int] = []
    for verb in verbs:
        if isinstance(verb, Llm):
            told = item(len(llms), verb)
            options = told.pop("llmOptions")  # the vendor's own, whatever its names are
            document.append({**hooks.replaced(told), "llmOptions": options})
            llms.append(verb.in_plain_form())
            asked.append(len(hooks.targets))
        else:
            document.append(hooks.replaced_in(verb))
    return Left(
        document=_closed(document) if closed else document,
        llms=llms,
        returns=[count < len(hooks.targets) for count in asked],
        hooks=hooks.targets,
        hook_names=hooks.names,
    )


def _listen(verb_id: str | None, media_url: str, ended_url: str, sample_rate_hz: int) -> JsonObject:
    """`streaming` and its `sampleRate` make the platform play what we send (mod_audio_fork: bidirectional audio)."""
    return {
        "verb": "listen",
        **({"id": verb_id} if verb_id else {}),
        "url": media_url,
        "actionHook": ended_url,
        "mixType": "mono",
        "sampleRate": sample_rate_hz,
        "bidirectionalAudio": {"enabled": True, "streaming": True, "sampleRate": sample_rate_hz},
        "passDtmf": True,
    }


def _closed(document: list[JsonObject]) -> list[JsonObject]:
    if document and document[-1]["verb"] in TERMINAL:
        return document
    return [*document, {"verb": "hangup"}]


def _lean(verb: Verb) -> JsonObject:
    """Leave out what is null: the platform takes a null for an object, its newer schema takes none."""
    item = verb.plain()
    properties = _without_nulls({key: value for key, value in item.items() if key != "verb"}, f"#{verb.verb}")
    return {"verb": verb.verb, **properties}


def _without_nulls(value: JsonValue, kind: Type) -> JsonValue:
    """Only where a shape is known; in free data a null may mean something."""
    match kind:
        case [str() as item] | {"array": item} if isinstance(value, list):
            return [_without_nulls(inner, item) for inner in value]
        case str() if isinstance(value, dict) and kind.startswith("#"):
            shape = TABLES[LATEST].get(kind[1:])
            known = shape.properties if shape else {}
            return {k: _without_nulls(v, known.get(k)) for k, v in value.items() if v is not None or k not in known}
        case _:
            return value
