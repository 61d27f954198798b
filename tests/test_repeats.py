import logging

from repeats import MAX_KINDS, REPEAT_S, Repeats


def test_of_what_asyncio_repeats_there_is_one_line_every_few_seconds_and_how_often_it_was_said() -> None:
    now = 0.0
    repeats = Repeats(lambda: now)

    def said(text: str = "socket.accept() out of system resource\nsocket: 7", name: str = "asyncio") -> str | None:
        record = logging.LogRecord(name, logging.ERROR, "", 0, text, None, None)
        return record.getMessage() if repeats.filter(record) else None

    assert said() == "socket.accept() out of system resource\nsocket: 7"
    assert [said(), said(), said("another"), said(name="calls"), said(name="calls")].count(None) == 2
    now = REPEAT_S - 0.1
    assert said() is None
    now = REPEAT_S
    told = said()
    assert told is not None
    assert told.endswith("socket: 7 (3 more like this were kept back)")
    now = 3 * REPEAT_S
    assert [said(f"line {n}") for n in range(2 * MAX_KINDS)].count(None) == 0
    assert len(repeats._said) == MAX_KINDS
