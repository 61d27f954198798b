"""What a good attendant does unasked: reads the keypad, minds a silent caller, warns before the call's end.

Where a budget runs low, the model is told to bring the conversation to its end, once and for all that it says from then
on; where it is spent, the conversation ends when what is being said has been heard. Last words are asked for only where
the caller was not prepared: they cost as much as any.

A caller who has begun to speak is not silent until the model says that they have stopped; one who has begun, and is
never said to have stopped, is after a while: some vendors lose that word, and a call would stand still for ever.

A pure machine: what it wants done is returned, and the conversation does it.
"""

from dataclasses import dataclass
from math import inf

from cost.meter import Meter
from media.confidential import MASK
from media.effects import End, Report
from media.ends import BUDGET_SPENT, CALLER_SILENT
from media.idle import Idle
from media.keypad import TYPED, Keypad
from media.options import Manners

DIGIT = "input_audio_buffer.dtmf_event_received"
"OpenAI's own name, which it sends on SIP only: over a websocket the keypad is ours to tell."
UNDECIDED_S = 5.0
"How long an agent is held at most for what may be an interruption: that much noise without a word is none."
UNENDED_S = 60.0
"How long a turn of the caller may last: nobody speaks for longer without a pause."


@dataclass(frozen=True, slots=True)
class Say:
    """Let the model say something: an instruction for one response."""

    instructions: str
    in_passing: bool = False
    "Whether it waits for whatever else there is to say."
    lasting: bool = False
    "Whether the model shall go by it in what it says later, too."


@dataclass(frozen=True, slots=True)
class Typed:
    """The caller has typed an entry."""

    entry: str
    confidential: bool
    "Whether it is the model's alone."

    @property
    def item(self) -> str:
        """As the model reads it."""
        return TYPED + self.entry


@dataclass(frozen=True, slots=True)
class Leave:
    """End the conversation, with these last words."""

    end: End
    words: str


@dataclass(frozen=True, slots=True)
class Unended:
    """The caller's turn has had no end for long; `over`: for too long to wait for one."""

    over: bool


Act = Say | Typed | Leave | Unended


class Attendant:
    """One conversation's. Times are monotonic seconds."""

    def __init__(self, manners: Manners, meter: Meter, *, ends_at: float) -> None:
        """`ends_at` is when the call has had its maximum."""
        self._manners = manners
        self._meter = meter
        self._winds_down = self._spent = False
        self._keypad = Keypad(manners.digits) if manners.digits else None
        self._sensitive = bool(manners.digits and manners.digits.sensitive)
        self._idle = Idle(manners.idle)
        self._held: list[Act] = []
        self._undecided_at = self._unended_at = inf
        self._warn_at = ends_at - manners.warn_before_s if manners.warn_before_s else inf

    @property
    def minds_silence(self) -> bool:
        return bool(self._manners.idle)

    def pressed(self, key: str, now: float, *, waits: bool) -> list[Act]:
        """Take a key; `waits`: there is no model to read an entry now, so the next `tick` brings it."""
        self._idle.stirred()
        acts = self._typed(self._keypad.press(key, now) if self._keypad else None)
        if not waits:
            return acts
        self._held += acts
        return []

    def stirred(self) -> None:
        """The caller said something, and not only made a noise."""
        self._idle.stirred()

    def turn_began(self, now: float) -> None:
        """The caller begins to say something, or makes a noise."""
        self._undecided_at, self._unended_at = now + UNDECIDED_S, now + UNENDED_S

    def told(self, key: str) -> Report:
        """Tell of a key what may be told."""
        return Report(DIGIT, {"type": DIGIT, "event": MASK if self._sensitive else key})

    def tick(self, now: float) -> list[Act]:
        acts = [*self._held, *self._typed(self._keypad.tick(now) if self._keypad else None)]
        self._held.clear()
        if now >= self._undecided_at:
            self._undecided_at = inf
            acts.append(Unended(over=False))
        if now >= self._unended_at:
            self._unended_at = inf
            acts.append(Unended(over=True))
        if now >= self._warn_at:
            self._warn_at = inf
            acts.append(Say(self._manners.warning, in_passing=True))
        return [*acts, *self._thrift()]

    def mind(self, *, silent: bool, now: float) -> list[Act]:
        """Look at a caller who may have fallen silent."""
        rung = self._idle.watch(silent=silent, now=now)
        if rung is None:
            return []
        return [Leave(CALLER_SILENT, rung.say)] if rung.end else [Say(rung.say)]

    def next_due(self) -> float:
        if self._held or (self._meter.empty and not self._spent) or (self._meter.low and not self._winds_down):
            return 0.0
        keypad_due = self._keypad.next_due() if self._keypad else inf
        return min(self._warn_at, self._undecided_at, self._unended_at, self._idle.next_due(), keypad_due)

    def _thrift(self) -> list[Act]:
        """Look at what the conversation is paid from."""
        prepared = self._winds_down
        if self._meter.empty and not self._spent:
            self._winds_down = self._spent = True
            return [Leave(BUDGET_SPENT, "" if prepared else self._manners.goodbye)]
        if self._meter.low and not prepared:
            self._winds_down = True
            return [Say(self._manners.wind_down, in_passing=True, lasting=True)]
        return []

    def _typed(self, entry: str | None) -> list[Act]:
        return [Typed(entry, self._sensitive)] if entry else []
