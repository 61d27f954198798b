"""The section `brains`: models that are asked in text, by names of their own; what is wrong with one, at its place."""

import json
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from pydantic import SecretStr

from brains.context import tokens_of
from brains.endpoints import Endpoint, NamingError, endpoint
from config.brain import Brain, BrainEntry
from config.draft import Draft
from config.nodes import Entry, Mapping, Scalar, with_value
from config.settings import Route
from config.tools import Readers, read_tools
from config.urls import host_of, is_loopback
from verbs.base import JsonObject, did_you_mean, shown
from verbs.tools import ToolError, bare, check_tools

BUILT_IN = """
basic: {form: basic}
openai-sse: {form: openai-sse, model: openai/gpt-4.1-mini}
openai-advanced:
  form: openai-advanced
  model: openai/gpt-4.1-mini
  rewrite: {template: "{{prompt}}\\n\\n(Answer in one or two short sentences, in words that can be spoken.)"}
"""
"What there is without being written; Vapi's three example servers by their names."
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
REWRITES = ("template", "instructions", "python", "url")
LOOKUPS = ("python", "url")


def with_built_in(root: Mapping, built_in: Mapping) -> Mapping:
    """Add the brains that are there unasked, each as a whole, to those that the file has."""
    written = root.get("brains")
    names = {entry.key for entry in written.entries} if isinstance(written, Mapping) else set()
    added = tuple(entry for entry in built_in.entries if entry.key not in names)
    if isinstance(written, Mapping):
        return with_value(root, "brains", replace(written, entries=(*written.entries, *added)))
    if written is None or (isinstance(written, Scalar) and written.is_null):
        others = tuple(entry for entry in root.entries if entry.key != "brains")
        brains = Mapping(0, 0, ("brains",), added)
        return Mapping(root.line, root.column, root.path, (*others, Entry("brains", 0, 0, brains)))
    return root


def read_brains(
    draft: Draft, read: Readers, folder: FilePath, *, environ: MappingOf[str, str], base_url: str | None
) -> dict[str, Brain]:
    """Read them all; complain of those that cannot be."""
    node = draft.find(("brains",))
    if not isinstance(node, Mapping):
        draft.complain(("brains",), "must be keys with values below it, such as fast: openai/gpt-4.1-mini")
        return {}
    desk = _Desk(draft, read, folder, environ, base_url, tuple(entry.key for entry in node.entries))
    found = {entry.key: brain for entry in node.entries if (brain := desk.brain(entry))}
    for name in _circles(found):
        draft.complain(("brains", name, "fallback"), "falls back on itself in the end: leave one of them out")
    return found


@dataclass(frozen=True, slots=True)
class _Desk:
    _draft: Draft
    _read: Readers
    _folder: FilePath
    _environ: MappingOf[str, str]
    _base_url: str | None
    _names: tuple[str, ...]

    def brain(self, written: Entry) -> Brain | None:
        path = ("brains", written.key)
        if not (0 < len(written.key) <= 64 and set(written.key) <= LETTERS):  # noqa: PLR2004  # as those of agents
            self._draft.complain(path, "must be named by 1 to 64 of letters, digits, . _ and -", at_key=True)
        entry = self._draft.section(BrainEntry, path)
        if entry is None:
            return None
        for key, sentence in _misfits(entry):
            self._draft.complain((*path, key), sentence)
        own = self._endpoint(entry, path)
        spares = [(name, self._spare(name, (*path, "fallback"))) for name in entry.fallback]
        endpoints = [found for found in (own, *(spare for _, spare in spares)) if found]
        keys = sorted({found.key for found in endpoints} - {""})
        return Brain(
            name=written.key,
            entry=entry,
            endpoint=own,
            spares=tuple(spares),
            keys=tuple(map(SecretStr, keys)),
            tools=self._tools(written, entry, path),
            node=self._node(entry, path),
            rewrite=self._asked("rewrite", entry.rewrite, path),
            lookup=self._asked("lookup", entry.lookup, path),
            built_in=written.line == 0,
        )

    def _endpoint(self, entry: BrainEntry, path: tuple[str, ...]) -> Endpoint | None:
        if entry.ruled or entry.python:
            return None
        try:
            return endpoint(
                entry.model or "",
                provider=entry.provider or "",
                base_url=entry.base_url or "",
                api_key=entry.api_key.get_secret_value(),
                headers=entry.headers,
                extra_body=entry.extra_body,
                default_query=entry.default_query,
                environ=self._environ,
            )
        except NamingError as error:
            self._draft.complain((*path, error.key), str(error))
            return None

    def _spare(self, name: str, path: tuple[str, ...]) -> Endpoint | None:
        if name in self._names:
            return None
        try:
            return endpoint(name, environ=self._environ)
        except NamingError as error:
            self._draft.complain(path, f"{shown(name)}: neither a brain of this file nor a model: {error}")
            return None

    def _tools(self, written: Entry, entry: BrainEntry, path: tuple[str, ...]) -> dict[str, Any]:
        if isinstance(entry.tools, list):
            for finding in check_tools([bare(tool)[0] for tool in entry.tools], ()):
                self._draft.complain((*path, "tools", *finding.path), finding.message)
            return {}
        if not isinstance(written.value, Mapping):
            return {}
        tools = read_tools(self._draft, written.value, self._read.tool, folder=self._folder, base_url=self._base_url)
        for name, tool in tools.items():
            if tool.declaration is None:
                told = "must say what it takes (description, parameters): no verb declares it here"
                self._draft.complain((*path, "tools", name), told)
            if tool.confirm:
                told = "cannot be confirmed here: whoever asks a brain is not a caller who hears it"
                self._draft.complain((*path, "tools", name, "confirm"), told)
        return tools

    def _node(self, entry: BrainEntry, path: tuple[str, ...]) -> Any:
        if not entry.python:
            return None
        try:
            return self._read.node(entry.python, self._folder)
        except ToolError as error:
            self._draft.complain((*path, "python"), str(error))
            return None

    def _asked(self, key: str, written: JsonObject, path: tuple[str, ...]) -> Any:
        """Make what is asked by a function or a URL: the tools of the voice side do that."""
        if not any(kind in written for kind in LOOKUPS):
            return None
        try:
            return self._read.tool(key, written, folder=self._folder, base_url=self._base_url)
        except ToolError as error:
            self._draft.complain((*path, key, *error.path), str(error))
            return None


def _misfits(entry: BrainEntry) -> Iterator[tuple[str, str]]:
    """Say which keys do not go together."""
    if entry.python and entry.model:
        yield "python", "stands beside `model`: one of them answers, remove the other"
    if not (entry.model or entry.python or entry.form == "basic"):
        yield (
            "model",
            "is missing: write provider/model, such as openai/gpt-4.1-mini, or base_url with the model's name",
        )
    for key, kinds in (("rewrite", REWRITES), ("lookup", LOOKUPS)):
        written: JsonObject = getattr(entry, key)
        if written and entry.form != "openai-advanced":
            yield key, "is of form openai-advanced"
        if written and sum(kind in written for kind in kinds) != 1:
            yield key, f"must have one of {', '.join(kinds)}"
    for key in ("rules", "otherwise"):
        if getattr(entry, key) and not entry.ruled:
            yield key, "is of form basic without a model"


def _standing_tokens(brain: Brain) -> int:
    """Reckon what each question begins with."""
    declared = [tool.declaration for tool in brain.tools.values()] or brain.entry.tools
    return tokens_of({"content": f"{brain.entry.instructions or ''}{json.dumps(declared)}"})


def _circles(brains: MappingOf[str, Brain]) -> Iterator[str]:
    """Give the brains that, by the others which they name, fall back on themselves."""
    for name in brains:
        seen, waiting = set[str](), [other for other, _ in brains[name].spares]
        while waiting:
            other = waiting.pop()
            if other in brains and other not in seen:
                seen.add(other)
                waiting += [further for further, _ in brains[other].spares]
        if name in seen:
            yield name


def complain_of_brains(draft: Draft, routes: MappingOf[int, Route]) -> None:
    """See that routes name brains that there are."""
    brains = draft.find(("brains",))
    names = [entry.key for entry in brains.entries] if isinstance(brains, Mapping) else []
    for place, route in routes.items():
        if route.brain and route.brain not in names:
            told = f"there is no brain {shown(route.brain)}{did_you_mean(route.brain, names)}"
            draft.complain(("routes", place, "brain"), told)


def origins_of(brain: Brain) -> Iterator[str]:
    """Give the URLs to which it leads."""
    yield from (found.url for found in (brain.endpoint, *(spare for _, spare in brain.spares)) if found)
    served = [*brain.tools.values(), *(asked for asked in (brain.rewrite, brain.lookup) if asked)]
    yield from (tool.target for tool in served)


def brain_warnings(brains: MappingOf[str, Brain]) -> Iterator[str]:
    """Say which of those that somebody has written cannot answer, and what else there is to know."""
    for brain in (brain for brain in brains.values() if not brain.built_in):
        if (tokens := _standing_tokens(brain)) > brain.entry.context.soft_tokens:
            told = f"have about {tokens} tokens: more than context.soft_tokens, before anybody has said anything"
            yield f"brain {brain.name!r}: its instructions and tools {told}"
        for name, found in ((brain.entry.model or "", brain.endpoint), *brain.spares):
            if found is None:
                continue
            if found.needs_key:
                named = " or ".join(found.provider.key_names) or "api_key"
                yield f"brain {brain.name!r}: no key for {name}: set {named}, or api_key"
            if found.url.startswith("http://") and not is_loopback(host_of(found.url)):
                yield f"brain {brain.name!r}: {name} is asked without TLS: key and conversation can be read on the way"
