"""Checks the verb documents of a route: the verbs themselves, their hooks, and their `{{…}}` templates."""

from collections.abc import Collection, Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import replace

import verbs
from config.complaints import Path
from config.draft import Draft
from config.nodes import Mapping, Node, Scalar, Sequence, children, json_of, scalars, step, with_value
from config.urls import WEB, url_fault
from verbs import templates
from verbs.base import did_you_mean
from verbs.llm_options import check_options
from verbs.vendors import VENDORS

_NAMES = ("from", "to", "call_sid", "caller_name", "direction")
_FAMILIES = ("sip.headers.", "customerData.", "env.")


def check_documents(
    draft: Draft, route: Mapping, *, version: str, hooks_resolve: bool, hook_schemes: Collection[str] = WEB
) -> Mapping:
    """Check `verbs`, `fallback` and `busy` of one route, and every hook of it; give the route as it is to be read.

    `hooks_resolve`: there is a `hooks.base_url` to resolve a relative hook against; hooks of a route that has a `url`
    are its application's. `hook_schemes`: what a hook's URL may begin with.
    """
    mode = route.get("llm_mode")
    native = isinstance(mode, Scalar) and mode.text == "native"
    own = hooks_resolve or bool(route.get("url"))
    for key in ("verbs", "fallback", "busy"):
        document = route.get(key)
        if document is None:
            continue
        route = with_value(route, key, _check_verbs(draft, document, version, native=native))
        _check_templates(draft, document)
        for hook in _hooks(document):
            _check_hook(draft, hook, hook_schemes, resolves=own)
        if key != "verbs":
            _refuse_llm(draft, document, key)
    for spare in _below(route, "llm_fallback"):
        _check_spare(draft, spare)
    for hook in (target for key in ("status_hook", "amd_hook") for target in _target(route.get(key))):
        _check_hook(draft, hook, hook_schemes, resolves=own)
    for hook in (target for tool in _below(route, "tools") for target in _target(tool)):
        _check_hook(draft, hook, WEB, resolves=hooks_resolve)
    return route


def _check_verbs(draft: Draft, document: Node, version: str, *, native: bool) -> Node:
    """Check the verbs; where one wants a text of what reads as a number, or the reverse, that reading is taken."""
    if isinstance(document, Scalar) or not list(children(document)):
        draft.complain(document.path, "must be a list of verbs, at least one, such as [{verb: hangup}]")
        return document
    tried: set[Path] = set()
    while True:
        complaints = [
            (*_written(document, path), message) for path, message in _complaints(document, version, native=native)
        ]
        others = {
            path: other
            for path, node, _ in complaints
            if isinstance(node, Scalar) and path not in tried and (other := node.other_reading)
        }
        if not others:
            break
        tried |= others.keys()
        document = _with_others(document, others)
    for path, _, message in complaints:
        named = message.startswith(("unknown property", "unknown verb")) and path[-1] != "verb"
        draft.complain(path, message, at_key=named)
    return document


def _complaints(document: Node, version: str, *, native: bool) -> list[verbs.Complaint]:
    try:
        verbs.parse(json_of(document), version=version, native=native)
    except verbs.DocumentError as error:
        return error.complaints
    return []


def _with_others(node: Node, others: MappingOf[Path, Scalar]) -> Node:
    match node:
        case Scalar():
            return others.get(node.path, node)
        case Sequence():
            return replace(node, items=tuple(_with_others(item, others) for item in node.items))
        case _:
            entries = [replace(entry, value=_with_others(entry.value, others)) for entry in node.entries]
            return replace(node, entries=tuple(entries))


def _written(document: Node, inner: Path) -> tuple[Path, Node | None]:
    """Follow a path of the verbs through the short forms: one object for a list, `say: {…}` for an item."""
    node: Node | None = document
    path = document.path
    for depth, key in enumerate(inner):
        if isinstance(node, Mapping) and isinstance(key, int):
            continue
        only = node.entries[0] if depth == 1 and isinstance(node, Mapping) and len(node.entries) == 1 else None
        if only and only.key not in {"verb", key}:
            path, node = (*path, only.key), only.value
        path, node = (*path, key), step(node, key) if node else None
    return path, node


def _below(route: Mapping, key: str) -> Iterator[Mapping]:
    node = route.get(key)
    yield from (child for child in children(node) if isinstance(child, Mapping)) if node else ()


def _check_spare(draft: Draft, spare: Mapping) -> None:
    """Check the `llmOptions` of a model that is fallen back on, as those of a verb for that model's vendor."""
    vendor, options = spare.get("vendor"), spare.get("llmOptions")
    known = VENDORS.get(vendor.text) if isinstance(vendor, Scalar) else None
    if known is None or not isinstance(options, Mapping):
        return
    for finding in check_options(json_of(options), (), settings=known.settings, built_in=known.tools):
        draft.complain(
            (*options.path, *finding.path), finding.message, at_key=finding.message.startswith("unknown property")
        )


def _refuse_llm(draft: Draft, document: Node, key: str) -> None:
    for item in document.items if isinstance(document, Sequence) else (document,):
        verb = item.get("verb") if isinstance(item, Mapping) else None
        named = isinstance(verb, Scalar) and verb.text == "llm"
        if named or (isinstance(item, Mapping) and item.get("llm")):
            draft.complain(item.path, f"`{key}` is heard when no model can be: it cannot hold an `llm` verb")


def _hooks(node: Node) -> Iterator[Scalar]:
    """Every hook target at or under a node; what stands in `llmOptions` is the model's own."""
    entries = node.entries if isinstance(node, Mapping) else ()
    for entry in entries:
        if entry.key.endswith("Hook"):
            yield from _target(entry.value)
    skipped = [entry.value for entry in entries if entry.key == "llmOptions" or entry.key.endswith("Hook")]
    for child in children(node):
        if not any(child is node for node in skipped):
            yield from _hooks(child)


def _target(hook: Node | None) -> Iterator[Scalar]:
    target = hook.get("url") if isinstance(hook, Mapping) else hook
    if isinstance(target, Scalar) and not target.is_null:
        yield target


def _check_hook(draft: Draft, hook: Scalar, schemes: Collection[str], *, resolves: bool) -> None:
    if hook.text.startswith("/") and not hook.text.startswith("//"):
        if not resolves:
            draft.complain(hook.path, "a relative hook needs hooks.base_url: set it, or write the whole https:// URL")
    elif "://" not in hook.text:
        draft.complain(hook.path, "a hook must be a path that begins with /, or a whole https:// or http:// URL")
    elif sentence := url_fault(hook.text, (*WEB, *sorted({*schemes} - {*WEB}))):
        draft.complain(hook.path, f"the hook {sentence}")


def _check_templates(draft: Draft, document: Node) -> None:
    for scalar in scalars(document):
        unknown = [name for name in sorted(templates.names(scalar.text)) if not _is_known(name)]
        if unknown:
            texts = [f"unknown template {{{{{name}}}}}{_hint(name)}" for name in unknown]
            draft.complain(scalar.path, "; ".join(texts))


def _is_known(name: str) -> bool:
    return name in _NAMES or any(name.startswith(family) and len(name) > len(family) for family in _FAMILIES)


def _hint(name: str) -> str:
    last = name.rpartition(".")[2]
    near = did_you_mean(name, [*_NAMES, *(family + last for family in _FAMILIES if last)])
    return near or f"; known are {', '.join(_NAMES)}, {', '.join(family + '…' for family in _FAMILIES)}"
