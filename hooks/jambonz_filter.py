"""Which events jambonz' own `llm` verb would forward, quirks included: `filter: jambonz-oss`.

Names are compared with a list that was frozen in the beta of the Realtime API, so what came later is met by literals
only (feature-server 0.9.8, lib/tasks/llm/llms/openai_s2s.js: `openai_server_events`, `expandWildcards`,
`_populateEvents`). For applications that were written around it; `hooks/filter.py` does what `events` says.
"""

from collections.abc import Iterable, Sequence
from itertools import chain

from hooks.filter import AUDIO_DELTAS

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
"jambonz' list, in its order."


class JambonzFilter:
    """The `events` property of an `llm` verb as jambonz reads it. An event keeps the name with which it came.

    With `all` and an exclusion, everything goes but what the exclusions say; with `all` alone, what is known; else
    what is listed, in which an exclusion counts for nothing. `x.*` is every known name that begins with `x`, dot or
    no dot. Where this leaves an empty list, everything goes.
    """

    def __init__(self, events: Sequence[str] | None) -> None:
        given = KNOWN if events is None else events
        unwanted = [pattern[1:] for pattern in given if pattern.startswith("-")]
        self._wanted: frozenset[str] = frozenset()
        self._unwanted: frozenset[str] = frozenset()
        if "all" not in given:
            self._wanted = _expanded(pattern for pattern in given if not pattern.startswith("-"))
        elif unwanted:
            self._unwanted = _expanded(unwanted)
        else:
            self._wanted = frozenset(KNOWN)

    def name_for(self, event_type: str) -> str | None:
        """Return the event's own name where it goes out, else None.

        Audio never does: jambonz' media module keeps it for itself (openai-s2s-example, README, "Events").
        """
        if event_type in AUDIO_DELTAS:
            return None
        goes = event_type in self._wanted if self._wanted else event_type not in self._unwanted
        return event_type if goes else None


def _expanded(patterns: Iterable[str]) -> frozenset[str]:
    return frozenset(chain.from_iterable(map(_names, patterns)))


def _names(pattern: str) -> Sequence[str]:
    if not pattern.endswith(".*"):
        return [pattern]
    return [name for name in KNOWN if name.startswith(pattern[:-2])]
