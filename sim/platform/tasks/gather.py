"""The verb `gather`, for keys: nothing here understands speech (jambonz-feature-server lib/tasks/gather.js)."""

from sim.platform.bodies import JsonObject
from sim.platform.doing import GATHER_TIMEOUT_S, prompt_s
from sim.platform.tasks.base import Leg, Step, Task

INTER_DIGIT_S = 0.5


class Gather(Task):
    hook_may_fail = True

    def __init__(self, verb: JsonObject, leg: Leg) -> None:
        super().__init__(verb, leg)
        self._digits = ""

    def start(self, now: float) -> list[Step]:
        self.due_s = now + prompt_s(self.verb) + float(self.verb.get("timeout", GATHER_TIMEOUT_S))
        return []

    def pressed(self, key: str, now: float) -> list[Step] | None:
        finished = key == self.verb.get("finishOnKey")
        self._digits += "" if finished else key
        wanted = self.verb.get("numDigits") or self.verb.get("maxDigits")
        if finished or (wanted and len(self._digits) >= wanted):
            return self.advance(now)
        self.due_s = now + float(self.verb.get("interDigitTimeout", INTER_DIGIT_S))
        return []

    def advance(self, now: float) -> list[Step]:  # noqa: ARG002
        digits: JsonObject = {"digits": self._digits, "reason": "dtmfDetected"}
        self.finish(digits if self._digits else {"reason": "timeout"})
        return []
