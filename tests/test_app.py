"""The server as a whole: its start, its configuration while it runs, and its end."""

import asyncio
import contextlib
import io
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

import app
from tests.calls.exchange import settings_of
from tests.live.serving import (
    LLM,
    SORRY,
    Application,
    Platform,
    Running,
    a_config,
    a_good_call,
    logged,
    names,
    rehearsing,
    serving,
    until,
    until_audio,
    until_closed,
)

ROOT = Path(__file__).parent.parent
SAY = {"verb": "say", "text": "Hello."}
TALK = {key: value for key, value in LLM.items() if key != "actionHook"}


async def ready(running: Running, client: ClientSession) -> str:
    async with client.get(f"{running.url}/readyz") as answer:
        body = await answer.json()
    return str(body.get("status") or body["error"]["code"])


async def test_a_server_is_ready_full_and_ready_again(tmp_path: Path) -> None:
    async with rehearsing() as model, ClientSession() as client:
        config = a_config(model, None, route={"verbs": [TALK]}, server={"max_calls": 1})
        async with serving(tmp_path, config) as running:
            platform = Platform(client, running.url)
            assert await ready(running, client) == "ready"
            document = await platform.ring()
            assert await ready(running, client) == "full"
            media = await platform.open(document)
            await until_audio(media)
            await media.close()
            await platform.ended(document, call_status="completed")
            assert await ready(running, client) == "ready"


async def test_metrics_are_shown_to_who_may_see_them(tmp_path: Path) -> None:
    async with rehearsing() as model, ClientSession() as client:
        config = a_config(model, None, route={"verbs": [TALK]}, server={"admin_token": "token-of-the-admin"})
        async with serving(tmp_path, config) as running:
            await a_good_call(Platform(client, running.url))
            async with client.get(f"{running.url}/metrics") as answer:
                assert answer.status == 401
            shown = {"Authorization": "Bearer token-of-the-admin"}

            async def text() -> str:
                async with client.get(f"{running.url}/metrics", headers=shown) as answer:
                    return await answer.text()

            counted = 'hookswitch_calls_total{reason_code="caller_hung_up",route="r"} 1.0'
            while counted not in (shown_now := await text()):  # noqa: ASYNC110  # nobody announces it
                await asyncio.sleep(0.01)
    assert "hookswitch_calls_active 0.0" in shown_now
    assert "hookswitch_model_sockets 0.0" in shown_now
    assert "hookswitch_first_audio_seconds_count 1.0" in shown_now
    assert "15557654321" not in shown_now


async def test_a_changed_configuration_is_taken_up_and_a_bad_one_refused(tmp_path: Path) -> None:
    async with ClientSession() as client:
        config = a_config(None, None, route={"verbs": [SAY]})
        async with serving(tmp_path, config) as running:
            platform = Platform(client, running.url)
            live = await platform.ring("c-1")
            good = json.loads(running.config.read_text(encoding="utf-8"))

            good["routes"][0]["verbs"][0]["text"] = "Changed."
            good["server"]["admin_token"] = "a-token-that-is-new"
            good["hooks"]["secrets"] = ["whsec_c2VjcmV0IG9mIHRoZSBob29rcyEhISEhISEh"]
            running.config.write_text(json.dumps(good), encoding="utf-8")
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: "config_taken_up" in running.journal.events())
            assert (await platform.ring("c-2"))[0]["text"] == "Changed."
            assert await platform.ring("c-1") == live

            running.config.write_text("routes: {", encoding="utf-8")
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: "config_refused" in running.journal.events())
            assert (await platform.ring("c-3"))[0]["text"] == "Changed."

            good["routes"][0]["verbs"][0]["text"] = "Saved."
            running.config.write_text(json.dumps(good), encoding="utf-8")
            await until(lambda: running.journal.events().count("config_taken_up") == 2)
            assert (await platform.ring("c-4"))[0]["text"] == "Saved."


async def test_no_call_waits_while_a_configurations_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "hold.wav").write_bytes(b"RIFF")
    records: list[logging.LogRecord] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    handler = Keeping()
    async with serving(tmp_path, a_config(None, None, route={"verbs": [SAY]})) as running:
        changed = json.loads(running.config.read_text(encoding="utf-8"))
        changed["routes"][0]["media"] = {"hold_clip": "hold.wav"}
        running.config.write_text(json.dumps(changed), encoding="utf-8")
        logging.getLogger().addHandler(handler)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: "config_taken_up" in running.journal.events())
        logging.getLogger().removeHandler(handler)
        read, taken_up = running.journal.events()[-2:]
    assert (read, taken_up) == ("hold_clip_refused", "config_taken_up")
    assert records[-2].threadName != records[-1].threadName == threading.main_thread().name


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stopping_server_lets_its_calls_end_and_takes_no_new_ones(
    tmp_path: Path, number: signal.Signals
) -> None:
    application = Application()
    async with rehearsing() as model, application.serving() as base, ClientSession() as client:
        config = a_config(model, base, route={"verbs": [LLM]}, server={"drain_s": 30})
        async with serving(tmp_path, config) as running:
            platform = Platform(client, running.url)
            document = await platform.ring()
            media = await platform.open(document)
            await until_audio(media)
            os.kill(os.getpid(), number)
            await until(lambda: "drain_began" in running.journal.events())
            assert await ready(running, client) == "draining"
            assert names(await platform.ring("c-2")) == ["sip:decline"]
            assert not running.run.done()
            await media.close()
            assert await platform.ended(document, call_status="completed") == []
            async with asyncio.timeout(3):
                await running.run
    assert len(application.bodies("/final")) == 1


async def test_calls_that_outlast_the_drain_are_closed_with_1012_and_told_of(tmp_path: Path) -> None:
    application = Application()
    async with rehearsing() as model, application.serving() as base, ClientSession() as client:
        config = a_config(model, base, route={"verbs": [LLM]}, server={"drain_s": 0.1})
        async with serving(tmp_path, config) as running:
            platform = Platform(client, running.url)
            document = await platform.ring()
            media = await platform.open(document)
            await until_audio(media)
            running.server.stop()
            assert await until_closed(media) == 1012
            assert names(await platform.ended(document)) == SORRY
    [end] = application.bodies("/final")
    assert (end["completion_reason"], end["reason_code"]) == ("connection failure", "server_restart")


async def test_a_server_that_is_told_twice_stops_within_two_seconds(tmp_path: Path) -> None:
    application = Application()
    async with rehearsing() as model, application.serving() as base, ClientSession() as client:
        config = a_config(model, base, route={"verbs": [LLM]}, server={"drain_s": 300})
        async with serving(tmp_path, config) as running:
            platform = Platform(client, running.url)
            media = await platform.open(await platform.ring())
            await until_audio(media)
            running.server.stop()
            await until(lambda: "drain_began" in running.journal.events())
            began = time.monotonic()
            running.server.stop()
            # This caller's side does not read: it never answers the close.
            await running.run
            took_s = time.monotonic() - began
            assert await until_closed(media) in {1012, 1006}
    assert took_s < 2
    assert [end["reason_code"] for end in application.bodies("/final")] == ["server_restart"]


async def test_a_connection_that_asks_for_nothing_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "IDLE_S", 0.2)
    async with serving(tmp_path, a_config(None, None, route={"verbs": [SAY]})) as running:
        host, _, port = running.url.removeprefix("http://").partition(":")
        for said in (b"", b"GET /media/jambonz/x HTTP/1.1\r\nUpgrade: websoc"):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(said)
            async with asyncio.timeout(5):
                assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()


async def test_a_second_without_a_thread_or_a_file_does_not_end_the_looking_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "RELOAD_EVERY_S", 0.01)
    failing = [OSError(24, "Too many open files"), RuntimeError("can't start new thread")]
    in_a_thread = asyncio.to_thread

    async def now_and_then(*work: Any) -> Any:
        if failing:
            raise failing.pop()
        return await in_a_thread(*work)

    config = a_config(None, None, route={"verbs": [SAY]})
    async with ClientSession() as client, serving(tmp_path, config) as running:
        monkeypatch.setattr(asyncio, "to_thread", now_and_then)
        await until(lambda: running.journal.events().count("config_not_looked_at") == 2)
        changed = json.loads(running.config.read_text(encoding="utf-8"))
        changed["routes"][0]["verbs"][0]["text"] = "Changed."
        running.config.write_text(json.dumps(changed), encoding="utf-8")
        await until(lambda: "config_taken_up" in running.journal.events())
        assert (await Platform(client, running.url).ring())[0]["text"] == "Changed."


# The program


def written(folder: Path, config: dict[str, Any]) -> str:
    path = folder / "config.yaml"
    path.write_text(json.dumps({"store": "memory://", **config}), encoding="utf-8")
    return str(path)


async def test_the_program_serves_on_a_free_port_until_it_is_told_to_stop(tmp_path: Path) -> None:
    path = written(tmp_path, a_config(None, None, route={"verbs": [LLM]}, vendor={"api_key": ""}))
    arguments = [str(ROOT / "app.py"), "serve", "--config", path, "--port", "0"]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdout=PIPE, stderr=PIPE)
    assert process.stdout
    line = (await process.stdout.readline()).decode()
    assert line.startswith("listening on http://127.0.0.1:")
    async with ClientSession() as client:
        platform = Platform(client, line.removeprefix("listening on ").strip())
        assert names(await platform.ring()) == SORRY
    process.send_signal(signal.SIGTERM)
    out, err = await process.communicate()
    assert (process.returncode, out) == (0, b"")
    events = [json.loads(row)["event"] for row in err.decode().splitlines()]
    assert events[-2:] == ["drain_began", "drain_ended"]
    assert "model_not_configured" in events


@pytest.mark.parametrize(
    ("file", "level", "outcome"),
    [
        ("config.yaml", "", (1, "cannot_listen")),
        ("config.yaml", "loud", (2, "unknown level 'loud'")),
        ("none.yaml", "", (2, "none.yaml")),
    ],
)
def test_what_keeps_the_program_from_serving_is_told_with_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, level: str, outcome: tuple[int, str]
) -> None:
    code, told = outcome
    written(tmp_path, a_config(None, None, route={"verbs": [SAY]}))
    monkeypatch.setenv("HOOKSWITCH_LOG_LEVEL", level)
    out, err = io.StringIO(), io.StringIO()
    with logged(), socket.socket() as taken, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert app.serve(tmp_path / file, host=None, port=taken.getsockname()[1]) == code
    assert (out.getvalue(), told in err.getvalue(), "Traceback" in err.getvalue()) == ("", True, False)


def test_a_configurations_secrets_and_warnings_are_known_to_the_log(tmp_path: Path) -> None:
    with logged() as journal:
        settings = settings_of({"verbs": [LLM], "media": {"sample_rate_hz": 16000}}, environ={})
        app.prepare_for(settings)
        app.log.info("said", text="sk-of-nobody")
    assert journal.events().count("config") == len(settings.warnings) > 0
