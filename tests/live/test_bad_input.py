"""What strangers, a broken platform, a broken model and broken applications do to a server: nothing that lasts."""

import asyncio
import json
import re
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSServerHandshakeError, web

from media.ticket import Ticket, sign
from tests.live.serving import (
    FRAME,
    KEY,
    LLM,
    SORRY,
    WEBHOOK_SECRET,
    Application,
    Model,
    Platform,
    Running,
    a_body,
    a_config,
    a_good_call,
    listen_in,
    names,
    rehearsing,
    serving,
    until,
    until_audio,
    until_closed,
)
from tests.live.serving import sign as signature

JsonObject = dict[str, Any]
TICKET_SECRET = "secret of the tickets"
HOOK_SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSBob29rcyEhISEhISEh"
HEARTBEAT_S = 0.2
GRACE_S = 1.0
"For the end of a call whose socket is gone, on a machine that has more to do."
OWN_KEY = "sk-key-of-the-verb-0002"
SECRETS = (KEY, WEBHOOK_SECRET, TICKET_SECRET, HOOK_SECRET, OWN_KEY, "+15557654321", "15557654321")


@dataclass
class Scene:
    """Everything that takes part. When the block is left, a good call has worked and nothing was left behind."""

    platform: Platform
    application: Application
    model: Model
    running: Running


@asynccontextmanager
async def a_scene(
    folder: Path, route: JsonObject | None = None, script: JsonObject | None = None, **sections: Any
) -> AsyncIterator[Scene]:
    application = Application()
    config: JsonObject = {
        "platform": {"webhook_secrets": [WEBHOOK_SECRET]},
        "server": {"ticket_secret": TICKET_SECRET, "body_timeout_s": 0.2, **sections.pop("server", {})},
        "hooks": {"secrets": [HOOK_SECRET], "action_timeout_s": 1, "retry_s": [0.05], **sections.pop("hooks", {})},
    }
    async with rehearsing(script) as model, application.serving() as base, ClientSession() as client:
        whole = a_config(model, base, route={"verbs": [LLM], **(route or {})}, **config, **sections)
        async with serving(folder, whole) as running:
            before = asyncio.all_tasks()
            platform = Platform(client, running.url)
            yield Scene(platform, application, model, running)
            if "faults" not in (script or {}):
                await a_good_call(platform)
            await until(lambda: {task for task in asyncio.all_tasks() if not _is_aiohttps(task)} <= before)
    written = running.journal.getvalue()
    assert [secret for secret in SECRETS if secret in written] == []


def _is_aiohttps(task: asyncio.Task[Any]) -> bool:
    """A connection that is kept alive is no leak."""
    return "RequestHandler.start" in repr(task)


# The media socket


async def refused(scene: Scene, url: str, **options: Any) -> int:
    with pytest.raises(WSServerHandshakeError) as caught:
        await scene.platform.client.ws_connect(url, **options)
    return caught.value.status


async def test_a_ticket_that_is_none_or_not_for_media_opens_nothing(tmp_path: Path) -> None:
    async with a_scene(tmp_path, {"verbs": [{"verb": "say", "text": "Hello."}, LLM]}) as scene:
        document = await scene.platform.ring()
        url, action = listen_in(document)["url"], listen_in(document)["actionHook"]
        base, _, ticket = url.rpartition("/")
        other = "A" if ticket[20] != "A" else "B"
        wrong = [
            f"{base}/{ticket[:20]}{other}{ticket[21:]}",
            f"{base}/{ticket[:-1]}",
            f"{base}/{action.rpartition('/')[2]}",
            f"{base}/{sign(Ticket(bytes(12), 0, 'media'), b'another secret')}",
            f"{base.replace('jambonz', 'twilio')}/{ticket}",
        ]
        assert [await refused(scene, address) for address in wrong] == [403] * len(wrong)
        unknown = sign(Ticket(bytes(12), 0, "media"), TICKET_SECRET.encode())
        assert await refused(scene, f"{base}/{unknown}") == 410
        assert scene.model.sessions == []
        assert names(await scene.platform.ended(document)) == SORRY


async def test_refusals_are_counted_by_what_was_wrong(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        stale = signature(b"{}", WEBHOOK_SECRET, time.time() - 3600)
        for header in ("t=1,v1=00", "t=1,v1=00", stale, ""):
            assert (await scene.platform.post("/call", b"{}", **{"Jambonz-Signature": header}))[0] == 401
        for path in ("/media/jambonz/nonsense", "/metrics"):
            async with scene.platform.client.get(scene.running.url + path, headers={"Origin": "https://x.com"}) as got:
                assert got.status == 403
        assert (await scene.platform.post("/call/ended/nonsense", {}))[:2] == (200, [])
        async with scene.platform.client.get(f"{scene.running.url}/metrics") as got:
            told = re.findall(r'\nhookswitch_requests_refused_total{reason="(\w+)"} ([0-9.]+)', await got.text())
        counted = {"wrong_signature": 2, "stale_signature": 1, "unsigned": 1, "bad_ticket": 2, "foreign_origin": 1}
        assert {reason: float(count) for reason, count in told} == counted


async def test_a_ticket_is_used_once_and_not_after_the_call(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        document = await scene.platform.ring()
        url = listen_in(document)["url"]
        media = await scene.platform.open(document)
        await until_audio(media)
        assert await refused(scene, url) == 410
        assert len(scene.model.sessions) == 1
        await media.close()
        assert await scene.platform.ended(document, call_status="completed") == []
        assert await refused(scene, url) == 410
        assert len(scene.model.sessions) == 1


async def test_a_question_while_the_conversation_goes_on_ends_it_and_is_answered(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        document = await scene.platform.ring()
        media = await scene.platform.open(document)
        await until_audio(media)
        began = asyncio.get_running_loop().time()
        closed, answer = await asyncio.gather(until_closed(media), scene.platform.ended(document))
        assert (closed, answer) == (1000, [])
        assert asyncio.get_running_loop().time() - began < 2.5
        assert await scene.platform.ended(document) == []
        assert len(scene.application.bodies("/final")) == 1


async def test_a_request_that_is_no_handshake_does_not_spend_the_ticket(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        document = await scene.platform.ring()
        url = listen_in(document)["url"]
        assert await refused(scene, url, protocols=["chat.example.com"]) == 400
        async with scene.platform.client.get(url.replace("ws:", "http:")) as answer:
            assert answer.status == 400
        media = await scene.platform.open(document)
        await until_audio(media)
        await media.close()
        await scene.platform.ended(document, call_status="completed")


@pytest.mark.parametrize("offered", [["audio.jambonz.org"], ["audio.drachtio.org"], []])
async def test_both_names_of_the_subprotocol_are_taken_and_none_too(tmp_path: Path, offered: list[str]) -> None:
    async with a_scene(tmp_path) as scene:
        document = await scene.platform.ring()
        media = await scene.platform.client.ws_connect(listen_in(document)["url"], protocols=offered)
        assert media.protocol == (offered[0] if offered else None)
        await media.close()
        await scene.platform.ended(document)


async def silence_first(media: ClientWebSocketResponse) -> None:
    await media.send_bytes(FRAME)


async def no_json(media: ClientWebSocketResponse) -> None:
    await media.send_str("{")


async def another_rate(media: ClientWebSocketResponse) -> None:
    await media.send_json({"callSid": "c-1", "sampleRate": 8000, "mixType": "mono"})


async def nothing(media: ClientWebSocketResponse) -> None:
    """Say nothing at all."""


@pytest.mark.parametrize("begin", [silence_first, no_json, another_rate, nothing])
async def test_a_media_socket_that_does_not_name_its_call_is_closed(
    tmp_path: Path, begin: Callable[[ClientWebSocketResponse], Any]
) -> None:
    async with a_scene(tmp_path, {"verbs": [LLM], "media": {"metadata_timeout_s": 0.2}}) as scene:
        document = await scene.platform.ring()
        media = await scene.platform.client.ws_connect(listen_in(document)["url"])
        await begin(media)
        assert await until_closed(media) == 1008
        assert names(await scene.platform.ended(document)) == SORRY
        [end] = scene.application.bodies("/final")
        assert (end["completion_reason"], end["reason_code"]) == ("connection failure", "media_lost")


async def test_frames_of_any_length_are_heard_sample_by_sample(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        document = await scene.platform.ring()
        media = await scene.platform.open(document)
        await until_audio(media)
        sizes = [0, 1, 2, 3, 959, 960, 961, 0, 480_000, 5, 1]
        for size in sizes:
            await media.send_bytes(bytes(size))
        await media.close()
        await scene.platform.ended(document, call_status="completed")
        heard = [event["audio"] for event in scene.model.heard if event["type"] == "input_audio_buffer.append"]
        assert sum(len(audio) // 4 * 3 - audio.count("=") for audio in heard) == sum(sizes)


async def test_a_frame_that_no_platform_sends_ends_that_call_only(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        document, other = await scene.platform.ring(), await scene.platform.ring("c-2")
        beside = await scene.platform.open(other, "c-2")
        media = await scene.platform.open(document)
        await media.send_bytes(bytes(1024 * 1024 + 1))
        assert await until_closed(media) == 1009
        assert names(await scene.platform.ended(document)) == SORRY
        await until_audio(beside)
        await beside.close()
        await scene.platform.ended(other, call_sid="c-2", call_status="completed")


async def test_a_platform_that_vanishes_ends_the_call(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        document = await scene.platform.ring()
        media = await scene.platform.open(document)
        await until_audio(media)
        raw = media.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport = media._response.connection.transport  # type: ignore[union-attr]
        assert transport
        transport.abort()
        assert names(await scene.platform.ended(document)) == SORRY
        [end] = scene.application.bodies("/final")
        assert end["reason_code"] == "media_lost"


async def test_a_platform_that_vanishes_without_a_word_is_noticed_by_its_silence(tmp_path: Path) -> None:
    async with a_scene(tmp_path, server={"heartbeat_s": HEARTBEAT_S}) as scene:
        document = await scene.platform.ring()
        media = await scene.platform.open(document)
        await until_audio(media)
        transport = media._response.connection.transport  # type: ignore[union-attr]
        assert transport
        transport.pause_reading()  # the connection stands, and nobody is at its other end
        began = time.monotonic()
        await until(lambda: "conversation_ended" in scene.running.journal.events())
        took_s = time.monotonic() - began
        assert names(await scene.platform.ended(document)) == SORRY
        [end] = scene.application.bodies("/final")
        assert end["reason_code"] == "media_lost"
        transport.abort()
    assert took_s < 1.5 * HEARTBEAT_S + GRACE_S


# The model


async def fails(scene: Scene, reason_code: str) -> None:
    """Hold a call whose model is of no use: the caller hears the fallback, the application of the end."""
    document = await scene.platform.ring()
    media = await scene.platform.open(document)
    await until_closed(media)
    assert names(await scene.platform.ended(document)) == SORRY
    [end] = scene.application.bodies("/final")
    assert (end["completion_reason"], end["reason_code"]) == ("connection failure", reason_code)


@pytest.mark.claim("model that is down")
async def test_a_model_that_never_opens_a_session_is_given_up(tmp_path: Path) -> None:
    script = {"faults": {"no_session_created": True}}
    async with a_scene(tmp_path, script=script, vendor={"session_timeout_s": 0.2}) as scene:
        await fails(scene, "session_timeout")


@pytest.mark.claim("J7", "wrong API key")
async def test_a_refused_key_is_not_tried_again(tmp_path: Path) -> None:
    async with a_scene(tmp_path, script={"faults": {"http_status": 401}}) as scene:
        await fails(scene, "invalid_api_key")
        assert scene.running.journal.events().count("model_connect_failed") == 1


@pytest.mark.claim("J7", "J27", "auth", "auth.apiKey", "connectOptions")
async def test_a_verbs_own_key_goes_to_the_model_and_nowhere_else(tmp_path: Path) -> None:
    async with a_scene(tmp_path, {"verbs": [LLM | {"auth": {"apiKey": OWN_KEY}}]}) as scene:
        await a_good_call(scene.platform, "c-1")
        await until(lambda: scene.application.received)
        assert OWN_KEY not in json.dumps(scene.application.received)


# The application


@pytest.mark.claim("J10")
async def test_a_tool_that_answers_with_a_web_page_is_an_error_to_the_model(tmp_path: Path) -> None:
    tool = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
    verb = LLM | {"toolHook": "/tool", "llmOptions": {"response_create": {}, "session_update": {"tools": [tool]}}}
    script = {"greeting": {"say": "One moment.", "tool": {"name": "look", "arguments": {}}}}
    async with a_scene(tmp_path, {"verbs": [verb]}, script=script) as scene:
        told = scene.model.heard
        scene.application.answers["/tool"] = lambda: web.Response(text="<html>", content_type="text/html")
        document = await scene.platform.ring()
        media = await scene.platform.open(document)
        await until(lambda: "conversation.item.create" in scene.model.told())
        [item] = [event["item"] for event in told if event["type"] == "conversation.item.create"]
        assert (item["type"], list(json.loads(item["output"]))) == ("function_call_output", ["error"])
        assert len(scene.application.bodies("/tool")) == 1
        await media.close()
        await scene.platform.ended(document, call_status="completed")


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=500),
        lambda: web.Response(status=302, headers={"Location": "/elsewhere"}),
        lambda: web.json_response({"verb": "say"}, status=404),
        lambda: web.Response(text="{", content_type="application/json"),
        lambda: web.json_response([{"verb": 7}]),
        lambda: web.json_response("text"),
    ],
)
async def test_an_action_hook_that_answers_nonsense_is_told_of_and_passed_over(
    tmp_path: Path, answer: Callable[[], web.Response]
) -> None:
    async with a_scene(tmp_path, {"verbs": [LLM, {"verb": "pause", "length": 1}]}) as scene:
        scene.application.answers["/final"] = answer
        document = await scene.platform.ring()
        media = await scene.platform.open(document)
        await until_audio(media)
        await media.close()
        assert await scene.platform.ended(document) == []
        scene.application.answers.clear()


# The call webhook


async def test_bodies_that_are_no_calls_are_refused_and_nothing_is_echoed(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        bodies: list[bytes] = [
            b"",
            b"{",
            b"[]",
            b'"text"',
            b'{"call_sid": "c-1", "call_sid": "c-2"}',
            b'{"call_sid": "c-1", "x": NaN}',
            b'{"call_sid": "c-1", "x": 1e999}',
            b'{"call_sid": "c-1", "x": ' + b"9" * 5000 + b"}",
            b"[" * 100_000,
            b'{"from": "no sid"}',
            b'{"call_sid": "a b"}',
            b'{"call_sid": "c-1", "from": {}}',
            json.dumps(a_body()).encode("utf-16"),
            b"\xff" * 100,
        ]
        for body in bodies:
            status, said, _ = await scene.platform.post("/call", body)
            assert (status, said["error"]["code"]) == (400, "bad_request"), body[:50]
            assert len(json.dumps(said)) <= 300
        status, said, _ = await scene.platform.post("/call", b'{"x": "' + b"a" * (256 * 1024 - 8) + b'"}')
        assert status == 413
        told = [line for line in scene.running.journal.getvalue().splitlines() if "request_refused" in line]
        assert len(told) == len(bodies) + 1
        assert max(len(line) for line in told) < 300


async def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        host, _, port = scene.running.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /call HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        async with asyncio.timeout(5):
            assert b" 408 " in await reader.readline()
        writer.close()
        await writer.wait_closed()


async def test_a_body_that_breaks_off_is_nobodys_fault(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        host, _, port = scene.running.url.removeprefix("http://").partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /call HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        status, _, _ = await scene.platform.post("/call", b"not gzip", **{"Content-Encoding": "gzip"})
        assert status == 400
        assert "request_failed" not in scene.running.journal.events()


@pytest.mark.parametrize(
    "raw",
    [
        b"POST /call HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /call HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n{}",
        b"POST /call HTTP/1.1\r\nHost : x\r\nContent-Length: 2\r\n\r\n{}",
        b"GET  / /call\r\n\r\n",
        b"POST /call HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused(tmp_path: Path, raw: bytes) -> None:
    async with a_scene(tmp_path) as scene:
        host, _, port = scene.running.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(raw)
        async with asyncio.timeout(5):
            assert b" 400 " in await reader.readline()
        writer.close()
        await writer.wait_closed()
