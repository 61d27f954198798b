import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.numbers import covers, fits, pattern_fault, pattern_of, user_of


@pytest.mark.parametrize(
    ("address", "user"),
    [
        ("+15551230001", "15551230001"),
        ("15551230001", "15551230001"),
        ("+1 (555) 123-0001", "15551230001"),
        ("1.555.123.0001", "15551230001"),
        ("sip:+15551230001@10.0.0.5:5060;transport=udp", "15551230001"),
        ("SIPS:+15551230001@host", "15551230001"),
        ("tel:+1-555-123;ext=5", "1555123"),
        ('"Alice" <sip:+15551230001@carrier>;tag=1', "15551230001"),
        ("sip:alice@host", "alice"),
        ("app-1", "app-1"),
        ("anna.smith", "anna.smith"),
        ("alice+work", "alice+work"),
        ("anonymous", "anonymous"),
        ("host:5060", "host:5060"),
        ("", ""),
        ("+", ""),
        ("٣٤٥", "٣٤٥"),
        ("5" * 40, "5" * 40),
    ],
)
def test_an_address_is_brought_to_its_user(address: str, user: str) -> None:
    assert user_of(address) == user


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("+1555*", None),
        ("*", None),
        ("app-1", None),
        ("sip:+1555*", None),
        ("1*2", "holds a * before its end"),
        ("*1", "holds a * before its end"),
        ("**", "holds a * before its end"),
        ("", "is empty"),
        ("+", "is empty"),
    ],
)
def test_a_star_stands_at_the_end_only(pattern: str, fault: str | None) -> None:
    assert (pattern_fault(pattern) or "").startswith(fault or "")
    assert bool(pattern_fault(pattern)) == bool(fault)


def reference(pattern: str, number: str) -> bool:
    """Six lines that anyone can check by reading."""
    for sign in "+- ":
        pattern, number = pattern.replace(sign, ""), number.replace(sign, "")
    if pattern[-1] == "*":
        return number[: len(pattern) - 1] == pattern[:-1]
    return number == pattern


numbers = st.text("12+- ", max_size=6)


@given(numbers, st.sampled_from(["", "*"]), numbers)
def test_numbers_match_as_the_reference_does(start: str, rest: str, number: str) -> None:
    pattern = start + rest
    if pattern_fault(pattern) is None:
        assert fits(pattern_of(pattern), user_of(number)) == reference(pattern, number)


@given(st.text("12", max_size=3), st.text("12", max_size=3), st.booleans(), st.booleans(), st.text("12", max_size=4))
def test_what_a_pattern_covers_it_takes(wide: str, narrow: str, w: bool, n: bool, number: str) -> None:  # noqa: FBT001
    wide, narrow = wide + "*" * w, narrow + "*" * n
    if covers(wide, narrow) and fits(narrow, number):
        assert fits(wide, number)
