"""What is told of a call to those who look on, early or late, quickly or slowly."""

from hypothesis import given
from hypothesis import strategies as st

from calls.journal import MAX_EVENTS, Event, Journal


def test_events_are_numbered_and_whoever_listens_is_woken() -> None:
    journal, woken = Journal(), list[str]()
    journal.add("state", {"state": "ringing"})
    journal.listeners.add(lambda: woken.append("x"))
    journal.add("turn", {"latency_ms": 300})
    assert journal.since(0) == (0, [Event(1, "state", {"state": "ringing"}), Event(2, "turn", {"latency_ms": 300})])
    assert journal.since(1) == (0, [Event(2, "turn", {"latency_ms": 300})])
    assert journal.since(2) == (0, [])
    assert woken == ["x"]


def test_a_line_keeps_its_number_however_often_it_is_told() -> None:
    journal = Journal()
    for nth, key, text in ((0, "a", "Hel"), (0, "b", "Hi"), (0, "a", "Hello"), (1, "a", "Again")):
        journal.said(nth, "line", key, {"text": text})
    journal.said(1, "tool", "call_1", {"name": "look_up"})
    told = [(event.kind, event.data) for event in journal.since(0)[1]]
    assert told == [
        ("transcript", {"conversation": 0, "line": 1, "text": "Hel"}),
        ("transcript", {"conversation": 0, "line": 2, "text": "Hi"}),
        ("transcript", {"conversation": 0, "line": 1, "text": "Hello"}),
        ("transcript", {"conversation": 1, "line": 3, "text": "Again"}),
        ("tool", {"conversation": 1, "name": "look_up"}),
    ]


def test_after_the_end_comes_nothing() -> None:
    journal = Journal()
    journal.end({"reason_code": "caller_hung_up"})
    journal.add("hook", {})
    assert journal.over
    assert [event.kind for event in journal.since(0)[1]] == ["end"]
    assert Journal(over=True).over
    assert journal.name != Journal().name


@given(st.lists(st.integers(0, 3 * MAX_EVENTS), max_size=8))
def test_a_reader_gets_each_event_or_is_told_how_many_are_lost(pauses: list[int]) -> None:
    journal, seen, lost, total = Journal(), list[int](), 0, 0
    for pause in pauses:
        for _ in range(pause):
            total += 1
            journal.add("turn", {"n": total})
        missed, events = journal.since(seen[-1] if seen else 0)
        assert len(events) <= MAX_EVENTS
        lost += missed
        seen += [event.n for event in events]
        assert lost + len(seen) == total
    assert seen == sorted(set(seen))
