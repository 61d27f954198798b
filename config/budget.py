"""A route's `budget`: what a call may cost, and all calls of a day."""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from config.fields import Money, Text, Whole, wanted
from config.manners import Strict
from cost.budget import Limit

WIND_DOWN = (
    "In one short sentence, in the language of the conversation, tell the caller that this call must come to its end "
    "soon, and ask what is still to be settled."
)
GOODBYE = (
    "In one short sentence, in the language of the conversation, tell the caller that this call must end now, and say "
    "goodbye."
)


def _zone(name: str) -> str:
    try:
        zone_of(name)
    except (KeyError, OSError, ValueError):
        raise wanted("a time zone that this machine knows, such as Europe/Berlin, or UTC") from None
    return name


def zone_of(name: str) -> tzinfo:
    """Give a time zone; UTC needs no database of them."""
    return UTC if name == "UTC" else ZoneInfo(name)


Tokens = Annotated[Whole, Field(ge=1)]
Dollars = Annotated[Money, Field(gt=0)]


class Budget(Strict):
    per_call_usd: Dollars | None = None
    per_call_tokens: Tokens | None = None
    "Read and written, of all its conversations."
    per_day_usd: Dollars | None = None
    per_day_tokens: Tokens | None = None
    "Of all calls of the route."
    wind_down_at: Annotated[Money, Field(gt=0, le=1)] = Decimal("0.8")
    "The share of a limit from which a conversation is brought to its end."
    wind_down: Text = WIND_DOWN
    "The instruction for that."
    goodbye: Text = GOODBYE
    "The instruction for the last words of a call that reaches its limit before it could be brought to its end."
    time_zone: Annotated[Text, AfterValidator(_zone)] = "UTC"
    "Whose midnight ends the day."

    @property
    def per_call(self) -> Limit:
        return Limit(self.per_call_usd, self.per_call_tokens)

    @property
    def per_day(self) -> Limit:
        return Limit(self.per_day_usd, self.per_day_tokens)

    @property
    def in_dollars(self) -> tuple[str, ...]:
        """The keys that hold only where prices are known."""
        return tuple(key for key in ("per_call_usd", "per_day_usd") if getattr(self, key) is not None)

    def day_of(self, unix_s: float) -> str:
        """Give the day of a moment, as 2026-01-31, in this time zone."""
        return datetime.fromtimestamp(unix_s, zone_of(self.time_zone)).date().isoformat()


def without_effect(budget: Budget, *, native: bool) -> Iterator[str]:
    """Name what stands in a route's `budget` and cannot be kept to."""
    for key in ("per_call_usd", "per_call_tokens") if native else ():
        if getattr(budget, key) is not None:
            remedy = "the platform carries the conversation out; a day's limit is looked at when a call comes"
            yield f"budget.{key}: nothing ends a call that has reached it, as {remedy}"
