from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.delivery import Delivery, Kind, Result
from hooks.lane import MAX_DELTA_BYTES, MAX_DELTAS, MAX_LANE_BYTES
from hooks.outbox import Outbox
from hooks.transports.base import HookReply, HookTimeout, HookUnreachable

EVENTS, TOOLS, FINAL = "https://app/event", "https://app/tool", "https://app/final"
REFUSED, POISON, GONE = HookUnreachable("refused"), HookReply(422), HookReply(410)
RETRY_S = (1.0, 2.0, 300.0)


class Box(Outbox):
    """An outbox with ids of its own making and no chance in it."""

    def __init__(self, retry_s: tuple[float, ...] = RETRY_S) -> None:
        super().__init__("c-1", retry_s=retry_s, marker=b"dropped %d".__mod__)
        self._ids = count(1)

    def add(
        self, body: bytes = b"x", kind: Kind = "event", url: str = EVENTS, *, now: float = 0.0, delta: bool = False
    ) -> Delivery:
        return self.put(kind, url, body, webhook_id=f"msg_{next(self._ids)}", now=now, droppable=delta)

    def take(self, now: float = 0.0) -> Delivery:
        delivery = self.due(now)
        assert delivery is not None
        return delivery

    def fail(self, delivery: Delivery, result: Result, now: float) -> list[Delivery]:
        return self.failed(delivery, result, now=now, jitter=1.0)

    def done(self, delivery: Delivery, now: float = 0.0) -> Delivery:
        return self.succeeded(delivery, HookReply(204), now=now)

    def deliver_all(self, now: float) -> list[bytes]:
        bodies = []
        while (delivery := self.due(now)) is not None:
            bodies.append(text_of(delivery))
            self.done(delivery, now)
        return bodies


def text_of(delivery: Delivery) -> bytes:
    assert delivery.body is not None
    return delivery.body


def test_events_go_one_at_a_time_and_in_order() -> None:
    box = Box()
    for body in (b"a", b"b", b"c"):
        box.add(body)
    first = box.take()
    assert (first.body, first.attempts, first.seq) == (b"a", 1, 1)
    assert (box.due(0.0), box.next_due(), len(box)) == (None, None, 3)
    assert box.done(first).state == "delivered"
    assert box.next_due() == 0.0
    assert box.deliver_all(0.0) == [b"b", b"c"]
    assert (len(box), box.next_due()) == (0, None)


def test_the_numbers_of_a_call_run_over_all_kinds() -> None:
    box = Box()
    kinds: list[tuple[Kind, str]] = [("event", EVENTS), ("tool", TOOLS), ("status", FINAL), ("action", FINAL)]
    assert [box.add(kind=kind, url=url).seq for kind, url in kinds] == [1, 2, 3, 4]
    assert box.number("action", FINAL, b"", webhook_id="m", now=0.0).seq == 5
    assert [row.seq for row in box] == [1, 2, 3, 4]


def test_an_end_and_tools_wait_for_nobody() -> None:
    box = Box()
    box.add(b"event")
    box.add(b"event 2")
    assert box.take().body == b"event"
    for body in (b"tool 1", b"tool 2"):
        box.add(body, "tool", TOOLS)
    box.add(b"end", "action", FINAL)
    assert {box.take().body, box.take().body, box.take().body} == {b"tool 1", b"tool 2", b"end"}
    assert box.due(0.0) is None


def test_two_applications_of_one_call_do_not_wait_for_each_other() -> None:
    box = Box()
    box.add(b"one")
    box.add(b"two", url="https://other/event")
    assert {box.take().body, box.take().body} == {b"one", b"two"}


def test_behind_an_endpoint_that_is_down_all_wait_and_then_come_in_order() -> None:
    box = Box()
    for body in (b"a", b"b"):
        box.add(body)
    now = 0.0
    for wait_s in RETRY_S:
        [after] = box.fail(box.take(now), REFUSED, now)
        assert (after.next_at, box.due(now), box.next_due()) == (now + wait_s, None, now + wait_s)
        now = after.next_at
    assert box.deliver_all(now) == [b"a", b"b"]


def test_a_row_that_is_refused_lets_others_pass_when_its_wait_gets_long() -> None:
    box = Box()
    for body in (b"poison", b"b"):
        box.add(body)
    now = 0.0
    for wait_s in (1.0, 2.0):
        [poison] = box.fail(box.take(now), POISON, now)
        assert box.next_due() == now + wait_s
        now += wait_s
    box.fail(box.take(now), POISON, now)
    assert box.deliver_all(now) == [b"b"]
    assert box.next_due() == now + 300.0
    poison = box.take(now + 300.0)
    assert (poison.body, poison.attempts) == (b"poison", 4)
    [dead] = box.fail(poison, POISON, now + 300.0)
    assert (dead.state, dead.last_error, len(box)) == ("dead", "HTTP 422", 0)


def test_a_parked_row_keeps_its_schedule_when_the_endpoint_goes_down() -> None:
    box = Box((100.0, 100.0))
    box.add(b"poison")
    box.fail(box.take(0.0), POISON, 0.0)
    box.add(b"later")
    box.fail(box.take(100.0), REFUSED, 100.0)
    assert box.due(100.0) is not None
    assert [row.body for row in box] == [b"poison", b"later"]


def test_a_parked_row_can_be_delivered() -> None:
    box = Box((100.0,))
    box.add(b"poison")
    box.fail(box.take(0.0), POISON, 0.0)
    assert box.deliver_all(100.0) == [b"poison"]
    assert len(box) == 0


def test_an_endpoint_that_is_gone_gets_nothing_more() -> None:
    box = Box()
    for body in (b"a", b"b", b"c"):
        box.add(body, delta=True)
    dead = box.fail(box.take(), GONE, 0.0)
    assert [(row.body, row.state, row.last_error) for row in dead] == [
        (b"a", "dead", "HTTP 410"),
        (b"b", "dead", "not sent: the endpoint answered 410 Gone before"),
        (b"c", "dead", "not sent: the endpoint answered 410 Gone before"),
    ]
    assert (box.add(b"d").state, len(box), box.due(0.0)) == ("dead", 0, None)


def test_an_end_is_attempted_even_where_one_was_told_gone() -> None:
    box = Box()
    box.add(kind="action", url=FINAL)
    assert [row.state for row in box.fail(box.take(), GONE, 0.0)] == ["dead"]
    box.add(kind="action", url=FINAL)
    assert box.take().seq == 2


def test_too_many_deltas_leave_a_marker_in_the_place_of_the_first_dropped() -> None:
    box = Box()
    box.add(b"first")
    under_way = box.take()
    box.add(b"delta 0", delta=True)
    box.add(b"done")
    for i in range(1, MAX_DELTAS + 3):
        box.add(b"delta %d" % i, delta=True)
    assert len(box) == 1 + 1 + 1 + MAX_DELTAS
    box.done(under_way)
    marker = box.take()
    assert (marker.body, marker.seq, marker.webhook_id) == (b"dropped 3", 2, "msg_2")
    box.done(marker)
    rest = box.deliver_all(0.0)
    assert rest == [b"done", *(b"delta %d" % i for i in range(3, MAX_DELTAS + 3))]


def test_deltas_are_bounded_by_bytes_too() -> None:
    box = Box()
    half = bytes(MAX_DELTA_BYTES // 2)
    for _ in range(3):
        box.add(half, delta=True)
    assert box.deliver_all(0.0) == [b"dropped 1", half, half]


def test_a_delta_under_way_is_not_dropped_and_a_marker_sent_is_not_changed() -> None:
    box = Box()
    for _ in range(MAX_DELTAS + 1):
        box.add(b"delta", delta=True)
    marker = box.take()
    assert marker.body == b"dropped 1"
    box.fail(marker, HookTimeout("slow"), 0.0)
    box.add(b"delta", delta=True)
    assert [row.body for row in box][:3] == [b"dropped 1", b"dropped 1", b"delta"]
    box.done(box.take(1.0))
    box.done(box.take(1.0))
    tried = box.take(1.0)
    for _ in range(MAX_DELTAS + 5):
        box.add(b"delta", delta=True)
    assert next(iter(box)).webhook_id == tried.webhook_id
    assert next(iter(box)).body == b"delta"


THIRD = bytes(MAX_LANE_BYTES // 3 - 100)
"Three of them and some small ones fit."


def test_events_that_fill_the_memory_leave_a_marker_too() -> None:
    box = Box()
    for name in (b"a", b"b", b"c", b"d", b"e"):
        box.add(name + THIRD[1:])
    assert box.dropped == 2
    assert [(body[:9], len(body)) for body in box.deliver_all(0.0)] == [
        (b"dropped 2", 9),
        *((name + THIRD[1:9], len(THIRD)) for name in (b"c", b"d", b"e")),
    ]


def test_one_marker_stands_for_all_and_where_the_first_of_them_stood() -> None:
    box = Box()
    box.add(b"under way")
    box.take()
    box.add(THIRD)
    for _ in range(MAX_DELTAS + 2):
        box.add(b"delta", delta=True)
    box.add(THIRD)
    box.add(THIRD)
    under_way, marker, *_ = box
    assert (under_way.body, marker.body, marker.seq) == (b"under way", b"dropped 3", 2)
    assert len(box) == 1 + 1 + MAX_DELTAS + 2


def test_an_event_too_large_to_keep_is_announced() -> None:
    box = Box()
    box.add(b"a")
    box.take()
    box.add(bytes(MAX_LANE_BYTES))
    box.add(b"b")
    assert [row.body for row in box] == [b"a", b"dropped 1", b"b"]


def test_what_was_attempted_is_not_dropped() -> None:
    box = Box((100.0,))
    for _ in range(3):
        box.add(THIRD)
        box.fail(box.take(), POISON, 0.0)
    box.add(THIRD)
    assert [row.body for row in box] == [*[THIRD] * 3, b"dropped 1"]


def test_what_was_delivered_or_has_died_takes_no_room() -> None:
    box = Box(())
    for _ in range(10):
        box.add(THIRD)
        box.done(box.take())
        box.add(THIRD)
        assert box.fail(box.take(), POISON, 0.0)[0].state == "dead"
    assert (box.dropped, len(box)) == (0, 0)


def test_tools_and_ends_are_never_dropped() -> None:
    box = Box()
    for _ in range(5):
        box.add(THIRD, "action", FINAL)
    assert (box.dropped, box.deliver_all(0.0)) == (0, [THIRD] * 5)


KINDS = ["small", "third", "delta", "ok", "down", "poison", "wait"]


@given(steps=st.lists(st.sampled_from(KINDS), max_size=80))
def test_every_gap_is_announced_and_no_lane_outgrows_its_bound(steps: list[str]) -> None:
    box, now, put = Box(), 0.0, 0
    done: list[Delivery] = []
    for step in steps:
        if step in {"small", "third", "delta"}:
            put += 1
            box.add(THIRD if step == "third" else bytes(MAX_DELTA_BYTES // 2), now=now, delta=step == "delta")
        elif step == "wait":
            now += 400.0
        elif delivery := box.due(now):
            outcome = REFUSED if step == "down" else POISON
            after = [box.done(delivery)] if step == "ok" else box.fail(delivery, outcome, now)
            done += [row._replace(body=delivery.body) for row in after if row.state != "pending"]
        unseen = [row for row in box if row.attempts == 0]
        assert sum(len(text_of(row)) for row in unseen) <= MAX_LANE_BYTES
    announced, expected = 0, 1
    for row in sorted([*done, *box], key=lambda row: row.seq):
        announced -= row.seq - expected
        assert announced >= 0
        announced += int(text_of(row)[8:]) - 1 if text_of(row).startswith(b"dropped") else 0
        expected = row.seq + 1
    assert announced == put - expected + 1


events_strategy = st.lists(
    st.tuples(
        st.sampled_from(["put", "delta", "ok", "down", "poison", "wait"]), st.sampled_from(["event", "tool", "action"])
    ),
    max_size=60,
)


@given(steps=events_strategy)
def test_nothing_is_lost_and_events_are_first_attempted_in_order(steps: list[tuple[str, Kind]]) -> None:
    box, now, under_way, put, final = Box(), 0.0, list[Delivery](), 0, 0
    first_attempts: list[int] = []

    def take() -> None:
        while (delivery := box.due(now)) is not None:
            under_way.append(delivery)
            if delivery.attempts == 1 and delivery.kind == "event":
                first_attempts.append(delivery.seq)
        assert (box.next_due() or now + 1) > now

    for step, kind in steps:
        if step in {"put", "delta"}:
            box.add(kind=kind, now=now, delta=step == "delta")
            put += 1
        elif step == "wait":
            now += 2.0
        elif under_way:
            delivery = under_way.pop(0)
            if step == "ok":
                final += box.done(delivery).state == "delivered"
            else:
                after = box.fail(delivery, REFUSED if step == "down" else POISON, now)[0]
                final += after.state == "dead"
        take()
        assert sum(delivery.kind == "event" for delivery in under_way) <= 1
    assert len(box) == put - final
    assert first_attempts == sorted(first_attempts)


@pytest.mark.parametrize("jitter", [0.8, 1.2])
def test_chance_stretches_the_wait(jitter: float) -> None:
    box = Box()
    box.add()
    box.failed(box.take(), REFUSED, now=0.0, jitter=jitter)
    assert box.next_due() == jitter
