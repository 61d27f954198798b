"""A conversation that is steered while it goes on, over HTTP and by a tool of its own. The whole server."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse

from tests.live.serving import (
    FRAME,
    LLM,
    PATIENCE_S,
    JsonObject,
    Model,
    Platform,
    a_config,
    rehearsing,
    serving,
    until,
    until_audio,
    until_closed,
)

TOKEN = "token of the operators"
SERVER = {"admin_token": TOKEN}
TALK = {key: value for key, value in LLM.items() if key != "actionHook"}
LONG = "Hello, this is a long greeting, which goes on and on until somebody has had enough of it and cuts it short."
TOOL = '''
import asyncio

from hookswitch import Call


async def start_over(call: Call) -> str:
    """Begin a new session."""
    await call.agent.reset()
    call.notes["reset"] = True
    return "It is done."


def hush(call: Call) -> str:
    """Stop hearing the caller."""
    call.agent.wait(call.agent.pause_input())
    return "They are not heard."
'''


class Desk:
    """The operators' API of one call."""

    def __init__(self, client: ClientSession, url: str) -> None:
        self._client = client
        self._url = f"{url}/api/calls/c-1"

    async def ask(self, path: str, body: Any = None, *, method: str = "POST") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        sent = {} if body is None else {"json": body}
        async with self._client.request(method, f"{self._url}/{path}", headers=headers, **sent) as answer:
            return answer.status, await answer.json()


async def speak(media: ClientWebSocketResponse) -> None:
    """Be a caller on the line until it is cut."""
    while not media.closed:
        await media.send_bytes(FRAME)
        await asyncio.sleep(0.02)


def appended(model: Model) -> int:
    return sum(event["type"] == "input_audio_buffer.append" for event in model.heard)


@pytest.mark.claim("P22")
async def test_an_operator_steers_a_call_over_http(tmp_path: Path) -> None:
    async with rehearsing({"greeting": LONG}, {"greeting": "Welcome back."}) as model, ClientSession() as client:
        config = a_config(model, None, route={"verbs": [TALK], "start_paused": True}, server=SERVER)
        async with serving(tmp_path, config) as running:
            platform, desk = Platform(client, running.url), Desk(client, running.url)
            assert (await desk.ask("interrupt"))[1]["error"]["code"] == "call_unknown"
            document = await platform.ring()
            media = await platform.open(document)
            speaking = asyncio.create_task(speak(media))
            await until_audio(media)

            assert appended(model) == 0
            assert await desk.ask("input", {"paused": False}) == (200, {"call_sid": "c-1", "paused": False})
            await until(lambda: appended(model) > 5)
            assert (await desk.ask("input", {"paused": True}))[0] == 200
            await until(lambda: "input_audio_buffer.clear" in model.told())

            status, said = await desk.ask("interrupt")
            assert (status, said["interrupted"]) == (200, True)
            await until(lambda: "conversation.item.truncate" in model.told())

            status, added = await desk.ask("items", {"text": "The caller is Ann.", "role": "system"})
            assert (status, added["item"]["role"]) == (200, "system")
            status, found = await desk.ask(f"items/{added['id']}", method="GET")
            assert (status, found["item"]["content"][0]["text"]) == (200, "The caller is Ann.")
            assert (await desk.ask("items/nobody", method="GET"))[0] == 404
            status, refused = await desk.ask("events", {"type": "conversation.item.delete", "item_id": "nobody"})
            assert (status, refused["error"]["code"]) == (422, "item_delete_invalid_item_id")
            status, done = await desk.ask("events", {"type": "conversation.item.delete", "item_id": added["id"]})
            assert (status, done["event"]["type"]) == (200, "conversation.item.deleted")

            before = appended(model)
            status, reset = await desk.ask("reset", {"history": False})
            assert (status, reset["history"], len(model.sessions)) == (200, "dropped", 2)
            await until_audio(media)
            assert appended(model) <= before + 1  # what was on its way
            assert (await desk.ask("hangup"))[0] == 202
            await until_closed(media)
            await asyncio.wait_for(speaking, PATIENCE_S)
            assert await platform.ended(document) == [{"verb": "hangup"}]


@pytest.mark.claim("P38")
async def test_a_tool_steers_its_own_call(tmp_path: Path) -> None:
    (tmp_path / "my_tools.py").write_text(TOOL, encoding="utf-8")
    script: JsonObject = {
        "greeting": "",
        "turns": [
            {"say": "", "tool": {"name": "hush"}},
            {"when": {"tool_result": "*"}, "say": "", "tool": {"name": "start_over"}},
        ],
    }
    tools = {name: {"python": f"my_tools:{name}"} for name in ("start_over", "hush")}
    async with rehearsing(script, {"greeting": "I am back."}) as model, ClientSession() as client:
        config = a_config(model, None, route={"verbs": [TALK], "tools": tools}, server=SERVER)
        async with serving(tmp_path, config) as running:
            platform, desk = Platform(client, running.url), Desk(client, running.url)
            document = await platform.ring()
            media = await platform.open(document)
            await until(lambda: "response.create" in model.told())
            assert (await desk.ask("events", {"type": "response.create"}))[0] in {200, 202}
            await until(lambda: len(model.sessions) == 2)
            await until_audio(media)
            await until(lambda: any("It is done." in str(event) for event in model.heard))
            assert "input_audio_buffer.clear" in model.told()
            await media.close()
            await platform.ended(document, call_status="completed")
