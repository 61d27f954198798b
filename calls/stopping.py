"""How the calls of a server that stops come to their ends."""

import asyncio
from contextlib import suppress

from calls.course import Course
from calls.leg import ASKED_AFTER_S
from calls.register import Register
from media.ends import RESTART
from tasks import Tasks

LAST_WORDS_S = 2.0
"For the last words of a conversation that is ended by force, and for its sockets to close."
HURRY_S = 0.5


async def drain(calls: Register, course: Course, tasks: Tasks, deadline_s: float) -> None:
    """Let the calls come to their end, and end those that have not by then."""
    for live in calls:
        live.stopping = True
        course.give_up_uncontrolled(live)
    await tasks.quiet(deadline_s)
    for leg in calls.legs():
        leg.finish(RESTART)
    await tasks.quiet(LAST_WORDS_S + ASKED_AFTER_S)


async def hurry(calls: Register) -> None:
    """End every conversation within a second, whoever is still talking."""
    legs = calls.legs()
    for leg in legs:
        leg.finish(RESTART)
    with suppress(TimeoutError):
        async with asyncio.timeout(HURRY_S):
            await asyncio.gather(*(leg.kept() for leg in legs))
    for leg in legs:
        leg.hurry()
