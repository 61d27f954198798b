"""A whole call whose `llm` verb the platform carries out, over HTTP, as feature-server posts it and reads the answers.

Source: jambonz-feature-server lib/utils/http-requestor.js, lib/tasks/llm/llms/openai_s2s.js.
"""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from api.webhooks import MAX_BODY_BYTES
from hooks.transports.base import HookReply
from tests.api.test_webhooks import BODY, SIGNED, WEBHOOK_SECRET, Desk, desk_for  # noqa: F401  # a fixture
from tests.calls.exchange import SAY, settings_of, verbs_reply
from tests.calls.test_native import LIVE, ROUTE

TALK: dict[str, Any] = {**ROUTE, "verbs": [*ROUTE["verbs"], SAY]}
SERVER = {"public_url": "https://voice.example.com"}


class FeatureServer:
    """What the platform does with an `llm` verb: it posts, and goes on by the answers; see the source above."""

    def __init__(self, desk: Desk, llm: dict[str, Any]) -> None:
        self._desk = desk
        self._llm = llm
        self.to_model: list[dict[str, Any]] = []
        self.completion_reason = ""

    async def _request(self, hook: str, body: Any) -> Any:
        path = self._llm[hook].removeprefix(SERVER["public_url"])
        status, answer, headers = await self._desk.platform.post(path, body)
        if status not in {200, 202, 204}:
            raise ConnectionError(status)
        return answer if "application/json" in headers.get("Content-Type", "") else ""

    async def server_event(self, event: dict[str, Any]) -> None:
        """lib/tasks/llm/llms/openai_s2s.js: _onServerEvent."""
        item = event.get("item", {})
        if event["type"] == "response.output_item.done" and item.get("type") == "function_call":
            asked = {"tool_call_id": item["call_id"], "name": item["name"], "args": json.loads(item["arguments"])}
            try:
                await self._tool(await self._request("toolHook", asked))
            except (ConnectionError, TypeError):
                self.completion_reason = "client error calling function"
        if event["type"] not in {"response.audio.delta", "response.output_audio.delta"}:
            assert await self._request("eventHook", event) == ""
        if event["type"] == "error":
            self.completion_reason = "server error"

    async def _tool(self, reply: Any) -> None:
        if not isinstance(reply, dict):
            raise TypeError
        if reply.get("type") == "conversation.item.create":  # any other is dropped
            self.to_model += [reply, {"type": "response.create"}]

    async def end(self, **attributes: Any) -> list[dict[str, Any]]:
        reason = self.completion_reason or "normal conversation end"
        answer = await self._request("actionHook", {**LIVE, "completion_reason": reason, **attributes})
        assert isinstance(answer, list)
        return answer


async def calling(desk: Desk) -> FeatureServer:
    status, [llm, *_], _ = await desk.platform.post("/call", BODY)
    assert status == 200
    assert llm["auth"] == {"apiKey": "sk-of-the-verb"}
    return FeatureServer(desk, llm)


def function_call(arguments: str = '{"city": "Rome"}', name: str = "get_weather") -> dict[str, Any]:
    item = {"type": "function_call", "call_id": "call_9", "name": name, "arguments": arguments}
    return {"type": "response.output_item.done", "item": item}


@pytest.fixture
async def desk(desk_for: Any) -> Desk:  # noqa: F811  # the fixture
    made: Desk = await desk_for(settings_of(TALK, platform=SIGNED, server=SERVER), WEBHOOK_SECRET)
    return made


@pytest.mark.claim("J1", "J9", "J10")
async def test_a_whole_call_is_carried_out_by_the_platform_and_told_to_the_application(desk: Desk) -> None:
    desk.exchange.applications.answers = {
        "/toolCall": (0.0, HookReply(200, "text/plain", b"sunny")),
        "/final": verbs_reply({"verb": "play", "url": "x"}),
    }
    server = await calling(desk)
    for type_ in ("session.created", "response.created", "response.brand_new"):
        await server.server_event({"type": type_})
    await server.server_event(function_call())
    assert server.to_model == [
        {
            "type": "conversation.item.create",
            "item": {"type": "function_call_output", "call_id": "call_9", "output": "sunny"},
        },
        {"type": "response.create"},
    ]
    await server.server_event({"type": "error", "error": {"code": "x"}})
    assert [verb["verb"] for verb in await server.end(error={"code": "x"})] == ["play", "hangup"]
    told = desk.exchange.applications
    events = [body["type"] for body in told.bodies("/event")]
    assert events == ["response.created", "response.brand_new", "response.output_item.done"]
    assert [body["reason_code"] for body in told.bodies("/final")] == ["x"]


async def test_no_call_of_a_tool_ends_the_conversation_whatever_it_holds(desk: Desk) -> None:
    server = await calling(desk)
    for call in (
        function_call("5"),
        function_call("null"),
        function_call('{"city": "\\ud800"}'),
        function_call(name="x" * 99),
    ):
        await server.server_event(call)
    assert (len(server.to_model), server.completion_reason) == (8, "")


async def test_a_tool_that_is_called_with_half_a_character_is_answered_by_the_calls_own_id(desk: Desk) -> None:
    _, [llm, *_], _ = await desk.platform.post("/call", BODY)
    path = llm["toolHook"].removeprefix(SERVER["public_url"])
    body = b'{"tool_call_id": "call_9", "name": "get_weather", "args": {"city": "\\ud800"}}'
    status, answer, _ = await desk.platform.post(path, body)
    assert (status, answer["item"]["call_id"], answer["item"]["type"]) == (200, "call_9", "function_call_output")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"type": NaN}', b'{"type": {}}', b"[" * 100_000, b"x" * (MAX_BODY_BYTES + 1)]
)
async def test_a_body_that_cannot_be_read_is_answered_with_what_ends_no_call(desk: Desk, body: bytes) -> None:
    _, [llm, *_], _ = await desk.platform.post("/call", BODY)
    paths = {name: llm[name].removeprefix(SERVER["public_url"]) for name in ("eventHook", "toolHook", "actionHook")}
    with capture_logs() as logs:
        event = await desk.platform.post(paths["eventHook"], body)
        tool = await desk.platform.post(paths["toolHook"], body)
        action = await desk.platform.post(paths["actionHook"], body)
    assert event[0] == 204
    assert "Content-Type" not in event[2]
    assert (tool[0], tool[1]["item"]["call_id"], "no tool named" in tool[1]["item"]["output"]) == (200, "", True)
    assert action[:2] == (200, [])
    assert {line["event"] for line in logs} <= {"body_unreadable", "conversation_ended"}


async def test_who_has_shown_no_secret_gets_the_document_without_the_key(desk_for: Any) -> None:  # noqa: F811
    desk = await desk_for(settings_of(TALK))
    with capture_logs() as logs:
        _, [llm, *_], _ = await desk.platform.post("/call", BODY)
    assert "auth" not in llm
    assert [line["event"] for line in logs] == ["native_key_withheld"]
