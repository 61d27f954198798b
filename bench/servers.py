"""The servers under test, each started as a process of its own, or as several."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bench.building import built
from bench.caller import WEBHOOK_SECRET
from bench.events import MATCHED
from bench.machine import settle_on
from bench.peers import python_of
from bench.variant import Variant

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 3
OURS = ("hookswitch", "bare")
"Those that are made of this project's modules."
CONFIG = """\
server: {{host: 127.0.0.1, max_calls: 2000, drain_s: 1}}
store: {store}
platform: {{kind: jambonz, version: "0.9", webhook_secrets: ["{secret}"]}}
vendors:
  openai: {{api_key: bench, url: "{model_url}"}}
brains: {{bench: {{model: bench, base_url: "http://127.0.0.1:{chat_port}/v1"}}}}
hooks: {{base_url: "http://127.0.0.1:{sink_port}"}}
routes:
  - name: bench
    numbers: ["*"]
    media: {{sample_rate_hz: {rate_hz}, lead_ms: 200}}
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
    urls: Sequence[str]
    "One of each process; calls go to them in turns."
    pids: Sequence[int]
    ready_s: Sequence[float] = ()
    "From exec to the line that says where it listens."

    @property
    def paces(self) -> bool:
        """It has a schedule: it sends no more than the lead ahead. The others have none."""
        return self.name == "hookswitch"


@dataclass(frozen=True, slots=True)
class Doors:
    """What a server under test is told of the load."""

    variant: Variant
    model_port: int
    sink_port: int
    certificate: str = ""
    store: str = "memory://"
    "Hookswitch's."
    chat_port: int = 9
    "Of the model that is asked in text."

    @property
    def model_url(self) -> str:
        return f"{'wss' if self.variant.tls else 'ws'}://127.0.0.1:{self.model_port}/v1/realtime"

    @property
    def environment(self) -> dict[str, str]:
        said = {"OPENAI_REALTIME_URL": self.model_url, "OPENAI_API_KEY": "bench", "RATE_HZ": str(self.variant.rate_hz)}
        said["PYTHONDONTWRITEBYTECODE"] = ""  # whoever serves has it written
        return said | ({"SSL_CERT_FILE": self.certificate} if self.certificate else {})


def command(name: str, folder: Path, doors: Doors) -> list[str]:
    """Say how a server is started; writes Hookswitch's configuration into `folder`."""
    match name:
        case "minimal":
            return [sys.executable, str(ROOT / "bench/minimal.py")]
        case "bare":
            return [sys.executable, "-m", "bench.bare"]
        case "relay":
            return [str(built("relay"))]
        case "pipecat":
            return [str(python_of("pipecat")), "-P", str(ROOT / "bench/peers/pipecat.py")]
    config = folder / "bench.yaml"
    config.write_text(
        CONFIG.format(
            secret=WEBHOOK_SECRET,
            model_url=doors.model_url,
            sink_port=doors.sink_port,
            chat_port=doors.chat_port,
            rate_hz=doors.variant.rate_hz,
            store=doors.store,
            events=", ".join(f'"{pattern}"' for pattern in MATCHED),
        ),
        encoding="utf-8",
    )
    return [sys.executable, str(ROOT / "app.py"), "serve", "--config", str(config), "--port", "0"]


@contextlib.asynccontextmanager
async def running(name: str, folder: Path, doors: Doors, cores: Sequence[int]) -> AsyncIterator[Server]:
    """The server's processes, ready, each on one of the cores in turns; ended when the block is left."""
    async with contextlib.AsyncExitStack() as stack:
        started = []
        for nth in range(doors.variant.processes):
            own = folder / str(nth)
            own.mkdir()
            core = cores[nth % len(cores)] if cores else None
            started.append(await stack.enter_async_context(_process(name, own, doors, core)))
        yield Server(name, *zip(*started, strict=True))


@contextlib.asynccontextmanager
async def _process(name: str, folder: Path, doors: Doors, core: int | None) -> AsyncIterator[tuple[str, int, float]]:
    """Give its URL, its process and the seconds after which it was ready."""
    log = folder / f"{name}.log"
    begun_s = perf_counter()
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *command(name, folder, doors),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            cwd=folder,
            env={**os.environ, **doors.environment, "PYTHONPATH": str(ROOT) if name in OURS else ""},
        )
    try:
        settle_on(process.pid, core)
        url = await _listening(process, log)
        yield url, process.pid, perf_counter() - begun_s
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
