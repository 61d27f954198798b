"""What holds for every platform there is: a new one is tested here before its author has written a test."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.platforms import PLATFORMS
from media.platforms.base import AudioReceived, CallStarted, PlatformError, PlatformEvent
from tests.contracts.under_test import lines, names, samples_of
from tests.properties import NEARLY_JSON, tried_with

EVERY = names(PLATFORMS)
MEDIA = [(name, path) for name in EVERY for path in sorted(samples_of(name).glob("media-*.jsonl"))]
RAW = [(name, path) for name, path in MEDIA if any("binary_bytes" in line for line in lines(path))]
"Whose audio is not wrapped in anything."
every_platform = pytest.mark.parametrize("name", EVERY)


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


@every_platform
def test_every_platform_has_recordings_that_say_where_they_are_from(name: str) -> None:
    for path in sorted(samples_of(name).glob("*.jsonl")):
        assert {"origin", "date"} <= lines(path)[0].keys()
    assert any(one == name for one, _ in MEDIA)


@pytest.mark.parametrize(("name", "path"), MEDIA, ids=[path.stem for _, path in MEDIA])
def test_a_recorded_call_starts_once_and_loses_no_sample(name: str, path: Path) -> None:
    wire = wire_of(path)
    events = replay(name, path, wire)
    assert [isinstance(event, CallStarted) for event in events].index(True) == 0
    assert sum(isinstance(event, CallStarted) for event in events) == 1
    if (name, path) in RAW:
        assert audio_of(events) == b"".join(message for message in wire if isinstance(message, bytes))
    else:
        assert len(audio_of(events)) == lines(path)[0]["pcm_bytes"] > 0
    assert all(e.pcm and len(e.pcm) % 2 == 0 for e in events if isinstance(e, AudioReceived))


@pytest.mark.parametrize(("name", "path"), RAW, ids=[path.stem for _, path in RAW])
@pytest.mark.parametrize("size", [1, 3, 319, 321, 5000])
def test_a_recorded_call_sounds_the_same_however_its_audio_is_cut(name: str, path: Path, size: int) -> None:
    wire = wire_of(path)
    audio = b"".join(message for message in wire if isinstance(message, bytes))
    cut: list[str | bytes] = [audio[i : i + size] for i in range(0, len(audio), size)]
    assert audio_of(replay(name, path, wire[:1] + cut)) == audio


@pytest.mark.parametrize(("name", "path"), MEDIA, ids=[path.stem for _, path in MEDIA])
@pytest.mark.parametrize("size", [0, 319, 320])
def test_what_passes_unread_is_what_would_be_read(name: str, path: Path, size: int) -> None:
    dialect = PLATFORMS[name].media(lines(path)[0]["rate_hz"])
    assert not dialect.plain(bytes(320))
    for wire in [*wire_of(path), *([bytes(size)] * 3 if (name, path) in RAW else [])]:
        plain = [AudioReceived(wire)] if isinstance(wire, bytes) and dialect.plain(wire) else None
        assert dialect.receive(wire) == plain or plain is None


@every_platform
def test_audio_before_the_call_is_told_is_refused(name: str) -> None:
    with pytest.raises(PlatformError):
        PLATFORMS[name].media(8000).receive(b"\0" * 320)


@every_platform
def test_what_is_sent_to_a_platform_can_be_sent(name: str) -> None:
    dialect = PLATFORMS[name].media(8000)
    assert dialect.play(b"\0" * 320)
    assert isinstance(json.loads(dialect.clear()), dict)
    assert dialect.pacing.lot_ms > 0


@every_platform
def test_recorded_webhooks_are_read(name: str) -> None:
    calls = PLATFORMS[name].call
    for line in lines(samples_of(name) / "webhooks.jsonl")[1:]:
        body = json.dumps(line["body"]).encode()
        told = calls.parse(body) if line["kind"] == "call" else calls.status(body)
        assert told.call_sid == line["body"]["call_sid"]
    assert calls.signature_header


@every_platform
@pytest.mark.parametrize("body", NEARLY_JSON, ids=lambda body: repr(body[:12]))
def test_a_webhook_that_cannot_be_read_is_refused_in_a_few_words(name: str, body: bytes) -> None:
    for read in (PLATFORMS[name].call.parse, PLATFORMS[name].call.status):
        with pytest.raises(PlatformError) as refused:
            read(body)
        assert len(str(refused.value)) < 200


@every_platform
@tried_with("header", [None, "", "t=,v1=", "t=1,v1=0", "\ud800", "Basic x", "=" * 400])
@given(header=st.none() | st.text(max_size=80))
def test_nobodys_signature_is_no_signature(name: str, header: str | None) -> None:
    assert PLATFORMS[name].call.verify(b"{}", header, ["secret"], now_s=1e9).state in {"absent", "wrong", "stale"}


@every_platform
@given(messages=st.lists(st.text(max_size=40) | st.binary(max_size=40), max_size=6))
def test_no_message_of_a_media_socket_raises_anything_else(name: str, messages: list[str | bytes]) -> None:
    path = next(path for one, path in MEDIA if one == name)
    dialect = PLATFORMS[name].media(lines(path)[0]["rate_hz"])
    for message in (*wire_of(path)[:1], *messages):
        with suppress(PlatformError):
            dialect.receive(message)
