"""The verb `listen` (jambonz-feature-server lib/tasks/listen.js)."""

from urllib.parse import urljoin

from sim.platform.bodies import JsonObject, metadata
from sim.platform.effects import CloseMedia, Note, OpenMedia, SendDigit
from sim.platform.tasks.base import Leg, Step, Task

MAX_WS_AUTH_BYTES = 88
"Longer credentials are silently left out (a buffer of 128 bytes in mod_audio_fork)."


class Listen(Task):
    tells_its_end = True
    hook_may_fail = True

    def __init__(self, verb: JsonObject, leg: Leg) -> None:
        super().__init__(verb, leg)
        self._opened_s: float | None = None

    def start(self, now: float) -> list[Step]:
        verb, leg = self.verb, self.leg
        both = verb.get("bidirectionalAudio") or {}
        streams = both.get("enabled") and both.get("streaming")
        rate_hz = int(verb.get("sampleRate", 8000))
        told = metadata(leg.identity, leg.progress, rate_hz, verb.get("mixType", "mono"), verb.get("metadata") or {})
        if verb.get("maxLength"):
            self.due_s = now + float(verb["maxLength"])
        agent_hz = both.get("sampleRate") if streams else None
        auth = _credentials(verb.get("wsAuth"))
        if verb["url"].startswith("/") and leg.auth:
            auth = leg.auth  # a path is the application's own, and gets what the call_hook gets
        return [OpenMedia(urljoin(leg.base_url, verb["url"]), rate_hz, agent_hz, told, auth)]

    def opened(self, now: float) -> list[Step]:
        self._opened_s = now
        return [Note("media_open", "the media socket is open")]

    def closed(self, why: str, now: float) -> list[Step]:
        name = "media_refused" if self._opened_s is None else "media_closed"
        self._ended(now)
        return [Note(name, why)]

    def advance(self, now: float) -> list[Step]:
        self._ended(now)
        return [CloseMedia()]

    def pressed(self, key: str, now: float) -> list[Step] | None:
        steps: list[Step] = [SendDigit(key)] if self.verb.get("passDtmf") else []
        if key != self.verb.get("finishOnKey"):
            return steps
        self._ended(now, digits=key)
        return [*steps, CloseMedia()]

    def kill(self, now: float, *, gone: bool) -> list[Step]:  # noqa: ARG002
        self._ended(now)
        return [CloseMedia()]

    def _ended(self, now: float, **more: str) -> None:
        """`dial_call_duration` is told only if the socket ever was."""
        length: JsonObject = {} if self._opened_s is None else {"dial_call_duration": int(now - self._opened_s)}
        self.finish(length | more)


def _credentials(auth: JsonObject | None) -> tuple[str, str] | None:
    if not auth or len((auth["username"] + auth["password"]).encode()) > MAX_WS_AUTH_BYTES:
        return None
    return auth["username"], auth["password"]
