"""Which statuses are news."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.statuses import Statuses
from media.platforms.base import Stage
from tests.calls.exchange import CALLS, JsonObject


def faults(*said: JsonObject) -> list[str | None]:
    statuses = Statuses()
    bodies = ({"call_sid": "c-1", **body} for body in said)
    return [statuses.fault(CALLS.status(json.dumps(body).encode())) for body in bodies]


def words(*said: str) -> list[str | None]:
    return faults(*({"call_status": word} for word in said))


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (["trying", "ringing", "early-media", "in-progress", "completed"], [None] * 5),
        (["early-media", "ringing", "in-progress"], [None] * 3),
        (["completed", "in-progress", "completed"], [None, "late", "repeated"]),
        (["in-progress", "ringing", "completed"], [None, "late", None]),
        (["ringing", "ringing", "busy", "failed", "busy"], [None, "repeated", None, "late", "repeated"]),
        (
            ["in-progress", "tomorrow's", "completed", "tomorrow's", "yesterday's"],
            [None, None, None, "repeated", "late"],
        ),
    ],
)
def test_a_call_does_not_go_back_and_is_over_once(said: list[str], found: list[str | None]) -> None:
    assert words(*said) == found


def test_another_sip_status_is_news() -> None:
    ringing = {"call_status": "ringing", "sip_status": 180}
    assert faults(ringing, ringing | {"sip_status": 183}, ringing) == [None, None, "repeated"]


def test_each_leg_of_a_call_has_its_own_course() -> None:
    leg = {"call_sid": "c-1-b", "parent_call_sid": "c-1"}
    over = {"call_status": "completed"}
    assert faults(leg | over, {"call_status": "in-progress"}, over, leg | over) == [None, None, None, "repeated"]


@given(st.lists(st.sampled_from(["trying", "ringing", "in-progress", "completed", "failed", "x", ""]), max_size=12))
def test_whatever_the_order_one_end_is_told_and_nothing_after_it(said: list[str]) -> None:
    news = [word for word, fault in zip(said, words(*said), strict=True) if fault is None]
    assert len(set(news)) == len(news)
    over = [word in {"completed", "failed"} for word in news]
    assert sum(over) <= 1
    assert not any(over[:-1])
    assert Stage.RINGING < Stage.ANSWERED < Stage.OVER
