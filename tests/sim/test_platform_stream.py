"""The media side of the platform, tick by tick (facts: mod_audio_fork/lws_glue.cpp)."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.platform.heard import Flushed, Heard, Utterance
from sim.platform.line import Line
from sim.platform.playout import MAX_MARKS, Mark, Playout
from sim.platform.stream import (
    AgentSpoke,
    CallerSpoke,
    Disconnected,
    Ignored,
    Interrupted,
    MediaStream,
    Output,
    Send,
    digit,
)

RATE_HZ = 24000


def pcm(ms: int, value: int = 1000, rate_hz: int = RATE_HZ) -> bytes:
    return struct.pack("<h", value) * (rate_hz * ms // 1000)


def ticks(playout: Playout, count: int, first: int = 0) -> list[Mark]:
    return [mark for tick in range(first, first + count) for mark in playout.tick(tick)]


@pytest.mark.parametrize(
    ("rate_hz", "channel_hz", "first_ms", "later_ms"),
    [(8000, 8000, 160, 80), (24000, 8000, 160, 80), (16000, 8000, 160, 80), (24000, 16000, 53, 26)],
)
def test_playing_starts_at_the_threshold_and_goes_on_in_lots_of_half_of_it(
    rate_hz: int, channel_hz: int, first_ms: int, later_ms: int
) -> None:
    playout = Playout(rate_hz, channel_hz)
    playout.receive(pcm(first_ms, rate_hz=rate_hz))
    if first_ms == 53:
        playout.receive(pcm(1, rate_hz=rate_hz))
    else:
        assert playout.held_ms == 0
        playout = Playout(rate_hz, channel_hz)
        playout.receive(pcm(first_ms, rate_hz=rate_hz)[:-2])
        assert playout.held_ms >= first_ms - 1
        playout.receive(b"\1\0")
    assert playout.held_ms == 0
    playout.receive(pcm(later_ms, rate_hz=rate_hz)[:-4])
    assert playout.held_ms >= later_ms - 1
    playout.receive(pcm(1, rate_hz=rate_hz))
    assert playout.held_ms == 0


def test_the_tail_stays_until_more_comes_and_is_then_played_first() -> None:
    playout = Playout(RATE_HZ)
    playout.receive(pcm(200))
    playout.receive(pcm(50))
    ticks(playout, 20)
    assert (playout.heard.played_ms(), playout.held_ms, playout.waiting_ms) == (200, 50, 50)
    playout.receive(pcm(30))
    ticks(playout, 5, 20)
    assert playout.heard.played[-4].tick == 20
    assert playout.heard.played_ms() == 280


def test_a_partial_rest_is_played_and_the_tick_filled_with_silence() -> None:
    playout = Playout(RATE_HZ)
    playout.receive(pcm(170))
    ticks(playout, 9)
    assert playout.heard.played[-1].end - playout.heard.played[-1].first == RATE_HZ // 100
    assert playout.heard.as_played(9)[-480:] == bytes(480)


def test_an_odd_byte_waits_for_its_other_half() -> None:
    playout = Playout(RATE_HZ)
    sound = pcm(160, 0x1234)
    for at in range(0, len(sound), 333):
        playout.receive(sound[at : at + 333])
    assert bytes(playout.heard.received) == sound


def test_kill_clears_the_playout_buffer_at_the_next_tick_but_not_the_prebuffer() -> None:
    playout = Playout(RATE_HZ)
    playout.receive(pcm(400))
    playout.receive(pcm(60))
    ticks(playout, 5)
    playout.kill()
    playout.receive(pcm(10))  # still below the lot: held
    assert ticks(playout, 1, 5) == []
    assert playout.heard.flushed == [Flushed(5, RATE_HZ // 10, RATE_HZ * 4 // 10)]
    assert (playout.heard.played_ms(), playout.heard.flushed_ms(), playout.held_ms) == (100, 300, 70)
    playout.receive(pcm(10))
    ticks(playout, 1, 6)
    assert playout.heard.played_ms(RATE_HZ * 4 // 10) == 20


def test_what_arrives_between_kill_and_the_next_tick_is_cleared_too() -> None:
    playout = Playout(RATE_HZ)
    playout.receive(pcm(200))
    playout.kill()
    playout.receive(pcm(200))
    ticks(playout, 2)
    assert (playout.heard.played_ms(), playout.heard.flushed_ms()) == (0, 400)


def test_a_kill_with_nothing_to_clear_flushes_nothing() -> None:
    playout = Playout(RATE_HZ)
    playout.kill()
    ticks(playout, 2)
    assert playout.heard.flushed == []


@given(st.lists(st.one_of(st.binary(max_size=9000), st.sampled_from(["tick", "kill"])), max_size=60))
def test_every_sample_is_played_or_flushed_or_waiting(steps: list[bytes | str]) -> None:
    playout, tick, received = Playout(RATE_HZ), 0, 0
    for step in steps:
        if isinstance(step, bytes):
            playout.receive(step)
            received += len(step)
        elif step == "kill":
            playout.kill()
        else:
            playout.tick(tick)
            tick += 1
    heard = playout.heard
    flushed = sum(span.end - span.first for span in heard.flushed)
    assert heard.received_samples == received // 2
    waiting = heard.received_samples - playout._played
    assert heard.played_samples() + flushed + waiting == heard.received_samples
    assert all(one.end <= other.first for one, other in zip(heard.played, heard.played[1:], strict=False))


# --- marks ---


def test_a_mark_is_passed_when_what_stands_before_it_has_been_played() -> None:
    playout = Playout(8000)
    playout.receive(pcm(160, rate_hz=8000))
    assert playout.mark("m1") == []
    assert ticks(playout, 7) == []
    assert ticks(playout, 1, 7) == [Mark("m1", "playout")]


def test_a_mark_with_nothing_waiting_is_passed_at_once() -> None:
    assert Playout(8000).mark("m1") == [Mark("m1", "playout")]


def test_a_mark_is_lost_in_resampling_until_a_genuine_minus_one_is_taken_for_it() -> None:
    playout = Playout(RATE_HZ)
    playout.receive(pcm(160))
    playout.mark("m1")
    assert ticks(playout, 20) == []
    playout.receive(pcm(80, -1))
    assert ticks(playout, 1, 20) == [Mark("m1", "playout")]


def test_killing_clears_marks_and_says_so_while_clear_marks_says_nothing() -> None:
    playout = Playout(8000)
    playout.receive(pcm(160, rate_hz=8000))
    playout.mark("m1")
    playout.kill()
    assert ticks(playout, 1) == [Mark("m1", "cleared")]
    playout.receive(pcm(160, rate_hz=8000))
    playout.mark("m2")
    playout.clear_marks()
    assert ticks(playout, 20, 1) == []


def test_marks_beyond_thirty_are_dropped() -> None:
    playout = Playout(8000)
    playout.receive(pcm(160, rate_hz=8000))
    for number in range(MAX_MARKS + 5):
        playout.mark(str(number))
    assert len(ticks(playout, 10)) == MAX_MARKS


# --- what is heard ---


def test_an_utterance_lasts_over_the_pauses_between_sentences() -> None:
    heard = Heard(RATE_HZ)
    heard.received += pcm(100) + pcm(600, 0) + pcm(100) + pcm(2000, 0)
    step = RATE_HZ // 50
    for tick in range(120):
        heard.play(tick, tick * step, (tick + 1) * step)
    assert heard.utterances == [Utterance(0, 40)]
    assert heard.speaking_since is None


def test_a_recording_ends_where_the_ticks_end() -> None:
    heard = Heard(RATE_HZ)
    heard.received += pcm(40)
    heard.play(0, 0, 480)
    heard.play(1, 480, 960)
    assert len(heard.as_played(1)) == 960


# --- the caller ---


def test_a_line_is_cut_into_frames_and_its_last_one_filled_with_silence() -> None:
    line = Line(8000)
    line.say("hi", pcm(30, 7, 8000))
    frames = [line.tick() for _ in range(3)]
    assert [len(frame) for frame, _ in frames] == [320, 320, 320]
    assert frames[1][0] == pcm(10, 7, 8000) + bytes(160)
    assert [[change.begins for change in changes] for _, changes in frames] == [[True], [False], []]
    assert len(line.said) == 960


# --- the whole stream ---


def sent(outputs: list[Output]) -> list[str | bytes]:
    return [output.message for output in outputs if isinstance(output, Send)]


def test_the_first_message_is_double_and_then_one_goes_out_each_20_ms() -> None:
    stream = MediaStream(RATE_HZ, RATE_HZ, opened_s=10.0)
    lengths = [[len(message) for message in sent(stream.advance(10 + n * 0.02 + 0.001))] for n in range(5)]
    assert lengths == [[], [], [1920], [960], [960]]
    assert stream.next_due() == pytest.approx(10.1)


def test_after_a_stall_the_frames_coalesce_up_to_two_seconds() -> None:
    stream = MediaStream(8000, None, opened_s=0.0)
    assert [len(message) for message in sent(stream.advance(0.5))] == [25 * 320]
    assert [len(message) for message in sent(stream.advance(5.0))] == [100 * 320]


def test_the_stream_tells_when_both_sides_speak_and_stop() -> None:
    stream = MediaStream(RATE_HZ, RATE_HZ, opened_s=0.0)
    stream.line.say("hello", pcm(100))
    stream.received(pcm(200) + pcm(1000, 0))
    told = [output for output in stream.advance(2.0) if not isinstance(output, Send)]
    assert told == [
        CallerSpoke("hello", begins=True, at_s=0.0),
        AgentSpoke(begins=True, at_s=0.0),
        CallerSpoke("hello", begins=False, at_s=0.1),
        AgentSpoke(begins=False, at_s=0.2),
    ]


def test_kill_audio_ends_the_utterance_within_one_tick() -> None:
    stream = MediaStream(RATE_HZ, RATE_HZ, opened_s=0.0)
    stream.received(pcm(800))
    stream.advance(0.101)
    assert stream.received('{"type":"killAudio"}') == []
    told = [output for output in stream.advance(0.121) if not isinstance(output, Send)]
    assert told == [AgentSpoke(begins=False, at_s=0.1), Interrupted(at_s=0.1, flushed_ms=700)]


@pytest.mark.parametrize(
    ("message", "output"),
    [
        ('{"type":"disconnect"}', Disconnected()),
        ("no json", Ignored("text that is no JSON")),
        ('{"type":"playAudio","data":{}}', Ignored("unsupported msg type 'playAudio'")),
        ("[1]", Ignored("unsupported msg type None")),
        ('{"type":"mark","name":"m1"}', Ignored("a mark without data.name")),
        ('{"type":"mark","data":{"name":"m"}}', Send('{"type":"mark","data":{"name":"m","event":"playout"}}')),
    ],
)
def test_what_the_application_says_is_obeyed_or_only_logged(message: str, output: Output) -> None:
    assert MediaStream(8000, 8000, 0.0).received(message) == [output]


def test_marks_that_are_cleared_say_nothing_through_the_stream() -> None:
    stream = MediaStream(8000, 8000, 0.0)
    stream.received(pcm(160, rate_hz=8000))
    stream.received('{"type":"mark","data":{"name":"m"}}')
    assert stream.received('{"type":"clearMarks"}') == []
    assert [message for message in sent(stream.advance(1.0)) if isinstance(message, str)] == []


def test_without_bidirectional_streaming_audio_is_swallowed() -> None:
    stream = MediaStream(8000, None, 0.0)
    assert isinstance(stream.received(pcm(200))[0], Ignored)
    assert stream.heard.received_samples == 0


def test_a_digit_tells_its_duration_in_rtp_units_as_text() -> None:
    assert json.loads(digit("5")) == {"event": "dtmf", "dtmf": "5", "duration": "1600"}
