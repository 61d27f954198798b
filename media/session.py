"""The model's leg: from the dialled socket to a session that is as we asked, and its end.

Session first: `session.created` → our configuration → `session.updated`, compared with what was asked; only
then audio and requests. A refused configuration was not applied at all: the one setting that the model does
not know is left out and the rest sent again; any other refusal ends the call with the model's words.
"""

from math import inf

from media.effects import Effect, End, ToModel, Warn
from media.ends import NO_SESSION, model_gone
from media.options import ModelLeg
from media.realtime.base import ModelEvent, ModelRefused, Realtime, SessionOpened, SessionReady

MAX_BAD_MESSAGES = 100
"After so many messages that cannot be read, the other side is not a model."


class Session:
    """Methods return the end that they lead to, if any."""

    def __init__(self, model: Realtime, out: list[Effect], *, timeout_s: float) -> None:
        self._model = model
        self._out = out
        self._timeout_s = timeout_s
        self._bad_messages = 0
        self.due = inf
        self.leg = ModelLeg.DIALLED

    @property
    def ready(self) -> bool:
        return self.leg is ModelLeg.READY

    def connected(self, now: float) -> None:
        """The socket is open; the model's first message is awaited."""
        self.due = now + self._timeout_s

    def said(self, meaning: ModelEvent, now: float) -> End | None:
        """Take what the model says before it is ready."""
        match meaning:
            case SessionOpened():
                self._configure(now)
            case SessionReady(mismatch) if mismatch:
                return End("server error", "session_mismatch", "model", {"message": mismatch})
            case SessionReady() if self.leg is ModelLeg.CONFIGURING:
                self.leg, self.due = ModelLeg.READY, inf
            case ModelRefused(param=str(param), code="unknown_parameter") if self._model.without(param):
                self._out.append(Warn("session_setting_dropped", {"param": param}))
                self._configure(now)
            case ModelRefused() if not meaning.harmless:
                return End("server error", meaning.code, "model", meaning.error)
            case _:
                pass
        return None

    def overdue(self, now: float) -> End | None:
        return NO_SESSION if now >= self.due else None

    def bad_message(self, what: str) -> End | None:
        self._bad_messages += 1
        if self._bad_messages == 1:
            self._out.append(Warn("model_bad_event", {"what": what}))
        if self._bad_messages < MAX_BAD_MESSAGES:
            return None
        return End("server error", "model_bad_events", "model", {"message": what})

    def failed(self, reason_code: str, message: str) -> End:
        """The model could not be reached, or refused us before the session."""
        self.leg, self.due = ModelLeg.GONE, inf
        return End("connection failure", reason_code, "model", {"message": message})

    def closed(self, code: int | None, reason: str) -> End:
        self.leg, self.due = ModelLeg.GONE, inf
        return model_gone(code, reason)

    def _configure(self, now: float) -> None:
        self.leg, self.due = ModelLeg.CONFIGURING, now + self._timeout_s
        self._out.append(ToModel(self._model.configure()))
