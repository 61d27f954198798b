"""Server-sent events, in all the forms in which model servers write them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brains.sse import MAX_EVENT_CHARS, Event, Reader, TooLongError

HELLO = [Event("Grüß"), Event("dich")]
FORMS = {
    "lf": "data: Grüß\n\ndata: dich\n\n",
    "crlf": "data: Grüß\r\n\r\ndata: dich\r\n\r\n",
    "cr": "data: Grüß\r\rdata: dich\r\r",
    "mixed": "data: Grüß\r\n\ndata: dich\r\r\n",
    "no blank": "data:Grüß\n\ndata:dich\n\n",
    "comments": ": ping\n\ndata: Grüß\n: still here\n\n\n\ndata: dich\n\n: bye\n\n",
    "byte order mark": "\ufeffdata: Grüß\n\ndata: dich\n\n",
    "other fields": "id: 1\nretry: 5\ndata: Grüß\nnobody: knows\n\ndata: dich\ndata\n\n".replace("\ndata\n", "\n"),
    "no last blank line": "data: Grüß\n\ndata: dich\n",
    "no last end of a line": "data: Grüß\n\ndata: dich",
    "a last cr": "data: Grüß\n\ndata: dich\r",
}


def read(text: bytes, cuts: list[int]) -> list[Event]:
    reader, found = Reader(), []
    places = [0, *sorted(cuts), len(text)]
    for start, end in pairwise(places):
        found += reader.feed(text[start:end])
    return found + reader.end()


@pytest.mark.claim("V11")
@pytest.mark.parametrize("form", FORMS)
def test_v11_events_are_read_in_any_form_cut_at_every_byte(form: str) -> None:
    text = FORMS[form].encode()
    assert read(text, list(range(len(text)))) == HELLO
    for cut in range(len(text)):
        assert read(text, [cut]) == HELLO


@given(st.sampled_from(sorted(FORMS)), st.lists(st.integers(0, 60), max_size=8))
def test_events_are_read_whatever_the_cuts(form: str, cuts: list[int]) -> None:
    text = FORMS[form].encode()
    assert read(text, [cut for cut in cuts if cut <= len(text)]) == HELLO


def test_data_over_lines_is_one_event_and_an_event_has_its_name() -> None:
    assert read(b"event: error\ndata: {\ndata: }\n\n", []) == [Event("{\n}", "error")]


def test_what_is_no_utf_8_is_replaced() -> None:
    assert read(b"data: a\xffb\n\n", []) == [Event("a\ufffdb")]


def test_an_event_without_end_is_not_kept_for_ever() -> None:
    reader = Reader()
    with pytest.raises(TooLongError):
        reader.feed(b"data: " + b"x" * (MAX_EVENT_CHARS + 1))
    reader = Reader()
    line = b"data: " + b"x" * 1000 + b"\n"
    with pytest.raises(TooLongError):
        reader.feed(line * (MAX_EVENT_CHARS // 1000 + 2))
