import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import AudioFormat
from media.playout import Speech
from media.realtime.base import ModelError, SpeechReceived
from media.realtime.deltas import MOST_KNOWN, Deltas

PCM, ULAW = AudioFormat("pcm16", 24000), AudioFormat("ulaw", 8000)
TYPE = "response.output_audio.delta"
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


class Reader:
    """Deltas, with a count of what had to be parsed."""

    def __init__(self, audio: AudioFormat = PCM) -> None:
        self.parsed = 0
        self.deltas = Deltas(audio, {TYPE}, self._parse)

    def _parse(self, data: bytes) -> Any:
        self.parsed += 1
        return json.loads(data)

    def read(self, **event: Any) -> SpeechReceived | None:
        return self.deltas.read(json.dumps(event, separators=(",", ":")).encode())


def delta(audio: bytes = b"\1\2", *, event_id: str = "e1", response_id: str = "r1", item_id: str = "i1") -> Any:
    about = {"type": TYPE, "event_id": event_id, "response_id": response_id, "item_id": item_id}
    return {**about, "output_index": 0, "content_index": 0, "delta": base64.b64encode(audio).decode()}


def test_what_deltas_of_a_piece_of_speech_share_is_parsed_once() -> None:
    reader = Reader()
    for n in range(10):
        assert reader.read(**delta(bytes([n, n]), event_id=f"event_{n}")) == ("r1", Speech("i1"), bytes([n, n]))
    assert reader.parsed == 1
    assert reader.read(**delta(item_id="i2")) == ("r1", Speech("i2"), b"\1\2")
    assert reader.read(**delta(response_id="r2")) == ("r2", Speech("i1"), b"\1\2")
    assert reader.parsed == 3


@given(
    keys=st.permutations(["type", "event_id", "response_id", "item_id", "content_index", "delta"]),
    ids=st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=6),
)
def test_whatever_stands_where_it_is_what_the_parser_would_have_read(
    keys: list[str], ids: list[tuple[str, str, str]]
) -> None:
    reader = Reader(ULAW)
    for event_id, response_id, item_id in ids:
        event = delta(item_id.encode(), event_id=event_id, response_id=response_id, item_id=item_id)
        said = reader.read(**{key: event[key] for key in keys})
        assert said is None or said == (response_id, Speech(item_id), item_id.encode())


@given(names=st.lists(st.sampled_from(["delta", "event_id", "x"]), min_size=1, max_size=3), value=TEXT)
def test_a_delta_of_something_within_is_none_of_speech(names: list[str], value: str) -> None:
    event: Any = {"delta": value}
    for name in names:
        event = {name: event}
    assert Reader().read(**{"type": TYPE, **event}) is None


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.function_call_arguments.delta", "response_id": "r", "item_id": "i", "delta": "AAAA"},
        {"type": TYPE, "response_id": "r", "item_id": "i", "delta": "A\\/AA"},
        {"type": TYPE, "response_id": "r", "item_id": "i"},
        {"type": TYPE, "response_id": "r", "item_id": "i", "delta": 7},
    ],
)
def test_what_is_unusual_is_left_to_the_parser(event: Any) -> None:
    assert Reader().read(**event) is None


def test_of_two_deltas_in_a_message_the_parser_tells_which_is_meant() -> None:
    assert Reader().read(**{"part": {"delta": "AAAA"}, **delta()}) is None


@pytest.mark.parametrize("lacks", ["response_id", "item_id"])
def test_a_delta_of_nobodys_speech_is_an_error(lacks: str) -> None:
    event = delta()
    del event[lacks]
    with pytest.raises(ModelError, match="of which speech"):
        Reader().read(**event)
    with pytest.raises(ModelError, match="of which speech"):
        Reader().deltas.speech(event)


@pytest.mark.parametrize("audio", ["A", "AAA?", "AAAAA", None, 5, []])
def test_audio_that_is_no_base64_is_an_error(audio: Any) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        Reader().deltas.speech(delta() | {"delta": audio})


def test_a_sample_that_was_cut_in_two_is_joined_with_the_next_delta_of_its_speech() -> None:
    reader = Reader()
    heard = [reader.read(**delta(part)) for part in (b"\1", b"\2\3\4", b"\5\6\7")]
    assert [said.audio for said in heard if said] == [b"", b"\1\2\3\4", b"\5\6"]
    said = Reader(ULAW).read(**delta(b"\1\2\3"))
    assert said
    assert said.audio == b"\1\2\3"


def test_what_is_remembered_is_bounded() -> None:
    reader = Reader()
    for n in range(3 * MOST_KNOWN):
        reader.read(**delta(item_id=f"i{n}"))
    assert len(reader.deltas._frames) <= MOST_KNOWN


@pytest.mark.parametrize("place", [0, 1, 5, 7])
def test_wherever_the_event_id_stands_nothing_is_parsed_twice(place: int) -> None:
    reader = Reader()
    for n in range(10):
        rest = delta(bytes([n, n]))
        del rest["event_id"]
        items = [*rest.items()]
        items.insert(place, ("event_id", f"event_{n:03d}"))
        assert reader.read(**dict(items)) == ("r1", Speech("i1"), bytes([n, n]))
    assert reader.parsed == 1


def test_a_delta_that_only_begins_and_ends_like_the_last_is_read_for_itself() -> None:
    reader = Reader()
    assert reader.read(**delta())
    data = json.dumps(delta(), separators=(",", ":")).encode()
    more = data[:-1] + b',"x":"y"}'
    assert reader.deltas.read(more) == ("r1", Speech("i1"), b"\1\2")
    assert reader.parsed == 2
