"""What it costs to tell an application of one event, counted and not timed, as in `tests/media/test_hot_path.py`.

Each call has about one event a second, and told one by one they were an eighth of what the program costs.
"""

from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import hooks
from hooks.call import CallHooks
from tests.hooks.test_dispatcher import Room, event, play
from tests.media.test_hot_path import Calls

EVENTS = 50
HOOKS = str(Path(hooks.__file__).parent)
CALLS_PER_EVENT = 100
"Of functions in hooks/, from `report` to the outcome, without a transport; waiting for it is eight of them."


class CallsOfHooks(Calls):
    def __init__(self) -> None:
        super().__init__()
        self.hooks: Counter[str] = Counter()

    def _note(self, frame: FrameType, event: str, arg: Any) -> None:
        super()._note(frame, event, arg)
        if event == "call":
            self.hooks[frame.f_code.co_qualname] += frame.f_code.co_filename.startswith(HOOKS)


async def calls_of_events(room: Room, told: CallHooks) -> CallsOfHooks:
    """Tell of events one after another, each when the one before has arrived: as in a conversation."""
    told.report("response.done", event(0))
    await told.close(60.0)
    with CallsOfHooks() as calls:
        for n in range(EVENTS):
            told.report("response.done", event(n))
            await told.close(60.0)
    assert len(room.seen("event")) == EVENTS + 1
    return calls


def test_an_event_is_one_task_two_looks_at_the_outbox_and_two_new_rows() -> None:
    counted: list[CallsOfHooks] = []

    async def scene(room: Room) -> None:
        counted.append(await calls_of_events(room, room.call()))

    play(scene)
    [calls] = counted
    assert calls.of("_attempt") == 2 * EVENTS  # it is begun, and goes on when the answer is there
    assert calls.of("_pump") == 2 * EVENTS
    assert calls.of("_start_due") == EVENTS  # behind the last there is nothing to look for
    assert calls.of("_replace") == 2 * EVENTS  # an attempt, and what became of it
    assert calls.hooks.total() <= CALLS_PER_EVENT * EVENTS, per_event(calls.hooks)


def per_event(calls: Counter[str]) -> str:
    return "".join(f"\n{count / EVENTS:6.2f} {name}" for name, count in calls.most_common() if count >= EVENTS)
