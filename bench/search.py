"""The bounded search for the largest number of calls that a server carries."""

from dataclasses import dataclass


@dataclass(slots=True)
class Search:
    """Ask `candidate()`, measure, tell `carried()`; `best` is the largest number that was carried, also before.

    Up by a quarter until one number fails, then halves the span until it is within 5 %; at most `tries` measurements.
    A number must fail twice before it counts as failed: other programs disturb single windows.
    """

    start: int
    limit: int
    tries: int
    best: int = 0
    failed: int | None = None
    _doubtful: int | None = None

    def candidate(self) -> int | None:
        if self.tries <= 0 or self.best >= self.limit:
            return None
        if self._doubtful is not None:
            return self._doubtful
        if self.failed is None:
            return min(self.limit, max(self.start, self.best * 5 // 4))
        if self.best == 0:
            return self.failed * 3 // 4 or None
        return None if self.failed - self.best <= max(1, self.best // 20) else (self.best + self.failed) // 2

    def carried(self, calls: int, *, well: bool) -> None:
        self.tries -= 1
        if well:
            self.best, self._doubtful = max(self.best, calls), None
        elif self._doubtful == calls:
            self.failed, self._doubtful = calls, None
        else:
            self._doubtful = calls
