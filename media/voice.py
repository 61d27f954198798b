"""The agent's voice on its way to the caller's ear: playout, the tone that fills a wait, and what is told of both."""

from math import inf

from media.audio import tone
from media.effects import Effect, Report, ToPlatform
from media.options import Options
from media.platforms.base import MediaDialect
from media.playout import Heard, Playout, Speech
from media.record import Record
from media.vigil import Vigil

TONE_MS = 200
GAP_S = 0.1
"Speech that goes on and is so late is no silence yet."
MAX_QUEUED_MS = 600_000
"Ten minutes of speech, 29 MB: far above any response, so that a barge-in behind it is still read at once."


class Voice:
    """Effects go to `out`, which the bridge empties; what was heard goes to the record."""

    def __init__(self, platform: MediaDialect, record: Record, out: list[Effect], options: Options) -> None:
        self._platform = platform
        self._record = record
        self._out = out
        self._tape = options.tape
        audio = options.audio
        self._wait_sound = options.wait_sound or tone(TONE_MS, audio.rate_hz)
        resumable = options.manners.barge_in.resume
        self.playout = Playout(audio, platform.pacing, lead_ms=options.lead_ms, resumable=resumable)
        self._vigil = Vigil(after_s=options.tone_after_s, sound_s=audio.ms_in(len(self._wait_sound)) / 1000)
        self._open = False
        self._sounding = False
        self._waited = False
        self._look_at = 0.0
        "Before this moment nothing is to be told that a lot sent would not show."
        self.speaking = self.playout.speaking
        self.silent = self.playout.silent
        self.would_be_over = self.playout.would_be_over
        self.queued_ms = self.playout.queued_ms

    def backlogged(self) -> bool:
        """Whether the model should not be read for a while: it is far ahead of what can be spoken."""
        return self.queued_ms() > MAX_QUEUED_MS

    def open(self, now: float) -> None:
        """The platform can play now."""
        self._open = True
        if prime := self.playout.prime(now):
            self._send(prime, now)

    def close(self) -> None:
        """The platform is gone: nothing more can be played."""
        self._open = False

    def complete(self, speech: Speech) -> None:
        """No more audio of this speech will come."""
        self.playout.complete(speech)
        self._look_at = 0.0

    def complete_all(self) -> None:
        self.playout.complete_all()
        self._look_at = 0.0

    def play(self, now: float, *, waiting: bool) -> bool:
        """Send what is due, and the tone where the caller is `waiting` in silence; say whether speech was sent."""
        if not self._open:
            return False
        lots = self.playout.due(now)
        if not lots and now < self._look_at and waiting == self._waited:
            return False
        for heard in self.playout.settled(now):
            self._record.heard(heard, interrupted=False, now=now)
        if self._waited and not waiting:
            self.playout.hush()
        self._waited = waiting
        if self._vigil.watch(trying=waiting, speaking=not self.playout.silent(now), now=now):
            self.playout.wait(self._wait_sound)
            lots += self.playout.due(now)
        for lot in lots:
            self._send(lot, now)
        spoke = bool(lots) and self.playout.sounding(now)
        if spoke != self._sounding and (spoke or not self.playout.speaking(now)):
            self._report(sounding=spoke)
        quiet_at = self.playout.quiet_at() + (GAP_S if self.playout.goes_on(now) else 0)
        self._look_at = min(quiet_at, self._vigil.next_due())
        return spoke

    def flow(self, now: float) -> bool:
        """Send what is due of speech that goes on, where nothing else can come of it; False if something may."""
        if not (self._open and self._sounding and self.playout.goes_on(now)):
            return False
        lots = self.playout.due(now)
        if not lots and now >= self._look_at:
            return False
        for lot in lots:
            self._send(lot, now)
        self._vigil.rest()
        ends = len(lots) > 1 and not self.playout.goes_on(now)  # one lot leaves something over, or more is to come
        self._look_at = self.playout.quiet_at() + (0 if ends else GAP_S)
        return True

    def stop(self, now: float) -> list[Heard]:
        """Silence the agent at once; return what of its speech the caller did not hear to the end."""
        if self._open:
            self._clear(now)
        self._look_at = 0.0
        cut = self.playout.clear(now)
        for heard in cut:
            self._record.heard(heard, interrupted=True, now=now)
        if self._sounding:
            self._report(sounding=False)
        return cut

    def hold(self, now: float) -> None:
        """Silence the agent for now: `resume` goes on where it was heard last, `stop` makes it for good."""
        self._clear(now)
        self._look_at = 0.0
        self.playout.hold(now)
        if self._sounding:
            self._report(sounding=False)

    def resume(self, now: float) -> None:
        self.playout.resume(now)
        self._look_at = 0.0

    def next_due(self) -> float:
        """When `play` is wanted: a time, or never."""
        return min(self.playout.next_due(), self._look_at) if self._open else inf

    def _send(self, pcm: bytes, now: float) -> None:
        self._out.append(ToPlatform(self._platform.play(pcm)))
        if self._tape:
            self._tape.played(pcm, now)

    def _clear(self, now: float) -> None:
        self._out.append(ToPlatform(self._platform.clear()))
        if self._tape:
            self._tape.cut(now)

    def _report(self, *, sounding: bool) -> None:
        """Tell, at the moment, that the caller begins or ceases to hear the agent."""
        self._sounding = sounding
        type_ = f"output_audio.playback_{'started' if sounding else 'stopped'}"
        self._out.append(Report(type_, {"type": type_}))
