"""What was used of a model: tokens by what they are, or seconds of speech that were written down.

Cached tokens are a part of those that were read, in each modality: `text.cached` of `text.input`. Whoever adds them to
the input counts them twice (livekit/agents #5121). Sources: openai-python `types/realtime/realtime_response_usage.py`,
`realtime_response_usage_input_token_details.py` and
`conversation_item_input_audio_transcription_completed_event.py`. All of it comes from a stranger: what is no number
that could be, counts as none.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

JsonObject = dict[str, Any]
Of = Literal["response", "transcription"]
MODALITIES = ("text", "audio", "image")
MOST = 10**9
"More tokens, or seconds, are in no response: a vendor that says so is not believed."
PLACES = Decimal("0.001")
"Of a second."


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of one modality; `cached` is a part of `input`."""

    input: int = 0
    cached: int = 0
    output: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.input + other.input, self.cached + other.cached, self.output + other.output)


NONE = Tokens()


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one response or transcription."""

    text: Tokens = NONE
    audio: Tokens = NONE
    image: Tokens = NONE
    other: Tokens = NONE
    "Of which the vendor does not say what they are. `cached` of these may be a part of any modality's input."
    seconds: Decimal = field(default=Decimal(0))
    "Of speech that was written down, where the vendor counts that and no tokens."

    @property
    def whole(self) -> Tokens:
        return self.text + self.audio + self.image + self.other

    @property
    def tokens(self) -> int:
        """Read and written."""
        return self.whole.input + self.whole.output

    def shown(self) -> JsonObject:
        """Give it as JSON: `{"input", "cached", "output", "text": {…}, …}`, without what there is none of."""
        whole = self.whole
        shown: JsonObject = {"input": whole.input, "cached": whole.cached, "output": whole.output}
        named = {name: getattr(self, name) for name in (*MODALITIES, "other")}
        shown |= {
            name: {"input": part.input, "cached": part.cached, "output": part.output}
            for name, part in named.items()
            if part != NONE
        }
        return shown | ({"seconds": float(self.seconds)} if self.seconds else {})


def read(told: JsonObject, of: Of = "response") -> Usage:
    """Read what a vendor tells of a response's usage, or of a transcription's, which writes nothing but text."""
    read_in, written = _object(told.get("input_token_details")), _object(told.get("output_token_details"))
    kept = _object(read_in.get("cached_tokens_details"))
    inputs = {name: _count(read_in.get(f"{name}_tokens")) for name in MODALITIES}
    cached = {name: min(inputs[name], _count(kept.get(f"{name}_tokens"))) for name in MODALITIES}
    outputs = {name: _count(written.get(f"{name}_tokens")) for name in MODALITIES}
    untold = Tokens(
        input=max(0, _count(told.get("input_tokens")) - sum(inputs.values())),
        output=max(0, _count(told.get("output_tokens")) - sum(outputs.values())),
    )
    if of == "transcription":
        outputs["text"] += untold.output
        untold = Tokens(untold.input)
    untold_cached = _placed(_count(read_in.get("cached_tokens")) - sum(cached.values()), inputs, cached, untold.input)
    parts = {name: Tokens(inputs[name], cached[name], outputs[name]) for name in MODALITIES}
    other = Tokens(untold.input, untold_cached, untold.output)
    return Usage(**parts, other=other, seconds=_seconds(told.get("seconds")))


def _placed(more: int, inputs: dict[str, int], cached: dict[str, int], untold: int) -> int:
    """Put cached tokens of which nobody says what they are where alone they can be; give what is left."""
    room = {name: inputs[name] - cached[name] for name in MODALITIES if inputs[name] > cached[name]}
    more = max(0, min(more, sum(room.values()) + untold))
    if not more or untold or len(room) != 1:
        return more
    [name] = room
    cached[name] += more
    return 0


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return int(value) if whole and not isinstance(value, bool) and 0 <= value <= MOST else 0  # type: ignore[call-overload, operator]


def _seconds(value: object) -> Decimal:
    """Give a number of seconds as it was written, to the millisecond."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
        return Decimal(0)
    return Decimal(str(value)).quantize(PLACES)
