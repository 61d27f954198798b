from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from bench.audio import FRAME_NS, Run
from bench.variant import Variant
from bench.window import Tally, between_cuts

MS = 1_000_000


@dataclass
class Noted:
    sent_ns: Sequence[int] = ()
    runs: Sequence[Run] = ()
    cuts: Sequence[tuple[int, int]] = ()


def spoken(runs: Sequence[Run], cuts: Sequence[tuple[int, int]] = (), frames: int = 8) -> Noted:
    return Noted([i * FRAME_NS for i in range(frames)], runs, cuts)


def tally(to_caller: Noted, barge_ins: Noted | None = None, *, end_ns: int = 8 * FRAME_NS) -> Tally:
    counted = Tally(0, end_ns, paces=False)
    counted.add(Noted(), to_caller, barge_ins)
    return counted


def test_what_did_not_come_is_lost() -> None:
    counted = tally(spoken([(4 * FRAME_NS, 0, 4), (8 * FRAME_NS, 6, 2)]))
    assert (counted.frames, counted.lost) == (8, 2)


def test_what_was_cut_short_is_not_lost() -> None:
    counted = tally(spoken([(4 * FRAME_NS, 0, 4), (8 * FRAME_NS, 6, 2)], [(4, 2)]))
    assert (counted.frames, counted.lost) == (6, 0)


def test_what_came_although_it_was_cut_short_excuses_nothing_else() -> None:
    counted = tally(spoken([(FRAME_NS, 0, 1), (9 * FRAME_NS, 2, 6)], [(4, 2)]))
    assert (counted.frames, counted.lost) == (8, 1)


def test_behind_a_cut_the_platform_is_empty() -> None:
    runs = [(0, 0, 4), (MS, 6, 2)]
    assert list(between_cuts(runs, [(4, 2)])) == [[(0, 0, 4)], [(MS, 6, 2)]]
    assert list(between_cuts(runs, [])) == [runs]


def test_barge_ins_are_late_from_the_speech_on_or_missed() -> None:
    counted = tally(spoken([]), Noted([0, MS, 2 * MS], [(3 * MS, 0, 1), (5 * MS, 2, 1)]))
    assert (counted.barge_ins, counted.barge_ins_missed) == (3, 1)
    assert counted.silenced_ns == [3 * MS, 3 * MS]


@pytest.mark.parametrize(
    ("variant", "name", "native"),
    [
        (Variant(), "real time", False),
        (Variant("bursts"), "bursts", False),
        (Variant(processes=2), "2 processes", False),
        (Variant("barge_ins", 8000, tls=True), "barge ins, 8 kHz, TLS", True),
        (Variant(tones=True), "tones", True),
    ],
)
def test_a_variant_says_what_differs_and_which_load_it_needs(variant: Variant, name: str, *, native: bool) -> None:
    assert (variant.name, variant.needs_native) == (name, native)
