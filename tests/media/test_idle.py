from math import inf

import pytest

from media.idle import Idle, Rung

ASK, GO = Rung(10, "Are you still there?"), Rung(5, "Goodbye.", end=True)


def test_the_ladder_is_climbed_in_silence_step_by_step() -> None:
    idle = Idle([ASK, GO])
    assert idle.watch(silent=True, now=0.0) is None
    assert idle.next_due() == 10
    assert idle.watch(silent=True, now=10.0) == ASK
    assert idle.watch(silent=False, now=11.0) is None
    assert idle.watch(silent=True, now=12.0) is None
    assert idle.watch(silent=True, now=16.9) is None
    assert idle.watch(silent=True, now=17.0) == GO
    assert idle.watch(silent=True, now=99.0) is None
    assert idle.next_due() == inf


def test_whatever_sounds_begins_the_silence_anew() -> None:
    idle = Idle([ASK])
    idle.watch(silent=True, now=0.0)
    idle.watch(silent=False, now=9.0)
    assert idle.next_due() == inf
    idle.watch(silent=True, now=9.5)
    assert idle.watch(silent=True, now=19.0) is None
    assert idle.watch(silent=True, now=19.5) == ASK


@pytest.mark.claim("silent caller")
def test_a_caller_who_stirs_is_asked_from_the_beginning_when_they_fall_silent_again() -> None:
    idle = Idle([ASK, GO])
    idle.watch(silent=True, now=0.0)
    assert idle.watch(silent=True, now=10.0) == ASK
    idle.stirred()
    idle.watch(silent=True, now=20.0)
    assert idle.watch(silent=True, now=30.0) == ASK


def test_no_ladder_is_never_due() -> None:
    idle = Idle([])
    assert idle.watch(silent=True, now=99.0) is None
    assert idle.next_due() == inf
