"""A call's documents without their keys: as they are written to disk, and as they leave to whoever asks. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from calls.document import as_bytes, route_verbs
from calls.masking import MASK, masked, unmasked
from config.secrets import names_secret
from config.settings import Route
from verbs import DocumentError, parse, serialise
from verbs.base import JsonObject
from verbs.rewrite import FREE


def kept(document: Sequence[JsonObject]) -> bytes:
    """Give the document as it may be written to disk."""
    return as_bytes(
        [
            masked({name: value for name, value in item.items() if name != "auth"} if item["verb"] == "llm" else item)
            for item in document
        ]
    )


def again(document: bytes, verbs: Sequence[JsonObject] = ()) -> bytes:
    """Give a kept document as it leaves once more: with the keys of these verbs, and without the others."""
    if MASK.encode() not in document:
        return document
    return as_bytes(filled_in(json.loads(document), verbs))


def configured(route: Route, attributes: Mapping[str, Any]) -> list[JsonObject]:
    """Give the verbs of the configuration that a call of this route may hear, with their keys."""
    try:
        verbs = parse(route_verbs(route, attributes) if route.verbs else [], strict=False, native=route.native)
    except DocumentError:  # with what is left of the call's values
        return []
    return [*serialise(verbs), *(verb.plain() for verb in verbs)]


def filled_in(document: Sequence[JsonObject], verbs: Sequence[JsonObject]) -> list[JsonObject]:
    """Give kept verbs with the keys that the same verbs have here; what nobody knows any more is left out."""
    return [unmasked(_with_keys(item, next((v for v in verbs if _alike(item, masked(v))), None))) for item in document]


def _alike(document: Any, verb: Any) -> bool:
    """Tell whether both are the same, but for their hooks, which are ours in a document, and what says nothing."""
    match document, verb:
        case dict(), dict():
            names = {name for name in document.keys() | verb.keys() if not name.endswith("Hook")}
            return all(_alike(document.get(name), verb.get(name)) for name in names)
        case list() | tuple(), list() | tuple():
            return len(document) == len(verb) and all(map(_alike, document, verb))
        case _:
            return bool(document == verb)


def _with_keys(value: Any, known: Any) -> Any:
    match value, known:
        case dict(), dict():
            return {name: _with_keys(inner, known.get(name)) for name, inner in value.items()}
        case list() | tuple(), list() | tuple():
            return [_with_keys(inner, its) for inner, its in zip(value, known, strict=True)]
        case str(), str() if MASK in value:
            return known
        case str(), dict() if value == MASK:
            return known
        case _:
            return value


def withheld(document: Sequence[JsonObject]) -> list[JsonObject]:
    """Give the document as it leaves to somebody of whom nobody knows who it is.

    Of an `llm` that was looked at before; what is an application's own, and nothing to its platform, stays.
    """
    return [item if item["verb"] == "llm" else _bare(item) for item in document]


def _bare(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: inner if name in FREE else _bare(inner) for name, inner in value.items() if not names_secret(name)
            }
        case list():
            return [_bare(inner) for inner in value]
        case _:
            return value
