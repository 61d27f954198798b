"""The dispatchers of the configurations in use: a call's hooks go out as the one said with which it began."""

import asyncio
from collections.abc import Callable, Mapping
from random import SystemRandom
from weakref import WeakSet

from config import secret_values
from config.settings import Settings
from hooks.dispatcher import Dispatcher, Outcome
from hooks.options import HookOptions
from hooks.transports.base import Transport


class Dispatchers:
    """`clock` is Unix time that nothing sets back."""

    def __init__(
        self,
        transports: Mapping[str, Transport],
        *,
        clock: Callable[[], float],
        observe: Callable[[Outcome], None],
    ) -> None:
        self._transports = transports
        self._clock = clock
        self._observe = observe
        # One lives as long as the switchboard, a call or a delivery needs it; reloads may come every minute.
        self._made: WeakSet[Dispatcher] = WeakSet()

    def make(self, settings: Settings) -> Dispatcher:
        """Make the dispatcher of a configuration that was just read."""
        made = Dispatcher(
            self._transports,
            hook_options(settings),
            clock=self._clock,
            random=SystemRandom(),
            secrets=secret_values(settings),
            observe=self._observe,
        )
        self._made.add(made)
        return made

    def pending(self) -> int:
        return sum(each.pending() for each in self._made)

    async def drain(self, deadline_s: float) -> int:
        """Deliver what can be delivered until then, stop, and return how many are left."""
        return sum(await asyncio.gather(*(each.drain(deadline_s) for each in self._made)))


def hook_options(settings: Settings) -> HookOptions:
    hooks = settings.hooks
    return HookOptions(
        timeout_s=hooks.timeout_s,
        tool_timeout_s=hooks.tool_timeout_s,
        action_timeout_s=hooks.action_timeout_s,
        retry_s=hooks.retry_s,
        secrets=tuple(secret.get_secret_value() for secret in hooks.secrets),
    )
