"""A route's `conversation`: how the agent behaves, whichever model speaks."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from config.fields import Count, Delay, Flag, MaybeText, Seconds, Section, Text, Whole, Word, fault, wanted

FILLER = (
    "In one short sentence, in the language of the conversation, tell the caller that you are still checking. "
    "Do not answer the question yet."
)
WARNING = "In one short sentence, in the language of the conversation, tell the caller that this call will end soon."

KEYS = frozenset("0123456789*#ABCD")


class Strict(BaseModel):
    """A section of the file: a key that it does not know is a complaint, and what was read never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class BargeIn(Strict):
    min_speech_ms: Count = 0
    "How much voice interrupts the agent; 0: whatever the model takes for speech."
    resume: Flag = False
    "Fall silent at the first sound, and go on where it was when it was nothing."


def _a_key(text: str) -> str:
    if text and text not in KEYS:
        raise wanted("one key (0 to 9, *, # or A to D), or empty for none")
    return text


class Digits(Strict):
    collect: Flag = True
    "Whether what is typed becomes an item that the model answers; keys are told to the eventHook in any case."
    finish: Annotated[Text, AfterValidator(_a_key)] = "#"
    pause_s: Seconds = 2.0
    max_digits: Annotated[Whole, Field(ge=1, le=128)] = 32
    sensitive: Flag = False
    "Keep what is typed out of the transcript, the events and the log; the model and its tools have it."


class IdleStep(Strict):
    after_s: Seconds
    say: MaybeText = None
    "An instruction to the model, in its own words to follow."
    end: Flag = False

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.say or self.end):
            raise fault("must say something (`say`) or end the call (`end: true`)")
        return self


class Conversation(Strict):
    first_speaker: Annotated[Literal["agent", "caller"], Word] = "agent"
    protect_greeting: Flag = False
    "Whether the agent's first words cannot be interrupted; what the caller says meanwhile is heard after them."
    barge_in: Annotated[BargeIn, Section] = Field(default_factory=BargeIn)
    digits: Annotated[Digits, Section] = Field(default_factory=Digits)
    idle: tuple[IdleStep, ...] = ()
    "What is done about a silent caller, step by step."
    warn_before_end_s: Delay = 0.0
    "How long before `max_call_s` the caller is told; 0: not at all."
    warning: Text = WARNING
    tool_fillers_s: tuple[Seconds, ...] = (1.5, 8.0)
    """When a caller who waits for a tool is told so, as soon as nobody speaks.

    A moment at `hooks.tool_timeout_s` or after it does not come: then the model says that the tool has failed.
    """
    filler: Text = FILLER


def without_effect(told: Conversation, *, max_call_s: float, tool_timeout_s: float) -> Iterator[str]:
    """Name what stands in a route's `conversation` and can never come to pass."""
    if told.protect_greeting and told.first_speaker == "caller":
        yield "conversation.protect_greeting: there is no greeting where first_speaker is caller"
    ends = [index for index, step in enumerate(told.idle) if step.end]
    if ends and ends[0] + 1 < len(told.idle):
        yield f"conversation.idle: the call has ended with idle[{ends[0]}]; the steps after it never come"
    if told.warn_before_end_s >= max_call_s:
        yield f"conversation.warn_before_end_s: no warning comes, as the call lasts {max_call_s:g} s (max_call_s)"
    late = [moment for moment in told.tool_fillers_s if moment >= tool_timeout_s]
    if late and told.tool_fillers_s != Conversation().tool_fillers_s:
        moments = ", ".join(f"{moment:g}" for moment in late)
        yield f"conversation.tool_fillers_s: {moments} never comes, as hooks.tool_timeout_s is {tool_timeout_s:g}"
