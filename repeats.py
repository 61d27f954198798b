"""Keeps back what asyncio says again and again.

Where no file descriptor is left it tells so of each connection that it cannot take, thousands of times a second
(base_events.py and selector_events.py, `_accept_connection`), and a log on the same disk is not what helps then.
"""

import logging
from collections.abc import Callable
from math import inf

REPEAT_S = 5.0
"One line in so long of each kind, and with the next one how many there were."
MAX_KINDS = 50


class Repeats(logging.Filter):
    """`clock`: seconds, as any clock counts them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[object, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name != "asyncio":
            return True
        now, key = self._clock(), (str(record.msg).partition("\n")[0], record.exc_info and record.exc_info[0])
        since, kept_back = self._said.pop(key, (-inf, 0))
        again = now - since < REPEAT_S
        self._said[key] = (since, kept_back + 1) if again else (now, 0)
        if len(self._said) > MAX_KINDS:
            self._said.pop(next(iter(self._said)))
        if kept_back and not again:
            record.msg = f"{record.msg} ({kept_back} more like this were kept back)"
        return not again
