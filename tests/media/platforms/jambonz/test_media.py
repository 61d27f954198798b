import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.platforms.base import (
    AudioReceived,
    CallStarted,
    DigitReceived,
    PlatformError,
    PlatformEvent,
    PlatformOther,
)
from media.platforms.jambonz.media import JambonzMedia
from tests.properties import NEARLY_JSON, changed, json_values, tried_with

SAMPLES = Path(__file__).parents[3] / "samples" / "jambonz"

FIRST = '{"sampleRate":24000,"mixType":"mono","callSid":"abc","from":"+15551230001"}'


def opened() -> JambonzMedia:
    dialect = JambonzMedia(24000)
    dialect.receive(FIRST)
    return dialect


def test_the_first_text_tells_the_call_as_it_came() -> None:
    assert JambonzMedia(24000).receive(FIRST) == [CallStarted("abc", 24000, json.loads(FIRST))]


def test_half_a_character_in_the_first_text_costs_no_conversation() -> None:
    [started] = JambonzMedia(8000).receive('{"callSid":"abc","callerName":"\\ud83d"}')
    assert started == CallStarted("abc", 8000, {"callSid": "abc", "callerName": "?"})


def test_a_stream_that_does_not_tell_its_rate_has_the_one_asked_for() -> None:
    assert JambonzMedia(8000).receive('{"callSid":"abc"}') == [CallStarted("abc", 8000, {"callSid": "abc"})]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is not JSON"),
        ("not json", "is not JSON"),
        ('{"callSid":"a","callSid":"b"}', "same key twice"),
        ("[]", "not an object with a callSid"),
        ("{}", "not an object with a callSid"),
        ('{"callSid":""}', "not an object with a callSid"),
        ('{"callSid":7}', "not an object with a callSid"),
        ('{"event":"dtmf","dtmf":"5"}', "not an object with a callSid"),
        ('{"callSid":"a","sampleRate":8000}', "sampleRate is not the 24000 Hz"),
        ('{"callSid":"a","sampleRate":"24000"}', "sampleRate is not the 24000 Hz"),
        ('{"callSid":"a","sampleRate":24000,"mixType":"stereo"}', "mixType is not the mono"),
    ],
)
def test_a_first_text_that_does_not_tell_the_call_is_refused(text: str, fault: str) -> None:
    with pytest.raises(PlatformError, match=fault):
        JambonzMedia(24000).receive(text)


def test_an_empty_frame_is_nothing_at_any_time() -> None:
    dialect = JambonzMedia(24000)
    assert dialect.receive(b"") == []
    dialect.receive(FIRST)
    assert dialect.receive(b"") == []


def test_a_frame_of_whole_samples_is_not_copied() -> None:
    frame = b"\1\2" * 480
    [event] = opened().receive(frame)
    assert isinstance(event, AudioReceived)
    assert event.pcm is frame


def test_half_a_sample_waits_for_its_other_half() -> None:
    dialect = opened()
    assert dialect.receive(b"\1") == []
    assert dialect.receive(b"\2\3") == [AudioReceived(b"\1\2")]
    assert dialect.receive(b"\4") == [AudioReceived(b"\3\4")]


def test_two_seconds_at_once_after_a_stall_are_one_piece_of_audio() -> None:
    assert opened().receive(b"\0" * 96_000) == [AudioReceived(b"\0" * 96_000)]


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ({"event": "dtmf", "dtmf": "5", "duration": "1600"}, DigitReceived("5", 200)),
        ({"event": "dtmf", "dtmf": "#", "duration": 800}, DigitReceived("#", 100)),
        ({"event": "dtmf", "dtmf": "D"}, DigitReceived("D", None)),
        ({"event": "dtmf", "dtmf": "1", "duration": "long"}, DigitReceived("1", None)),
        ({"event": "dtmf", "dtmf": "1", "duration": "²"}, DigitReceived("1", None)),
        ({"event": "dtmf", "dtmf": "1", "duration": "-8"}, DigitReceived("1", None)),
        ({"event": "dtmf", "dtmf": "1", "duration": "9" * 10}, DigitReceived("1", None)),
        ({"event": "dtmf", "dtmf": "12"}, PlatformOther("unknown")),
        ({"event": "dtmf", "dtmf": 5}, PlatformOther("unknown")),
        ({"event": "dtmf"}, PlatformOther("unknown")),
        ({"type": "mark", "data": {"name": "m1", "event": "playout"}}, PlatformOther("mark")),
        ({"type": "playDone", "data": {"id": "one"}}, PlatformOther("playDone")),
        ({"type": "tomorrow's"}, PlatformOther("unknown")),
        ({"callSid": "again"}, PlatformOther("unknown")),
        ([1, 2], PlatformOther("unknown")),
        (None, PlatformOther("unknown")),
    ],
)
def test_a_later_text_is_read(message: Any, event: PlatformEvent) -> None:
    assert opened().receive(json.dumps(message)) == [event]


@given(st.text())
def test_no_later_text_ends_the_call(text: str) -> None:
    [event] = opened().receive(text)
    assert isinstance(event, PlatformOther)


def test_malformed_text_is_no_more_than_that() -> None:
    assert opened().receive("{") == [PlatformOther("malformed")]


def test_the_recorded_keys_and_marks_come_in_their_places() -> None:
    heard: list[PlatformEvent] = []
    for name, rate_hz in [("media-24k", 24000), ("media-16k-marks", 16000)]:
        dialect = JambonzMedia(rate_hz)
        texts = [json.loads(line).get("text") for line in (SAMPLES / f"{name}.jsonl").read_text().splitlines()[1:]]
        heard += [event for text in texts if text for event in dialect.receive(text)]
    assert [event for event in heard if not isinstance(event, CallStarted)] == [
        DigitReceived("5", 200),
        DigitReceived("#", 100),
        PlatformOther("mark"),
        PlatformOther("mark"),
        PlatformOther("playDone"),
    ]


def test_audio_goes_out_as_it_is() -> None:
    pcm = b"\xff\xff" * 960
    assert opened().play(pcm) is pcm


def test_what_is_not_yet_played_is_thrown_away_in_the_platforms_own_words() -> None:
    assert json.loads(opened().clear()) == {"type": "killAudio"}


def test_the_first_lots_fill_what_the_platform_keeps_back() -> None:
    pacing = JambonzMedia.pacing
    assert pacing.prime_ms % pacing.lot_ms == 0


TEXTS: list[dict[str, Any]] = [
    json.loads(FIRST),
    {"event": "dtmf", "dtmf": "5", "duration": "1600"},
    {"type": "mark", "data": {"name": "m1", "event": "playout"}},
]


@tried_with("texts", [[text.decode(errors="replace")] * 2 for text in NEARLY_JSON])
@given(texts=st.lists(changed(TEXTS, json_values()).map(json.dumps) | st.text(), max_size=4))
def test_whatever_the_texts_the_first_tells_the_call_and_the_others_hurt_nothing(
    texts: list[str],
) -> None:
    dialect, called = JambonzMedia(24000), False
    for text in texts:
        try:
            [event] = dialect.receive(text)
        except PlatformError as error:
            fault = str(error)
            assert not called
            assert len(fault) < 120
            continue
        assert isinstance(event, CallStarted) is not called
        called = True
        match event:
            case CallStarted(call_sid, rate_hz, _):
                assert call_sid
                assert rate_hz == 24000
            case DigitReceived(digit, duration_ms):
                assert digit in "0123456789*#ABCD"
                assert duration_ms is None or 0 <= duration_ms < 10**9
            case PlatformOther(kind):
                assert kind in {"malformed", "unknown", "mark", "playDone"}


@given(frames=st.lists(st.binary(max_size=7) | st.sampled_from([b"\xff\xff", bytes(320), bytes(321)]) | st.just("{")))
def test_however_audio_is_cut_every_whole_sample_is_heard_in_order(frames: list[str | bytes]) -> None:
    dialect, heard = opened(), b""
    for frame in frames:
        for event in dialect.receive(frame):
            if isinstance(event, AudioReceived):
                assert event.pcm
                assert len(event.pcm) % 2 == 0
                heard += event.pcm
    said = b"".join(frame for frame in frames if isinstance(frame, bytes))
    assert heard == said[: len(said) // 2 * 2]
