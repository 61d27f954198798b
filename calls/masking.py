"""What of a call is secret, and what may be kept and told of it. Pure.

Rows are written to disk, keys are not; logs are read by many.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

from config.secrets import LEAST_CHARS, NO_SECRETS, names_secret, secrets_in
from hooks.mcp.server import BASIC, read
from verbs import Complaint
from verbs.base import JsonObject
from verbs.llm import Llm
from verbs.tools import ToolError

MASK = "***"
MAX_TOLD_CHARS = 300
SCHEME = re.compile(r"(bearer|basic|token)\s+", re.IGNORECASE)
"What stands before the key in an Authorization header."
USER = re.compile(r"^(\w+://)?.*@", re.DOTALL)


def own_secrets(llm: Llm) -> list[str]:
    """Give the values in a verb that no hook and no log may show."""
    options = llm.connect_options or {}
    asked = [dict(parse_qsl(str(options.get(name) or "").partition("?")[2])) for name in ("path", "url")]
    servers = [str(server.get("url") or "") for server in llm.mcp_servers or ()]
    asked += [dict(parse_qsl(url.partition("?")[2])) for url in servers]
    found = secrets_in([{"auth": llm.auth}, options, asked, llm.llm_options, llm.mcp_servers])
    settings = settings_secrets(llm.llm_options)
    encoded = [word for entry in llm.mcp_servers or () for word in _encoded(entry)]
    passwords = [word for url in (str(options.get("proxy") or ""), *servers) for word in _passwords(url)]
    all_ = [*map(_bare, found), *settings, *passwords, *encoded, *_keys_offered(options)]
    return list(dict.fromkeys(all_))


def settings_secrets(value: Any) -> Iterator[str]:
    """Give what is secret in a session's settings: what `masked_settings` masks there, but for what any word may be."""
    match value:
        case dict():
            for name, inner in value.items():
                if name == "headers" and isinstance(inner, dict):
                    yield from map(_bare, _keys_among(inner))
                elif name == "server_url" and isinstance(inner, str):
                    yield from _keys_in_url(inner)
                elif name not in NO_SECRETS and names_secret(name):
                    yield from map(_bare, secrets_in(inner, secret=True))
                elif name not in NO_SECRETS:
                    yield from settings_secrets(inner)
        case list() | tuple():
            for inner in value:
                yield from settings_secrets(inner)


def _bare(text: str) -> str:
    return SCHEME.sub("", text, count=1)


def _keys_among(named: Mapping[str, Any]) -> Iterator[str]:
    """Give those of these values that are named as keys, or long enough to be some."""
    for name, value in named.items():
        if isinstance(value, str) and (names_secret(name) or len(value) >= LEAST_CHARS):
            yield value


def _keys_in_url(url: str) -> Iterator[str]:
    """Give a password, or who stands alone in its place, and what is asked, as it is written and as it is meant."""
    bare, _, asked = url.partition("?")
    yield from _passwords(url) or _keys_among({"": unquote(bare.rpartition("@")[0].rpartition("//")[2])})
    for name, _, value in (part.partition("=") for part in asked.split("&")):
        yield from dict.fromkeys(_keys_among({f"{name}": value, f" {name}": unquote_plus(value)}))


def _encoded(entry: JsonObject) -> list[str]:
    """Give a password as a server of tools is sent it, and may say it again."""
    with suppress(ToolError):  # it will not be asked
        return [value.removeprefix(BASIC) for value in read(entry).headers.values() if value.startswith(BASIC)]
    return []


def _passwords(url: str) -> list[str]:
    """Give a proxy's or a server's, as it is written and as it is meant."""
    password = url.partition("?")[0].rpartition("@")[0].partition("//")[2].partition(":")[2]
    return [password, unquote(password)] if password else []


def _keys_offered(options: JsonObject) -> list[str]:
    """Browsers, which cannot set headers, say their key by a subprotocol (OpenAI: `openai-insecure-api-key.…`)."""
    return [key for name in options.get("subprotocols") or () if (key := str(name).partition("api-key.")[2])]


def masked(value: Any) -> Any:
    """Return a copy of verbs to be kept, in which no key stands any more."""
    match value:
        case dict():
            return {name: _masked_property(name, inner) for name, inner in value.items()}
        case list() | tuple():
            return [masked(inner) for inner in value]
        case _:
            return value


def _masked_property(name: str, value: Any) -> Any:
    if name in NO_SECRETS or value is None:
        return value
    if names_secret(name):
        return MASK
    if name == "connectOptions" and isinstance(value, Mapping):
        return {option: _masked_option(inner) for option, inner in value.items()}
    if name == "mcpServers" and isinstance(value, list):
        return [_masked_server(server) for server in value]
    return masked(value)


def _masked_server(server: Any) -> Any:
    if not isinstance(server, dict):
        return masked(server)
    return {key: (_masked_option if key == "url" else partial(_masked_property, key))(server[key]) for key in server}


def _masked_option(value: Any) -> Any:
    """Mask what may be a key whatever its name: every header, query and subprotocol, and who stands before an @."""
    match value:
        case dict():
            return dict.fromkeys(value, MASK)
        case list():
            return [MASK for _ in value]
        case str():
            bare, asked, _ = value.partition("?")
            return USER.sub(rf"\1{MASK}@", bare) + (f"?{MASK}" if asked else "")
        case _:
            return value


def masked_settings(value: Any) -> Any:
    """Return a copy of a session's settings, or of what they were, with no key of the servers that its tools have."""
    match value:
        case dict():
            return {name: _masked_setting(name, inner) for name, inner in value.items()}
        case list() | tuple():
            return [masked_settings(inner) for inner in value]
        case _:
            return value


def _masked_setting(name: str, value: Any) -> Any:
    if name in NO_SECRETS or value is None:
        return value
    if name in {"headers", "server_url"}:
        return _masked_option(value)
    return MASK if names_secret(name) else masked_settings(value)


def masked_event(told: JsonObject) -> JsonObject:
    """Return what came of a request, with no key in the session that an event of it has."""
    match told:
        case {"event": {"session": dict(session)} as event}:
            return {**told, "event": {**event, "session": masked_settings(session)}}
        case _:
            return told


def unmasked(value: Any) -> Any:
    """Return a copy of verbs that were kept, without what was masked: a key is the configuration's then, or missing."""
    match value:
        case dict():
            return {name: unmasked(inner) for name, inner in value.items() if not _has_mask(inner)}
        case list() | tuple():
            return [unmasked(inner) for inner in value]
        case _:
            return value


def _has_mask(value: object) -> bool:
    return isinstance(value, str) and MASK in value


def without_secrets(attributes: JsonObject) -> JsonObject:
    """Take out of a call's attributes what may hold keys: the portal's variables, credentials of the INVITE."""
    kept = {key: value for key, value in attributes.items() if key != "env_vars"}
    match kept.get("sip"):
        case {"headers": dict(headers), **others}:
            shown = {name: value for name, value in headers.items() if not names_secret(name)}
            kept["sip"] = {**others, "headers": shown}
    return kept


def told(complaints: Sequence[Complaint]) -> str:
    """Give complaints as a text for the log, without the value of anything that is secret."""
    texts = (
        Complaint(path, "is not what it must be")
        if any(names_secret(str(step)) for step in path)
        else Complaint(path, message)
        for path, message in complaints
    )
    return "; ".join(map(str, texts))[:MAX_TOLD_CHARS]
