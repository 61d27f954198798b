"""Audio deltas, read without being parsed.

Nine of ten messages of a model are audio deltas, and all of one piece of speech are alike but for their event id
and their audio. So what stands around the audio is parsed once and remembered; the parser never walks through
base64. Whatever is unusual (an escape, spaces, a delta that is no text) is left to the parser.

And most often the next delta is like the last, with its event id where OpenAI has it, in front: then it is enough to
compare what stands before the id, between id and audio, and after the audio.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from pybase64 import b64decode

from media.audio import AudioFormat
from media.playout import Speech
from media.realtime.base import JsonObject, ModelError, SpeechReceived

MOST_KNOWN = 8
"Pieces of speech that are remembered: a call has few at a time, and each is half a kilobyte."
_DELTA = b'"delta":"'
_EVENT_ID = b'"event_id":"'


class Frame(NamedTuple):
    """What stands around the audio of a delta."""

    response_id: str
    speech: Speech


class Like(NamedTuple):
    """The last delta, but for its event id and its audio."""

    before: bytes
    between: bytes
    after: bytes
    frame: Frame


class Deltas:
    """One session's."""

    def __init__(self, audio: AudioFormat, types: Collection[str], parse: Callable[[bytes], JsonObject]) -> None:
        """`types`: the names that audio deltas have; `parse` reads a message that has to be."""
        self._types = types
        self._odd_matters = audio.encoding == "pcm16"
        self._parse = parse
        self._frames: dict[bytes, Frame] = {}
        self._odd: dict[Speech, bytes] = {}
        self._like: Like | None = None

    def read(self, data: bytes) -> SpeechReceived | None:
        """Read a message that seems to be an audio delta; None where only the parser can tell.

        :raises ModelError: it is one, and cannot be read
        """
        if like := self._like:
            before, between, after, frame = like
            id_ends = data.find(b'"', len(before))
            if data.startswith(between, id_ends) and data.startswith(before) and data.endswith(after):
                try:
                    return self._speech(frame, data[id_ends + len(between) : -len(after)])
                except ModelError:
                    pass  # there is more in it than in the last
        return None if b"\\" in data else self._read(data)

    def speech(self, event: JsonObject) -> SpeechReceived:
        """Read a parsed one.

        :raises ModelError: it cannot be read
        """
        return self._speech(frame_of(event), event.get("delta"))

    def _read(self, data: bytes) -> SpeechReceived | None:
        """Read one that differs from the last in more than its id and its audio."""
        start = data.find(_DELTA)
        end = data.find(b'"', start + len(_DELTA))
        if start < 0 or end < 0:
            return None
        before, between = _around_id(data[:start])
        if between:
            after, behind = data[end:], b""
        else:
            after, behind = _around_id(data[end:])
        audio = data[start + len(_DELTA) : end]
        shared = before + between + after + behind
        frame = self._frames.get(shared) or self._learn(shared, self._parse(data), audio)
        if frame is None:
            return None
        self._like = Like(before, between + _DELTA, after, frame) if between else None
        return self._speech(frame, audio)

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
            pcm = b64decode(delta, validate=True)
        except (ValueError, TypeError) as error:
            raise ModelError(f"an audio delta that cannot be read: {type(error).__name__}") from error
        if self._odd_matters and (len(pcm) % 2 or speech in self._odd):
            pcm = self._odd.pop(speech, b"") + pcm
            if len(pcm) % 2:
                pcm, self._odd[speech] = pcm[:-1], pcm[-1:]
        return SpeechReceived(response_id, speech, pcm)


def _around_id(data: bytes) -> tuple[bytes, bytes]:
    """Cut an event id out: give what stands before it, and what comes after it, its closing quote first."""
    named = data.find(_EVENT_ID)
    begins = named + len(_EVENT_ID)
    ends = data.find(b'"', begins)
    return (data[:begins], data[ends:]) if named >= 0 and ends >= 0 else (data, b"")


def frame_of(event: JsonObject) -> Frame:
    """Read what a delta says of itself.

    :raises ModelError: it lacks what it must have
    """
    response_id, item_id, index = event.get("response_id"), event.get("item_id"), event.get("content_index", 0)
    if not (isinstance(response_id, str) and isinstance(item_id, str) and isinstance(index, int)):
        raise ModelError("an audio delta that cannot be read: it does not say of which speech it is")
    return Frame(response_id, Speech(item_id, index))
