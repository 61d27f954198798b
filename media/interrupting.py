"""The caller's voice against the agent's: `interruption` judges it, and this does what follows."""

from media.interruption import BargeIn, Interruption, Verdict
from media.latencies import Latencies
from media.options import Options
from media.realtime.base import Realtime
from media.responses import Responses
from media.speaking import Speaking
from media.voice import Voice


class Interrupting:
    """`use` says which model hears the caller; times are monotonic seconds."""

    def __init__(
        self, voice: Voice, speaking: Speaking, responses: Responses, latencies: Latencies, options: Options
    ) -> None:
        self._voice = voice
        self._speaking = speaking
        self._responses = responses
        self._options = options
        self._latencies = latencies

    def use(self, model: Realtime) -> None:
        self._model = model
        barge_in = self._options.manners.barge_in if model.can.leave_turns else BargeIn()
        self._judge = Interruption(barge_in, self._options.audio)
        self.judges, self.counts = self._judge.judges, self._judge.counts
        if self.judges:
            model.leave_turns()

    @property
    def takes_turns(self) -> bool:
        """Whether the end of the caller's turn brings a response, of the model's own or at our request."""
        return self._model.answers_itself or self.judges

    def hear(self, pcm: bytes, now: float) -> None:
        """Take a frame of the caller's audio; it may be the one that makes an interruption."""
        self._heed(self._judge.hear(pcm), now)

    def started(self, now: float) -> None:
        """The model hears speech."""
        self._heed(self._judge.started(speaking=self._voice.speaking(now)), now)

    def stopped(self, now: float, *, finished: bool = False) -> None:
        """The model hears the end of it, or nobody will; `finished`: the agent would have spoken to its end by now."""
        self._heed(self._judge.stopped(finished=finished), now)

    def cut_in(self, now: float) -> None:
        """Let the caller have the floor."""
        if self._voice.speaking(now):
            self._speaking.cut(now)
            self._latencies.interrupted(now)
        self._responses.interrupted(now, excused=self.takes_turns)

    def _heed(self, verdict: Verdict | None, now: float) -> None:
        if verdict is Verdict.CUT:
            self.cut_in(now)
        elif verdict is Verdict.HOLD:
            self._voice.hold(now)
        elif verdict is Verdict.RESUME:
            self._voice.resume(now)
