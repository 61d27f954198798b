"""The two servers under test, each started as a process of its own."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bench.caller import WEBHOOK_SECRET
from bench.events import MATCHED
from bench.machine import settle_on

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 3
CONFIG = """\
server: {{host: 127.0.0.1, max_calls: 2000, drain_s: 1}}
store: memory://
platform: {{kind: jambonz, version: "0.9", webhook_secrets: ["{secret}"]}}
vendors:
  openai: {{api_key: bench, url: "ws://127.0.0.1:{model_port}/v1/realtime"}}
hooks: {{base_url: "http://127.0.0.1:{sink_port}"}}
routes:
  - name: bench
    numbers: ["*"]
    media: {{sample_rate_hz: 24000, lead_ms: 200}}
    verbs:
      - verb: llm
        vendor: openai
        model: gpt-realtime-2.1
        actionHook: /final
        eventHook: /event
        events: [{events}]
        llmOptions:
          response_create: {{instructions: Greet the caller.}}
          session_update: {{type: realtime, instructions: You are a friendly agent.}}
      - verb: hangup
"""


class ServerError(Exception):
    """A server under test did not start, or ended on its own; carries the end of what it wrote."""


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    url: str
    pid: int

    @property
    def paces(self) -> bool:
        """It has a schedule: it sends no more than the lead ahead. The minimal bridge has none."""
        return self.name != "minimal"


def command(name: str, folder: Path, *, model_port: int, sink_port: int) -> tuple[list[str], dict[str, str]]:
    """(arguments, environment); writes the configuration into `folder`."""
    if name == "minimal":
        url = f"ws://127.0.0.1:{model_port}/v1/realtime"
        return [sys.executable, str(ROOT / "bench/minimal.py")], {"OPENAI_REALTIME_URL": url, "OPENAI_API_KEY": "bench"}
    config = folder / "bench.yaml"
    events = ", ".join(f'"{pattern}"' for pattern in MATCHED)
    filled = CONFIG.format(secret=WEBHOOK_SECRET, model_port=model_port, sink_port=sink_port, events=events)
    config.write_text(filled, encoding="utf-8")
    return [sys.executable, str(ROOT / "app.py"), "serve", "--config", str(config), "--port", "0"], {}


@contextlib.asynccontextmanager
async def running(
    name: str, folder: Path, *, model_port: int, sink_port: int, core: int | None
) -> AsyncIterator[Server]:
    """The server, ready; ended when the block is left, however that happens."""
    arguments, environment = command(name, folder, model_port=model_port, sink_port=sink_port)
    log = folder / f"{name}.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            cwd=folder,
            env={**os.environ, **environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        )
    try:
        settle_on(process.pid, core)
        yield Server(name, await _listening(process, log), process.pid)
    except Exception as error:
        if process.returncode is None:
            raise
        raise ServerError(f"{name} ended on its own ({process.returncode}):\n{_tail(log)}") from error
    finally:
        await _stop(process)


async def _listening(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    line = b"-"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_TIMEOUT_S):
            while line and not line.startswith(b"listening on "):
                line = await process.stdout.readline()
    if line.startswith(b"listening on "):
        return line.decode().removeprefix("listening on ").strip()
    raise ServerError(f"the server did not say `listening on http://…` within {START_TIMEOUT_S} s:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Twice SIGTERM (the first one may drain), then SIGKILL."""
    for stop in (process.terminate, process.terminate, process.kill):
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError, TimeoutError):
                stop()
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
