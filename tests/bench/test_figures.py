import pytest

from bench import figures
from bench.audio import FRAME_NS

MS = 1_000_000
STEADY = [i * FRAME_NS for i in range(12)]


def added_ms(sent_ns: list[int], runs: list[tuple[int, int, int]], *, paces: bool = True) -> list[float]:
    return [late / MS for _, late in figures.added(sent_ns, runs, paces=paces)]


def test_a_bridge_that_sends_each_delta_at_once_is_late_by_arrival_less_sending() -> None:
    runs = [(STEADY[i] + i * MS, i, 1) for i in range(8)]
    assert added_ms(STEADY, runs) == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_lot_of_80_ms_is_late_from_its_last_delta_on() -> None:
    runs = [(STEADY[3] + 2 * MS, 0, 4), (STEADY[7] + 5 * MS, 4, 4)]
    assert added_ms(STEADY, runs) == [2, 2, 2, 2, 5, 5, 5, 5]


def test_a_stall_does_not_hide_in_one_large_message() -> None:
    assert added_ms(STEADY, [(STEADY[11], 0, 12)]) == [160] * 4 + [80] * 4 + [0] * 4


def test_audio_that_waited_for_room_is_late_from_the_room_on() -> None:
    sent = [0] * 20
    at_once = [(0, 0, 4), (0, 4, 4)]
    # 160 ms are held from 0 on; a third lot fits under 200 ms of lead when 120 ms are left, at 40 ms.
    assert added_ms(sent, [*at_once, (40 * MS, 8, 4)])[8:] == [0] * 4
    assert added_ms(sent, [*at_once, (47 * MS, 8, 4)])[8:] == [7] * 4


def test_after_a_stall_only_a_bridge_that_waits_for_room_is_excused() -> None:
    sent = [i * FRAME_NS for i in range(60)]
    before = [(sent[i], i, 1) for i in range(8)]
    stalled = [(sent[27], i, 1) for i in range(8, 28)]  # 400 ms late, all at once: the platform now plays 320 ms later
    at_once = [(sent[i] + 3 * MS, i, 1) for i in range(28, 32)]
    assert added_ms(sent, [*before, *stalled, *at_once])[28:] == [3] * 4
    room_ns = sent[27] + 21 * FRAME_NS - figures.LEAD_NS
    waiting = [(room_ns + i * FRAME_NS, 28 + i, 1) for i in range(4)]
    assert added_ms(sent, [*before, *stalled, *waiting])[28:] == [0] * 4
    assert added_ms(sent, [*before, *stalled, *waiting], paces=False)[28:] == [200] * 4


def test_a_bridge_without_a_schedule_is_late_from_the_delta_on() -> None:
    assert added_ms([0] * 10, [(6 * MS, 0, 10)], paces=False) == [6] * 10


def test_audio_ahead_of_its_schedule_is_not_late() -> None:
    assert added_ms([0] * 20, [(MS, 0, 10), (MS, 10, 10)]) == [1] * 10 + [0] * 10


@pytest.mark.parametrize(
    ("arrivals_ms", "starts_ms"),
    [
        ([(0, 1), (20, 1), (40, 1)], []),
        ([(0, 1), (20, 1), (40, 1), (60, 1)], [60, 80, 100, 120]),
        ([(0, 4), (50, 4)], [0, 20, 40, 60, 80, 100, 120, 140]),
        ([(0, 4), (90, 4)], [0, 20, 40, 60, 90, 110, 130, 150]),
    ],
)
def test_the_platform_plays_lots_of_80_ms_in_a_row(arrivals_ms: list[tuple[int, int]], starts_ms: list[int]) -> None:
    starts = figures.play_times([(at * MS, frames) for at, frames in arrivals_ms])
    assert [start // MS for start in starts] == starts_ms


def test_a_gap_is_counted_once_and_only_where_speech_could_have_gone_on() -> None:
    sent = [0] * 8 + [1000 * MS] * 4
    runs = [(0, 0, 4), (95 * MS, 4, 4), (1000 * MS, 8, 4)]
    played = figures.heard(sent, runs)
    assert [(really - best) // MS for _, really, best in played] == [0] * 4 + [15] * 4 + [0] * 4
    assert figures.gaps(played) == 1


def test_nothing_is_said_about_hearing_when_frames_are_missing() -> None:
    assert figures.heard(STEADY, [(0, 0, 2), (1, 3, 1)]) == []


def test_frames_of_the_window_are_missing_until_they_came() -> None:
    first, end = figures.between(STEADY, 2 * FRAME_NS, 6 * FRAME_NS)
    assert (first, end) == (2, 6)
    assert figures.missing([(0, 0, 3), (0, 4, 1), (0, 4, 1), (0, 7, 1)], first, end) == 2


def test_quantiles_are_by_nearest_rank() -> None:
    assert figures.spread([i * MS for i in range(100, 0, -1)]) == figures.Spread(50.0, 99.0, 100.0)
    assert figures.spread([]) == figures.Spread(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"), [(1.0, 4.0, 0.25), (None, 4.0, None), (1.0, None, None), (1.0, 0.0, None)]
)
def test_a_ratio_needs_both_figures(ours: float | None, theirs: float | None, expected: float | None) -> None:
    assert figures.ratio(ours, theirs) == expected
