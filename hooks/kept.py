"""Where deliveries outlive this process."""

from collections.abc import Callable
from typing import Protocol

from store.deliveries import Delivery, Endpoint

Then = Callable[[], None]


class Kept(Protocol):
    """What the outboxes need of a store; `store.base.Store` says it in full. Only `body` waits.

    `then` is called when it is written: perhaps at once, perhaps some milliseconds later, and always in the order in
    which things were handed over.
    """

    durable: bool
    "Otherwise nothing needs to be handed over: it would be in this process twice."

    def keep(self, delivery: Delivery, then: Then | None = None) -> None: ...
    def rewrite(self, delivery: Delivery, then: Then | None = None) -> None: ...
    def settle(self, delivery: Delivery, then: Then | None = None) -> None: ...
    def endpoint(self, endpoint: Endpoint) -> None: ...
    async def body(self, webhook_id: str) -> bytes | None: ...
