"""Audio deltas, read without being parsed.

Nine of ten messages of a model are audio deltas, and all of one piece of speech are alike but for their event id
and their audio. So what stands around the audio is parsed once and remembered; the parser never walks through
base64. Whatever is unusual (an escape, spaces, a delta that is no text) is left to the parser.
"""

import binascii
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from media.audio import AudioFormat
from media.playout import Speech
from media.realtime.base import JsonObject, ModelError, SpeechReceived

MOST_KNOWN = 64
"Pieces of speech that are remembered; a call has few at a time."
_DELTA = b'"delta":"'
_EVENT_ID = b'"event_id":"'


class Frame(NamedTuple):
    """What stands around the audio of a delta."""

    response_id: str
    speech: Speech


class Deltas:
    """One session's."""

    def __init__(self, audio: AudioFormat, types: Collection[str], parse: Callable[[bytes], JsonObject]) -> None:
        """`types`: the names that audio deltas have; `parse` reads a message that has to be."""
        self._types = types
        self._odd_matters = audio.encoding == "pcm16"
        self._parse = parse
        self._frames: dict[bytes, Frame] = {}
        self._odd: dict[Speech, bytes] = {}

    def read(self, data: bytes) -> SpeechReceived | None:
        """Read a message that seems to be an audio delta; None where only the parser can tell.

        :raises ModelError: it is one, and cannot be read
        """
        start = data.find(_DELTA)
        end = data.find(b'"', start + len(_DELTA))
        if start < 0 or end < 0 or b"\\" in data:
            return None
        named = data.find(_EVENT_ID, 0, start)
        over = data.find(b'"', named + len(_EVENT_ID), start) if named >= 0 else start
        shared = data[: named if named >= 0 else start] + data[over:start] + data[end:]
        audio = data[start + len(_DELTA) : end]
        frame = self._frames.get(shared) or self._learn(shared, self._parse(data), audio)
        return self._speech(frame, audio) if frame else None

    def speech(self, event: JsonObject) -> SpeechReceived:
        """Read a parsed one.

        :raises ModelError: it cannot be read
        """
        return self._speech(frame_of(event), event.get("delta"))

    def _learn(self, shared: bytes, event: JsonObject, audio: bytes) -> Frame | None:
        if event.get("type") not in self._types or event.get("delta") != audio.decode(errors="replace"):
            return None
        if len(self._frames) >= MOST_KNOWN:
            self._frames.clear()
        self._frames[shared] = frame_of(event)
        return self._frames[shared]

    def _speech(self, frame: Frame, delta: Any) -> SpeechReceived:
        response_id, speech = frame
        try:
            pcm = binascii.a2b_base64(delta, strict_mode=True)
        except (ValueError, TypeError) as error:
            raise ModelError(f"an audio delta that cannot be read: {type(error).__name__}") from error
        if self._odd_matters and (len(pcm) % 2 or speech in self._odd):
            pcm = self._odd.pop(speech, b"") + pcm
            if len(pcm) % 2:
                pcm, self._odd[speech] = pcm[:-1], pcm[-1:]
        return SpeechReceived(response_id, speech, pcm)


def frame_of(event: JsonObject) -> Frame:
    """Read what a delta says of itself.

    :raises ModelError: it lacks what it must have
    """
    response_id, item_id, index = event.get("response_id"), event.get("item_id"), event.get("content_index", 0)
    if not (isinstance(response_id, str) and isinstance(item_id, str) and isinstance(index, int)):
        raise ModelError("an audio delta that cannot be read: it does not say of which speech it is")
    return Frame(response_id, Speech(item_id, index))
