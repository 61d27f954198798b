"""Whether the caller's voice interrupts the agent, where a number decides that for itself.

By default the model decides: it hears speech, stops its own response, and we cut what is still to be heard. Line
noise and echo make that the most frequent complaint on telephones. With `min_speech_ms`, the first so many
milliseconds of voice decide, measured on the caller's own audio, because the model's event comes at the first
of them and the next only after the pause that ends a turn:

    nothing ──speech started while the agent speaks──▶ judged ──enough voice──▶ Cut
                                     (Hold where `resume`)  └──speech stopped──▶ Resume where it was held, and
        nothing, the turn is forgotten, if the agent would speak on; an answer if it would have finished by now

The model is then told to leave turns to us (`turn_detection`: neither `create_response` nor
`interrupt_response`), and every turn that counts is answered at our request.
"""

from dataclasses import dataclass
from enum import Enum, auto

from media.audio import AudioFormat, loudness

VOICE_LEVEL = 300
"Of 32767, root mean square: about -41 dB. Above a quiet line's noise, below a soft voice."
GAP_MS = 120
"So much below the level does not end a stretch of voice: the gap within a word."
RESUME_MIN_SPEECH_MS = 400
"What `resume` asks for where no `min_speech_ms` is given: a cough is shorter, a word is not."


class Verdict(Enum):
    CUT = auto()
    HOLD = auto()
    RESUME = auto()


@dataclass(frozen=True, slots=True)
class BargeIn:
    """What counts as an interruption; nothing set: whatever the model hears."""

    min_speech_ms: float = 0
    resume: bool = False
    "Whether the agent falls silent at once, and goes on where it was when it was nothing."

    @property
    def judged(self) -> bool:
        return self.resume or self.min_speech_ms > 0


class Interruption:
    """See the theory above."""

    def __init__(self, barge_in: BargeIn, audio: AudioFormat) -> None:
        """`audio` is that of the frames that `hear` takes."""
        self.judges = barge_in.judged
        "Whether turns are judged here; else whatever the model hears interrupts, at once."
        self._resume = barge_in.resume
        self._min_ms = barge_in.min_speech_ms or RESUME_MIN_SPEECH_MS
        self._audio = audio
        self._voiced_ms = 0.0
        self._gap_ms = 0.0
        self._judging = False
        self._false = False

    def hear(self, pcm: bytes) -> Verdict | None:
        """Take a frame of the caller's audio; it may be the one that makes an interruption."""
        if not self.judges:
            return None
        length_ms = self._audio.ms_in(len(pcm))
        if loudness(pcm, self._audio) >= VOICE_LEVEL:
            self._voiced_ms += length_ms
            self._gap_ms = 0.0
        elif (gap_ms := self._gap_ms + length_ms) > GAP_MS:
            self._voiced_ms = self._gap_ms = 0.0
        else:
            self._gap_ms = gap_ms
        return self._verdict()

    def started(self, *, speaking: bool) -> Verdict | None:
        """The model hears speech, while the agent is `speaking`, which is all that there is to judge, or not."""
        self._judging, self._false = self.judges and speaking, False
        if not self._judging:
            return Verdict.CUT
        return self._verdict() or (Verdict.HOLD if self._resume else None)

    def stopped(self, *, finished: bool) -> Verdict | None:
        """The model hears the end of it: what was not enough by now was nothing.

        Unless the agent has `finished` meanwhile, or would have, were it not held: then it was an answer.
        """
        judged, self._judging = self._judging, False
        self._false = judged and not finished
        return Verdict.RESUME if judged and self._resume else None

    def counts(self) -> bool:
        """Whether the turn that has just become an item of the conversation is one to be answered."""
        return not self._false

    def _verdict(self) -> Verdict | None:
        if not self._judging or self._voiced_ms < self._min_ms:
            return None
        self._judging = False
        return Verdict.CUT
