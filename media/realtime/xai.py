"""xAI's Grok voice: today's event names, but the voice and the turns stand at the top of a session.

    wss://api.x.ai/v1/realtime?model=grok-voice-latest       Authorization: Bearer <key>

Its linear audio has the rate that is asked for, so nothing is resampled. It takes a `create_response: false`, and
answers all the same (pydantic-ai: realtime/xai.py, "checked live"). Transcripts come again and again while the caller
speaks, also as `completed`: those with the status `in_progress` are parts (livekit-plugins-xai: realtime_model.py).
How a session opens has changed: with `session.created`, or with nothing but a `conversation.created`. A truncate counts
once the response has ended, which it mostly has by then.

Sources: docs.x.ai guides/voice/agent; pipecat services/xai/realtime.
"""

from typing import Any

from media.audio import AudioFormat
from media.realtime import protocol
from media.realtime.base import JsonObject, ModelEvent, Vendor
from media.realtime.capabilities import Capabilities
from media.realtime.dialect import OF_OPENAI, TURN_DETECTION, Dialect
from media.realtime.dialling import dial
from media.realtime.reading import opened
from verbs.vendors import VENDORS

RATES = tuple(AudioFormat("pcm16", rate_hz) for rate_hz in (8000, 16000, 24000, 32000, 44100, 48000))
CAN = Capabilities(hears=RATES, speaks=RATES, leave_turns=False, choose_tools=False, echo_metadata=False)
OPENERS = frozenset({"session.created", "conversation.created"})
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"


class Realtime(protocol.Realtime):
    can = CAN
    dialect = Dialect(
        moved={("audio", "output", "voice"): ("voice",), TURN_DETECTION: ("turn_detection",)},
        unknown=OF_OPENAI | {"type", "output_modalities", "audio.input.noise_reduction", "model"},
        response={"instructions": "instructions", "output_modalities": "modalities"},
        turns={"type": "server_vad"},
        semantic_vad=False,
        cancels_by_name=False,
    )

    def __init__(self, *verb: Any, **audio: Any) -> None:
        super().__init__(*verb, **audio)
        self._opener: str | None = None

    def _read(self, type_: str, event: JsonObject) -> ModelEvent | None:
        if type_ in OPENERS:
            return self._opened(type_, event)
        if type_ == TRANSCRIBED and event.get("status") == "in_progress":
            return None
        return super()._read(type_, event)

    def _opened(self, type_: str, event: JsonObject) -> ModelEvent | None:
        """Take the first of the two for the opening; when that one comes again, it is another session's."""
        self._opener = self._opener or type_
        return opened(event.get("session") or {}) if type_ == self._opener else None


VENDOR = Vendor(Realtime, dial, CAN, VENDORS["xai"])
