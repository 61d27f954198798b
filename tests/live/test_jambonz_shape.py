"""A whole call of an application that was written for jambonz' own `llm` verb, quirks and all."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.live.calling import Call
from tests.live.serving import Application, a_config, rehearsing, serving
from tests.verbs.seed import SEED

WHERE = {"location": "Rome", "scale": "celsius"}
SCRIPT: dict[str, Any] = {
    "greeting": "Hello.",
    "caller": ["Hello?"],
    "turns": [
        {"when": {"turn": 1}, "say": "Let me check.", "tool": {"name": "get_weather", "arguments": WHERE}},
        {"when": {"tool_result": "get_weather"}, "say": "Sunny."},
    ],
}
OURS = {"call_sid", "reason_code", "ended_by", "usage", "cost", "duration_s", "transcript", "caller_name"}


@pytest.mark.claim("J9", "J28", "eventHook", "toolHook", "actionHook")
async def test_hooks_are_served_as_jambonz_serves_them(tmp_path: Path) -> None:
    application = Application()
    application.answers["/toolCall"] = lambda: web.json_response({"temperature": 21})
    application.answers["/final"] = lambda: web.json_response([{"verb": "hangup"}])
    async with rehearsing(SCRIPT) as model, application.serving() as base:
        verb = {**SEED, "events": ["-response.done"]}
        hooks = {"envelope": "jambonz", "filter": "jambonz-oss"}
        async with serving(
            tmp_path, a_config(model, base, route={"verbs": [verb], "max_call_s": 4}, hooks=hooks)
        ) as on:
            call = Call(on.url)
            await call.run()

    events = application.bodies("/event")
    # An exclusion without `all` excludes nothing, and the model speaks in the names of today.
    assert {"response.done", "response.output_audio_transcript.done", "session.created"} <= {e["type"] for e in events}
    assert not any("audio.delta" in event["type"] or "call_sid" in event for event in events)
    [tool] = application.bodies("/toolCall")
    assert [*tool] == ["tool_call_id", "name", "args"]
    assert (tool["name"], tool["args"]) == ("get_weather", WHERE)
    [end] = application.bodies("/final")
    assert end["completion_reason"] == "normal conversation end"
    assert end.keys() & OURS == {"call_sid"}
    assert {headers["X-Call-Sid"] for _, _, headers in application.received} == {call.call_sid}
    numbers = sorted(int(headers["X-Hook-Seq"]) for _, _, headers in application.received)
    assert numbers == list(range(1, len(numbers) + 1))
