"""One inbound call as jambonz 0.9.8 runs it: a webhook, a document, its verbs one after the other, the end.

Pure: `begin`, `replied`, `media_…`, `pressed`, `caller_hung_up` and `advance` say what happened and when, and return
what is to be done. Sources: jambonz-feature-server lib/session/call-session.js, lib/tasks/{listen,gather,task}.js.
"""

from collections import deque
from collections.abc import Callable
from urllib.parse import urljoin

from sim.platform.bodies import Identity, JsonObject, Progress, call_info, metadata, session_new
from sim.platform.doing import GATHER_TIMEOUT_S, NEEDS_ANSWER, modelled_s, prompt_s, summary
from sim.platform.effects import CloseMedia, Effect, Note, OpenMedia, Over, Post, SendDigit
from sim.platform.replies import Failed, HttpReply, NoReply, Verbs, read

REJECTED = 480
"JAMBONES_WEBHOOK_ERROR_RETURN"
DECLINED = 603
MAX_WS_AUTH_BYTES = 88
"Longer credentials are silently left out (a buffer of 128 bytes in mod_audio_fork)."
INTER_DIGIT_S = 0.5


class Call:
    def __init__(self, identity: Identity, call_hook: str, status_hook: str | None) -> None:
        self.identity = identity
        self.progress = Progress()
        self.over: Over | None = None
        self._call_hook = call_hook
        self._status_hook = status_hook
        self._verbs: deque[JsonObject] = deque()
        self._now: JsonObject = {}  # the verb that is running
        self._waits_for_reply = False
        self._due_s: float | None = None
        self._answered_s: float | None = None
        self._media_s: float | None = None
        self._digits = ""

    @property
    def answered(self) -> bool:
        return self._answered_s is not None

    def next_due(self) -> float | None:
        return self._due_s

    def begin(self) -> list[Effect]:
        self._waits_for_reply = True
        caller, called = self.identity.caller, self.identity.called
        return [
            Note("dialling", f"{caller} calls {called}", {"call_sid": self.identity.call_sid}),
            Post("call", self._call_hook, session_new(self.identity)),
        ]

    def replied(self, reply: HttpReply | NoReply, now: float) -> list[Effect]:
        """Take the answer to the last webhook of the "call" lane."""
        if self.over or not self._waits_for_reply:
            return []
        self._waits_for_reply = False
        if not self._now:
            return self._first_document(reply, now)
        match read(reply):
            case Verbs(verbs):
                self._verbs = deque(verbs)
                return [_document(verbs), *self._next(now)]
            case Failed(why) if self._now["verb"] != "listen":
                failure = f"{self._now['verb']}'s actionHook: {why}"
                return [Note("hook_failed", failure), *self._hang_up(now, failure, failed=True)]
            case Failed(why):
                return [Note("hook_failed", f"listen's actionHook: {why}; it goes on"), *self._next(now)]
            case _:
                return self._next(now)

    def _first_document(self, reply: HttpReply | NoReply, now: float) -> list[Effect]:
        outcome = read(reply)
        if isinstance(outcome, Verbs):
            self._verbs = deque(outcome.verbs)
            return [_document(outcome.verbs), self._status(), *self._next(now)]
        return [Note("rejected", f"{REJECTED}: {outcome.why}"), *self._refuse(REJECTED, outcome.why, failed=True)]

    def _next(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        while self._verbs and not self._busy:
            self._now = self._verbs.popleft()
            effects += [*self._answer_first(now), *self._start(now)]
        if self._busy:
            return effects
        if self.answered:
            return [*effects, *self._hang_up(now, "no verbs left")]
        return [*effects, *self._refuse(DECLINED, "no verbs left")]

    @property
    def _busy(self) -> bool:
        return bool(self.over) or self._waits_for_reply or self._due_s is not None or self._in_listen

    @property
    def _in_listen(self) -> bool:
        return self._now.get("verb") == "listen" and not self._now.get("ended")

    def _answer_first(self, now: float) -> list[Effect]:
        if self.answered or self._now["verb"] not in NEEDS_ANSWER or self._now.get("earlyMedia"):
            return []
        self._answered_s = now
        self.progress = Progress("in-progress", 200, "OK")
        return [Note("answered", "the call is answered"), self._status()]

    def _start(self, now: float) -> list[Effect]:
        shown: list[Effect] = [Note("verb", summary(self._now), {"verb": self._now["verb"]})]
        starts: dict[str, Callable[[float], list[Effect]]] = {
            "listen": self._listen,
            "gather": self._gather,
            "redirect": lambda _: self._ask({}),
            "hangup": lambda at: self._hang_up(at, "hangup"),
            "sip:decline": self._decline,
            "llm": lambda _: self._llm(),
        }
        start = starts.get(self._now["verb"])
        if start:
            return shown + start(now)
        lasts_s = modelled_s(self._now)
        if lasts_s is None:
            return [*shown, Note("skipped", f"{self._now['verb']}: this fake platform does not carry it out")]
        self._due_s = now + lasts_s if lasts_s > 0 else None
        return shown

    def advance(self, now: float) -> list[Effect]:
        """Do what the time has come for."""
        if self._due_s is None or now < self._due_s or self.over:
            return []
        self._due_s = None
        match self._now["verb"]:
            case "gather":
                return self._gathered(now)
            case "listen":
                return [CloseMedia(), *self._listen_over(now)]
            case "dial":
                status: JsonObject = {"dial_call_status": "no-answer", "dial_sip_status": 408}
                return self._ask(status) or self._next(now)
            case _:
                return self._next(now)

    def _listen(self, now: float) -> list[Effect]:
        verb = self._now
        both = verb.get("bidirectionalAudio") or {}
        streams = both.get("enabled") and both.get("streaming")
        rate_hz = int(verb.get("sampleRate", 8000))
        told = metadata(self.identity, self.progress, rate_hz, verb.get("mixType", "mono"), verb.get("metadata") or {})
        if verb.get("maxLength"):
            self._due_s = now + float(verb["maxLength"])
        url = urljoin(self._call_hook, verb["url"])
        agent_hz = both.get("sampleRate") if streams else None
        return [OpenMedia(url, rate_hz, agent_hz, told, _credentials(verb.get("wsAuth")))]

    def media_opened(self, now: float) -> list[Effect]:
        self._media_s = now
        return [Note("media_open", "the media socket is open")]

    def media_closed(self, why: str, now: float) -> list[Effect]:
        """The media socket is gone, or could not be opened at all."""
        if not self._in_listen or self.over:
            return []
        name = "media_refused" if self._media_s is None else "media_closed"
        return [Note(name, why), *self._listen_over(now)]

    def _listen_over(self, now: float) -> list[Effect]:
        asked = self._ask(self._listened(now))
        return asked or self._next(now)

    def _listened(self, now: float) -> JsonObject:
        """End the listen. `dial_call_duration` is there only if the socket ever was."""
        length: JsonObject = {} if self._media_s is None else {"dial_call_duration": int(now - self._media_s)}
        digits: JsonObject = {"digits": self._digits} if self._digits else {}
        self._now = self._now | {"ended": True}
        self._media_s, self._due_s, self._digits = None, None, ""
        return length | digits

    def pressed(self, key: str, now: float) -> list[Effect]:
        """Take one digit from the caller."""
        match self._now.get("verb"):
            case "gather" if self._due_s is not None:
                return self._gather_key(key, now)
            case "listen" if self._in_listen:
                return self._listen_key(key, now)
            case _:
                return [Note("skipped", f"digit {key}: nothing listens for it")]

    def _listen_key(self, key: str, now: float) -> list[Effect]:
        effects: list[Effect] = [SendDigit(key)] if self._now.get("passDtmf") else []
        if key != self._now.get("finishOnKey"):
            return effects
        self._digits = key
        return [*effects, CloseMedia(), *self._listen_over(now)]

    def _gather(self, now: float) -> list[Effect]:
        self._digits = ""
        self._due_s = now + prompt_s(self._now) + float(self._now.get("timeout", GATHER_TIMEOUT_S))
        return []

    def _gather_key(self, key: str, now: float) -> list[Effect]:
        finished = key == self._now.get("finishOnKey")
        self._digits += "" if finished else key
        wanted = self._now.get("numDigits") or self._now.get("maxDigits")
        if finished or (wanted and len(self._digits) >= wanted):
            return self._gathered(now)
        self._due_s = now + float(self._now.get("interDigitTimeout", INTER_DIGIT_S))
        return []

    def _gathered(self, now: float) -> list[Effect]:
        self._due_s = None
        result: JsonObject = (
            {"digits": self._digits, "reason": "dtmfDetected"} if self._digits else {"reason": "timeout"}
        )
        return self._ask(result) or self._next(now)

    def _llm(self) -> list[Effect]:
        refusal = "llm: this fake platform runs no model; the application must turn it into a listen"
        asked = self._ask({"completion_reason": "connection failure"})
        return [Note("skipped", refusal), *asked]

    def _ask(self, result: JsonObject) -> list[Effect]:
        """Post the running verb's actionHook, if it has one; its answer says how the call goes on."""
        post = self._action(result)
        self._waits_for_reply = bool(post)
        return post

    def _action(self, result: JsonObject) -> list[Effect]:
        hook = self._now.get("actionHook")
        target = hook.get("url") if isinstance(hook, dict) else hook
        if not target:
            return []
        verb_id: JsonObject = {"verb_id": self._now["id"]} if "id" in self._now else {}
        told = call_info(self.identity, self.progress, **result, **verb_id)
        # jambonz resolves a path against the origin of the call_hook, never against its directory.
        return [Post("call", urljoin(self._call_hook, target), told)]

    def caller_hung_up(self, now: float) -> list[Effect]:
        """End the call; the status goes out before a listen's actionHook, whose reply is no longer read."""
        if self.over:
            return []
        if not self.answered:
            self.progress = Progress("no-answer", 487, "Request Terminated")
            return self._over("caller", "the caller gave up")
        listening, ended = self._in_listen, self._completed(now, "caller", "the caller hung up")
        if not listening:
            return ended
        *before, over = ended
        return [*before, CloseMedia(), *self._action(self._listened(now)), over]

    def _decline(self, now: float) -> list[Effect]:
        if self.answered:
            return self._hang_up(now, "sip:decline on an answered call", failed=True)
        status = int(self._now["status"])
        return self._refuse(status, str(self._now.get("reason") or f"declined with {status}"))

    def _refuse(self, sip_status: int, why: str, *, failed: bool = False) -> list[Effect]:
        busy = {486: "busy", 600: "busy"}
        self.progress = Progress(busy.get(sip_status, "failed"), sip_status, why)
        return self._over("jambonz", why, failed=failed)

    def _hang_up(self, now: float, why: str, *, failed: bool = False) -> list[Effect]:
        if not self.answered:
            return self._refuse(DECLINED, why, failed=failed)
        return self._completed(now, "jambonz", why, failed=failed)

    def _completed(self, now: float, by: str, why: str, *, failed: bool = False) -> list[Effect]:
        self.progress = Progress("completed", 200, "OK")
        answered_s = now if self._answered_s is None else self._answered_s
        return self._over(by, why, duration_s=int(now - answered_s), failed=failed)

    def _over(self, by: str, why: str, *, duration_s: int = 0, failed: bool = False) -> list[Effect]:
        self.over = Over(self.progress.call_status, by, self.answered, why, failed)
        self._verbs.clear()
        self._due_s = None
        last: JsonObject = {"call_termination_by": by, "duration": duration_s}
        return [self._status(last), Note("call_ended", f"{why} ({self.progress.call_status})", last), self.over]

    def _status(self, more: JsonObject | None = None) -> Effect:
        status = self.progress.call_status
        if self._status_hook is None:
            return Note("status", status)
        return Post("status", self._status_hook, call_info(self.identity, self.progress, **(more or {})))


def _document(verbs: tuple[JsonObject, ...]) -> Note:
    return Note("document", " → ".join(verb["verb"] for verb in verbs), {"verbs": list(verbs)})


def _credentials(auth: JsonObject | None) -> tuple[str, str] | None:
    if not auth or len((auth["username"] + auth["password"]).encode()) > MAX_WS_AUTH_BYTES:
        return None
    return auth["username"], auth["password"]
