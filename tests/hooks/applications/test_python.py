"""Applications that are functions of this process."""

import asyncio
import functools
import gc
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from hooks.applications.python import PythonApplication
from hooks.transports.base import HookFailure, HookReply, HookRequest, HookUnreachable
from hooks.transports.python import PythonTransport
from hookswitch import Call, Hangup, Llm, Say, Verb, other

CALL = Call("CS1", "+1", "+2", "support", "inbound", {"customerData": {"tier": "gold"}})
TRANSPORT = PythonTransport()


def application(function: Callable[..., Any], *, timeout_s: float = 5.0) -> PythonApplication:
    return PythonApplication(
        function, CALL, target="agent:answer", base_url="https://app.example.com", timeout_s=timeout_s
    )


async def hooked(hook: str, function: Callable[..., Any], **body: Any) -> HookReply:
    """Let an application hang a function on a hook, and the platform come back to it."""
    asked = application(lambda: [other("enqueue", name="q", **{hook: function})])
    [verb] = await asked.answer({})
    [url] = [value for key, value in verb.items() if key.endswith("Hook")]
    assert asked.address(url) == url
    return await TRANSPORT.send(HookRequest(url, {}, json.dumps(body).encode(), 5.0, 1000))


async def said(call: Call) -> list[Verb]:
    return [Say(text=f"Hello {call.caller}, {call.attributes['customerData']['tier']}.")]


def said_in_a_thread(call: Call) -> Verb:
    return Say(text=f"Hello {call.caller} from {threading.current_thread().name}.")


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (said, "Hello +1, gold."),
        (said_in_a_thread, "Hello +1 from tool."),
        (lambda: Say(text="To anybody."), "To anybody."),
        (lambda *given: Say(text=f"{len(given)}"), "1"),
    ],
)
async def test_a_function_says_what_a_call_does(function: Callable[..., Any], text: str) -> None:
    assert await application(function).answer({}) == [{"verb": "say", "text": text}]


async def broken(call: Call) -> list[Verb]:
    raise LookupError(call.caller)


async def slow() -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (broken, r"agent:answer failed: LookupError at test_python.py:\d+$"),
        (lambda: None, "agent:answer returned no verbs"),
        (lambda: "Hello.", "agent:answer: a verb is wanted"),
        (slow, "agent:answer failed: TimeoutError"),
    ],
)
async def test_one_that_says_nothing_is_a_failure_whose_words_quote_no_caller(
    function: Callable[..., Any], words: str
) -> None:
    with pytest.raises(HookFailure, match=words):
        await application(function, timeout_s=0.05 if function is slow else 5.0).answer({})


async def test_a_hook_is_told_its_body_and_its_verbs_may_have_hooks_again() -> None:
    told: list[Any] = []

    def over(call: Call, end: dict[str, Any]) -> list[Any]:
        told.append((call.call_sid, end))
        return [Llm(vendor="openai", llm_options={}, action_hook=over), Hangup()]

    reply = await hooked("action_hook", over, reason_code="agent_hung_up")
    assert told == [("CS1", {"reason_code": "agent_hung_up"})]
    llm, hangup = json.loads(reply.body)
    assert (reply.status, reply.content_type, hangup) == (200, "application/json", {"verb": "hangup"})
    assert llm["actionHook"].endswith(".over")


async def test_the_same_function_has_one_address_for_each_of_its_hooks() -> None:
    def over() -> None: ...

    verbs = [other("enqueue", name="q", action_hook=over, wait_hook=over), other("dequeue", action_hook=over)]
    first, second = await application(lambda: verbs).answer({})
    assert first["actionHook"] == second["actionHook"] != first["waitHook"]


async def test_a_hook_that_wants_nothing_answers_nothing() -> None:
    assert await hooked("event_hook", lambda: None) == HookReply(204)


@pytest.mark.parametrize(
    ("returned", "output"),
    [
        ({"temp": 21}, '{"temp":21}'),
        ("warm", "warm"),
        ([1, 2], "[1,2]"),
        (None, '{"ok":true}'),
    ],
)
async def test_a_function_may_be_the_tool_hook(returned: Any, output: str) -> None:
    def tool(call: Call, asked: dict[str, Any]) -> Any:
        return returned if asked["name"] == "weather" and call == CALL else "another's"

    reply = await hooked("tool_hook", tool, tool_call_id="call_9", name="weather", args={})
    assert (reply.content_type, reply.body.decode()) == ("text/plain", output)


async def test_what_fails_is_an_answer_and_the_log_quotes_nobody() -> None:
    with capture_logs() as logs:
        assert await hooked("action_hook", broken) == HookReply(204)
        assert await hooked("action_hook", lambda: "Hello.") == HookReply(204)
        reply = await hooked("tool_hook", broken, tool_call_id="call_9")
    assert json.loads(reply.body) == {"error": "LookupError: +1"}
    warnings = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [entry["hook"] for entry in warnings] == ["actionHook", "actionHook", "toolHook"]
    assert "+1" not in repr(warnings)


async def test_other_hooks_are_resolved_as_anywhere() -> None:
    asked = application(said)
    assert asked.address("/final") == "https://app.example.com/final"
    assert asked.address("python:whose/0/over") is None
    await asked.close()


async def test_nobody_is_reached_when_the_call_is_over() -> None:
    async def over() -> None: ...

    asked = application(lambda: [other("enqueue", name="q", action_hook=over)])
    [verb] = await asked.answer({})
    request = HookRequest(verb["actionHook"], {}, b"{}", 5.0, 1000)
    assert await TRANSPORT.send(request) == HookReply(204)
    del asked
    gc.collect()
    with pytest.raises(HookUnreachable, match="is over"):
        await TRANSPORT.send(request)
    await TRANSPORT.close()


# After a restart


async def rung_off(call: Call, end: dict[str, Any]) -> Verb:
    return Say(text=f"Goodbye {call.caller}, {end['n']}.")


def look_up(call: Call, asked: dict[str, Any]) -> dict[str, Any]:
    return {"caller": call.caller, "of": asked["name"]}


async def sent(url: str, **body: Any) -> HookReply:
    return await TRANSPORT.send(HookRequest(url, {}, json.dumps(body).encode(), 5.0, 1000))


async def test_a_function_that_has_a_name_is_found_again_by_the_process_that_takes_its_call_over() -> None:
    before = application(lambda: [Llm(vendor="openai", llm_options={}, action_hook=rung_off, tool_hook=look_up)])
    [llm] = await before.answer({})
    del before
    gc.collect()
    with pytest.raises(HookUnreachable):
        await sent(llm["actionHook"], n=1)
    after = application(said)
    assert after.address(llm["actionHook"]) is None  # it is another call, whatever its sid
    after.resume({})
    assert after.address(llm["actionHook"]) == llm["actionHook"]
    reply = await sent(llm["actionHook"], n=1)
    assert json.loads(reply.body) == [{"verb": "say", "text": "Goodbye +1, 1."}]
    reply = await sent(llm["toolHook"], tool_call_id="call_1", name="price")
    assert json.loads(reply.body) == {"caller": "+1", "of": "price"}


class Desk:
    def over(self) -> Verb:
        return Say(text="Over.")


@pytest.mark.parametrize("function", [lambda: None, Desk().over, functools.partial(rung_off, CALL)])
async def test_a_function_without_a_name_is_lost_with_its_process_and_that_is_told_once(
    function: Callable[..., Any],
) -> None:
    before = application(lambda: [Llm(vendor="openai", llm_options={}, action_hook=function)])
    [llm] = await before.answer({})
    after = application(said)
    after.resume({})
    with capture_logs() as logs:
        assert (after.address(llm["actionHook"]), after.address(llm["actionHook"])) == (None, None)
        assert (await sent(llm["actionHook"])).status == 404
    assert [(line["event"], line["hook"]) for line in logs] == [("application.hook_lost", "actionHook")]


@pytest.mark.parametrize("where", ["os:getpid", "tests.hooks.applications.test_python:missing", "x", "os:path.join"])
async def test_no_function_is_called_that_did_not_come_with_an_application(where: str) -> None:
    after = application(said)
    after.resume({})
    assert after.address(f"python:CS1/actionHook/{where}") is None
    assert after.address("python:CS2/actionHook/tests.hooks.applications.test_python:rung_off") is None
