"""How many tools a model may call: so many in a minute, and so many while the caller neither hears nor says a thing.

    called ──within──▶ may run
       └──used up──▶ refused, and what is asked next forbids tools, so that the model speaks
                       └── calls again all the same, in response after response, unheard ──▶ it is in a loop

Refused calls count, for each is answered, and each answer is a response that is paid for.
"""

from media.newest import Newest

MAX_PER_MINUTE = 20
MAX_UNHEARD = 20
"Calls since the caller has last heard or said anything, however slowly they come."
MAX_STUBBORN = 3
"Responses that call tools when none are left; the first could not know, the second was told."


class Allowance:
    """One model's. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._called: Newest[float] = Newest(MAX_PER_MINUTE)
        self._unheard = 0
        self._stubborn: set[str] = set()
        self.spent = False
        "Whether the next call will be refused, if it comes now."

    def take(self, response_id: str, now: float, *, stirred: bool) -> bool:
        """Say whether one more call may run; `stirred`: the caller has heard or said something since the last one."""
        if stirred:
            self._unheard = 0
            self._stubborn.clear()
        granted = not self._is_spent(now)
        self._called.append(now)
        self._unheard += 1
        self.spent = self._is_spent(now)
        if self.spent:
            self._stubborn.add(response_id)
        return granted

    @property
    def in_a_loop(self) -> bool:
        return len(self._stubborn) >= MAX_STUBBORN

    def _is_spent(self, now: float) -> bool:
        many = len(self._called) == MAX_PER_MINUTE and now - self._called[0] < 60  # noqa: PLR2004  # a minute
        return many or self._unheard >= MAX_UNHEARD
