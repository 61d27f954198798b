"""`mcpServers`: servers of tools, by the Model Context Protocol (modelcontextprotocol.io), as an `llm` verb names them.

    {"url": "https://tools.example.com/mcp", "auth": {"token": …}, "transport": "http" or "sse"}

jambonz' schema has `url`, `auth` and `roots`, and says nothing of what is in `auth`; its feature server reads the url
alone, and speaks SSE (lib/utils/llm-mcp.js). `roots`, a client's files, are taken and not used here either.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from verbs import connecting
from verbs.base import Finding, JsonObject, JsonValue, Path
from verbs.kinds import Kind, an_object, check, once_filled


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0 and text.isprintable()


TRANSPORTS = ("http", "sse")
"Streamable HTTP, and what came before it."
_WORD = Kind((str,), "a text that an HTTP header can carry", connecting.fits_header, secret=True)
_URL = Kind((str,), "an http:// or https:// URL", _is_url, secret=True)
_AUTH = an_object(
    {
        **dict.fromkeys(("token", "username", "password"), once_filled(_WORD)),
        "headers": once_filled(connecting.FIELDS["headers"]),
    }
)


def check_servers(servers: JsonValue, path: Path) -> Iterator[Finding]:
    """Check what the table of properties does not know of."""
    for index, server in enumerate(servers if isinstance(servers, list) else ()):
        if isinstance(server, dict):
            yield from check_server(server, (*path, index))


def check_server(server: JsonObject, path: Path = ()) -> Iterator[Finding]:
    url, auth = server.get("url"), server.get("auth")
    if isinstance(url, str):
        yield from check(url, once_filled(_URL), (*path, "url"))
    if not isinstance(auth, dict):
        return
    yield from check(auth, _AUTH, (*path, "auth"))
    if (auth.get("username") is None) != (auth.get("password") is None):
        yield Finding((*path, "auth"), "must have both username and password, or neither")
    if auth.get("token") is not None and auth.get("username") is not None:
        yield Finding((*path, "auth"), "must be a token, or username and password, not both")
