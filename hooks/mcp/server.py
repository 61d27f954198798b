"""A server of tools, as a verb names it: where it is, how it is spoken to, and what lets us in."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit, urlunsplit

from egress.guard import STRANGERS, Reach
from verbs.base import JsonObject
from verbs.mcp import TRANSPORTS, check_server
from verbs.tools import ToolError

PACKAGE = "mcp"
BASIC = "Basic "
INSTALL = "mcpServers needs the package mcp, which is not installed: pip install 'mcp>=2.3,<3'"


@dataclass(frozen=True, slots=True)
class McpServer:
    url: str = field(repr=False)
    "Without a user and a password."
    transports: tuple[str, ...] = TRANSPORTS
    "In the order in which they are tried."
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    reach: Reach = STRANGERS
    "How far its URL may lead."

    @property
    def name(self) -> str:
        """Name it for people by where it is: many servers have their key in the path (Zapier, Composio)."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


def installed() -> bool:
    return find_spec(PACKAGE) is not None


def read(entry: JsonObject) -> McpServer:
    """Read one of a verb's `mcpServers`.

    :raises ToolError: it cannot be reached like this
    """
    if fault := next(check_server(entry), None):
        raise ToolError(fault.message, *map(str, fault.path))
    parts = urlsplit(entry["url"])
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    transport = entry.get("transport")
    auth = {key: value for key, value in (entry.get("auth") or {}).items() if value is not None}
    if parts.username and not auth:
        auth = {"username": unquote(parts.username), "password": unquote(parts.password or "")}
    return McpServer(bare, (transport,) if transport in TRANSPORTS else TRANSPORTS, _headers(auth))


def _headers(auth: JsonObject) -> dict[str, str]:
    headers: dict[str, str] = {}
    if "token" in auth:
        headers["Authorization"] = f"Bearer {auth['token']}"
    elif "username" in auth:
        pair = f"{auth['username']}:{auth['password']}".encode()
        headers["Authorization"] = BASIC + b64encode(pair).decode()
    return {**headers, **auth.get("headers", {})}
