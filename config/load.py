"""From a file and an environment to frozen settings, or to every complaint about them at once."""

import hashlib
import re
from collections.abc import Callable, Collection
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, replace
from functools import partial, reduce
from pathlib import Path as FilePath

from config import yaml_text
from config.agents import faults
from config.brains import BUILT_IN, complain_of_brains, read_brains, with_built_in
from config.certificates import with_files
from config.complaints import ConfigError, listed
from config.documents import check_documents
from config.draft import Draft
from config.environment import read_dotenv
from config.fields import Store
from config.nodes import Mapping, Scalar, Sequence, merged, with_value
from config.prices import read_prices
from config.reading import read_bytes, text_of
from config.rules import exposure, shadowed, vendor_url_fault, warnings
from config.secrets import variable_secrets
from config.settings import EnvVariable, Hooks, Outward, Platform, Route, Server, Settings, Shape, Vendor
from config.sizes import MAX_DOCUMENT_BYTES, too_long
from config.tools import UNREAD, Readers, ReadTool, read_applications, read_tools
from config.transfers import complain_of_transfers
from config.urls import socket_url
from verbs.base import did_you_mean, shown
from verbs.vendors import VENDORS

# What the environment supplies where the file is silent.
_BUILT_IN = """
server:
  admin_token: "${HOOKSWITCH_ADMIN_TOKEN:-}"
  ticket_secret: "${HOOKSWITCH_TICKET_SECRET:-}"
  brains_token: "${HOOKSWITCH_BRAINS_TOKEN:-}"
platform: {webhook_secrets: ["${JAMBONZ_WEBHOOK_SECRET:-}"]}
vendors:
"""
_BUILT_IN_VENDOR = """  {name}:
    api_key: "${{{known.variables}_API_KEY:-}}"
    url: "${{{known.variables}_REALTIME_URL:-{known.url}}}"
"""
ENV_NAME = re.compile(r"[a-zA-Z0-9_]+")
"For one other name the portal takes none at all (jambonz-api-server lib/utils/appenv_utils.js)."
_KEYS = ["server", "store", "platform", "vendors", "brains", "hooks", "egress", "prices", "defaults", "routes"]


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of a configuration and of the `.env` beside it, as they were at one moment."""

    path: FilePath
    raw: bytes
    dotenv: bytes

    @classmethod
    def read(cls, path: FilePath) -> "Source":
        """Read both; raise ConfigError where one cannot be read. A missing `.env` is an empty one."""
        dotenv = path.parent / ".env"
        return cls(path, read_bytes(path), read_bytes(dotenv) if dotenv.is_file() else b"")

    def digest(self) -> bytes:
        return hashlib.sha256(self.raw).digest() + hashlib.sha256(self.dotenv).digest()


def load(path: FilePath, *, environ: MappingOf[str, str], read: Readers = UNREAD) -> Settings:
    """Read a configuration; `environ` goes before the `.env` beside it. Raise ConfigError with all complaints."""
    return settings_of(Source.read(path), environ=environ, read=read)


def settings_of(source: Source, *, environ: MappingOf[str, str], read: Readers = UNREAD) -> Settings:
    """Give the settings of what was read; raise ConfigError with all complaints."""
    dotenv = source.path.parent / ".env"
    values, complaints = read_dotenv(text_of(source.dotenv, dotenv), file=str(dotenv))
    environment = {**values, **environ}
    file = str(source.path)
    root, found = yaml_text.parse(text_of(source.raw, source.path), file=file, environ=environment)
    draft = Draft(file, _filled_in(root, environment), [*complaints, *found])
    settings = _read(draft, source.path.parent, read, environment)
    if draft.complaints or settings is None:
        raise ConfigError(draft.complaints)
    told = (*draft.put_right, *warnings(settings))
    return settings.model_copy(update={"warnings": told, "other_secrets": variable_secrets(draft.root)})


def _filled_in(root: Mapping, environ: MappingOf[str, str]) -> Mapping:
    """Put the built-in values under the file's, and `defaults` under each route."""
    vendors = (_BUILT_IN_VENDOR.format(name=name, known=known) for name, known in VENDORS.items())
    built_in, _ = yaml_text.parse(_BUILT_IN + "".join(vendors), file="", environ=environ)
    brains, _ = yaml_text.parse(BUILT_IN, file="", environ=environ)
    filled = with_built_in(merged(root, built_in), brains)
    routes = filled.get("routes")
    if not isinstance(routes, Sequence):
        return filled
    shared = [under for under in (filled.get("defaults"), _shape_for_all(filled)) if isinstance(under, Mapping)]
    items = [reduce(merged, shared, item) if isinstance(item, Mapping) else item for item in routes.items]
    return with_value(filled, "routes", replace(routes, items=tuple(items)))


def _shape_for_all(root: Mapping) -> Mapping | None:
    """Give what the section `hooks` says that a route may say otherwise, as `defaults` would."""
    entry = root.entry("hooks")
    if entry is None or not isinstance(entry.value, Mapping):
        return None
    said = tuple(inner for inner in entry.value.entries if inner.key in Shape.model_fields)
    return replace(root, entries=(replace(entry, value=replace(entry.value, entries=said)),))


def _read(draft: Draft, folder: FilePath, read: Readers, environ: MappingOf[str, str]) -> Settings | None:
    """Read all sections, whatever is wrong with the others; complain into the draft."""
    for entry in draft.root.entries:
        if entry.key not in _KEYS:
            draft.unknown_key((entry.key,), _KEYS)
    server = _server(draft, folder)
    platform = _platform(draft, read.platforms)
    hooks = draft.section(Hooks, ("hooks",))
    egress = draft.section(Outward, ("egress",))
    store = draft.value(Store, ("store",), Settings.model_fields["store"].default)
    prices = read_prices(draft)
    vendors = _vendors(draft, folder, insecure=bool(server and server.insecure))
    checked = partial(
        check_documents,
        version=platform.version if platform else Platform().version,
        hooks_resolve=not hooks or bool(hooks.base_url),
        hook_schemes=read.hook_schemes(),
    )
    routes = _routes(draft, folder, checked)
    if platform and platform.api is None:
        _complain_of_transfers(draft)
    base_url = hooks.base_url if hooks else None
    tools = _tools(draft, read.tool, folder, base_url=base_url)
    brains = read_brains(draft, read, folder, environ=environ, base_url=base_url)
    complain_of_brains(draft, routes)
    applications = read_applications(draft, read.function, folder)
    if not (server and platform and hooks and egress):
        return None
    if sentence := exposure(server, platform):
        draft.complain(("server", "public_url" if server.public_url else "host"), sentence)
    settings = Settings(
        server=server,
        store=store,
        platform=platform,
        vendors=vendors,
        brains=brains,
        hooks=hooks,
        egress=egress,
        prices=prices,
        routes=tuple(routes.values()),
        tools=tools,
        applications=applications,
    )
    _complain_of_sizes(draft, routes, settings)
    return settings


def _server(draft: Draft, folder: FilePath) -> Server | None:
    server = draft.section(Server, ("server",))
    return server and server.model_copy(update={"recordings_dir": str(folder / server.recordings_dir)})


def _platform(draft: Draft, kinds: Collection[str]) -> Platform | None:
    env = draft.find(("platform", "env"))
    for entry in env.entries if isinstance(env, Mapping) else ():
        if not ENV_NAME.fullmatch(entry.key):
            path = ("platform", "env", entry.key)
            draft.complain(path, "jambonz' portal takes names of A-Z, a-z, 0-9 and _ only", at_key=True)
        draft.section(EnvVariable, ("platform", "env", entry.key))
    kind = draft.find(("platform", "kind"))
    if isinstance(kind, Scalar) and not kind.is_null and kind.text not in kinds:
        told = f"must be {listed([*kinds])}, is {shown(kind.text)}{did_you_mean(kind.text, kinds)}"
        draft.complain(kind.path, told)
    return draft.section(Platform, ("platform",))


def _vendors(draft: Draft, folder: FilePath, *, insecure: bool) -> dict[str, Vendor]:
    vendors: dict[str, Vendor] = {}
    node = draft.find(("vendors",))
    if not isinstance(node, Mapping):
        draft.complain(("vendors",), "must be keys with values below it, such as openai: {api_key: …}")
        return vendors
    for entry in node.entries:
        path = ("vendors", entry.key)
        if entry.key not in VENDORS:
            draft.unknown_key(path, list(VENDORS))
        elif vendor := draft.section(Vendor, path):
            tls = with_files(draft, (*path, "tls"), vendor.tls, folder)
            if (url := socket_url(vendor.url)) != vendor.url:
                written, meant = vendor.url.partition(":")[0], url.partition(":")[0]
                draft.put_right.append(f"vendors.{entry.key}.url: {written}:// is read as {meant}://; write that")
            vendors[entry.key] = vendor = vendor.model_copy(update={"tls": tls, "url": url})
            own_address = not (vendor.url or VENDORS[entry.key].url)  # every customer's is another
            if not own_address and (sentence := vendor_url_fault(vendor, insecure=insecure)):
                draft.complain((*path, "url"), sentence)
    return vendors


def _routes(draft: Draft, folder: FilePath, checked: Callable[[Draft, Mapping], Mapping]) -> dict[int, Route]:
    """Give the routes that could be read, by their places in the file."""
    node = draft.find(("routes",))
    if not isinstance(node, Sequence) or not node.items:
        draft.complain(("routes",), "must be a list of routes, at least one: - {name: …, verbs: [{verb: …}]}")
        return {}
    items = [checked(draft, item) if isinstance(item, Mapping) else item for item in node.items]
    draft.root = with_value(draft.root, "routes", replace(node, items=tuple(items)))
    good = [
        (index, _with_clip(draft, index, route, folder))
        for index in range(len(items))
        if (route := draft.section(Route, ("routes", index)))
    ]
    for item in items:
        if isinstance(item, Mapping):
            _require_one_application(draft, item)
    for index, route in good:
        for nth, key, sentence in faults(route.agents):
            draft.complain(("routes", index, "agents", nth, key), sentence)
        if route.agents and not route.verbs:
            draft.complain(("routes", index, "agents"), "are those of a route's `verbs`: an application has its own")
    _complain_of_pairs(draft, node, good)
    return dict(good)


def _complain_of_transfers(draft: Draft) -> None:
    node = draft.find(("routes",))
    for route in node.items if isinstance(node, Sequence) else ():
        if isinstance(route, Mapping):
            complain_of_transfers(draft, route)


def _complain_of_sizes(draft: Draft, routes: MappingOf[int, Route], settings: Settings) -> None:
    for index, route in routes.items():
        for key, size_bytes in too_long(route, settings):
            draft.complain(
                ("routes", index, key),
                f"the document of route {route.name!r} has {size_bytes} bytes as it leaves; jambonz reads "
                f"{MAX_DOCUMENT_BYTES} at most on its websocket API: shorten its texts",
            )


def _tools(
    draft: Draft, read_tool: ReadTool, folder: FilePath, *, base_url: str | None
) -> dict[str, dict[str, object]]:
    """Give the tools of each route that has some, by the route's name."""
    node = draft.find(("routes",))
    routes = [item for item in node.items if isinstance(item, Mapping)] if isinstance(node, Sequence) else []
    named = [
        (route.get("name"), read_tools(draft, route, read_tool, folder=folder, base_url=base_url)) for route in routes
    ]
    return {name.text: tools for name, tools in named if isinstance(name, Scalar) and tools}


def _require_one_application(draft: Draft, route: Mapping) -> None:
    """One thing says what the route's calls do: `verbs`, `url` or `python`."""
    nodes = {key: route.get(key) for key in ("verbs", "url", "python")}
    said = [key for key, node in nodes.items() if node and not (isinstance(node, Scalar) and node.is_null)]
    if not said:
        sentence = "is missing: what shall a call of this route do? Say it in `verbs`, `url` or `python`"
        draft.complain((*route.path, "verbs"), sentence)
    for other in said[1:]:
        draft.complain((*route.path, other), f"stands beside `{said[0]}`: a route has one of them, remove the other")


def _with_clip(draft: Draft, index: int, route: Route, folder: FilePath) -> Route:
    """Resolve `media.hold_clip` against the configuration's folder; complain where there is no such file."""
    if route.media.hold_clip is None:
        return route
    clip = folder / route.media.hold_clip
    if not clip.is_file():
        draft.complain(("routes", index, "media", "hold_clip"), "there is no such file in the configuration's folder")
    media = route.media.model_copy(update={"hold_clip": str(clip)})
    return route.model_copy(update={"media": media})


def _complain_of_pairs(draft: Draft, node: Sequence, routes: list[tuple[int, Route]]) -> None:
    names: dict[str, int] = {}
    for index, route in routes:
        if route.name in names:
            line = node.items[names[route.name]].line
            draft.complain(("routes", index, "name"), f"the route in line {line} has this name already")
        names.setdefault(route.name, index)
    for index, earlier in shadowed(routes):
        line = node.items[earlier].line
        sentence = f"this route is never taken: the one in line {line} takes all its calls; put this one first"
        draft.complain(("routes", index), sentence)
