"""What the configuration says about one call's media, and the phases of its two legs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from math import inf

from cost.meter import Meter
from media.audio import AudioFormat
from media.confidential import Confidential
from media.effects import End, JsonObject
from media.idle import Rung
from media.interruption import BargeIn
from media.keypad import Digits
from media.tape import Tape


@dataclass(frozen=True, slots=True)
class Manners:
    """How the agent behaves in conversation; what is an instruction is given to the model, in its own words."""

    caller_speaks_first: bool = False
    start_paused: bool = False
    "Whether the model does not hear the caller before somebody says that it shall."
    protect_greeting: bool = False
    "Whether the agent's first words cannot be interrupted; what the caller says meanwhile is heard after them."
    barge_in: BargeIn = field(default_factory=BargeIn)
    digits: Digits | None = field(default_factory=Digits)
    "How keys become entries that the model reads; None: they are only reported."
    idle: tuple[Rung, ...] = ()
    warn_before_s: float = 0
    "How long before the call's maximum the caller is told; 0: not at all."
    warning: str = "Tell the caller that this call will end soon."
    wind_down: str = "Tell the caller that this call must come to its end soon."
    "For a budget of which most is spent."
    goodbye: str = "Say goodbye to the caller."
    "For one that was spent before the model could bring the call to its end."
    fillers_s: tuple[float, ...] = (1.5, 8.0)
    "When, after the call of a tool that has not answered, the model says that it is still at it."
    filler: str = "Tell the caller that you are still checking."


@dataclass(frozen=True, slots=True)
class Exit:
    """A tool that is ours: the model leaves the conversation by it, after words that are heard to their end."""

    end: End
    words: str
    "The instruction for the last words, where the model called the tool without saying any."


@dataclass(frozen=True, slots=True)
class Options:
    """One call's limits; `audio` is what the platform's media socket carries both ways."""

    audio: AudioFormat
    call_sid: str = ""
    "Whose call it is, as its platform should say again; empty: whoever's."
    lead_ms: float = 200
    "How far ahead of real time speech is sent to the platform."
    open_timeout_s: float = 10
    "From the making of the bridge, which is when the socket is expected at once, to the media socket."
    metadata_timeout_s: float = 5
    "From the media socket to the text frame that names the call."
    session_timeout_s: float = 3
    "For the model's first message, and again for its answer to the configuration."
    response_timeout_s: float = 8
    """How long a response may pause, and how long a request or a caller's turn may have no answer at all.

    After half of that the model is asked again.
    """
    request_timeout_s: float = 5
    "How long the model may take to confirm what an operator or an application has asked of it."
    first_word_s: float = 8
    """From the caller's being there to the first thing that any of the models says, where the agent speaks first.

    Each model has its share of it. Never less than `response_timeout_s`.
    """
    watch_s: float | None = None
    "In its place for the first try: a model that is asked again so soon is not given up sooner than that."
    tool_timeout_s: float = 8
    patience_s: Mapping[str, float] = field(default_factory=dict)
    "By their names, tools that are waited for otherwise."
    max_call_s: float = 3600
    tone_after_s: float = 2.5
    "How long a caller may hear nothing while something is being tried."
    wait_sound: bytes = b""
    "What sounds then, in the format of `audio`; nothing: a soft tone."
    manners: Manners = field(default_factory=Manners)
    exits: Mapping[str, Exit] = field(default_factory=dict)
    "By the name under which the model knows them."
    awaits_tools: bool = False
    "Whether there will be word of more tools: a session is not configured before that, or `session_timeout_s` later."
    confirmed: frozenset[str] = frozenset()
    "Tools that are run only after the caller was asked."
    max_session_s: float = inf
    "How long one session with the model may last; it is renewed at a quiet moment before."
    unix_s: float = 0.0
    "Unix time at monotonic zero: vendors tell the end of a session in Unix time."
    history: tuple[tuple[str, str], ...] = ()
    "(role, text) of what was said before, where this is not the call's first conversation."
    opening: JsonObject = field(default_factory=dict)
    "What the first response is asked with, in place of the verb's own."
    confidential: Confidential = field(default_factory=Confidential)
    "What was typed in confidence in the call so far; more may come."
    meter: Meter = field(default_factory=Meter)
    "What makes the bills of what is used, and knows whether more may be."
    tape: Tape | None = None
    "What records the call; None: nothing does."
    cancel_stalled: bool = False
    "Whether a model that never began the response it was asked for is told to cancel before it is asked again."
    cancel_on_barge_in: bool = False
    "Whether the model is told to cancel what the caller interrupts even where it stops by itself."


class ModelLeg(Enum):
    DIALLED = auto()
    OPENED = auto()
    CONFIGURING = auto()
    READY = auto()
    GONE = auto()
