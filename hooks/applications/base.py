"""What an application is to a call: it gives the first verbs, and says where its hooks are reached."""

from collections.abc import Collection
from typing import Protocol

from egress.origins import Origin
from hooks.transports import hook_schemes
from verbs.base import JsonObject


class Application(Protocol):
    """One call's application. It is made with the call and closed when the call is over."""

    written_here: bool
    "Whether its verbs are the configuration's own, checked by our own rules; a stranger's are only linted."

    @property
    def trusted(self) -> Collection[Origin]:
        """Where its documents lead, if the operator's own code has made them."""

    @property
    def origin(self) -> str | None:
        """The server that a path in its documents is one of, as http(s) or ws(s), where that is no hook."""

    @property
    def commanding(self) -> bool:
        """Whether it may still command its call, unasked: a call that has nothing more to do can wait for that."""

    async def answer(self, attributes: JsonObject) -> list[JsonObject]:
        """Say what a new call does: verbs, not yet validated.

        :raises hooks.transports.base.HookFailure: none came, or not in time
        """

    def taken(self) -> None:
        """Take note that its call goes on with what it has answered: it is asked for first verbs no more."""

    def resume(self, attributes: JsonObject) -> None:
        """Take up a call to which an earlier process has given its verbs: its hooks can be reached from now on."""

    def address(self, hook: object) -> str | None:
        """Give the URL of a hook as its documents write it; the URL's scheme chooses the transport. None: no hook."""

    async def close(self) -> None:
        """Let go of what reaches it."""


def absolute(hook: object, base_url: str | None) -> str | None:
    """Resolve a hook as documents write it: a URL, a path, or an object with one of them as `url`."""
    url = hook.get("url") if isinstance(hook, dict) else hook
    if not isinstance(url, str) or not url or over_socket(url):
        return None
    scheme, written_out, _ = url.partition("://")
    if written_out and scheme in hook_schemes():
        return url
    return f"{base_url.rstrip('/')}/{url.lstrip('/')}" if base_url else None


def over_socket(hook: object) -> bool:
    """Tell whether a hook is a websocket's URL: jambonz would hand the call to the application there, we cannot."""
    url = hook.get("url") if isinstance(hook, dict) else hook
    return isinstance(url, str) and url.lower().startswith(("ws://", "wss://"))
