"""The verb `dial`: to nobody, unless the fake platform was given somebody who answers.

Facts: jambonz-feature-server lib/tasks/dial.js, lib/utils/place-outdial.js. A confirmHook is asked once the callee
has answered (`dial:confirm`, the body is the child leg's); its verbs are run on that leg and are only shown here.
"""

from typing import Any

from sim.platform.bodies import JsonObject, call_info
from sim.platform.doing import RINGING_S
from sim.platform.effects import Note
from sim.platform.manner import Callee
from sim.platform.replies import Failed, document
from sim.platform.tasks.base import Ask, Leg, Step, Task
from sim.platform.verbs import DocumentRefusedError

CONFIRM = "confirm"


class Dial(Task):
    tells_its_end = True
    hook_may_fail = True

    def __init__(self, verb: JsonObject, leg: Leg, callee: Callee | None = None) -> None:
        super().__init__(verb, leg)
        self._callee = callee
        self._talking_s: float | None = None
        self._child = f"{leg.identity.call_sid}-child"

    def start(self, now: float) -> list[Step]:
        rings_s = float(self.verb.get("timeout", RINGING_S))
        if self._callee and self._callee.answers_s > rings_s:
            self._callee = None
        self.due_s = now + (self._callee.answers_s if self._callee else min(RINGING_S, rings_s))
        return []

    def advance(self, now: float) -> list[Step]:
        if self._callee is None:
            self.finish({"dial_call_status": "no-answer", "dial_sip_status": 408})
            return []
        if self._talking_s is not None:
            self._hung_up(now)
            return [Note("dial_ended", "the callee hung up")]
        answered = Note("dial_answered", "the callee answers")
        hook = self._confirm_hook()
        if hook is None:
            return [answered, *self._bridged(now)]
        self.due_s = None
        return [answered, Ask("dial:confirm", hook, self._child_info(), CONFIRM)]

    def answered(self, ref: str, reply: Any, now: float) -> list[Step]:
        if ref != CONFIRM:
            return []
        if isinstance(reply, Failed):
            return self._declined(reply.why)
        try:
            verbs = document(reply) if isinstance(reply, list) else ()
        except DocumentRefusedError as error:
            return self._declined(str(error))
        named = " → ".join(verb["verb"] for verb in verbs) or "nothing"
        return [Note("confirmed", f"the callee hears {named}"), *self._bridged(now)]

    def kill(self, now: float, *, gone: bool) -> list[Step]:
        self._hung_up(now)
        self.obeys_reply = gone  # of a dial that was replaced the reply is not read
        return []

    def _bridged(self, now: float) -> list[Step]:
        self._talking_s = now
        self.due_s = now + (self._callee.talks_s if self._callee else 0)
        return [Note("bridged", "caller and callee are connected")]

    def _declined(self, why: str) -> list[Step]:
        self.finish({"dial_call_status": "no-answer", "dial_sip_status": 487})
        return [Note("hook_failed", f"confirmHook: {why}; the callee is hung up on")]

    def _hung_up(self, now: float) -> None:
        if self._talking_s is None:
            self.finish({"dial_call_status": "no-answer", "dial_sip_status": 487})
            return
        talked_s = int(now - self._talking_s)
        told = {"dial_call_sid": self._child, "dial_call_status": "completed", "dial_sip_status": 200}
        self.finish({**told, "dial_call_duration": talked_s})

    def _confirm_hook(self) -> Any:
        target = self.verb["target"][0]
        return target.get("confirmHook") or self.verb.get("confirmHook")

    def _child_info(self) -> JsonObject:
        target = self.verb["target"][0]
        to = str(target.get("number") or target.get("sipUri") or target.get("name") or "")
        leg = self.leg
        told = {"call_sid": self._child, "parent_call_sid": leg.identity.call_sid, "direction": "outbound", "to": to}
        return call_info(leg.identity, leg.progress, **told)
