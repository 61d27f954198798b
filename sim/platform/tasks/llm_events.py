"""Which events an eventHook gets from jambonz 0.9.8, oddities and all (lib/tasks/llm/llms/openai_s2s.js).

`x.*` stands for the known names that begin with `x`, not with `x.`; a name of the GA API is not known; `[]` and a list
of nothing but exclusions stand for everything; with `all` and an exclusion the unknown pass too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

KNOWN = (
    "error",
    "session.created",
    "session.updated",
    "conversation.created",
    "input_audio_buffer.committed",
    "input_audio_buffer.cleared",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "conversation.item.created",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.failed",
    "conversation.item.truncated",
    "conversation.item.deleted",
    "response.created",
    "response.done",
    "response.output_item.added",
    "response.output_item.done",
    "response.content_part.added",
    "response.content_part.done",
    "response.text.delta",
    "response.text.done",
    "response.audio_transcript.delta",
    "response.audio_transcript.done",
    "response.audio.delta",
    "response.audio.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "rate_limits.updated",
    "output_audio.playback_started",
    "output_audio.playback_stopped",
)


@dataclass(frozen=True, slots=True)
class EventFilter:
    included: tuple[str, ...]
    excluded: tuple[str, ...]

    def passes(self, event_type: str) -> bool:
        return event_type in self.included if self.included else event_type not in self.excluded


def event_filter(events: Sequence[str] | None) -> EventFilter:
    """Read the verb's `events`; None: it has none."""
    wanted = KNOWN if events is None else events
    if "all" not in wanted:
        return EventFilter(_expanded([one for one in wanted if not one.startswith("-")]), ())
    excluded = [one[1:] for one in wanted if one.startswith("-")]
    return EventFilter((), _expanded(excluded)) if excluded else EventFilter(KNOWN, ())


def _expanded(names: Sequence[str]) -> tuple[str, ...]:
    expanded: list[str] = []
    for name in names:
        expanded += [known for known in KNOWN if known.startswith(name[:-2])] if name.endswith(".*") else [name]
    return tuple(expanded)
