"""The load in C (bench/native): it makes the calls and notes the times, a line of text at a time tells it what to do.

It is started anew for every visit to a server, on the load's core. What it says of a call besides audio is handed to
it from `events.py`, so that there is one model; what it noted is handed back as it is, so that there is one arithmetic.
"""

import asyncio
import contextlib
import json
import tempfile
from array import array
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.audio import Run
from bench.caller import SetupError, about
from bench.events import JsonObject, Response, created, encode, updated, wanted
from bench.load import Counts, Load, Noted, Status
from bench.machine import CORES, settle_on
from bench.variant import Variant

CALL, RESPONSE, METADATA, EVENT, AUDIO, ITEM, SESSION = (chr(code) for code in range(1, 8))
"Where the model fills in what differs (bench/native/model.c)."
_CALL, _RESPONSE = 98_765_432, 876_543
LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Stamps:
    """One direction of one call. Frames are numbered from the first one that had not come when all began anew."""

    sent_ns: Sequence[int]
    runs: Sequence[Run]
    cuts: Sequence[tuple[int, int]]
    damaged: int
    "Frames that came with a wrong sample: they count as not come."
    held_ms: int
    "With tones: how much more audio was sent than came, which a server still holds or has dropped."


class NativeLoad(Load):
    def __init__(self, variant: Variant, program: Path) -> None:
        super().__init__(variant)
        self._program = program
        self._folder = Path()
        self._process: asyncio.subprocess.Process | None = None
        self._late: Sequence[int] = ()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Load]:
        with tempfile.TemporaryDirectory(prefix="bench-load-") as folder:
            self._folder = Path(folder)
            process = await asyncio.create_subprocess_exec(
                self._program,
                *self._arguments(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LIMIT_BYTES,
            )
            self._process = process
            settle_on(process.pid, CORES and CORES[1])
            try:
                doors = await self._answer()
                self.model_port, self.sink_port = doors["model_port"], doors["sink_port"]
                for group, event in templates(self.variant):
                    await self._tell(f"template {group} {int(wanted(event.get('type', '')))} {filled_later(event)}")
                yield self
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    def _arguments(self) -> list[str]:
        plain, tones = self.variant.rate_hz == 24000, self.variant.tones
        said = [self.variant.mode, "pcm24" if plain else "pcm8", "pcm24" if plain or tones else "ulaw8"]
        if self.variant.tones:
            said.append("tones")
        if self.variant.tls:
            self.certificate = str(self._folder / "certificate.pem")
            said += ["tls", self.certificate]
        return said

    async def _connect(self, number: int, url: str, slots: tuple[int, int], asked_ns: int) -> None:
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        await self._tell(f"call {number} {slots[0]} {slots[1]} {asked_ns} {parts.port} {path}")

    async def _disconnect(self, number: int) -> None:
        await self._tell(f"hangup {number}")

    async def _status(self) -> Status:
        said = await self._ask("status")
        if said["refused"]:
            raise SetupError(f"{said['refused']} media sockets were refused: {said['complaint']}")
        return Status(said["mute_to_model"], said["mute_to_caller"], said["complaint"])

    async def _begin_anew(self, delays_ticks: dict[int, int]) -> None:
        await self._tell("anew")
        for number, ticks in delays_ticks.items():
            await self._tell(f"restart {number} {ticks}")

    async def _mark(self) -> Counts:
        return Counts(**await self._ask("mark"))

    async def _counts(self) -> Counts:
        """As `_mark`, and how late the load was until here."""
        path = self._folder / "late"
        counts = Counts(**await self._ask(f"late {path}"))
        self._late = numbers_in(path)
        return counts

    async def _late_ns(self) -> Sequence[int]:
        return self._late

    async def _noted(self) -> list[Noted]:
        path = self._folder / "stamps"
        await self._ask(f"stamps {path}")
        return list(calls_in(iter(numbers_in(path))))

    async def _tell(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def _ask(self, line: str) -> dict[str, Any]:
        await self._tell(line)
        return await self._answer()

    async def _answer(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise SetupError(f"the load ended on its own ({await self._process.wait()})")
        answer: dict[str, Any] = json.loads(line)
        return answer


def templates(variant: Variant) -> Iterator[tuple[str, JsonObject]]:
    """Yield all that the load says besides audio: (group, event)."""
    response = Response(_CALL, _RESPONSE, None)
    with_metadata = Response(_CALL, _RESPONSE, {METADATA: 0})
    yield "created", created(_CALL)
    yield "updated", updated(_CALL, {SESSION: 0})
    yield from (("before", event) for event in with_metadata.before())
    yield "delta", response.delta(AUDIO)
    yield "transcript", response.transcript()
    yield "item", response.other_item()
    yield from (("after", event) for event in with_metadata.after())
    yield from (("barge_in", event) for event in with_metadata.interrupted())
    yield "truncated", response.truncated()
    yield "about", about(CALL, variant.rate_hz)


def filled_later(event: JsonObject) -> str:
    """Return an event with single bytes where the load fills in what differs."""
    if "type" in event:
        event = {"type": "", "event_id": "", **event} | {"event_id": EVENT}  # it stands where OpenAI has it
    text = encode(event).decode()
    for code in (CALL, EVENT, AUDIO):
        text = text.replace(json.dumps(code)[1:-1], code)
    text = text.replace(json.dumps({METADATA: 0}, separators=(",", ":")), METADATA)
    text = text.replace(f",{json.dumps(SESSION)}:0", SESSION)
    text = text.replace(str(_CALL), CALL).replace(str(_RESPONSE), RESPONSE)
    return text.replace("_u1", f"_u{ITEM}")


def numbers_in(path: Path) -> "array[int]":
    numbers = array("q")
    numbers.frombytes(path.read_bytes())
    return numbers


def calls_in(numbers: Iterator[int]) -> Iterator[Noted]:
    """Read what command_stamps wrote (bench/native/load.c)."""
    for _ in range(next(numbers)):
        _, dropped, configured_ns = (next(numbers) for _ in range(3))
        to_model, to_caller, barge_ins = (lane_in(numbers) for _ in range(3))
        yield Noted(to_model, to_caller, bool(dropped), barge_ins, configured_ns)


def lane_in(numbers: Iterator[int]) -> Stamps:
    sent, runs, cuts, damaged, held_ms = (next(numbers) for _ in range(5))
    sent_ns = array("q", [next(numbers) for _ in range(sent)])
    came = [(next(numbers), next(numbers), next(numbers)) for _ in range(runs)]
    never = [(next(numbers), next(numbers)) for _ in range(cuts)]
    return Stamps(sent_ns, came, never, damaged, held_ms)
