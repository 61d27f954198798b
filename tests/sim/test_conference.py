"""Two calls of one fake platform that meet in a conference."""

from dataclasses import replace
from typing import Any

import pytest

from sim.platform.call import Call
from sim.platform.manner import Manner
from sim.platform.rooms import Rooms
from tests.sim.test_platform_call import HOOK, document, identity, names, posts


def entered(rooms: Rooms | None, call_sid: str, **verb: Any) -> Call:
    call = Call(replace(identity(), call_sid=call_sid), HOOK, None, Manner(rooms=rooms))
    call.begin(0.0)
    conference = {"verb": "conference", "name": "r", "actionHook": "/met", **verb}
    call.replied(document(conference, {"verb": "hangup"}), 0.0)
    return call


@pytest.mark.parametrize("leaves", ["the caller", "the human"])
def test_a_conference_ends_for_the_other_when_one_leaves_with_whom_it_ends(leaves: str) -> None:
    rooms = Rooms()
    legs = {name: entered(rooms, name, endConferenceOnExit=True) for name in ("the caller", "the human")}
    assert all(names(leg.advance(0.1)) == ["joined"] for leg in legs.values())
    leaver = legs.pop(leaves)
    leaver.caller_hung_up(1.0)
    [stays] = legs.values()
    effects = stays.advance(1.1)
    assert "parted" in names(effects)
    assert posts(effects)[0].url.endswith("/met")


def test_one_who_leaves_otherwise_ends_it_for_nobody_and_one_who_comes_after_the_end_waits_alone() -> None:
    rooms = Rooms()
    first, second = entered(rooms, "a"), entered(rooms, "b", endConferenceOnExit=True)
    first.caller_hung_up(0.5)
    assert "parted" not in names(second.advance(1.0))
    second.caller_hung_up(1.5)
    late = entered(rooms, "c")
    assert not {"joined", "parted"} & set(names(late.advance(2.0)))


def test_a_platform_without_conferences_passes_over_one() -> None:
    call = entered(None, "a")
    assert call.task is None
