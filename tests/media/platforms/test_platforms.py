"""What holds for every platform there is: a new one is tested here before its author has written a test."""

import json
from pathlib import Path
from typing import Any

import pytest

from media.platforms import PLATFORMS
from media.platforms.base import AudioReceived, CallStarted, PlatformError, PlatformEvent

SAMPLES = Path(__file__).parents[2] / "samples"
MEDIA = [(name, path) for name in PLATFORMS for path in sorted((SAMPLES / name).glob("media-*.jsonl"))]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def wire_of(path: Path) -> list[str | bytes]:
    """Return the messages of a recording; audio is a ramp, so that a lost or doubled sample shows."""
    messages: list[str | bytes] = []
    sample = 0
    for line in lines(path)[1:]:
        if "text" in line:
            messages.append(line["text"])
            continue
        n_samples = line["binary_bytes"] // 2
        messages.append(b"".join((sample + i).to_bytes(2, "little") for i in range(n_samples)))
        sample += n_samples
    return messages


def replay(name: str, path: Path, wire: list[str | bytes]) -> list[PlatformEvent]:
    dialect = PLATFORMS[name].media(lines(path)[0]["rate_hz"])
    return [event for message in wire for event in dialect.receive(message)]


def audio_of(events: list[PlatformEvent]) -> bytes:
    return b"".join(event.pcm for event in events if isinstance(event, AudioReceived))


def test_jambonz_is_found() -> None:
    assert "jambonz" in PLATFORMS
    assert "base" not in PLATFORMS


@pytest.mark.parametrize("name", list(PLATFORMS))
def test_every_platform_has_recordings_that_say_where_they_are_from(name: str) -> None:
    for path in sorted((SAMPLES / name).glob("*.jsonl")):
        assert {"origin", "date"} <= lines(path)[0].keys()
    assert any(one == name for one, _ in MEDIA)


@pytest.mark.parametrize(("name", "path"), MEDIA, ids=[path.stem for _, path in MEDIA])
def test_a_recorded_call_starts_once_and_loses_no_sample(name: str, path: Path) -> None:
    wire = wire_of(path)
    events = replay(name, path, wire)
    assert [isinstance(event, CallStarted) for event in events].index(True) == 0
    assert sum(isinstance(event, CallStarted) for event in events) == 1
    assert audio_of(events) == b"".join(message for message in wire if isinstance(message, bytes))
    assert all(e.pcm and len(e.pcm) % 2 == 0 for e in events if isinstance(e, AudioReceived))


@pytest.mark.parametrize(("name", "path"), MEDIA, ids=[path.stem for _, path in MEDIA])
@pytest.mark.parametrize("size", [1, 3, 319, 321, 5000])
def test_a_recorded_call_sounds_the_same_however_its_audio_is_cut(name: str, path: Path, size: int) -> None:
    wire = wire_of(path)
    audio = b"".join(message for message in wire if isinstance(message, bytes))
    cut: list[str | bytes] = [audio[i : i + size] for i in range(0, len(audio), size)]
    assert audio_of(replay(name, path, wire[:1] + cut)) == audio


@pytest.mark.parametrize("name", list(PLATFORMS))
def test_audio_before_the_call_is_told_is_refused(name: str) -> None:
    with pytest.raises(PlatformError):
        PLATFORMS[name].media(8000).receive(b"\0" * 320)


@pytest.mark.parametrize("name", list(PLATFORMS))
def test_what_is_sent_to_a_platform_can_be_sent(name: str) -> None:
    dialect = PLATFORMS[name].media(8000)
    assert dialect.play(b"\0" * 320)
    assert isinstance(json.loads(dialect.clear()), dict)
    assert dialect.pacing.lot_ms > 0


@pytest.mark.parametrize("name", list(PLATFORMS))
def test_recorded_webhooks_are_read(name: str) -> None:
    calls = PLATFORMS[name].call
    for line in lines(SAMPLES / name / "webhooks.jsonl")[1:]:
        body = json.dumps(line["body"]).encode()
        told = calls.parse(body) if line["kind"] == "call" else calls.status(body)
        assert told.call_sid == line["body"]["call_sid"]
    assert calls.signature_header
