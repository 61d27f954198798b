"""A model that leaves the call by a tool of ours, from its webhook to its last verb."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.live.calling import Call
from tests.live.serving import LLM, Application, a_config, rehearsing, serving, until

JsonObject = dict[str, Any]
HANDOFF: JsonObject = {
    "mode": "blind",
    "blindMethod": "dial",
    "target": [{"type": "phone", "number": "+15085551212"}],
    "timeout": 0.2,
}
LEAVES: JsonObject = {"say": "One moment.", "tool": {"name": "transfer_to_human", "arguments": {"reason": "billing"}}}
BYE: JsonObject = {"say": "Nobody is there. Goodbye.", "tool": {"name": "hangup", "arguments": {"reason": "closed"}}}


@pytest.mark.claim("J31", "handoff", "hangup")
async def test_a_caller_whom_no_human_answers_comes_back_to_the_agent_who_then_hangs_up(tmp_path: Path) -> None:
    application = Application()
    verb = LLM | {"handoff": HANDOFF, "hangup": {}}
    async with (
        rehearsing({"greeting": LEAVES}, {"otherwise": BYE}) as model,
        application.serving() as base,
        serving(tmp_path, a_config(model, base, route={"verbs": [verb]})) as running,
    ):
        before = asyncio.all_tasks()
        call = Call(running.url)
        over = await call.live.run()
        await until(lambda: asyncio.all_tasks() == before)

    assert (over.call_status, over.ended_by, over.failed) == ("completed", "jambonz", False)
    assert call.verbs() == ["listen", "dial", "listen", "hangup"]
    assert [end["reason_code"] for end in application.bodies("/final")] == ["handoff", "agent_hung_up"]

    # Each session knew the tools before it was asked to speak; the second one what had been said, and what to say.
    first, second = (index for index, event in enumerate(model.heard) if event["type"] == "session.update")
    tools = model.heard[first]["session"]["tools"]
    assert [tool["name"] for tool in tools] == ["hangup", "transfer_to_human"]
    assert model.heard[second]["session"] == model.heard[first]["session"]
    told = [event["item"] for event in model.heard[second:] if event["type"] == "conversation.item.create"]
    assert [item["role"] for item in told] == ["assistant", "system", "system"]
    assert "The tool transfer_to_human was called" in told[1]["content"][0]["text"]
    assert "nobody answered" in told[-1]["content"][0]["text"]
    [ask] = [event["response"] for event in model.heard[second:] if event["type"] == "response.create"]
    assert "nobody answered" in ask["instructions"]
    # The words that the model said as it left were heard to their end: none were asked for.
    assert [event["type"] for event in model.heard[first:second]].count("response.create") == 1


@pytest.mark.claim("J31", "goodbye under noise", "hangup")
async def test_a_model_that_hangs_up_without_a_word_is_asked_for_a_goodbye_which_noise_does_not_cut(
    tmp_path: Path,
) -> None:
    application = Application()
    silent = {"greeting": {"tool": {"name": "hangup", "arguments": {}}}, "otherwise": "Goodbye then, and thank you."}
    verb = LLM | {"hangup": {"reason": "done"}}
    async with (
        rehearsing(silent) as model,
        application.serving() as base,
        serving(tmp_path, a_config(model, base, route={"verbs": [verb]})) as running,
    ):
        call = Call(running.url)
        going = asyncio.create_task(call.live.run())
        await until(lambda: "agent_started_speaking" in call.names())
        call.say("Wait, wait!")
        over = await going
    assert (over.ended_by, call.verbs()) == ("jambonz", ["listen", "hangup"])
    [end] = application.bodies("/final")
    assert (end["reason_code"], end["ended_by"]) == ("agent_hung_up", "agent")
    [goodbye] = end["transcript"]
    assert (goodbye["text"], goodbye["interrupted"]) == ("Goodbye then, and thank you.", False)
