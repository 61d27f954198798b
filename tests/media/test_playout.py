from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import AudioFormat
from media.platforms.base import Pacing
from media.playout import MAX_PAST, Heard, Playout, Speech

PCM = AudioFormat("pcm16", 8000)
PACING = Pacing(lot_ms=80, prime_ms=160, start_delay_ms=10, clear_guard_ms=60)
UNPACED = Pacing(lot_ms=20, prime_ms=0, start_delay_ms=0, clear_guard_ms=0)
HELLO, BYE = Speech("item_1"), Speech("item_2")


def playout(lead_ms: float = 200, pacing: Pacing = PACING) -> Playout:
    return Playout(PCM, pacing, lead_ms=lead_ms)


def ms(pcm: bytes) -> float:
    return PCM.ms_in(len(pcm))


def speak(machine: Playout, speech: Speech, length_ms: float, *, complete: bool = True) -> None:
    machine.queue(speech, b"\1\1" * (PCM.bytes_in(length_ms) // 2))
    if complete:
        machine.complete(speech)


def send_until(machine: Playout, until_s: float, start_s: float = 0.0) -> list[tuple[float, bytes]]:
    """Send whenever something is due; return when what was sent."""
    sent, now = [], start_s
    while True:
        sent += [(now, lot) for lot in machine.due(now)]
        due = machine.next_due()
        if due > until_s:
            return sent
        now = max(now, due)


def test_the_first_lots_go_out_at_once_up_to_the_lead() -> None:
    machine = playout()
    speak(machine, HELLO, 1000)
    assert [ms(lot) for lot in machine.due(0.0)] == [80, 80]


@pytest.mark.claim("ten times real time")
def test_later_lots_go_out_one_by_one_at_the_pace_of_speech() -> None:
    machine = playout()
    speak(machine, HELLO, 400)
    times = [round(at, 3) for at, _ in send_until(machine, 5)]
    assert times == [0.0, 0.0, 0.05, 0.13, 0.21]


def test_a_rest_shorter_than_a_lot_waits_while_more_may_come() -> None:
    machine = playout()
    speak(machine, HELLO, 100, complete=False)
    assert [ms(lot) for lot in machine.due(0.0)] == [80]
    assert machine.next_due() == inf


def test_the_rest_of_an_utterance_is_padded_with_silence_to_a_whole_lot() -> None:
    machine = playout()
    speak(machine, HELLO, 100)
    tail = machine.due(0.0)[1]
    assert ms(tail) == 80
    assert tail == b"\1\1" * 160 + bytes(960)


def test_two_utterances_share_a_lot_without_a_gap() -> None:
    machine = playout()
    speak(machine, HELLO, 100)
    speak(machine, BYE, 60)
    assert b"".join(machine.due(0.0)) == b"\1\1" * (160 * 8)


@pytest.mark.parametrize(("cut_at", "heard_ms"), [(0.0, 0), (0.01, 0), (0.41, 400), (1.009, 999), (5.0, None)])
def test_what_was_heard_is_what_has_been_played(cut_at: float, heard_ms: int | None) -> None:
    machine = playout()
    speak(machine, HELLO, 1000)
    send_until(machine, cut_at)
    cut = machine.clear(cut_at)
    assert [round(heard.heard_ms) for heard in cut] == ([] if heard_ms is None else [heard_ms])


def test_a_pause_in_the_supply_is_not_heard_as_speech() -> None:
    machine = playout()
    speak(machine, HELLO, 80, complete=False)
    machine.due(0.0)
    speak(machine, HELLO, 80, complete=False)
    machine.due(0.5)
    [cut] = machine.clear(0.55)
    assert (cut.heard_ms, cut.received_ms) == pytest.approx((120, 160))


def test_speech_looked_at_just_before_its_end_is_heard_to_its_end() -> None:
    machine = playout()
    for _ in range(100):
        speak(machine, HELLO, 80, complete=False)
        speak(machine, BYE, 80, complete=False)
    now = 0.0
    while machine.next_due() < inf:
        now = machine.next_due()
        machine.due(now)
    for piece in range(200):
        machine.speaking(0.01 + 0.08 * (piece + 1) - 0.000009)
    machine.complete_all()
    assert not machine.speaking(now + 1)


def test_speech_that_was_never_sent_is_returned_as_unheard() -> None:
    machine = playout()
    speak(machine, HELLO, 1000)
    speak(machine, BYE, 500)
    send_until(machine, 0.3)
    assert [(heard.speech, round(heard.heard_ms)) for heard in machine.clear(0.3)] == [(HELLO, 290), (BYE, 0)]


def test_an_utterance_heard_to_its_end_settles_once() -> None:
    machine = playout()
    speak(machine, HELLO, 160)
    send_until(machine, 1)
    assert machine.settled(0.1) == []
    assert machine.settled(0.2) == [Heard(HELLO, 160, 160)]
    assert machine.settled(0.3) == []
    assert machine.quiet_at() == inf


def test_nothing_is_sent_right_after_a_clear_for_the_platform_would_drop_it() -> None:
    machine = playout()
    speak(machine, HELLO, 200)
    machine.due(0.0)
    machine.clear(1.0)
    speak(machine, BYE, 200)
    assert machine.due(1.05) == []
    assert machine.next_due() == pytest.approx(1.06)
    assert machine.due(1.06)


def test_priming_is_silence_that_counts_as_played_and_not_as_speech() -> None:
    machine = playout()
    assert ms(machine.prime(0.0)) == 160
    assert not machine.sounding(0.05)
    assert machine.quiet_at() == pytest.approx(0.17)
    assert playout(pacing=Pacing(20, 0, 0, 0)).prime(0.0) == b""


def test_a_tone_is_sent_like_speech_and_is_nobodys_speech() -> None:
    machine = playout()
    machine.wait(bytes(PCM.bytes_in(100)))
    assert machine.queued_ms() == 100
    assert len(machine.due(0.0)) == 2
    assert not machine.speaking(0.05)
    assert machine.clear(0.05) == []


def test_an_empty_piece_of_speech_is_nothing() -> None:
    machine = playout()
    speak(machine, HELLO, 80)
    machine.due(0.0)
    machine.settled(1.0)
    machine.queue(HELLO, b"")
    assert machine.settled(2.0) == []
    assert machine.due(2.0) == []


def test_what_fills_a_wait_makes_way_for_speech() -> None:
    machine = playout()
    machine.wait(bytes(PCM.bytes_in(10_000)))
    machine.due(0.0)
    speak(machine, HELLO, 80)
    assert machine.queued_ms() == 80


def test_speech_still_being_generated_counts_as_speaking() -> None:
    machine = playout()
    speak(machine, HELLO, 80, complete=False)
    machine.due(0.0)
    assert machine.speaking(9.0)
    assert not machine.sounding(9.0)
    machine.complete_all()
    assert not machine.speaking(9.0)


def test_completing_speech_that_was_never_queued_is_nothing() -> None:
    machine = playout()
    machine.complete(BYE)
    assert not machine.speaking(0.0)


@given(
    pieces=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 700), st.integers(0, 400)), min_size=1, max_size=12),
    cut_ms=st.integers(0, 6000),
)
def test_heard_is_never_more_than_was_sent_and_never_negative(pieces: list[tuple[int, int, int]], cut_ms: int) -> None:
    machine, now, sent_bytes, queued = playout(), 0.0, 0, {HELLO: 0.0, BYE: 0.0}
    for who, length_ms, wait_ms in pieces:
        speech = (HELLO, BYE)[who]
        speak(machine, speech, length_ms, complete=False)
        queued[speech] += length_ms
        until = now + wait_ms / 1000
        sent = send_until(machine, until, now)
        assert all(len(lot) == PCM.bytes_in(80) for _, lot in sent)
        sent_bytes += sum(len(lot) for _, lot in sent)
        now = until
    now = max(now, cut_ms / 1000)
    sent_bytes += sum(len(lot) for _, lot in send_until(machine, now, now))
    cut = machine.clear(now)
    assert sum(heard.heard_ms for heard in cut) <= PCM.ms_in(sent_bytes) + 0.01
    for heard in cut:
        assert 0 <= heard.heard_ms <= heard.received_ms == pytest.approx(queued[heard.speech])


def test_audio_that_comes_after_its_speech_was_heard_counts_on() -> None:
    machine = playout(pacing=UNPACED)
    speak(machine, HELLO, 100)
    machine.due(0.0)
    assert machine.settled(1.0) == [Heard(HELLO, 100, 100)]
    speak(machine, HELLO, 100)
    machine.due(1.0)
    [cut] = machine.clear(1.05)
    assert (round(cut.heard_ms), cut.received_ms) == (150, 200)


def test_what_is_known_of_speech_that_was_heard_is_bounded() -> None:
    machine = playout(pacing=UNPACED)
    for number in range(3 * MAX_PAST):
        speak(machine, Speech(f"item_{number}"), 20)
        machine.due(number)
        machine.settled(number + 0.5)
    assert len(machine._past) == MAX_PAST


def test_what_fills_a_wait_makes_way_for_speech_and_for_silence_wherever_it_stands_in_the_queue() -> None:
    machine = playout()
    speak(machine, HELLO, 30, complete=False)
    machine.wait(PCM.silence(1000))
    machine.hush()
    assert machine.queued_ms() == 30
    machine.wait(PCM.silence(1000))
    speak(machine, HELLO, 50)
    assert machine.queued_ms() == 80


def test_silence_is_when_nothing_plays_and_nothing_can_be_sent() -> None:
    machine = playout(pacing=UNPACED)
    assert machine.silent(0.0)
    speak(machine, HELLO, 30, complete=False)
    assert not machine.silent(0.0)
    machine.due(0.0)
    assert not machine.silent(0.01)
    assert machine.silent(1.0)
    assert machine.speaking(1.0)


@given(held_at=st.floats(0.1, 2.0), rest_s=st.floats(0.1, 3.0))
def test_what_was_held_goes_on_where_it_was_heard_last(held_at: float, rest_s: float) -> None:
    machine = Playout(PCM, PACING, lead_ms=200, resumable=True)
    said = bytes(range(256)) * 100
    machine.queue(HELLO, said)
    machine.complete(HELLO)
    machine.prime(0.0)
    sent = b"".join(lot for _, lot in send_until(machine, held_at))
    machine.hold(held_at)
    heard_bytes = PCM.bytes_in(machine._progress[HELLO].heard_ms) if HELLO in machine._progress else len(said)
    assert machine.due(held_at + rest_s) == []
    machine.resume(held_at + rest_s)
    again = b"".join(lot for _, lot in send_until(machine, 60.0, start_s=held_at + rest_s))
    assert sent[:heard_bytes] == said[:heard_bytes]
    assert again[: len(said) - heard_bytes] == said[heard_bytes:]
    assert machine.settled(99.0) == [Heard(HELLO, 1600, 1600)]


def test_what_was_held_can_be_cut_for_good() -> None:
    machine = Playout(PCM, PACING, lead_ms=200, resumable=True)
    speak(machine, HELLO, 1000)
    send_until(machine, 0.5)
    machine.hold(0.5)
    [cut] = machine.clear(2.0)
    assert 450 <= cut.heard_ms <= 500
    speak(machine, BYE, 100)
    assert send_until(machine, 9.0, start_s=2.0)
