"""The rehearsal model on a real socket, met by clients that are none of ours."""

import asyncio
import base64
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import websockets
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from sim import voice
from sim.model import RehearsalSession, Script, serve
from tests.oracles import check_server

KEY = {"Authorization": "Bearer sk-test"}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {}}},
}
QUICK = {"thinking_s": 0, "delta_rate": 1000, "transcription_s": 0}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    script = {**QUICK, "caller": ["What is the weather in Boston?"]}
    async with serve(Script.of(script)) as address:
        yield address


async def events_until(conn: AsyncRealtimeConnection, last: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] != last:
        events.append(json.loads(await conn.recv_bytes()))
        assert check_server(events[-1]) == []
    return events


def transcript(events: list[dict[str, Any]]) -> str:
    [done] = [event for event in events if event["type"] == "response.output_audio_transcript.done"]
    return str(done["transcript"])


async def test_openais_client_holds_a_whole_conversation(url: str) -> None:
    base_url = url.replace("ws:", "http:").removesuffix("/realtime")
    async with (
        AsyncOpenAI(api_key="sk-test", base_url=base_url) as client,
        client.realtime.connect(model="gpt-realtime-2.1") as conn,
    ):
        [created] = await events_until(conn, "session.created")
        assert created["session"]["model"] == "gpt-realtime-2.1"
        audio = {"input": {"transcription": {"model": "gpt-transcribe"}}}
        session = {"type": "realtime", "output_modalities": ["audio"], "tools": [WEATHER], "audio": audio}
        await conn.session.update(session=cast("Any", session))
        await events_until(conn, "session.updated")
        await conn.response.create()
        assert "rehearsal voice" in transcript(await events_until(conn, "response.done"))
        question = voice.caller_line("What is the weather in Boston?") + voice.silence(300)
        await conn.input_audio_buffer.append(audio=base64.b64encode(question).decode())
        events = await events_until(conn, "response.done")
        call = next(event for event in events if event["type"] == "response.function_call_arguments.done")
        assert call["arguments"] == '{"city": "Boston"}'
        output = '{"temperature": 21, "conditions": "sunny"}'
        result = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
        await conn.conversation.item.create(item=cast("Any", result))
        await conn.response.create()
        assert transcript(await events_until(conn, "response.done")) == "It is 21 degrees and sunny in Boston."
        await conn.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        await conn.response.create()
        events = await events_until(conn, "response.done")
        assert any(event["type"] == "response.output_text.done" for event in events)


async def refusal(url: str, headers: dict[str, str]) -> tuple[int, Any]:
    with pytest.raises(websockets.exceptions.InvalidStatus) as caught:
        await websockets.connect(url, additional_headers=headers)
    response = caught.value.response
    assert response.headers["Content-Type"] == "application/json"
    return response.status_code, json.loads(response.body or b"")["error"]


async def test_a_missing_key_and_a_wrong_path_are_refused_before_the_upgrade(url: str) -> None:
    status, error = await refusal(f"{url}?model=x", {})
    assert (status, error["code"]) == (401, "invalid_api_key")
    status, _ = await refusal(f"{url}?model=x", {"Authorization": "Bearer "})
    assert status == 401
    status, error = await refusal(url.replace("/v1/", "/v2/"), KEY)
    assert (status, error["code"]) == (404, "not_found")


async def test_a_script_may_refuse_the_upgrade() -> None:
    async with serve(Script.of({"faults": {"http_status": 429}})) as url:
        assert (await refusal(f"{url}?model=x", KEY))[0] == 429


@pytest.mark.parametrize(
    ("query", "headers", "code"),
    [("?model=x", {"OpenAI-Beta": "realtime=v1"}, "beta_api_shape_disabled"), ("", {}, "missing_model")],
)
async def test_the_beta_and_a_missing_model_are_refused_after_it(
    url: str, query: str, headers: dict[str, str], code: str
) -> None:
    async with websockets.connect(url + query, additional_headers=KEY | headers) as socket:
        event = json.loads(await socket.recv())
        assert check_server(event) == []
        assert event["error"]["code"] == code
        with pytest.raises(websockets.exceptions.ConnectionClosedError) as caught:
            await socket.recv()
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4000, f"invalid_request_error.{code}")


async def heard_to_the_end(url: str) -> None:
    socket = await websockets.connect(f"{url}?model=x", additional_headers=KEY)
    while True:
        await socket.recv()


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ({"close_after_s": 0, "close_code": 4000}, 4000),
        ({"close_after_s": 0, "close_code": 1012}, 1012),
        ({"close_after_s": 0, "close_code": 1006}, None),
        ({"drop_after_s": 0}, None),
    ],
)
async def test_a_script_may_end_the_connection(faults: dict[str, Any], code: int | None) -> None:
    async with serve(Script.of({"faults": faults})) as url:
        with pytest.raises(websockets.exceptions.ConnectionClosedError) as caught:
            await heard_to_the_end(url)
    assert (caught.value.rcvd.code if caught.value.rcvd else None) == code


async def test_a_session_may_be_opened_by_another() -> None:
    opened: list[RehearsalSession] = []

    def opens(*args: Any, **options: Any) -> RehearsalSession:
        opened.append(RehearsalSession(*args, **options))
        return opened[-1]

    async with (
        serve(Script(), opens=opens) as url,
        websockets.connect(f"{url}?model=x", additional_headers=KEY) as socket,
    ):
        assert json.loads(await socket.recv())["type"] == "session.created"
    assert len(opened) == 1


async def test_two_sessions_share_no_identifier(url: str) -> None:
    ids = []
    for _ in range(2):
        async with websockets.connect(f"{url}?model=x", additional_headers=KEY) as socket:
            ids.append(json.loads(await socket.recv())["session"]["id"])
    assert ids[0] != ids[1]


async def test_it_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    scene = tmp_path / "scene.yaml"
    scene.write_text("greeting: Yes.\n", encoding="utf-8")
    program = (
        f"import pathlib; from sim.model import run_model; raise SystemExit(run_model(0, pathlib.Path({str(scene)!r})))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, cwd=Path(voice.__file__).parents[2]
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert line.startswith("listening on ws://127.0.0.1:")
    assert line.endswith("/v1/realtime\n")
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def test_the_first_session_may_be_refused_and_the_next_one_taken() -> None:
    script = {**QUICK, "sessions": [{"faults": {"http_status": 503}}]}
    async with serve(Script.of(script)) as address:
        assert (await refusal(f"{address}?model=x", KEY))[0] == 503
        async with websockets.connect(f"{address}?model=x", additional_headers=KEY) as socket:
            assert json.loads(await socket.recv())["type"] == "session.created"
