"""The caller's voice on its way to the model.

Theory of operation
    open:  every frame goes on at once. A platform that goes quiet (mute, hold, a codec that does not send
           silence) would leave the turn hanging for ever: turn detection wants audio *after* speech. So what
           is missing is made up as silence, by the clock (twilio-samples python #6, phonic #32).
    shut:  the model is not there, or must not hear this (a protected greeting, a goodbye). The last three
           seconds are kept, and go on when it opens, where the caller's words shall count.

    paused: somebody has decided that the model shall not hear the caller now. Nothing goes on and nothing is kept,
           whatever is opened or shut meanwhile; what comes after it goes on as if it were the first.

    What a caller says is lost with the session that heard it, unless its words were written down. So it is kept,
    from a moment before they began, until something comes of it; the next session hears it again, and the gap
    after it.

Silence costs nothing: turn detection drops it, and only what it commits is billed.
"""

from collections import deque
from math import inf

from media.audio import AudioFormat, converter
from media.effects import Effect, ToModel
from media.realtime.base import Realtime
from media.tape import Tape

KEPT_MS = 3000
TURN_MS = 15_000
"Of a turn that a session was lost with the newest so many are said again: 700 kB, while a caller speaks."
ONSET_FRAMES = 20
"""Kept from before the model's word that they have begun: what OpenAI's own detection puts before speech (300 ms,
`prefix_padding_ms`), and as much as that word is late. They are 20 kB of each call."""
QUIET_S = 0.06
"Frames come every 20 ms; so much without one is a platform that has gone quiet."
LOOK_S = 0.2
"How often that is looked for, at least: a look per frame would cost more than it finds."
HEALTHY_LOOK_S = 0.5
"And where there was none at the last look."
MAX_FILLED_S = 30.0
"No turn is longer in ending; a platform that is quiet for longer has put the call on hold."


class Ear:
    """See the theory above. Effects go to `out`; times are monotonic seconds."""

    def __init__(self, audio: AudioFormat, out: list[Effect], tape: Tape | None = None) -> None:
        """`audio` is the platform's format; `tape` records what comes."""
        self._tape = tape
        self._audio = audio
        self._out = out
        self._model: Realtime | None = None
        self._listener: Realtime | None = None
        "Who would hear, were it not paused."
        self.paused = False
        self._resume_at = inf
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._keeps = False
        self._recent: deque[bytes] = deque(maxlen=ONSET_FRAMES)
        self._turn: deque[bytes] | None = None
        self._turn_bytes = 0
        self._heard_at = 0.0
        self._filled_at = 0.0

    @property
    def passes(self) -> bool:
        """Whether a frame brings nothing but a message to the model, as `passed_on` gives it."""
        return self._model is not None and self._tape is None

    def open(self, model: Realtime, now: float) -> None:
        """Let the model hear, first what was kept."""
        self._listener = model
        if self.paused:
            return
        self._model = self._hearing = model
        self._converter = converter(self._audio, model.hears)
        self._heard_at = self._filled_at = now
        if self._turn or self._kept:
            self._send(b"".join([*(self._turn or ()), *self._kept]), model)
        self._recent.clear()
        self._recent.extend(self._kept)
        for pcm in self._kept if self._turn is not None else ():
            self._keep_turn(pcm)  # this session may be lost too
        self._kept.clear()
        self._kept_bytes = 0

    def shut(self, *, keep: bool) -> None:
        """Let the model hear nothing; `keep` the newest for later."""
        self._model = self._listener = None
        self._keeps = keep
        if self.paused or not keep:
            self._forget()

    def pause(self, until: float = inf) -> None:
        """Let nobody hear anything, nor what was said and kept, `until` then or until `resume`."""
        self.paused, self._resume_at, self._model = True, until, None
        self._forget()

    def resume(self, now: float) -> None:
        """Let who was to hear hear again, from here on."""
        if not self.paused:
            return
        self.paused, self._resume_at = False, inf
        if self._listener:
            self.open(self._listener, now)

    def lose(self, *, told: bool) -> bool:
        """The session is gone, and its ear shut. Say whether the next one will hear the caller's turn again.

        `told`: it need not, for it will be told the words.
        """
        if told:
            self.settle()
        self.shut(keep=True)
        return self._turn is not None

    def caller_begins(self, *, anew: bool) -> None:
        """Keep what the caller says from here on, and has just said; `anew`: and nothing from before."""
        if anew or self._turn is None:
            self._turn = deque(self._recent)
            self._turn_bytes = sum(len(pcm) for pcm in self._turn)

    def settle(self) -> None:
        """Something has come of the caller's words, or nothing shall: no session need hear them again."""
        self._turn = None

    def hear(self, pcm: bytes, now: float) -> None:
        """Take a frame, of any length."""
        if self._tape:
            self._tape.said(pcm, now)
        if self._model:
            self._out.append(ToModel(self.passed_on(pcm, now)))
        elif self._keeps and not self.paused:
            self._keep(pcm)

    def passed_on(self, pcm: bytes, now: float) -> bytes:
        """Take a frame while the ear is open; give the message to the model that it makes."""
        self._heard_at = now
        self._recent.append(pcm)
        if self._turn is not None:
            self._keep_turn(pcm)
        return self._hearing.hear(self._converter.convert(pcm))

    def tick(self, now: float) -> None:
        """Fill what the platform left out; end a pause that has had its time."""
        if now >= self._resume_at:
            self.resume(now)
        since = max(self._heard_at, self._filled_at)
        if self._model is None or now - since < QUIET_S or now - self._heard_at > MAX_FILLED_S:
            return
        self._filled_at = now
        self._send(self._audio.silence((now - since) * 1000), self._model)

    def next_due(self) -> float:
        """When a gap in the caller's audio would show, or a pause is over."""
        if self._model is None:
            return self._resume_at
        filling = self._filled_at > self._heard_at
        due = self._filled_at + LOOK_S if filling else self._heard_at + HEALTHY_LOOK_S
        return inf if due - self._heard_at > MAX_FILLED_S else due

    def _forget(self) -> None:
        self._kept.clear()
        self._kept_bytes = 0
        self._turn = None

    def _send(self, pcm: bytes, model: Realtime) -> None:
        self._out.append(ToModel(model.hear(self._converter.convert(pcm))))

    def _keep(self, pcm: bytes) -> None:
        self._kept.append(pcm)
        self._kept_bytes += len(pcm)
        while self._audio.ms_in(self._kept_bytes - len(self._kept[0])) >= KEPT_MS:
            self._kept_bytes -= len(self._kept.pop(0))

    def _keep_turn(self, pcm: bytes) -> None:
        turn = self._turn or deque()
        turn.append(pcm)
        self._turn, self._turn_bytes = turn, self._turn_bytes + len(pcm)
        while self._audio.ms_in(self._turn_bytes) > TURN_MS:
            self._turn_bytes -= len(turn.popleft())
