"""What a call is beside its verbs: its application, its statuses, its answer and its end. Pure.

How it goes on with what the application says is the business of call.py.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sim.platform.application import Application
from sim.platform.bodies import Identity, JsonObject, Progress, call_info
from sim.platform.effects import CloseControl, Effect, Note, Over
from sim.platform.manner import Manner
from sim.platform.replies import Failed, HttpReply, NoReply, content
from sim.platform.requestor import Acked, Commanded, Lost, Output, Unacked

ACTION = "action"
"The ref of the running verb's actionHook."
DONE = 1000
LLM_NAME = "Llm_OpenAI_s2s"
"As verb:status calls the verb."
DECLINED = 603
CALL_STATUS = {486: "busy", 600: "busy", 487: "no-answer", 408: "no-answer"}


class Session(ABC):
    def __init__(
        self, identity: Identity, call_hook: str, status_hook: str | None, manner: Manner | None = None
    ) -> None:
        self.identity = identity
        self.progress = Progress()
        self.over: Over | None = None
        self._status_hook = status_hook
        self._app = Application(call_hook, identity.call_sid, manner or Manner())
        self._waits_for: str | None = None
        self._closing = DONE
        self._notifies = False  # of verbs, by verb:status
        self._answered_s: float | None = None

    @property
    def answered(self) -> bool:
        return self._answered_s is not None

    @property
    def quiet(self) -> bool:
        """Whether the call is over and its application has nothing more to say to it."""
        return self.over is not None and self._app.done

    def replied(self, reply: HttpReply | NoReply, now: float, ref: str | None = None) -> list[Effect]:
        """Take the answer to a webhook; `ref` as it was posted with, None: to whatever is waited for."""
        value, of = content(reply), (self._waits_for if ref is None else ref) or ""
        failed = isinstance(value, Failed)
        return self._hear([Unacked(of, value.why, value.status) if failed else Acked(of, value)], now)

    def request(self, kind: str, hook: Any, body: JsonObject, now: float, ref: str = "") -> list[Effect]:
        """Ask or tell the application, and go on with what comes back at once."""
        return self._hear(self._app.request(kind, hook, body, now, ref), now)

    def redirect(self, hook: Any, body: JsonObject, now: float, ref: str) -> list[Effect]:
        """Ask for other verbs, by the verb `redirect` or by call control."""
        return self._hear(self._app.redirect(hook, body, now, ref, by_verb=ref == ACTION), now)

    def control_opened(self, now: float) -> list[Effect]:
        return self._hear(self._app.opened(now), now)

    def control_refused(self, why: str, now: float, *, retry: bool) -> list[Effect]:
        """Take it that the control socket could not be opened; `retry`: refused, reset or timed out."""
        return self._hear(self._app.not_opened(why, now, retry=retry), now)

    def control_said(self, socket: int, text: str, now: float) -> list[Effect]:
        return self._hear(self._app.said(socket, text, now), now)

    def control_closed(self, socket: int, code: int, now: float) -> list[Effect]:
        return self._hear(self._app.closed(socket, code, now), now)

    def _hear(self, outputs: Sequence[Output], now: float) -> list[Effect]:
        effects: list[Effect] = []
        for output in outputs:
            match output:
                case Acked(ref, data):
                    effects += self._taken(ref, data, now)
                case Unacked(ref, why, status):
                    effects += self._taken(ref, Failed(why, status), now)
                case Commanded(message):
                    effects += [] if self.over else self._commanded(message, now)
                case Lost(why):
                    effects += self.hang_up(why, now, failed=True)
                case _:
                    effects.append(output)
        return [*effects, *self._leave()]

    @abstractmethod
    def _taken(self, ref: str, value: Any, now: float) -> list[Effect]:
        """Take an answer: a JSON value, or Failed."""

    @abstractmethod
    def _commanded(self, message: JsonObject, now: float) -> list[Effect]:
        """Do what the application wants of its own accord."""

    @abstractmethod
    def _stopped(self, now: float) -> list[Effect]:
        """End the verb that runs, and forget those to come: the call is over."""

    def _status(self, now: float, more: JsonObject | None = None) -> list[Effect]:
        if not self._status_hook:
            return [Note("status", self.progress.call_status)]
        return self.request(
            "call:status", self._status_hook, call_info(self.identity, self.progress, **(more or {})), now
        )

    def _verb_status(self, event: str, verb: JsonObject, now: float) -> list[Effect]:
        """Tell an application on a socket of its verbs, if it has asked for that by `config notifyEvents`."""
        if not self._notifies or self.over:
            return []
        name = LLM_NAME if verb["verb"] == "llm" else verb["verb"]
        verb_id: JsonObject = {"id": verb["id"]} if "id" in verb else {}
        return self.request("verb:status", "/status", {"event": event, **verb_id, "name": name}, now)

    def tag(self, data: JsonObject) -> None:
        self.identity = replace(self.identity, customer_data=data)

    def _answer(self, now: float) -> list[Effect]:
        self._answered_s = now
        self.progress = Progress("in-progress", 200, "OK")
        return [Note("answered", "the call is answered"), *self._status(now)]

    # --- an outbound call ---

    def ring(self, now: float) -> list[Effect]:
        """Begin an outbound call: the application is asked when the callee has answered."""
        caller, called = self.identity.caller, self.identity.called
        fields = {"call_sid": self.identity.call_sid}
        trying = [Note("dialling", f"{caller} is connected to {called}", fields), *self._status(now)]
        self.progress = Progress("ringing", 180, "Ringing")
        return [*trying, *self._status(now)]

    def callee_refused(self, sip_status: int, reason: str, now: float) -> list[Effect]:
        return [] if self.over else self._refuse(sip_status, reason, now)

    # --- the end ---

    def caller_hung_up(self, now: float) -> list[Effect]:
        """End the call; the status goes out before an actionHook, whose reply is no longer read."""
        if self.over:
            return []
        if not self.answered:
            self.progress = Progress("no-answer", 487, "Request Terminated")
            return self._ended("caller", "the caller gave up", now)
        return self._completed("caller", "the caller hung up", now)

    def hang_up(self, why: str, now: float, *, failed: bool = False) -> list[Effect]:
        """End the call from the platform's side."""
        if self.over:
            return []
        if not self.answered:
            return self._refuse(DECLINED, why, now, failed=failed)
        return self._completed("jambonz", why, now, failed=failed)

    def give_up(self, now: float) -> list[Effect]:
        """End a call that nobody has answered, by call control."""
        sip_status = 487 if self.identity.direction == "outbound" else 503
        return self._refuse(sip_status, "given up by call control", now)

    def _refuse(self, sip_status: int, why: str, now: float, *, failed: bool = False) -> list[Effect]:
        self.progress = Progress(CALL_STATUS.get(sip_status, "failed"), sip_status, why)
        return self._ended("jambonz", why, now, failed=failed)

    def _completed(self, by: str, why: str, now: float, *, failed: bool = False) -> list[Effect]:
        self.progress = Progress("completed", 200, "OK")
        answered_s = now if self._answered_s is None else self._answered_s
        return self._ended(by, why, now, duration_s=int(now - answered_s), failed=failed)

    def _ended(
        self,
        by: str,
        why: str,
        now: float,
        *,
        duration_s: int = 0,
        failed: bool = False,
        told: bool = True,
        code: int = DONE,
    ) -> list[Effect]:
        last: JsonObject = {"call_termination_by": by, "duration": duration_s}
        status = self._status(now, last) if told else []
        self.over = Over(self.progress.call_status, by, self.answered, why, failed)
        self._closing = code
        effects = [*status, Note("call_ended", f"{why} ({self.progress.call_status})", last)]
        effects += self._stopped(now)
        return [*effects, *self._leave(), self.over]

    def _leave(self) -> list[Effect]:
        """Close the control socket of a call that is over, once the last acknowledgement is there."""
        if self.over is None or self._app.busy:
            return []
        return [one for one in self._app.close(self._closing) if isinstance(one, CloseControl)]
