"""The flow of jambonz' official example: answer, pause, llm, then verbs by the reason for which the session ended."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.live.calling import Call
from tests.live.examples import config_of, module_of, serving_routes
from tests.live.serving import rehearsing, serving, until

JsonObject = dict[str, Any]
BUSY = {"code": "rate_limit_exceeded", "message": "Limit reached. Please try again in 20ms."}


async def placed(
    folder: Path, script: JsonObject, *, hangs_up: bool = False, **conversation: Any
) -> tuple[Call, JsonObject]:
    """Place a call to the example; give it, and what the actionHook was told."""
    example, told = module_of("reasons"), []

    async def final(request: web.Request) -> web.Response:
        told.append(await request.json())
        answer: web.Response = await example.final(request)
        return answer

    async with rehearsing(script) as model, serving_routes(web.post("/final", final)) as application:
        config = config_of("reasons", application=application, model=model.url)
        config["routes"][0]["conversation"] |= conversation
        config["routes"][0]["verbs"][1]["length"] = 0.1
        async with serving(folder, config) as running:
            call = Call(running.url)
            going = asyncio.create_task(call.live.run())
            await until(lambda: "agent_started_speaking" in call.names() if hangs_up else len(documents(call)) == 2)
            call.live.hang_up()
            await going
            await until(lambda: told)
    [end] = told
    return call, end


def documents(call: Call) -> list[list[JsonObject]]:
    return [happening.fields["verbs"] for happening in call.seen if happening.name == "document"]


def names(document: list[JsonObject]) -> list[str]:
    return [verb["verb"] for verb in document]


@pytest.mark.claim("verbs by completion reason", "J8", "J29", "J30", "actionHook")
@pytest.mark.parametrize(
    ("script", "reason", "verbs", "words"),
    [
        ({"faults": {"response_failed": BUSY}}, "server failure: rate_limit_exceeded", ["say", "hangup"], "try again"),
        (
            {"faults": {"response_failed": "server_error"}},
            "server failure: server_error",
            ["say", "hangup"],
            "an error",
        ),
        (
            {"faults": {"errors": [{"code": "session_expired"}]}},
            "server error: session_expired",
            ["say", "hangup"],
            "an error",
        ),
        (
            {"faults": {"http_status": 401}},
            "connection failure: invalid_api_key",
            ["say", "dial", "hangup"],
            "to a person",
        ),
        (
            {"greeting": {"say": "yes", "close_code": 1000}},
            "disconnect from remote end: model_disconnected",
            ["say", "dial", "hangup"],
            "to a person",
        ),
    ],
)
async def test_the_call_goes_on_by_the_reason_for_which_the_session_ended(
    tmp_path: Path, script: JsonObject, reason: str, verbs: list[str], words: str
) -> None:
    call, end = await placed(tmp_path, script)
    assert f"{end['completion_reason']}: {end['reason_code']}" == reason
    first, then = documents(call)
    assert names(first)[:3] == ["answer", "pause", "listen"]
    assert names(then) == verbs
    assert words in then[0]["text"]


@pytest.mark.claim("verbs by completion reason", "silent caller", "J8", "J30")
async def test_a_caller_who_says_nothing_is_taken_leave_of_in_the_applications_words(tmp_path: Path) -> None:
    idle = [{"after_s": 0.1, "say": "Say goodbye.", "end": True}]
    call, end = await placed(tmp_path, {"greeting": "yes", "otherwise": "yes"}, idle=idle)
    assert (end["completion_reason"], end["reason_code"]) == ("normal conversation end", "caller_silent")
    assert names(documents(call)[1]) == ["say", "hangup"]
    assert documents(call)[1][0]["text"] == "Nobody seems to be there. Goodbye."


@pytest.mark.claim("verbs by completion reason", "J8", "J30")
async def test_of_a_caller_who_hangs_up_the_application_is_told_and_nothing_follows(tmp_path: Path) -> None:
    call, end = await placed(tmp_path, {"greeting": "yes"}, hangs_up=True)
    assert (end["completion_reason"], end["reason_code"]) == ("normal conversation end", "caller_hung_up")
    assert len(documents(call)) == 1
