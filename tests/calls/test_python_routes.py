"""Routes whose application is a function of this process, in virtual time."""

from collections.abc import Callable
from typing import Any

from structlog.testing import capture_logs

from config import Settings
from hookswitch import Call, Dial, End, Hangup, Llm, Pause, Say, Verb, other
from media.effects import End as Ended
from tests.calls.exchange import SORRY, Exchange, in_virtual_time, listen_in, names, settings_of, settled

AGENT = Ended("normal conversation end", "agent_hung_up", "agent")


def served_by(function: Callable[..., Any]) -> Settings:
    """Make a configuration whose one route is this function's."""
    settings = settings_of({"python": "os:getpid"})
    return settings.model_copy(update={"applications": {"route-0": function}})


def talk(**more: Any) -> Llm:
    return Llm(vendor="openai", model="gpt-realtime-2.1", llm_options={"response_create": {}}, **more)


@in_virtual_time
async def test_a_whole_call_is_told_in_functions() -> None:
    seen: list[Any] = []

    async def answer(call: Call) -> list[Verb]:
        call.notes["began"] = call.caller
        return [Say(text="One moment."), talk(action_hook=done, event_hook=heard), Hangup()]

    def heard(call: Call, event: dict[str, Any]) -> None:
        seen.append((call.notes["began"], event["type"]))

    async def done(call: Call, end: End) -> list[Verb]:
        seen.append((call.notes["began"], end["reason_code"]))
        return [Dial(target=[{"type": "phone", "number": "+15550000000"}], action_hook=dialled)]

    def dialled(call: Call, body: dict[str, Any]) -> Verb:
        seen.append((call.notes["began"], body["dial_status"]))
        return Say(text="Goodbye.")

    exchange = Exchange(served_by(answer))
    verbs = await exchange.ring()
    assert names(verbs) == ["say", "listen", "say", "hangup"]
    line = await exchange.open(verbs)
    assert line
    line._hooks.report("session.created", {"type": "session.created"})
    line.finish(AGENT)
    await settled()
    [dial, hangup] = await exchange.ended(verbs)
    assert (dial["verb"], hangup) == ("dial", {"verb": "hangup"})
    assert dial["actionHook"].startswith("https://voice.example.com/agent/call/hook/")
    assert await exchange.hook(dial["actionHook"], dial_status="busy") == [
        {"verb": "say", "text": "Goodbye."},
        {"verb": "hangup"},
    ]
    told = "+15557654321"
    assert seen == [(told, "session.created"), (told, "agent_hung_up"), (told, "busy")]


@in_virtual_time
async def test_its_tools_see_the_same_call() -> None:
    outputs: list[str] = []

    def answer(call: Call) -> Verb:
        call.notes["city"] = "Oslo"
        return talk(tool_hook=lambda call, asked: {"city": call.notes["city"], "name": asked["name"]})

    exchange = Exchange(served_by(answer))
    line = await exchange.open(await exchange.ring())
    assert line
    line._hooks.call_tool("call_9", "where", {}, outputs.append)
    await settled()
    assert outputs == ['{"city":"Oslo","name":"where"}']


@in_virtual_time
async def test_a_function_that_fails_costs_the_call_its_verbs_but_not_its_fallback() -> None:
    def answer(call: Call) -> list[Verb]:
        raise LookupError(call.caller)

    exchange = Exchange(served_by(answer))
    with capture_logs() as logs:
        assert await exchange.ring() == SORRY
    [failed] = [entry for entry in logs if entry["event"] == "application_failed"]
    assert "LookupError at test_python_routes.py" in failed["message"]
    assert "+15557654321" not in failed["message"]


@in_virtual_time
async def test_what_the_platform_may_not_know_is_passed_on() -> None:
    exchange = Exchange(served_by(lambda: [other("say", text="Hi.", mood="warm"), Pause(length=1)]))
    assert names(await exchange.ring()) == ["say", "pause", "hangup"]


@in_virtual_time
async def test_the_second_of_two_webhooks_gets_the_firsts_document() -> None:
    count = iter(range(9))
    exchange = Exchange(served_by(lambda: [Say(text=str(next(count))), talk()]))
    first, again = await exchange.ring(), await exchange.ring()
    assert first == again
    assert listen_in(first)
