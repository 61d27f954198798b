from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.keypad import Digits, Keypad


def press(keypad: Keypad, keys: str, start: float = 0.0, step: float = 0.1) -> list[str]:
    return [entry for n, key in enumerate(keys) if (entry := keypad.press(key, start + n * step))]


@pytest.mark.parametrize(
    ("keys", "entries"),
    [
        ("1234#", ["1234"]),
        ("#", []),
        ("1##2#", ["1", "2"]),
        ("12345678", ["1234", "5678"]),
        ("*9#", ["*9"]),
    ],
)
def test_an_entry_ends_with_its_key_or_when_it_is_full(keys: str, entries: list[str]) -> None:
    assert press(Keypad(Digits(max_digits=4)), keys) == entries


def test_a_pause_ends_an_entry_once() -> None:
    keypad = Keypad(Digits(pause_s=2))
    press(keypad, "12", step=1.5)
    assert keypad.next_due() == 3.5
    assert keypad.tick(3.4) is None
    assert keypad.tick(3.5) == "12"
    assert keypad.next_due() == inf
    assert keypad.tick(99) is None


def test_without_a_finishing_key_every_key_counts() -> None:
    keypad = Keypad(Digits(finish=""))
    assert press(keypad, "1#") == []
    assert keypad.tick(9.0) == "1#"


@given(keys=st.text("0123456789*#", max_size=60), pauses=st.lists(st.floats(0, 3), min_size=60, max_size=60))
def test_no_key_is_lost_or_told_twice(keys: str, pauses: list[float]) -> None:
    keypad, now, told = Keypad(Digits(pause_s=1, max_digits=5)), 0.0, ""
    for key, pause in zip(keys, pauses, strict=False):
        now += pause
        told += (keypad.tick(now) or "") + (keypad.press(key, now) or "")
    told += keypad.tick(now + 1) or ""
    assert told == keys.replace("#", "")
