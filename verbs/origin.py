"""Where the audio of a call goes that an application forks: a path in its documents is one of its own server's."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from verbs.base import JsonObject, JsonValue

FORKS = frozenset({"listen", "stream"})
"As a verb, and as a property of `dial`, `config` and `conference`."


def from_origin(document: Sequence[JsonObject], origin: str | None) -> list[JsonObject]:
    """Make whole URLs of such paths, as they are to leave; `origin` is http(s) or ws(s), None where there is none.

    The platform takes a path for one on the server that its documents come from, which is us, and shows the basic auth
    of that server there instead of the verb's `wsAuth` (jambonz-feature-server lib/session/call-session.js
    normalizeUrl). So the user and the password that an origin may hold go before `wsAuth` as well.
    """
    if origin is None:
        return list(document)
    parts = urlsplit(origin)
    scheme = f"ws{parts.scheme.removeprefix('http').removeprefix('ws')}"
    user, at, host = parts.netloc.rpartition("@")
    username, _, password = user.partition(":")
    auth = {"wsAuth": {"username": unquote(username), "password": unquote(password)}} if at else {}
    there = _There(f"{scheme}://{host}{parts.path.rstrip('/')}", auth)
    return [_resolved(verb, there) for verb in document]


class _There(NamedTuple):
    base: str
    auth: JsonObject


def _resolved(verb: JsonObject, there: _There) -> JsonObject:
    inside = {key: _whole(value, there) for key, value in verb.items() if key in FORKS}
    return {**(_whole(verb, there) if verb["verb"] in FORKS else verb), **inside}


def _whole(fork: JsonValue, there: _There) -> JsonValue:
    url = fork.get("url") if isinstance(fork, dict) else None
    if not (isinstance(url, str) and url.startswith("/")):
        return fork
    return {**fork, "url": f"{there.base}{url}", **there.auth}
