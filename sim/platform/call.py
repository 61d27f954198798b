"""One call as jambonz 0.9.8 runs it: a document, its verbs one after the other, what comes between, the end.

Pure: each method says what happened and when, and returns what is to be done. Sources: jambonz-feature-server
lib/session/call-session.js, lib/tasks/{task,redirect,rest_dial}.js. What the application or an operator wants in
mid-call is in control.py, what the running verb does in tasks/.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from sim.platform.amd import Detector
from sim.platform.bodies import Identity, JsonObject, Progress, call_info, session_new
from sim.platform.control import REDIRECT, command, update
from sim.platform.doing import NEEDS_ANSWER, summary
from sim.platform.effects import Effect, Note
from sim.platform.manner import Manner
from sim.platform.replies import EMPTY, Failed, Nothing, Outcome, Verbs, meant
from sim.platform.requestor import hook_url
from sim.platform.session import ACTION, Session
from sim.platform.tasks import task_of
from sim.platform.tasks.base import Ask, Leg, Step, Task

REJECTED = 480
"JAMBONES_WEBHOOK_ERROR_RETURN"
GOING_AWAY = 1001
NEW, TASK, DETECTED = "new", "task:", "amd"
"What an answer is for: the call itself, something of the running verb's beside its actionHook, what answered it."


class Call(Session):
    def __init__(
        self, identity: Identity, call_hook: str, status_hook: str | None, manner: Manner | None = None
    ) -> None:
        super().__init__(identity, call_hook, status_hook, manner)
        self._verbs: deque[JsonObject] = deque()
        self._verb: JsonObject = {}  # the verb that is running, or waits for its actionHook's answer
        self._task: Task | None = None
        self._asked: Task | None = None  # whose actionHook is being asked
        self._detector = Detector(self._app.manner.found)
        self._idle = False  # the verbs are over, and the application may still send some

    @property
    def task(self) -> Task | None:
        """What the running verb does."""
        return self._task

    def next_due(self) -> float | None:
        dues = (self._task.due_s if self._task else None, self._app.next_due(), self._detector.next_due())
        return min((due for due in dues if due is not None), default=None)

    # --- the beginning ---

    def begin(self, now: float = 0.0) -> list[Effect]:
        """Take an inbound call."""
        caller, called = self.identity.caller, self.identity.called
        dialling = Note("dialling", f"{caller} calls {called}", {"call_sid": self.identity.call_sid})
        return [dialling, *self._ask_for_verbs(now)]

    def callee_answered(self, now: float, amd_hook: Any = None) -> list[Effect]:
        """Go on with an outbound call; `amd_hook`: who is told whether a machine has answered."""
        if self.over:
            return []
        answered = self._answer(now)
        if hook_url(amd_hook):
            self._detector.start(amd_hook, now)
        return [*answered, *self._ask_for_verbs(now)]

    def _ask_for_verbs(self, now: float) -> list[Effect]:
        self._waits_for = NEW
        return self.request("session:new", self._app.url, session_new(self.identity, self.progress), now, NEW)

    def _first_document(self, outcome: Outcome, now: float) -> list[Effect]:
        if isinstance(outcome, Verbs):
            trying = [] if self.answered else self._status(now)
            return [*self.begin_with(outcome.verbs), *trying, *self._next(now)]
        if self.identity.direction == "outbound" and not isinstance(outcome, Failed):
            self._idle = outcome.why != EMPTY
            return [Note("skipped", f"{outcome.why}: the callee hears nothing"), *self._next(now)]
        rejected = Note("rejected", f"{REJECTED}: {outcome.why}", {"sip_status": REJECTED, "x_reason": outcome.why})
        if self.answered:
            return [rejected, *self._next(now)]  # the rest:dial is over; a webhook's application is hung up on
        # No session was made: nobody is told a status.
        self.progress = Progress("failed", REJECTED, outcome.why)
        return [rejected, *self._ended("jambonz", outcome.why, now, failed=True, told=False, code=GOING_AWAY)]

    # --- the application ---

    def update(self, options: JsonObject, now: float) -> list[Effect]:
        """Do what an operator wants by REST."""
        return [] if self.over else update(self, options, now)

    def _commanded(self, message: JsonObject, now: float) -> list[Effect]:
        return command(self, message, now)

    def _taken(self, ref: str, value: Any, now: float) -> list[Effect]:
        if self.over:
            return []
        if ref.startswith(TASK):
            return self.step(self._task.answered(ref.removeprefix(TASK), value, now), now) if self._task else []
        outcome = value if isinstance(value, Failed) else meant(value)
        if ref == REDIRECT or (ref == DETECTED and isinstance(outcome, Verbs)):
            return self._redirect_answered(outcome, now)
        if not ref or ref != self._waits_for:
            return []
        self._waits_for = None
        if ref == NEW and not self._verb:
            return self._first_document(outcome, now)
        return self._action_answered(outcome, now)

    def _action_answered(self, outcome: Outcome, now: float) -> list[Effect]:
        asked, self._asked = self._asked, None
        finished = self._verb_status("finished", self._verb, now)
        match outcome:
            case Verbs(verbs) if asked is None or asked.obeys_reply:
                return [*self.begin_with(verbs), *finished, *self._next(now)]
            case Failed(why) if asked and asked.hook_may_fail:
                note = Note("hook_failed", f"{self._verb['verb']}'s actionHook: {why}; it goes on")
                return [note, *self._told_of_failure(why, now), *finished, *self._next(now)]
            case Failed(why):
                failure = f"{self._verb['verb']}'s actionHook: {why}"
                return [Note("hook_failed", failure), *self.hang_up(failure, now, failed=True)]
            case _:
                return [*finished, *self._next(now)]

    def _told_of_failure(self, why: str, now: float) -> list[Effect]:
        """Tell of a gather's actionHook, of which jambonz makes more than of others (lib/tasks/gather.js)."""
        if self._verb["verb"] != "gather":
            return []
        verb_id: JsonObject = {"id": self._verb["id"]} if "id" in self._verb else {}
        told = {"msg": "invalid actionHook response", "details": why, "verb": "gather", **verb_id}
        return [
            *self.request("jambonz:error", "/error", told, now),
            *self._status(now, {"error": "invalid actionHook response", "reason": why}),
        ]

    def _redirect_answered(self, outcome: Outcome, now: float) -> list[Effect]:
        match outcome:
            case Verbs(verbs):
                return [_document(verbs), *self.take_over(verbs, now)]
            case Failed(why):
                return [Note("hook_failed", f"redirect: {why}; the call goes on")]
            case Nothing(why):
                # Nothing is given for this leg: what runs is ended, and what was to follow comes.
                return self.take_over(() if why == EMPTY else tuple(self._verbs), now)

    # --- the verbs ---

    def begin_with(self, verbs: Sequence[JsonObject]) -> list[Effect]:
        self._verbs = deque(verbs)
        return [_document(verbs)]

    def take_over(self, verbs: Sequence[JsonObject], now: float) -> list[Effect]:
        """Put these in place of all that was to come, and end what runs."""
        self._verbs, self._idle = deque(verbs), False
        if self._waits_for:
            return []  # the verb is over, its actionHook is asked: what that answers comes still later, and wins
        if self._task:
            return self.step(self._task.kill(now, gone=False), now)
        return self._next(now)

    def append(self, verbs: Sequence[JsonObject], now: float) -> list[Effect]:
        """Put these behind all that is to come."""
        self._verbs.extend(verbs)
        self._idle = False
        return self._next(now)

    def _next(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        while self._verbs and not self._busy:
            self._verb = self._verbs.popleft()
            effects += self._verb_status("starting", self._verb, now)
            effects += [*self._answer_first(now), *self._start(now)]
        if self._busy:
            return effects
        if self._app.waits_for_commands:
            self._idle = True
            return [*effects, Note("waiting", "no verbs left: the application may send some")]
        return [*effects, *self.hang_up("no verbs left", now)]

    @property
    def _busy(self) -> bool:
        return bool(self.over or self._waits_for or self._task or self._idle)

    def _answer_first(self, now: float) -> list[Effect]:
        if self.answered or self._verb["verb"] not in NEEDS_ANSWER or self._verb.get("earlyMedia"):
            return []
        return self._answer(now)

    def _start(self, now: float) -> list[Effect]:
        shown: list[Effect] = [Note("verb", summary(self._verb), {"verb": self._verb["verb"]})]
        match self._verb["verb"]:
            case "redirect":
                return [*shown, *(self._ask({}, now) or [])]
            case "hangup":
                return [*shown, *self.hang_up("hangup", now)]
            case "sip:decline":
                return [*shown, *self._decline(now)]
            case "config":
                self._notifies = bool(self._verb.get("notifyEvents", self._notifies))
                if "amd" in self._verb:
                    self._detector.start(self._verb["amd"]["actionHook"], now)
            case "tag":
                self.tag(self._verb["data"])
        return [*shown, *self._start_task(now)]

    def _decline(self, now: float) -> list[Effect]:
        if self.answered:
            return self.hang_up("sip:decline on an answered call", now, failed=True)
        status = int(self._verb["status"])
        return self._refuse(status, str(self._verb.get("reason") or f"declined with {status}"), now)

    def _start_task(self, now: float) -> list[Effect]:
        manner = self._app.manner
        leg = Leg(self.identity, self.progress, self._app.url, manner.auth)
        self._task = task_of(self._verb, leg, manner)
        return self.step(self._task.start(now), now)

    def step(self, steps: Sequence[Step], now: float) -> list[Effect]:
        """Do what the running verb wants, and go on if it is over with that."""
        effects: list[Effect] = []
        for step in steps:
            if isinstance(step, Ask):
                effects += self.request(step.kind, step.hook, step.body, now, step.ref and TASK + step.ref)
            else:
                effects.append(step)
        task = self._task
        if task is None or not task.over or self.over:
            return effects
        self._task, self._asked = None, task
        asked = None if task.result is None else self._ask(task.result, now)
        if asked is not None:
            return [*effects, *asked]
        self._asked = None
        return [*effects, *self._verb_status("finished", self._verb, now), *self._next(now)]

    def _ask(self, result: JsonObject, now: float) -> list[Effect] | None:
        """Ask the verb's actionHook how the call goes on; None: it has none."""
        hook, verb = self._verb.get("actionHook"), self._verb
        if not hook_url(hook):
            return None
        self._waits_for = ACTION
        verb_id: JsonObject = {"verb_id": verb["id"]} if "id" in verb else {}
        told = call_info(self.identity, self.progress, **result, **verb_id)
        if verb["verb"] == "redirect":
            return self.redirect(hook, told, now, ACTION)
        return self.request("verb:hook", hook, told, now, ACTION)

    # --- what happens meanwhile ---

    def advance(self, now: float) -> list[Effect]:
        """Do what the time has come for."""
        effects = self._hear(self._app.advance(now), now)
        for one in self._detector.due(now):
            told = call_info(self.identity, self.progress, **one.event)
            effects += [Note("amd", one.event["type"], one.event)]
            effects += self.request("verb:hook", one.hook, told, now, DETECTED)
        task = self._task
        if self.over or task is None or task.due_s is None or now < task.due_s:
            return effects
        task.due_s = None
        return [*effects, *self.step(task.advance(now), now)]

    def pressed(self, key: str, now: float) -> list[Effect]:
        """Take one digit from the caller."""
        steps = self._task.pressed(key, now) if self._task and not self.over else None
        return [Note("skipped", f"digit {key}: nothing listens for it")] if steps is None else self.step(steps, now)

    def media_opened(self, now: float) -> list[Effect]:
        """Take it that the socket of the running verb is open, to the application or to a model."""
        return self.step(self._task.opened(now), now) if self._task and not self.over else []

    def media_closed(self, why: str, now: float) -> list[Effect]:
        """Take it that this socket is gone, or could not be opened at all."""
        return self.step(self._task.closed(why, now), now) if self._task and not self.over else []

    def model_said(self, event: JsonObject, now: float) -> list[Effect]:
        return self.step(self._task.said(event, now), now) if self._task and not self.over else []

    def _stopped(self, now: float) -> list[Effect]:
        task, self._task = self._task, None
        self._verbs.clear()
        self._detector.stop()
        if task is None:
            return []
        effects: list[Effect] = [step for step in task.kill(now, gone=True) if not isinstance(step, Ask)]
        if task.tells_its_end and task.result is not None:
            effects += self._ask(task.result, now) or []
        return effects


def _document(verbs: Sequence[JsonObject]) -> Note:
    return Note("document", " → ".join(verb["verb"] for verb in verbs), {"verbs": list(verbs)})
