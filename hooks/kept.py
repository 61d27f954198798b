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
    "Otherwise only what is dead needs to be handed over: the rest would be in this process twice."

    def keep(self, delivery: Delivery, then: Then | None = None) -> None: ...
    def rewrite(self, delivery: Delivery, then: Then | None = None) -> None: ...
    def settle(self, delivery: Delivery, then: Then | None = None) -> None: ...
    def trace(self, delivery: Delivery) -> None: ...
    def reserve(self, call_sid: str, seq: int) -> None: ...
    def endpoint(self, endpoint: Endpoint) -> None: ...
    async def body(self, webhook_id: str) -> bytes | None: ...


def remember(kept: Kept, delivery: Delivery) -> None:
    """Write what became of a delivery that was not kept: a dead letter whole, and of a tool's call its fate."""
    if delivery.state == "dead":
        kept.keep(delivery)
    elif delivery.state == "delivered" and (delivery.kind == "tool" or not kept.durable):
        kept.trace(delivery)
