"""What `connectOptions` may hold, so that the model's socket can be opened with it."""

import re
from collections.abc import Iterator
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import urlsplit

from verbs.base import JsonObject
from verbs.kinds import Kind

_HOST = re.compile(r"(\[(?P<address>[^\[\]]+)\]|(?P<name>[^\[\]:]+))(:(?P<port>[0-9]{1,5}))?")
_LAST_PORT = 65_535
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.IGNORECASE)
_HEADER = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
"RFC 9110: anything else would end the header, or could not be written at all."


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


def _is_host(text: str) -> bool:
    """Tell whether this is a name or an address, with a port or without, and with nobody before an @."""
    found = _HOST.fullmatch(text)
    if found is None or not 0 < int(found["port"] or 1) <= _LAST_PORT:
        return False
    return _is_address(found["address"]) if found["address"] else _is_name(found["name"])


def _is_address(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_name(text: str) -> bool:
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


FIELDS: dict[str, Kind] = {
    "host": Kind((str,), "a host's name, and :port", _is_host),
    "path": Kind((str,), "a path, without a space or a #", _is_path),
    "url": Kind((str,), "a ws:// or wss:// URL", _is_url),
    "headers": Kind((dict,), "an object of texts that HTTP can carry, each in one line", _are_headers),
    "query": Kind((dict,), "an object of texts", _are_texts),
}
