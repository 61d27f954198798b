"""One attempt at one delivery, and the record of what came of it."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from random import Random

import structlog

from egress.guard import TRUSTED, Egress
from hooks import signature
from hooks.delivery import Delivery, Kind, Outcome, Result
from hooks.options import HookOptions
from hooks.transports.base import HookBlocked, HookFailure, HookRequest, HookUnreachable, Transport

log = structlog.get_logger(__name__)

JITTER = 0.2
MAX_DEAD = 1_000  # the newest are kept
MAX_REPLY_BYTES: Mapping[Kind, int] = {"event": 65_536, "status": 65_536, "action": 262_144, "tool": 262_144}


class Sender:
    """What all calls share: the transports, the options, the clock, chance, and the list of the dead."""

    def __init__(
        self,
        transports: Mapping[str, Transport],
        options: HookOptions,
        *,
        clock: Callable[[], float],
        random: Random,
        observe: Callable[[Outcome], None],
        egress: Egress,
    ) -> None:
        self.egress = egress
        signature.check([secret for secret in options.secrets if secret])
        self.options = options
        self.clock = clock
        self.observe = observe
        self.dead: deque[Delivery] = deque(maxlen=MAX_DEAD)
        self._transports = transports
        self._random = random

    def new_id(self) -> str:
        return f"msg_{self._random.getrandbits(128):032x}"

    def jitter(self) -> float:
        return self._random.uniform(1 - JITTER, 1 + JITTER)

    async def send(self, row: Delivery, secrets: Sequence[str], *, timeout_s: float) -> Result:
        """Make one attempt, signed with each secret. Whatever goes wrong is this hook's failure and nobody else's."""
        moment = int(self.clock())
        scheme = row.url.partition(":")[0].lower()
        try:
            if row.body is None:
                return HookFailure("its body is not kept any more")
            if scheme not in self._transports:
                return HookUnreachable(f"no transport for the scheme {scheme!r}")
            headers = signature.headers(
                row.webhook_id, row.body, secrets, timestamp_s=moment, call_sid=row.call_sid, seq=row.seq
            )
            request = HookRequest(
                row.url,
                {**row.headers, **headers},
                row.body,
                timeout_s,
                MAX_REPLY_BYTES[row.kind],
                row.kind,
                TRUSTED if row.trusted else self.egress.reach(row.url),
            )
            return await self._transports[scheme].send(request)
        except HookFailure as failure:
            if isinstance(failure, HookBlocked):
                log.warning("egress.blocked", **fields(row), host=failure.host, why=failure.why)
            return failure.with_traceback(None)  # it lives on as a result, and would keep the frames of this call
        except Exception:
            log.exception("hook.crashed", **fields(row))
            return HookFailure("internal error")

    def note(self, outcome: Outcome) -> None:
        """Record what became of a delivery."""
        row = outcome.delivery
        if row.state == "dead":
            self.dead.append(row)
            log.warning("hook.dead_letter", **fields(row), attempts=row.attempts, error=row.last_error)
        elif row.state == "pending":
            log.info("hook.attempt_failed", **fields(row), attempts=row.attempts, error=row.last_error)
        elif outcome.late:
            log.info("hook.late_answer", **fields(row))
        self.observe(outcome)


def fields(row: Delivery) -> dict[str, object]:
    """Name a delivery in the log."""
    return {"kind": row.kind, "call_sid": row.call_sid, "seq": row.seq, "url": row.endpoint}
