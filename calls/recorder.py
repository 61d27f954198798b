"""Writes the recordings of calls, in lots, in a thread: a disk that is slow or full harms the recording alone."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import sleep

from structlog.typing import FilteringBoundLogger

from calls.live import LiveCall
from media.platforms import PLATFORMS
from media.tape import Mixer, Tape
from store.recordings import Recording, Recordings
from tasks import Tasks

WRITE_EVERY_S = 1.0


class _Writing:
    """One call's recording under way; `write` is for one thread at a time."""

    def __init__(self, tape: Tape, path: Path, log: FilteringBoundLogger) -> None:
        self.tape = tape
        self.closed = False
        self._log = log
        self._path = path
        self._mixer = Mixer(tape.rate_hz, tape.start_delay_ms)
        self._file: Recording | None = None

    def write(self) -> None:
        """Write what there is. A recording that cannot be written ends here; what there is of it stays."""
        last = self.tape.over
        try:
            self._write(self._mixer.mix(self.tape.take(), last=last))
        except OSError as error:
            self.tape.over = last = True
            self.tape.take()
            self._log.error("recording_stopped", message=error.strerror or str(error))
        if last:
            self._close()

    def _write(self, lots: Iterator[bytes | int]) -> None:
        for lot in lots:
            self._file = self._file or Recording(self._path, self.tape.rate_hz)
            self._file.write([lot])

    def _close(self) -> None:
        self.closed = True
        if self._file:
            self._file.close()
        if self.tape.lost:
            self._log.warning("recording_gaps", frames=self.tape.lost)


class Recorder:
    """All recordings of this process. Made inside the running loop."""

    def __init__(self) -> None:
        self._writing: dict[bytes, _Writing] = {}
        self._turn = asyncio.Lock()
        self._stop = asyncio.Event()
        self._tasks = Tasks()
        self._rounds: asyncio.Task[None] | None = None

    def tape(self, live: LiveCall) -> Tape | None:
        """Give the tape for a call's next conversation, the same for all of them; None for a call not recorded."""
        media = live.route.media
        if not media.record or live.over:
            return None
        if live.tape is None:
            pacing = PLATFORMS[live.settings.platform.kind].media(media.sample_rate_hz).pacing
            live.tape = Tape(media.sample_rate_hz, pacing.start_delay_ms)
            path = Recordings(Path(live.settings.server.recordings_dir)).path(live.row_id)
            self._writing[live.row_id] = _Writing(live.tape, path, live.log)
            if self._rounds is None or self._rounds.done():
                self._rounds = self._tasks.start(self._run())
        return live.tape

    async def written(self, row_id: bytes) -> None:
        """Wait until what is known of a call's sound is in its file."""
        if row_id in self._writing:
            await asyncio.shield(self._tasks.start(self._write([row_id])))

    async def close(self) -> None:
        """Write the rest of all, and stop."""
        self._stop.set()
        for writing in self._writing.values():
            writing.tape.over = True
        if self._writing:
            await self._write(list(self._writing))

    async def _run(self) -> None:
        while self._writing and not self._stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(WRITE_EVERY_S):
                    await self._stop.wait()
            await self._write(list(self._writing))

    async def _write(self, row_ids: list[bytes]) -> None:
        """Write lots of these, one round at a time."""
        async with self._turn:
            writing = {row_id: self._writing[row_id] for row_id in row_ids if row_id in self._writing}
            await asyncio.to_thread(_write_each, list(writing.values()))
            for row_id in [row_id for row_id, each in writing.items() if each.closed]:
                del self._writing[row_id]


def _write_each(writing: list[_Writing]) -> None:
    for each in writing:
        each.write()
        sleep(0)  # whoever else wants to run, as the calls do, goes before the next one
