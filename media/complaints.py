"""What a model does otherwise than it should, as far as that is told to the log and to nobody else."""

from media.effects import Effect, Warn
from media.realtime.base import ModelRefused, ResponseEnded

MAX_ERRORS_TOLD = 20
"Of one conversation; the eventHook hears of every one that it asked for."


class Complaints:
    """Of one conversation. Effects go to `out`."""

    def __init__(self, out: list[Effect]) -> None:
        self._out = out
        self._errors = 0

    def error(self, refusal: ModelRefused) -> None:
        """It refuses something."""
        self._errors += 1
        if self._errors <= MAX_ERRORS_TOLD:
            self._out.append(Warn("model_error", {"code": refusal.code, "message": refusal.message}))

    def ended(self, ended: ResponseEnded, *, empty: bool) -> None:
        """A response has ended; `empty`: and nothing came of it."""
        if ended.status == "incomplete":
            self._out.append(Warn("response_incomplete", {"reason": ended.reason or "unknown"}))
        elif empty:
            self._out.append(Warn("response_empty"))
