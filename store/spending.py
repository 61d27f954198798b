"""What a route has spent in a day."""

from datetime import UTC, datetime
from typing import NamedTuple


class DaySum(NamedTuple):
    day: str
    "As 2026-01-31."
    route: str
    tokens: int
    usd_e12: int
    "US dollars, in millionths of a millionth."


def day_of(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).date().isoformat()
