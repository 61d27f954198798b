"""The session with the model: opened, configured, ready, and renewed where it has to be.

Theory of operation
    dialled ──socket──▶ connected ──session.created──▶ configuring ──session.updated──▶ ready ──▶ gone
       ▲                                                                                  │
       └──────── Redial: a drop that another try may mend, a session at its end, ─────────┘
                 or the next of the models that this call may have

    Where more tools are to come (`awaits_tools`), the first session is configured when they have, or when they have
    taken as long as the model may: what comes later is told in a session.update of its own.

    Before `ready` a refusal means that the configuration was not applied at all: the one setting that the model
    does not know is left out and the rest sent again, or the tools that are nobody's here (`awaits_tools`); any other
    refusal ends the call with the model's words.

    A drop is followed by another connection at once; where that one is closed before its session is ready, by more
    of them, each after a longer pause.

    A caller who has not heard a word yet does not wait for ever (`first_word.py`).

    Another may be wanted from outside (`recycle`); where it does not come about, one like the last takes its place.

    A session is renewed before its end (`expiry.py`). Drops and renewals together are so many in a minute: after that
    a model that drops is given up, and a session is left to end when it does. One that has expired is a drop.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Final

from media.agreements import UNKNOWN, Agreements
from media.effects import Effect, End, JsonObject, Redial, ToModel, Warn
from media.ends import NO_SESSION, SILENT, TIMEOUT, model_gone
from media.expiry import Expiry
from media.first_word import FirstWord
from media.options import ModelLeg, Options
from media.realtime.base import ModelEvent, ModelRefused, Realtime, SessionOpened, SessionReady
from media.realtime.dial import Dial
from media.returns import Returns

MAX_BAD_MESSAGES = 100
"After so many messages that cannot be read, the other side is not a model."
MENDABLE = frozenset({None, 1001, 1005, 1006, 1011, 1012, 1013, 1015})
"Close codes after which another connection may work (openai-python's own set); 1000 is a model that has finished."
EXPIRED = "session_expired"
"Said in an `error` event by vendors that tell no `expires_at`; OpenAI closes with 1001."
ANSWERS: Final = (SessionReady, ModelRefused)
"What a model says to a change of its session."


class Session:
    """Methods return the end that they lead to, if any. Times are monotonic seconds."""

    def __init__(
        self,
        models: Sequence[Realtime],
        out: list[Effect],
        options: Options,
        *,
        use: Callable[[Realtime], None],
        lost: Callable[[], None],
        wanted: Callable[[], bool],
    ) -> None:
        """Begin with the first of `models`; `use` is told of each other one that is fallen back on.

        `lost` is told when a session that was ready is gone and another is on its way; `wanted` says whether another
        one has anything to do.
        """
        self._wanted = wanted
        self._use = use
        self._lost = lost
        self._awaits_tools = options.awaits_tools
        self._models = models
        self._nth = 0
        self.model = models[0]
        "The one that is talked with, or tried."
        self._out = out
        self._options = options
        self._first_word = FirstWord(options)
        self._bad_messages = 0
        self._returns = Returns()
        self._dropped: End | None = None
        "What became of the session before, while it is being reached again."
        self._dial_at = inf
        self._expiry = Expiry(out, options)
        self.agreements = Agreements(out)
        self._back: Callable[[End], Dial | None] | None = None
        "What leads back from a session that is being tried in another's place."
        self.due = inf
        self.leg = ModelLeg.DIALLED

    @property
    def models(self) -> Sequence[Realtime]:
        """The model, and those that may still be fallen back on."""
        return self._models[self._nth :]

    @property
    def ready(self) -> bool:
        return self.leg is ModelLeg.READY

    def caller_waits(self, now: float) -> None:
        """The caller is there, and waits for a first word."""
        self._first_word.wait(now, models=len(self.models))

    def heard(self, meaning: ModelEvent, now: float) -> None:
        """Take note of what tells that the model works, and of a change that it refuses."""
        self._first_word.heard(meaning, now)
        if isinstance(meaning, ANSWERS) and self.ready:
            self.agreements.heard(meaning, self.models)

    def admit_change(self, now: float) -> None:
        """See that the model can be told one more change; BusyError: it has to answer others first."""
        if self.ready:
            self.agreements.admit(self.models, now)

    def settle_changes(self) -> None:
        """Answer who waits for changes of which the model need not be told."""
        self.agreements.settle(self.models)

    def connected(self, now: float) -> None:
        """The socket is open; the model's first message is awaited."""
        self.due = now + self._options.session_timeout_s

    def said(self, meaning: ModelEvent, now: float) -> End | None:
        """Take what the model says before it is ready."""
        match meaning:
            case _ if self.leg is ModelLeg.GONE:
                pass  # its socket may be open still, until what it said was heard
            case SessionOpened(expires_at):
                self._expiry.begin(expires_at, now)
                if self._awaits_tools:
                    self.leg, self.due = ModelLeg.OPENED, now + self._options.session_timeout_s
                else:
                    self._configure(now)
            case SessionReady(mismatch) if mismatch:
                return self._next(End("server error", "session_mismatch", "model", {"message": mismatch}), now)
            case SessionReady() if self.leg is ModelLeg.CONFIGURING:
                self.leg, self.due, self._dropped = ModelLeg.READY, inf, None
                self._returns.settled()
                self._back = None
                self.agreements.begun(self.models)
                if self._options.manners.caller_speaks_first:
                    self._first_word.not_needed()
            case ModelRefused(param=str(param)) if meaning.code == UNKNOWN and self.model.without(param):
                self._out.append(Warn("session_setting_dropped", {"param": param}))
                self._configure(now)
            case ModelRefused() if not (meaning.harmless or meaning.fatal) and self.model.take_back():
                self._out.append(Warn("late_tools_refused", {"code": meaning.code, "message": meaning.message}))
                self._configure(now)
            case ModelRefused() if not meaning.harmless:
                return self._next(End("server error", meaning.code, "model", meaning.error), now)
            case _:
                pass
        return None

    def overdue(self, now: float) -> End | None:
        """Do what is due: dial after a pause, or give up."""
        if now >= self._dial_at:
            self._dial()
        if self.leg is ModelLeg.OPENED and now >= self.due:
            self._configure(now)
        if self.ready and now >= self._first_word.due:
            self._out.append(TIMEOUT)
            return self._next(SILENT, now)
        return self._next(NO_SESSION, now) if now >= min(self.due, self._first_word.due) else None

    def declare(self, tools: Sequence[JsonObject], now: float) -> None:
        """Offer functions that became known only now, to this model and to those that may take its place."""
        wires = [model.declare(tools) for model in self._models]
        self._awaits_tools = False
        if self.leg is ModelLeg.OPENED:
            self._configure(now)
        elif self.leg in {ModelLeg.CONFIGURING, ModelLeg.READY} and (wire := wires[self._nth]):
            self._out.append(ToModel(wire))

    def bad_message(self, what: str) -> End | None:
        self._bad_messages += 1
        if self._bad_messages == 1:
            self._out.append(Warn("model_bad_event", {"what": what}))
        if self._bad_messages < MAX_BAD_MESSAGES:
            return None
        return End("server error", "model_bad_events", "model", {"message": what})

    def failed(self, reason_code: str, message: str, now: float) -> End | None:
        """The model could not be reached, or refused us before the session: then that is why, whatever was before."""
        lost = self._dropped if reason_code == "connect_failed" else None
        return self._next(lost or End("connection failure", reason_code, "model", {"message": message}), now)

    def closed(self, code: int | None, reason: str, now: float) -> End | None:
        """Its socket is gone: reach it again where that may help."""
        gone = model_gone(code, reason)
        return self._again(gone, code, reason, now) if code in MENDABLE else self._next(gone, now)

    def fell(self, end: End, now: float) -> End | None:
        """The conversation cannot go on; with another session or model perhaps, where it was the model that failed."""
        if end.reason_code == EXPIRED:
            return self._again(end, None, str((end.error or {}).get("message") or ""), now)
        return self._next(end, now) if end.ended_by == "model" else end

    def renew(self, now: float, *, quiet: Callable[[float], bool]) -> None:
        """Begin a new session in place of one that is near its end; `quiet` tells whether it would disturb nobody."""
        if not self.ready or not self._expiry.wants_another(now, quiet=quiet):
            return
        self._expiry.forget()
        if not (self._wanted() and self._returns.begin(now)):
            return
        self._out.append(Warn("session_renewed"))
        self.recycle()

    def recycle(self, dial: Dial | None = None, back: Callable[[End], Dial | None] | None = None) -> None:
        """Begin a new session in place of this one, which is ready, at once; a conversation tells it what was said.

        `back`: called where that does not come about; it undoes what it was for, and says where the old one was.
        """
        self._leave()
        self._back = back
        self._dial(dial)

    def next_due(self) -> float:
        return min(self.due, self._first_word.due, self._expiry.renew_by if self.ready else self._dial_at)

    def _may_return_in_s(self, now: float) -> float | None:
        """Say how soon a connection may follow the one that has just been closed; None: none may."""
        if self.ready:
            return 0.0 if self._returns.begin(now) else None
        return self._returns.wait_s() if self._dropped else None

    def _next(self, end: End, now: float) -> End | None:
        """Fall back on the next model, if there is one that this call may have."""
        if self._back:
            self._go_back(end)
            return None
        self._first_word.caller_spoke(now)
        self._returns.settled()
        self.due = self._dial_at = inf
        if self._nth + 1 >= len(self._models) or not self._wanted():
            self.leg = ModelLeg.GONE
            self._first_word.not_needed()
            return end
        self._nth += 1
        self.model = self._models[self._nth]
        self._out.append(Warn("model_fallback", {"reason_code": end.reason_code, "nth": self._nth}))
        self._leave()
        self._first_word.share(now, models=len(self.models))
        self._dial()
        self._use(self.model)
        return None

    def _again(self, end: End, code: int | None, reason: str, now: float) -> End | None:
        """Reach the same model again, unless that has been of no use lately."""
        self._first_word.caller_spoke(now)
        wait_s = self._may_return_in_s(now) if self._wanted() else None
        if wait_s is None:
            return self._next(end, now)
        self._dropped = end
        self._out.append(Warn("model_dropped", {"close_code": code, "reason": reason[:200]}))
        self._leave()
        if wait_s:
            self._dial_at = now + wait_s
        else:
            self._dial()
        return None

    def _go_back(self, end: End) -> None:
        back, self._back = self._back, None
        self._out.append(Warn("session_not_replaced", {"reason_code": end.reason_code}))
        self._leave()
        self._dial(back(end) if back else None)

    def _leave(self) -> None:
        """Have no session any more, and none on its way."""
        if self.ready:
            self._lost()
        self.leg = ModelLeg.DIALLED
        self._expiry.forget()
        self.due = self._dial_at = inf
        self._bad_messages = 0

    def _dial(self, dial: Dial | None = None) -> None:
        self._dial_at = inf
        self._out.append(Redial(self._nth, dial))

    def _configure(self, now: float) -> None:
        self._awaits_tools = False
        self.leg, self.due = ModelLeg.CONFIGURING, now + self._options.session_timeout_s
        self._out.append(ToModel(self.model.configure()))
