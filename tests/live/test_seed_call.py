"""A whole call, from its webhook to its last verb, with the verb of jambonz' own documentation."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.live.calling import Call
from tests.live.serving import Application, a_config, rehearsing, serving, until
from tests.verbs.seed import SEED

WEATHER = {"name": "get_weather", "arguments": {"location": "Boston", "scale": "celsius"}}
SCRIPT: dict[str, Any] = {
    "greeting": "Hello.",
    "caller": ["Hello?"],
    "turns": [
        {"when": {"turn": 1}, "say": "Let me check.", "tool": WEATHER},
        {"when": {"tool_result": "get_weather"}, "say": "Sunny."},
    ],
}
AFTER = {"verb": "pause", "length": 0.1}


@pytest.mark.claim("J1", "J8", "J9", "J10", "J11", "J20", "J29")
async def test_a_call_with_the_published_verb_is_carried_out_to_its_end(tmp_path: Path) -> None:
    application = Application()
    application.answers["/toolCall"] = lambda: web.json_response({"temperature": 21})
    application.answers["/final"] = lambda: web.json_response([AFTER, {"verb": "hangup"}])
    async with rehearsing(SCRIPT) as model, application.serving() as base:
        route = {"verbs": [SEED, {"verb": "say", "text": "not reached"}], "max_call_s": 4}
        async with serving(tmp_path, a_config(model, base, route=route)) as running:
            before = asyncio.all_tasks()
            call = Call(running.url)
            over = await call.run()
            await until(lambda: asyncio.all_tasks() == before)

    assert (over.call_status, over.ended_by, over.failed) == ("completed", "jambonz", False)
    assert "agent_started_speaking" in call.names()
    verbs = [happening.fields["verb"] for happening in call.seen if happening.name == "verb"]
    assert verbs == ["listen", "pause", "hangup"]

    # The model knew its tools and its voice before it was asked to speak.
    assert model.told()[:2] == ["session.update", "response.create"]
    session = model.heard[0]["session"]
    assert [tool["name"] for tool in session["tools"]] == ["get_weather"]
    assert session["audio"]["output"]["voice"] == "alloy"

    _events_are_as_asked(application, call.call_sid)
    _one_tool_call_and_one_end(application, call.call_sid)
    assert model.told().count("conversation.item.create") == 1


def _events_are_as_asked(application: Application, call_sid: str) -> None:
    events = application.bodies("/event")
    types = [event["type"] for event in events]
    asked = re.compile(r"conversation\.item\..+|response\.audio_transcript\.done|input_audio_buffer\.committed")
    assert [name for name in types if not asked.fullmatch(name)] == []
    # The verb speaks the beta's words: what it asked for by a wildcard keeps the beta's names.
    assert {"conversation.item.created", "input_audio_buffer.committed", "response.audio_transcript.done"} <= {*types}
    assert "conversation.item.input_audio_transcription.completed" in types
    assert {event["call_sid"] for event in events} == {call_sid}
    numbers = [int(headers["X-Hook-Seq"]) for path, _, headers in application.received if path == "/event"]
    assert numbers == sorted(set(numbers))


def _one_tool_call_and_one_end(application: Application, call_sid: str) -> None:
    [tool] = application.bodies("/toolCall")
    assert (tool["name"], tool["args"], tool["call_sid"]) == ("get_weather", WEATHER["arguments"], call_sid)
    assert tool["tool_call_id"] == tool["call_id"]
    [end] = application.bodies("/final")
    assert (end["completion_reason"], end["reason_code"]) == ("normal conversation end", "max_duration")
    assert end["usage"]["output_tokens"] > 0
    said = [line["text"] for line in end["transcript"]]
    assert "Hello?" in said
    numbers = [int(headers["X-Hook-Seq"]) for _, _, headers in application.received]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert {headers["X-Call-Sid"] for _, _, headers in application.received} == {call_sid}


@pytest.mark.claim("J8", "J17", "J30")
@pytest.mark.parametrize("rate_hz", [8000, 16000])
async def test_a_caller_who_hangs_up_ends_the_call_at_other_rates_too(tmp_path: Path, rate_hz: int) -> None:
    application = Application()
    async with rehearsing({"greeting": "Hello."}) as model, application.serving() as base:
        route = {"verbs": [SEED], "media": {"sample_rate_hz": rate_hz}}
        async with serving(tmp_path, a_config(model, base, route=route)) as running:
            call = Call(running.url)
            going = asyncio.create_task(call.live.run())
            await until(lambda: "agent_started_speaking" in call.names())
            call.live.hang_up()
            over = await going
            await until(lambda: application.bodies("/final"))
    assert (over.ended_by, over.failed) == ("caller", False)
    [end] = application.bodies("/final")
    assert (end["completion_reason"], end["reason_code"], end["ended_by"]) == (
        "normal conversation end",
        "caller_hung_up",
        "caller",
    )
