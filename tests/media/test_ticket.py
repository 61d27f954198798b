import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.ticket import PURPOSES, Purpose, Ticket, new_row, read, sign
from tests.properties import edited

SECRET = b"a secret of the operator's"
ROW = bytes(range(12))
TICKET = Ticket(ROW, 1, "media")

tickets = st.builds(
    Ticket,
    st.binary(min_size=12, max_size=12),
    st.integers(0, 65535),
    st.sampled_from(PURPOSES),
    st.integers(0, 65535),
)


@given(tickets, st.binary(min_size=1))
def test_a_signed_ticket_is_read_back(ticket: Ticket, secret: bytes) -> None:
    assert read(sign(ticket, secret), secret) == ticket


@given(tickets)
def test_a_ticket_needs_no_escaping_in_a_path(ticket: Ticket) -> None:
    assert re.fullmatch("[A-Za-z0-9_-]{44}", sign(ticket, SECRET))


def test_a_ticket_of_another_secret_is_refused() -> None:
    assert read(sign(TICKET, b"theirs"), SECRET) is None


def test_a_ticket_cannot_be_changed_anywhere() -> None:
    token = sign(TICKET, SECRET)
    alphabet = string.ascii_letters + string.digits + "-_+/="
    changed = [token[:i] + char + token[i + 1 :] for i in range(len(token)) for char in alphabet]
    assert [one for one in changed if read(one, SECRET) is not None and one != token] == []


@pytest.mark.parametrize("purpose", ["ended", "hook"])
def test_a_ticket_of_one_purpose_shares_no_signature_with_another(purpose: Purpose) -> None:
    assert sign(TICKET, SECRET)[-21:] != sign(Ticket(ROW, 1, purpose), SECRET)[-21:]


@given(st.text())
def test_no_text_makes_reading_fail(token: str) -> None:
    assert read(token, SECRET) is None


@given(token=edited([sign(TICKET, SECRET)], ["A", "-", "_", "+", "/", "=", "", "é", "\udcff", sign(TICKET, SECRET)]))
def test_what_is_changed_in_a_ticket_makes_it_none(token: str) -> None:
    assert read(token, SECRET) == (TICKET if token == sign(TICKET, SECRET) else None)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "A" * 43,
        "A" * 44,
        "A" * 45,
        "A" * 43 + "=",
        "=" * 44,
        "é" * 44,
        "\ud800" * 44,
        " " + "A" * 43,
        "A" * 43 + "\n",
        "+" * 44,
        "/" * 44,
    ],
)
def test_what_was_never_signed_is_refused(token: str) -> None:
    assert read(token, SECRET) is None


@pytest.mark.parametrize(
    ("row", "nth", "purpose", "index", "complaint"),
    [
        (b"short", 0, "media", 0, "row must be 12 bytes, not 5"),
        (ROW, -1, "media", 0, "nth and index must be 0 to 65535"),
        (ROW, 65536, "media", 0, "nth and index must be 0 to 65535"),
        (ROW, 0, "hook", 65536, "nth and index must be 0 to 65535"),
        (ROW, 0, "admin", 0, "purpose must be one of media, ended, hook"),
    ],
)
def test_a_ticket_that_could_not_be_written_is_not_made(
    row: bytes, nth: int, purpose: Purpose, index: int, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        Ticket(row, nth, purpose, index)


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="secret is empty"):
        sign(TICKET, b"")


def test_rows_are_never_the_same() -> None:
    assert len({new_row() for _ in range(1000)}) == 1000
