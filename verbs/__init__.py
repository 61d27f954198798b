"""Documents: the lists of verbs that tell the platform what a call does.

One verb a file, found by its name; what has no file of its own is passed through. Two forms of an item are read,
`{"verb": "say", "text": "x"}` and `{"say": {"text": "x"}}`, and written back as they were; an object that can only
be an `llm` verb needs no name.
"""

from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import islice
from pkgutil import iter_modules
from typing import get_args

from verbs.base import Complaint, DocumentError, Finding, JsonObject, JsonValue, Verb, did_you_mean, shown
from verbs.check import check_json, check_shape, check_type
from verbs.passthrough import NAMES, Passthrough
from verbs.synonyms import SYNONYMS
from verbs.tables import LATEST, OURS, TABLES

__all__ = [
    "VERBS",
    "Complaint",
    "DocumentError",
    "JsonObject",
    "JsonValue",
    "Verb",
    "lint",
    "parse",
    "refusals",
    "serialise",
]

_MOST_FINDINGS = 200
"Looking for what was meant takes time, and a document may come from anywhere."


def _typed() -> Iterator[tuple[str, type[Verb]]]:
    for module in iter_modules(__path__):
        found = vars(import_module(f"{__name__}.{module.name}")).values()
        for verb in (thing for thing in found if isinstance(thing, type) and issubclass(thing, Verb)):
            yield from ((name, verb) for name in get_args(verb.model_fields["verb"].annotation))


VERBS: dict[str, type[Verb]] = {**dict.fromkeys(NAMES, Passthrough), **dict(_typed())}
"Every verb by its name, whatever the version of the platform."


def parse(document: JsonValue, *, version: str = "0.9", strict: bool = True, native: bool = False) -> list[Verb]:
    """Read a document: a list of verbs, or one verb.

    `version` is the platform's. Not strict: what only a newer platform may know is kept as it is, see `lint`.
    `native`: the platform carries out all of it, also what we could.

    :raises DocumentError: with everything that is wrong
    """
    checked = _check(document, version if strict else LATEST, native=native)
    refused = [finding for finding in checked if strict or finding.fatal]
    if refused:
        raise DocumentError(_complaints(refused))
    return [_made(item) for item in _items(document)]


def lint(document: JsonValue, *, version: str, native: bool = False) -> list[Complaint]:
    """Return what a strict reading would complain of."""
    return _complaints(_check(document, version, native=native))


def refusals(document: JsonValue, *, version: str, native: bool = False) -> list[Complaint]:
    """Return what a platform of this version surely refuses: what it has no name for, lacks, or takes for another type.

    It looks at no ranges, and at no list's or free object's items (@jambonz/verb-specifications 0.1.13 `validate`).
    """
    found = _check(document, version, native=native)
    return _complaints([finding for finding in found if finding.fatal or finding.unknown])


def serialise(verbs: Sequence[Verb]) -> list[JsonObject]:
    return [verb.to_wire() for verb in verbs]


def _complaints(findings: Sequence[Finding]) -> list[Complaint]:
    return [Complaint(finding.path, finding.message) for finding in findings]


def _items(document: JsonValue) -> JsonValue:
    return [document] if isinstance(document, dict) else document


def _made(item: JsonObject) -> Verb:
    name, properties = _named(*_parts(item), LATEST)
    return VERBS.get(name, Passthrough).read(name, item, properties)


def _check(document: JsonValue, version: str, *, native: bool) -> list[Finding]:
    if fault := check_json(document):
        return [fault]
    items = _items(document)
    if not isinstance(items, list):
        return [Finding((), f"a document is a list of verbs, not {shown(document)}", fatal=True)]
    findings = (
        _under(index, finding)
        for index, item in enumerate(items)
        for finding in _check_item(item, version, native=native)
    )
    first = list(islice(findings, _MOST_FINDINGS))
    if len(first) == _MOST_FINDINGS:
        first.append(Finding((), "has too many faults to tell them all", fatal=True))
    return first


def _under(index: int, finding: Finding) -> Finding:
    return finding._replace(path=(index, *finding.path))


def _check_item(item: JsonValue, version: str, *, native: bool) -> Iterator[Finding]:
    match item:
        case {"verb": str()}:
            where = "verb"
        case {"verb": name}:
            yield Finding(("verb",), f"must be a verb's name, not {shown(name)}", fatal=True)
            return
        case {"vendor": _, "llmOptions": _}:
            where = "vendor"
        case dict() if len(item) == 1 and _is_short(*next(iter(item.items()))):
            where = next(iter(item))
        case _:
            yield Finding((), f'must be a verb, as {{"verb": "say", "text": "…"}}, not {shown(item)}', fatal=True)
            return
    written, given = _parts(item)
    name, properties = _named(written, given, version)
    if name not in _known(version):
        yield Finding((where,), _unknown(written, version), unknown=True)
        yield from check_type(given.get("id", ""), "string", ("id",), TABLES[version])
        return
    ours = VERBS[name].ours and not native
    yield from check_shape(name, properties, (), OURS if ours else TABLES[version])
    yield from VERBS[name].findings_as_left(properties, version) if native else VERBS[name].findings(properties)


def _parts(item: JsonObject) -> tuple[str, JsonObject]:
    """Give the name that an item has written, and its properties."""
    if "verb" in item:
        return item["verb"], {key: value for key, value in item.items() if key != "verb"}
    if "llmOptions" in item:
        return "llm", item  # what jambonz' own builder takes: `session.llm({vendor: …, llmOptions: …})`
    [(name, properties)] = item.items()
    return name, {_class_of(name).SHORT: properties} if isinstance(properties, str) else properties or {}


def _is_short(name: str, properties: JsonValue) -> bool:
    """Tell whether `{name: properties}` is a verb: its properties, none, or a text where that says it all."""
    return isinstance(properties, dict | None) or (isinstance(properties, str) and bool(_class_of(name).SHORT))


def _class_of(name: str) -> type[Verb]:
    return VERBS.get(SYNONYMS[LATEST].get(name, (name, {}))[0], Passthrough)


def _named(written: str, given: JsonObject, version: str) -> tuple[str, JsonObject]:
    """Replace a synonym; what is given explicitly goes before what the synonym implies."""
    name, implied = SYNONYMS[version].get(written, (written, {}))
    return name, VERBS.get(name, Passthrough).completed({**implied, **given})


def _unknown(name: str, version: str) -> str:
    if name in _known(LATEST):
        return f'{name!r} needs a later platform: set platform.version: "{LATEST}"'
    return f"unknown verb {shown(name)}{did_you_mean(name, _known(version))}"


def _known(version: str) -> set[str]:
    return (VERBS.keys() & TABLES[version].keys()) | SYNONYMS[version].keys()
