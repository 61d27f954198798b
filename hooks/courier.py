"""What carries a call's messages and runs its tools, as those see it who have something to be carried."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from hooks.delivery import Kind, Result
from hooks.options import HookOptions
from hooks.outbox import Outbox
from verbs.base import JsonObject

Answer = Callable[[str], None]
Heard = Callable[[Result, float | None], None]
"Whoever asked is told of each attempt's result, and when the next attempt is (None: this was the last)."
Done = Callable[[Any, BaseException | None], None]
"Whoever set something going is told what it returned, or how it failed."


class Reply(Protocol):
    """An answer that is given once; the first one counts, and the deadline gives None."""

    @property
    def given(self) -> bool: ...
    def give(self, verbs: list[JsonObject] | None) -> None: ...
    async def wait(self) -> list[JsonObject] | None: ...


class Courier(Protocol):
    """One call's: `hooks.draining`."""

    @property
    def options(self) -> HookOptions: ...
    @property
    def outbox(self) -> Outbox: ...
    def now(self) -> float: ...
    def soon(self, answer: Answer, output: str) -> None: ...
    def reply(self, timeout_s: float) -> Reply: ...
    def post(
        self,
        kind: Kind,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        droppable: bool = False,
        heard: Heard | None = None,
    ) -> None: ...
    def prepare(self, kind: Kind, url: str, body: bytes) -> str: ...
    def send_prepared(self, webhook_id: str, body: bytes, heard: Heard) -> None: ...
    def work(self, function: Callable[[], Any], done: Done, *, threaded: bool) -> None: ...
    async def ask(self, kind: Kind, url: str, body: bytes, *, quietly: bool = False) -> Result: ...
    async def delivered(self, deadline_s: float) -> None: ...
