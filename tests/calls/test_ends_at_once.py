"""A conversation that two sides end at once has one end, whoever was first."""

import asyncio
from collections.abc import Callable
from itertools import permutations

import pytest

from media.effects import End
from tests.calls.exchange import HANGUP, LLM, SAY, Applications, Exchange, in_virtual_time, settings_of, verbs_reply

TALK = settings_of({"verbs": [LLM, HANGUP]})
AGENT = End("normal conversation end", "agent_hung_up", "agent")
REASONS = {"platform": "caller_hung_up", "agent": "agent_hung_up", "operator": "operator_hung_up"}


@pytest.mark.parametrize("gap_s", [0.0, 0.001, 0.005])
@pytest.mark.parametrize("order", list(permutations(REASONS, 2)), ids="-".join)
def test_hang_ups_that_cross_are_one_end_and_the_first_is_it(order: tuple[str, str], gap_s: float) -> None:
    @in_virtual_time
    async def story() -> None:
        exchange = Exchange(TALK)
        verbs = await exchange.ring()
        line = await exchange.open(verbs)
        assert line
        hang_up: dict[str, Callable[[], object]] = {
            "platform": lambda: exchange.status("completed", call_termination_by="caller"),
            "agent": lambda: line.finish(AGENT),
            "operator": lambda: asyncio.ensure_future(exchange.switchboard.hang_up("c-1")),
        }
        both = [hang_up[order[0]]()]
        await asyncio.sleep(gap_s)
        both.append(hang_up[order[1]]())
        assert await exchange.ended(verbs, call_status="completed") in ([], [HANGUP])
        await asyncio.sleep(60)
        await asyncio.gather(*(each for each in both if isinstance(each, asyncio.Future)), return_exceptions=True)
        [told] = exchange.applications.bodies("/final")
        row = await exchange.store.by_sid("c-1")
        assert row
        assert row.end
        assert told["reason_code"] == row.end.reason_code
        assert exchange.counts.ended == [("route-0", row.end.reason_code)]
        assert row.end.reason_code in {REASONS[side] for side in order}
        assert exchange.switchboard.active == 0
        if gap_s:
            assert row.end.reason_code == REASONS[order[0]]

    story()


@in_virtual_time
async def test_a_hook_that_is_asked_again_asks_its_owner_again() -> None:
    """A `waitHook` is asked in a loop, a `gather` in a loop by its verbs: only their owner knows what comes now."""
    menu = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
    applications = Applications({"/menu": verbs_reply(SAY | {"text": "one"}, menu)})
    exchange = Exchange(settings_of({"verbs": [menu]}), applications)
    [gather, _] = await exchange.ring()
    first = await exchange.hook(gather["actionHook"], digits="1")
    applications.answers["/menu"] = verbs_reply(SAY | {"text": "two"}, menu)
    again = await exchange.hook(gather["actionHook"], digits="1")
    assert [document[0]["text"] for document in (first, again)] == ["one", "two"]
    assert [body["digits"] for body in applications.bodies("/menu")] == ["1", "1"]
    exchange.status("completed")
    await asyncio.sleep(60)
    assert (exchange.switchboard.active, len(exchange.counts.ended)) == (0, 1)
