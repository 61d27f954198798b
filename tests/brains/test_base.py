"""The one interface."""

import asyncio

import pytest

from brains.chunks import ChatChunk, Delta
from brains.context import ChatContext
from brains.rules import RuleBrain
from tests.brains.asking import Scripted


@pytest.mark.claim("L16", "L17")
async def test_l16_l17_a_brain_is_asked_without_a_call_as_in_livekits_example() -> None:
    brain = RuleBrain()
    chat_ctx = ChatContext()
    chat_ctx.add_message(role="user", content="Hello, this is a test message!")
    said = ""
    async with brain.chat(chat_ctx, temperature=0.5) as stream:
        async for chunk in stream:
            said += chunk.delta.content
    assert said == "You said: Hello, this is a test message!"


@pytest.mark.claim("L17")
async def test_l17_who_leaves_or_is_cancelled_closes_what_is_open() -> None:
    brain = Scripted([ChatChunk(delta=Delta(content="Hi"))] * 3)
    async with brain.chat(ChatContext(), tools=[{"x": 1}], tool_choice="none", seed=5) as stream:
        async for _ in stream:
            break
    assert brain.closed == 1
    question = brain.asked_for[0]
    assert (question.tools, question.tool_choice, question.settings) == ([{"x": 1}], "none", {"seed": 5})

    async def for_ever() -> None:
        async with brain.chat(ChatContext()) as stream:
            async for _ in stream:
                await asyncio.Event().wait()

    task = asyncio.create_task(for_ever())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert brain.closed == 2
