from math import inf

from media.vigil import REPEAT_S, Vigil


def test_the_tone_sounds_after_a_while_and_then_now_and_again() -> None:
    vigil = Vigil(after_s=2.5)
    assert not vigil.watch(trying=True, speaking=False, now=1.0)
    assert vigil.next_due() == 3.5
    assert not vigil.watch(trying=True, speaking=False, now=3.4)
    assert vigil.watch(trying=True, speaking=False, now=3.5)
    assert not vigil.watch(trying=True, speaking=False, now=3.6)
    assert vigil.watch(trying=True, speaking=False, now=3.5 + REPEAT_S)


def test_who_speaks_or_is_not_waited_for_needs_no_tone() -> None:
    vigil = Vigil(after_s=2.5)
    vigil.watch(trying=True, speaking=False, now=0.0)
    assert not vigil.watch(trying=True, speaking=True, now=3.0)
    assert not vigil.watch(trying=False, speaking=False, now=3.0)
    assert vigil.next_due() == inf


def test_silence_is_counted_from_the_last_that_was_heard() -> None:
    vigil = Vigil(after_s=2.5)
    vigil.watch(trying=True, speaking=False, now=0.0)
    vigil.watch(trying=True, speaking=True, now=2.0)
    assert not vigil.watch(trying=True, speaking=False, now=3.0)
    assert vigil.next_due() == 5.5


def test_a_long_sound_is_not_begun_again_before_its_end() -> None:
    vigil = Vigil(after_s=2.5, sound_s=10)
    vigil.watch(trying=True, speaking=False, now=0.0)
    assert vigil.watch(trying=True, speaking=False, now=2.5)
    assert vigil.next_due() == 12.5
