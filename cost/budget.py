"""How much may be spent, and what is left of it: of a call, and of a route in a day."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol


class Spent(NamedTuple):
    """Tokens, read and written, and US dollars as far as they are known."""

    tokens: int = 0
    usd: Decimal = Decimal(0)

    def and_(self, other: "Spent") -> "Spent":
        return Spent(self.tokens + other.tokens, self.usd + other.usd)


@dataclass(frozen=True, slots=True)
class Limit:
    """None: there is no such limit."""

    usd: Decimal | None = None
    tokens: int | None = None

    def reached(self, spent: Spent, share: Decimal = Decimal(1)) -> bool:
        """Tell whether that share of it is spent."""
        dollars = self.usd is not None and spent.usd >= self.usd * share
        return dollars or (self.tokens is not None and spent.tokens >= self.tokens * share)


NO_LIMIT = Limit()


class Purse(Protocol):
    """What a conversation is paid from."""

    def pay(self, spent: Spent) -> None: ...

    def low(self) -> bool:
        """Tell whether so much is spent that the conversation should come to its end."""
        ...

    def empty(self) -> bool: ...


class CallPurse:
    """What one call may spend, in all its conversations; `wind_down_at` is the share of it from which it is low."""

    def __init__(self, limit: Limit = NO_LIMIT, wind_down_at: Decimal = Decimal(1)) -> None:
        self._limit = limit
        self._wind_down_at = wind_down_at
        self.spent = Spent()

    def pay(self, spent: Spent) -> None:
        self.spent = self.spent.and_(spent)

    def low(self) -> bool:
        return self._limit.reached(self.spent, self._wind_down_at)

    def empty(self) -> bool:
        return self._limit.reached(self.spent)
