"""Programs that a rehearsal starts: each says on stdout where it listens, and is ended with what started it."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 5.0
PIPE_TIMEOUT_S = 1.0
_LISTENING = re.compile(r"listening on (\S+)")


class ChildError(RuntimeError):
    """A child process did not come up; the text ends with its last words."""


class Child:
    def __init__(self, name: str, process: asyncio.subprocess.Process, url: str) -> None:
        self.name, self.url = name, url
        self._process = process

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    async def wait(self) -> int:
        return await self._process.wait()


@asynccontextmanager
async def child(
    name: str, command: Sequence[str], log: Path | None, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Child]:
    """Run a command of this Python until the block ends; `log` takes its stderr (None: ours)."""
    file = log.open("wb") if log else None
    try:
        process = await _started(command, file, environ)
        try:
            yield Child(name, process, await _listening(name, process, log))
        finally:
            await _end(process)
            await _read_out(process)
    finally:
        if file:
            file.close()


async def _started(
    command: Sequence[str], log: IO[bytes] | None, environ: Mapping[str, str] | None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
        start_new_session=True,  # Ctrl-C is for us; we end our children
        env={**os.environ, **(environ or {})},
    )


async def _listening(name: str, process: asyncio.subprocess.Process, log: Path | None) -> str:
    """Return the URL after `listening on`, the first line that a good child prints."""
    assert process.stdout is not None  # noqa: S101  # piped above
    lines: list[str] = []
    try:
        url = await asyncio.wait_for(_url(process.stdout, lines), START_TIMEOUT_S)
    except TimeoutError:
        raise ChildError(f"{name} did not listen within {START_TIMEOUT_S:.0f} s{_last_words(lines, log)}") from None
    if url is None:
        code = await process.wait()
        raise ChildError(f"{name} ended with exit code {code} before it listened{_last_words(lines, log)}")
    return url


async def _url(stdout: asyncio.StreamReader, lines: list[str]) -> str | None:
    while line := (await stdout.readline()).decode(errors="replace"):
        lines.append(line)
        if found := _LISTENING.search(line):
            return found[1]
    return None


def _last_words(lines: list[str], log: Path | None) -> str:
    logged = log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True) if log else []
    words = "".join([*lines, *logged][-15:])
    return f":\n{words}" if words else ""


async def _read_out(process: asyncio.subprocess.Process) -> None:
    """Let the pipe close before the loop does; what a child started may keep its end open."""
    assert process.stdout is not None  # noqa: S101  # piped above
    with suppress(TimeoutError):
        await asyncio.wait_for(process.stdout.read(), PIPE_TIMEOUT_S)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(END_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
