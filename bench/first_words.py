"""What a brain adds to the first word of a model: one question asked of the model, and by way of Hookswitch, in turns.

The model is a server in this process that thinks for so long and then speaks at once. Asked straight and by way of the
proxy one after the other, over connections that stay open: both meet the same disturbances.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any

from aiohttp import ClientSession, web

from bench.machine import SERVER_CORES
from bench.plan import OURS, say
from bench.servers import Doors, running
from bench.variant import Variant

QUESTION = {"messages": [{"role": "user", "content": "What is the weather in Boston?"}], "stream": True}
PIECES = 20
WARMING = 20
"Questions that are not counted."


@dataclass(frozen=True, slots=True)
class Step:
    thinking_ms: int
    questions: int


WHOLE = (Step(0, 1000), Step(200, 100))
"A model that thinks for nothing shows what is added; 200 ms are a fast one's, and what comes of it there."
TINY = (Step(0, 5), Step(20, 2))
"Whether all of it works; no figure of it means anything."


@dataclass(frozen=True, slots=True)
class Pairs:
    """Milliseconds from the question to the first word, of each pair."""

    thinking_ms: int
    straight_ms: Sequence[float]
    proxied_ms: Sequence[float]

    @property
    def added_ms(self) -> list[float]:
        return sorted(ours - theirs for theirs, ours in zip(self.straight_ms, self.proxied_ms, strict=True))


async def asked(steps: Sequence[Step]) -> list[Pairs]:
    async with model() as (chat_port, think), ClientSession() as http, AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        doors = Doors(Variant(), 9, 9, chat_port=chat_port)
        server = await stack.enter_async_context(running(OURS, folder, doors, SERVER_CORES))
        urls = f"http://127.0.0.1:{chat_port}/v1/chat/completions", f"{server.urls[0]}/brains/bench/chat/completions"
        found = []
        for step in steps:
            think(step.thinking_ms)
            for _ in range(WARMING):
                await both(http, urls)
            pairs = [await both(http, urls) for _ in range(step.questions)]
            found.append(Pairs(step.thinking_ms, *zip(*pairs, strict=True)))
            say(f"a model that thinks for {step.thinking_ms} ms: {sentence(of(found[-1]))}")
        return found


async def both(http: ClientSession, urls: tuple[str, str]) -> tuple[float, float]:
    return await first_word_ms(http, urls[0]), await first_word_ms(http, urls[1])


async def first_word_ms(http: ClientSession, url: str) -> float:
    begun_ns = perf_counter_ns()
    async with http.post(url, json=QUESTION) as response:
        assert response.status == web.HTTPOk.status_code
        await response.content.readuntil(b"\n\n")
        heard_ns = perf_counter_ns()
        rest = await response.read()
    assert rest.endswith(b"data: [DONE]\n\n")
    return (heard_ns - begun_ns) / 1e6


@asynccontextmanager
async def model() -> AsyncIterator[tuple[int, Any]]:
    """Serve the model; give its port, and what says for how many milliseconds it thinks."""
    thinking_s = 0.0

    def think(thinking_ms: int) -> None:
        nonlocal thinking_s
        thinking_s = thinking_ms / 1000

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        await asyncio.sleep(thinking_s)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for nth in range(PIECES):
            await response.write(_event({"content": f"word {nth} "}, None))
        await response.write(_event({}, "stop") + b"data: [DONE]\n\n")
        return response

    application = web.Application()
    application.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1], think
    finally:
        await runner.cleanup()


def of(pairs: Pairs) -> dict[str, float]:
    """Give the figures of one step: medians, the ratio of them, and what is added."""
    straight, proxied, added = median(pairs.straight_ms), median(pairs.proxied_ms), pairs.added_ms
    return {
        "straight_ms": straight,
        "proxied_ms": proxied,
        "ratio": proxied / straight,
        "added_p50_ms": median(added),
        "added_p99_ms": added[ceil(len(added) * 0.99) - 1],
    }


def results(found: Sequence[Pairs], machine: Mapping[str, object]) -> dict[str, Any]:
    """Give what bench/results.json holds of it, under `first_words`; the ratio is that of the last step."""
    steps = {str(pairs.thinking_ms): of(pairs) for pairs in found}
    return {
        "first_word_vs_straight": of(found[-1])["ratio"],
        "steps": steps,
        "machine": dict(machine),
        "measured": [asdict(pairs) for pairs in found],
    }


def sentence(figures: Mapping[str, float]) -> str:
    return "{proxied_ms:.2f} ms by way of us, {straight_ms:.2f} ms straight: {ratio:.3f} times as long".format(
        **figures
    )


def rows(found: Mapping[str, Any]) -> list[list[str]]:
    """Give the cells of a table, line for line; the first is its head."""
    head = [
        "the model thinks for, ms",
        "straight, ms",
        "by way of a brain, ms",
        "ratio",
        "added p50, ms",
        "added p99, ms",
    ]
    keys = ("straight_ms", "proxied_ms", "ratio", "added_p50_ms", "added_p99_ms")
    steps: Mapping[str, Mapping[str, float]] = found["steps"]
    return [head, *([thinking, *(f"{figures[key]:.3g}" for key in keys)] for thinking, figures in steps.items())]


def _event(delta: Mapping[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(body)}\n\n".encode()
