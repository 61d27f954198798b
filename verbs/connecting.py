"""What `connectOptions` may hold, so that the model's socket can be opened with it."""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import unquote, urlsplit

from verbs.base import JsonObject
from verbs.kinds import Kind

_HOST = re.compile(r"(\[(?P<address>[^\[\]]+)\]|(?P<name>[^\[\]:]+))(:(?P<port>[0-9]{1,5}))?")
_LAST_PORT = 65_535
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.IGNORECASE)
_HEADER = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
"RFC 9110: anything else would end the header, or could not be written at all."

_CERTIFICATES = re.compile(r"(-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+")
"PEM, and nothing beside it."


def faults(options: JsonObject) -> Iterator[str]:
    """Say which options no socket can be opened with. Their values, which may be keys, are not repeated."""
    for name, kind in FIELDS.items():
        value = options.get(name)
        if value and not (isinstance(value, kind.types) and kind.fits(value)):
            yield f"connectOptions.{name} must be {kind.wants}"


def fits_header(value: str) -> bool:
    return bool(_HEADER_VALUE.fullmatch(value))


def is_header(name: str, value: str) -> bool:
    """Tell whether HTTP can carry this header, in one line."""
    return bool(_HEADER.fullmatch(name)) and fits_header(value)


def leads_elsewhere(options: JsonObject) -> bool:
    """Tell whether these change by whom an address is reached, so that a key is safe there no more."""
    return bool(options.get("proxy") or options.get("tls"))


def at_host(host: str, path: str) -> str:
    """Give the URL of a model's host: with TLS, unless it is this machine.

    :raises ValueError: this is no host
    """
    scheme = "ws" if urlsplit(f"//{host}").hostname in LOOPBACK else "wss"
    return f"{scheme}://{host}/{path}"


def url_of(options: JsonObject) -> str:
    """Give the URL that these options name; nothing where they name none."""
    try:
        if host := options.get("host"):
            return at_host(str(host), "")
    except ValueError:
        return ""
    return str(options.get("url") or "")


def is_proxy(text: str) -> bool:
    """Tell whether this is the URL of a proxy: with a name and a password, with neither, and with nothing behind it."""
    try:
        parts = urlsplit(text)
        who = unquote(parts.username or "", errors="strict"), unquote(parts.password or "", errors="strict")
    except ValueError:
        return False
    _, at, host = parts.netloc.rpartition("@")
    named = all(who) and ":" not in who[0]
    nothing_behind = parts.path in {"", "/"} and not parts.query
    known = parts.scheme in {"http", "https"} and _is_host(host) and _is_path(text)
    return known and nothing_behind and (named or not at)


def _are_certificates(text: str) -> bool:
    return bool(_CERTIFICATES.fullmatch(text.strip()))


def _is_host(text: str) -> bool:
    """Tell whether this is a name or an address, with a port or without, and with nobody before an @."""
    found = _HOST.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 1) <= _LAST_PORT:
        return False
    return _is_address(found["address"]) if found["address"] else is_host_name(found["name"])


def _is_address(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def is_host_name(text: str) -> bool:
    """Tell whether a host can have this name, and a certificate speak of it."""
    try:
        return bool(_NAME.fullmatch(text.encode("idna").decode()))
    except UnicodeError:  # an empty part, or one of more than 63 characters
        return False


def _is_path(text: str) -> bool:
    return text.isprintable() and not any(char.isspace() or char == "#" for char in text)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"ws", "wss"} and _is_host(parts.netloc) and _is_path(text)


def _are_texts(value: JsonObject) -> bool:
    return all(isinstance(item, str) for item in value.values())


def _are_headers(value: dict[Any, Any]) -> bool:
    return _are_texts(value) and all(is_header(name, value[name]) for name in value)


def _are_subprotocols(value: list[Any]) -> bool:
    return all(isinstance(item, str) and _HEADER.fullmatch(item) for item in value) and len({*value}) == len(value)


def _is_tls(value: JsonObject) -> bool:
    told = {name: inner for name, inner in value.items() if not (inner is None or inner == "")}
    return all(name in _TLS and isinstance(inner, str) and _TLS[name](inner) for name, inner in told.items())


_TLS = {"ca": _are_certificates, "server_name": is_host_name}

FIELDS: dict[str, Kind] = {
    "host": Kind((str,), "a host's name, and :port", _is_host),
    "path": Kind((str,), "a path, without a space or a #", _is_path),
    "url": Kind((str,), "a ws:// or wss:// URL", _is_url),
    "headers": Kind((dict,), "an object of texts that HTTP can carry, each in one line", _are_headers),
    "query": Kind((dict,), "an object of texts", _are_texts),
    "subprotocols": Kind((list,), "a list of names of subprotocols, no two alike", _are_subprotocols),
    "proxy": Kind(
        (str,),
        "the http:// or https:// URL of a proxy, with user:password@ or nothing before its host",
        is_proxy,
        secret=True,
    ),
    "tls": Kind(
        (dict,),
        "{ca: certificates (PEM, as text), server_name: a host's name}; files, and verify: false, only the "
        "configuration may name: vendors.*.tls",
        _is_tls,
    ),
}
