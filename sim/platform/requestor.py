"""How an application is asked and told: by webhooks, or over its control socket (ws_requestor.py).

Sources: jambonz-feature-server lib/utils/{base,http,ws}-requestor.js.
"""

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

from sim.platform.bodies import JsonObject
from sim.platform.effects import Effect, Post

UNACKED = frozenset({"call:status", "verb:status", "jambonz:error", "llm:event", "llm:tool-call"})
"Told, and never acknowledged on a control socket; over HTTP a llm:tool-call is answered in the reply."
SOCKET_ONLY = frozenset({"verb:status", "jambonz:error"})
"Never sent to an application that is reached by webhooks."

Credentials = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Acked:
    """The application acknowledged a request; `data` None: with nothing, or it had said that it is done."""

    ref: str
    data: Any


@dataclass(frozen=True, slots=True)
class Unacked:
    """A request has failed: no answer in time, no connection, or (`status`) a bad one."""

    ref: str
    why: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Commanded:
    """The application wants something of its own accord."""

    message: JsonObject


@dataclass(frozen=True, slots=True)
class Lost:
    """The session could not be taken up again on a new connection: the platform hangs up."""

    why: str


Output = Effect | Acked | Unacked | Commanded | Lost


class Requestor(Protocol):
    @property
    def waits_for_commands(self) -> bool:
        """Whether the application may still send verbs when those it sent are over."""
        ...

    @property
    def url(self) -> str: ...
    def next_due(self) -> float | None: ...
    def request(self, kind: str, hook: Any, body: JsonObject, now: float, ref: str = "") -> list[Output]:
        """Send one; `hook`: a URL, a path, or an object with one. An answer comes back under `ref`."""
        ...

    def advance(self, now: float) -> list[Output]: ...
    def close(self, code: int) -> list[Output]: ...


class HttpRequestor:
    """Webhooks: a path is resolved against the origin of the call_hook, never against its directory.

    The credentials of the call_hook go with every request, to other hosts too, as they do there.
    """

    waits_for_commands = False

    def __init__(self, url: str, auth: Credentials | None = None) -> None:
        self.url = url
        self._auth = auth

    def next_due(self) -> float | None:
        return None

    def request(self, kind: str, hook: Any, body: JsonObject, now: float, ref: str = "") -> list[Output]:  # noqa: ARG002  # nothing of it takes time here
        if kind in SOCKET_ONLY:
            return []
        target = hook_url(hook)
        if is_socket(target):
            return [Unacked(ref, f"{target}: this fake platform opens no socket from an HTTP application")]
        return [webhook(urljoin(self.url, target), kind, body, ref, self._auth)]

    def advance(self, now: float) -> list[Output]:  # noqa: ARG002
        return []

    def close(self, code: int) -> list[Output]:  # noqa: ARG002
        return []


def webhook(url: str, kind: str, body: JsonObject, ref: str, auth: Credentials | None = None) -> Post:
    return Post("status" if kind == "call:status" else "call", url, body, ref, kind, auth)


def hook_url(hook: Any) -> str:
    return str(hook.get("url", "") if isinstance(hook, dict) else hook or "")


def is_http(url: str) -> bool:
    return urlsplit(url).scheme in {"http", "https"}


def is_socket(url: str) -> bool:
    return urlsplit(url).scheme in {"ws", "wss"}
