"""Hooks that are functions of a call's own application, in this process."""

from typing import Protocol
from weakref import WeakValueDictionary

from hooks.transports.base import HookReply, HookRequest, HookUnreachable

SCHEME = "python"


class Receiver(Protocol):
    """One call's application."""

    async def receive(self, request: HookRequest) -> HookReply:
        """Call the function at the request's URL; raise HookFailure where there is none."""


receivers: WeakValueDictionary[str, Receiver] = WeakValueDictionary()
"By their keys: `python:KEY/…` is the address of a function of the application of that key."


class PythonTransport:
    schemes: tuple[str, ...] = (SCHEME,)

    async def send(self, request: HookRequest) -> HookReply:
        receiver = receivers.get(request.url.removeprefix(f"{SCHEME}:").partition("/")[0])
        if receiver is None:
            raise HookUnreachable("the call whose function this is is over")
        return await receiver.receive(request)

    async def close(self) -> None:
        """Nothing is open."""
