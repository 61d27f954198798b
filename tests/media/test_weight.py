"""What one call holds while both sides talk: a ratchet, as those of the hot path. A server is sized by it."""

import gc
import tracemalloc

from tests.media.test_hot_path import talking, traced

MOST_BYTES = 66_000
"Of the line, its bridge, its model and both sockets, after a second of audio each way; the first calls weigh most."


async def test_what_a_call_holds_in_the_middle_of_its_talk() -> None:
    async with talking():
        pass  # what is made once is made
    async with traced():
        before = tracemalloc.get_traced_memory()[0]
        async with talking() as talk:
            gc.collect()
            held = tracemalloc.get_traced_memory()[0] - before
            where = tracemalloc.take_snapshot().statistics("lineno")[:20]
    assert talk.said
    assert held <= MOST_BYTES, "".join(f"\n{line}" for line in where)
