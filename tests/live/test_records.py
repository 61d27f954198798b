"""Calls as their operators see them: while they go on, when they are over, and after a restart. The whole server."""

import asyncio
import json
import stat
import wave
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from tests.live.calling import Call
from tests.live.serving import (
    FRAME,
    LLM,
    PATIENCE_S,
    Application,
    JsonObject,
    Model,
    Platform,
    Running,
    a_config,
    a_good_call,
    rehearsing,
    serving,
    until,
    until_audio,
)

TOKEN = "token of the operators"
TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
VERB = {
    **LLM,
    "eventHook": "/event",
    "toolHook": "/tool",
    "events": ["conversation.item.*"],
    "llmOptions": {**LLM["llmOptions"], "session_update": {"tools": [TOOL]}},
}
SCRIPT: JsonObject = {
    "greeting": "Hello, this is a long greeting, which goes on and on until the caller says something.",
    "turns": [{"when": {"tool_result": "*"}, "say": "It is sunny."}, {"say": "Let me see.", "tool": {}}],
}


class Desk:
    """The operators' API."""

    def __init__(self, client: ClientSession, url: str) -> None:
        self.url = url
        self._client = client

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self._client.get(self.url + path, headers={"Authorization": f"Bearer {TOKEN}", **headers}) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if answer.content_type == "application/json" else raw

    async def post(self, path: str) -> tuple[int, Any]:
        async with self._client.post(self.url + path, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            return answer.status, await answer.json()

    async def follow(self, call_sid: str, last: str = "") -> list[JsonObject]:
        """Listen to a call to its end; give its events, and the ids."""
        headers = {"Authorization": f"Bearer {TOKEN}", **({"Last-Event-ID": last} if last else {})}
        async with self._client.get(f"{self.url}/api/calls/{call_sid}/events", headers=headers) as answer:
            assert (answer.status, answer.content_type) == (200, "text/event-stream")
            return events_in(await answer.text())


def events_in(stream: str) -> list[JsonObject]:
    found = []
    for part in stream.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in part.splitlines() if line and not line.startswith(":"))
        if fields:
            found.append({"id": fields.get("id"), "kind": fields["event"], "data": json.loads(fields["data"])})
    return found


def of_kind(events: list[JsonObject], kind: str) -> list[JsonObject]:
    return [event["data"] for event in events if event["kind"] == kind]


def config_of(model: Model, base: str, **sections: Any) -> JsonObject:
    server = {"admin_token": TOKEN, **sections.pop("server", {})}
    route = {"verbs": [VERB], "media": {"record": True}}
    return a_config(model, base, route=route, server=server, **{"store": "sqlite:///calls.db", **sections})


@asynccontextmanager
async def at_work(folder: Path, **sections: Any) -> AsyncIterator[tuple[Running, Desk, Application, ClientSession]]:
    application = Application()
    application.answers["/tool"] = lambda: web.json_response({"result": "sunny"})
    async with (
        rehearsing(SCRIPT) as model,
        application.serving() as base,
        ClientSession() as client,
        serving(folder, config_of(model, base, **sections)) as running,
    ):
        yield running, Desk(client, running.url), application, client


async def a_call(url: str) -> Call:
    """Hold a call: the caller interrupts the greeting, asks something, hears the answer, and hangs up."""
    call = Call(url)
    running = asyncio.create_task(call.live.run())
    await until(lambda: "agent_started_speaking" in call.names())
    call.say("Please tell me the weather.")
    async with asyncio.timeout(2 * PATIENCE_S):
        while call.names().count("agent_started_speaking") < 2 or call.names()[-1] != "agent_stopped_speaking":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    call.live.hang_up()
    await running
    return call


async def test_a_call_is_listed_told_and_recorded_and_still_is_after_a_restart(tmp_path: Path) -> None:
    async with at_work(tmp_path) as (running, desk, application, client):
        holding = asyncio.create_task(a_call(running.url))
        live: JsonObject = {}

        async def is_talking() -> bool:
            live.update((await desk.get("/api/calls"))[1])
            return any(call["state"] == "in_progress" for call in live["calls"])

        await until_true(is_talking)
        sid = live["calls"][0]["call_sid"]
        assert live["calls"][0]["reason_code"] is None
        following = asyncio.create_task(desk.follow(sid))
        assert (await desk.get(f"/api/calls/{sid}"))[1]["state"] == "in_progress"
        await holding
        events = await following
        await until(lambda: application.bodies("/final"))
        [told] = application.bodies("/final")

        async def is_over() -> bool:
            return bool((await desk.get(f"/api/calls/{sid}"))[1]["state"] == "completed")

        await until_true(is_over)
        status, record = await desk.get(f"/api/calls/{sid}")
        assert status == 200
        assert_told(record, told, application)
        assert_streamed(events, record)
        status, sound = await desk.get(f"/api/calls/{sid}/recording.wav")
        assert status == 200
        assert_recorded(sound, record)
        assert await desk.get(f"/api/calls/{sid}/recording.wav", Range="bytes=0-3") == (206, b"RIFF")
        async with client.head(
            f"{desk.url}{record['recording']}", headers={"Authorization": f"Bearer {TOKEN}"}
        ) as head:
            kept = {name: head.headers[name] for name in ("Content-Type", "Cache-Control", "Content-Length")}
        assert kept == {"Content-Type": "audio/wav", "Cache-Control": "no-store", "Content-Length": str(len(sound))}
        assert running.journal.getvalue().count("+15557654321") == 0
    [file] = (tmp_path / "recordings").iterdir()
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    assert sid not in file.name
    async with at_work(tmp_path) as (_, desk, _, _):
        assert (await desk.get(f"/api/calls/{sid}"))[1] == record
        assert await desk.get(f"/api/calls/{sid}/recording.wav") == (200, sound)
        past = await desk.follow(sid)
        assert of_kind(past, "transcript") == [
            {"conversation": 0, "line": n, **line} for n, line in enumerate(record["transcript"], 1)
        ]
        assert of_kind(past, "end") == of_kind(events, "end")
        assert await desk.follow(sid, last=past[3]["id"]) == past[4:]
        assert await desk.get(f"/api/calls/{sid}/events", **{"Last-Event-ID": past[-1]["id"]}) == (204, b"")


def assert_told(record: JsonObject, told: JsonObject, application: Application) -> None:
    assert record["transcript"] == told["transcript"]
    assert (record["reason_code"], record["usage"], record["cost"]) == ("caller_hung_up", told["usage"], told["cost"])
    assert record["cost"]["usd"] > 0
    assert sum(bill["usage"]["input"] for bill in record["bills"]) == record["usage"]["input_tokens"]
    [tool] = record["tools"]
    assert (tool["name"], tool["output"]) == ("get_weather", "sunny")
    assert record["turns"]
    assert all(turn["latency_ms"] > 0 for turn in record["turns"])
    assert [hook["seq"] for hook in record["hooks"]] == list(range(1, len(record["hooks"]) + 1))
    assert {hook["kind"] for hook in record["hooks"]} == {"event", "tool", "action"}
    assert {(hook["state"], hook["attempts"]) for hook in record["hooks"]} == {("delivered", 1)}
    assert {hook["last_status"] for hook in record["hooks"]} == {200, 204}
    assert len(record["hooks"]) == len(application.received)
    assert [state["state"] for state in record["states"]] == ["ringing", "in_progress", "completed"]


def assert_streamed(events: list[JsonObject], record: JsonObject) -> None:
    assert [event["kind"] for event in events][-1] == "end"
    assert of_kind(events, "end")[0]["reason_code"] == "caller_hung_up"
    assert [state["state"] for state in of_kind(events, "state")] == ["ringing", "in_progress", "completed"]
    lines = {line.pop("line"): line for line in of_kind(events, "transcript")}
    assert [
        {k: v for k, v in line.items() if k != "conversation"} for line in lines.values() if line["text"]
    ] == record["transcript"]
    assert len(of_kind(events, "turn")) == len(record["turns"])
    assert of_kind(events, "tool")[-1]["output"] == record["tools"][0]["output"]
    assert len(of_kind(events, "barge_in")) == 1
    assert {hook["seq"] for hook in of_kind(events, "hook")} == {hook["seq"] for hook in record["hooks"]}


def assert_recorded(sound: bytes, record: JsonObject) -> None:
    with wave.open(BytesIO(sound)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (2, 2, 24_000)
        lasted_s = wav.getnframes() / 24_000
        both = array("h", wav.readframes(wav.getnframes()))
    assert record["conversations"][0]["duration_s"] - 1.5 < lasted_s < record["conversations"][0]["duration_s"] + 0.5
    for channel in (both[0::2], both[1::2]):
        assert max(channel) > 1000


async def until_true(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():  # noqa: ASYNC110  # nobody announces it
            await asyncio.sleep(0.02)


async def test_a_listener_that_does_not_read_and_goes_away_changes_nothing_for_the_call(tmp_path: Path) -> None:
    async with at_work(tmp_path, store="memory://") as (running, desk, _, client):
        platform = Platform(client, running.url, "")
        document = await platform.ring("c-1")
        socket = await platform.open(document)
        await socket.send_bytes(FRAME * 2)
        await until_audio(socket)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
        request = f"GET /api/calls/c-1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        writer.write(request.encode())
        assert b"200 OK" in await reader.readuntil(b"\r\n")
        assert (await desk.get("/api/calls/c-1"))[1]["state"] == "in_progress"
        assert (await desk.get("/api/calls/c-1/recording.wav"))[0] in {
            200,
            404,
        }  # nothing is written before it is three seconds old
        await socket.close()
        await platform.ended(document, call_status="completed")
        writer.close()
        assert (await desk.follow("c-1"))[-1]["kind"] == "end"


async def test_a_dead_hook_is_listed_and_sent_again(tmp_path: Path) -> None:
    async with at_work(tmp_path, store="memory://", hooks={"retry_s": []}) as (running, desk, application, client):
        application.answers["/final"] = lambda: web.Response(status=503)
        await a_good_call(Platform(client, running.url, ""), "c-1")
        listed: list[JsonObject] = []

        async def is_dead() -> bool:
            listed[:] = (await desk.get("/api/hooks"))[1]
            return [entry["state"] for entry in listed] == ["dead"]

        await until_true(is_dead)
        keys = {"id", "kind", "call_sid", "seq", "url", "state", "attempts", "next_at", "last_error"}
        assert set(listed[0]) == keys
        assert (listed[0]["kind"], listed[0]["last_error"]) == ("action", "HTTP 503")
        del application.answers["/final"]
        answer = await desk.post(f"/api/hooks/{listed[0]['id']}/replay")
        assert answer == (202, {"id": listed[0]["id"], "state": "pending"})
        await until(lambda: len(application.bodies("/final")) == 2)
        first, again = [headers for path, _, headers in application.received if path == "/final"]
        assert first["webhook-id"] == again["webhook-id"]

        async def is_delivered() -> bool:
            return not (await desk.get("/api/hooks"))[1]

        await until_true(is_delivered)
        assert (await desk.post(f"/api/hooks/{listed[0]['id']}/replay"))[0] == 404
        hooks = (await desk.get("/api/calls/c-1"))[1]["hooks"]
        assert [hook["state"] for hook in hooks if hook["kind"] == "action"] == ["delivered"]


@pytest.mark.parametrize("path", ["", "/c-1", "/c-1/events", "/c-1/recording.wav"])
async def test_only_who_shows_the_admin_token_sees_anything(tmp_path: Path, path: str) -> None:
    async with at_work(tmp_path, store="memory://") as (_, desk, _, _):
        assert (await desk.get(f"/api/calls{path}", Authorization="Bearer wrong"))[0] == 401
        assert (await desk.get("/api/hooks", Authorization=""))[0] == 401
        if path:
            status, answer = await desk.get(f"/api/calls{path}")
            assert (status, answer["error"]["code"]) == (404, "call_unknown")
