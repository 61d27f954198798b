"""Recordings of calls: one WAV file each, named by the row's random id, for its owner's eyes alone.

A file is whole at every moment: its header is written anew with each lot, and what stands behind the length that it
tells is not yet part of it. So a process that is killed leaves a file that plays.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from struct import Struct
from time import time
from typing import BinaryIO

from store.base import ROW_ID_BYTES

CHANNELS = 2
SAMPLE_BYTES = 2
FRAME_BYTES = CHANNELS * SAMPLE_BYTES
HEADER = Struct("<4sI4s4sIHHIIHH4sI")
PCM = 1
MAX_DATA_BYTES = 2**32 - HEADER.size
"The lengths in the header have 32 bits."
_OURS = re.compile(rf"[0-9a-f]{{{2 * ROW_ID_BYTES}}}\.wav")
FILE_MODE, FOLDER_MODE = 0o600, 0o700


def header(rate_hz: int, data_bytes: int) -> bytes:
    """Give the header of a stereo PCM16 file."""
    return HEADER.pack(
        *(b"RIFF", HEADER.size - 8 + data_bytes, b"WAVE", b"fmt ", 16, PCM, CHANNELS),
        *(rate_hz, rate_hz * FRAME_BYTES, FRAME_BYTES, SAMPLE_BYTES * 8, b"data", data_bytes),
    )


class Recording:
    """One file being written. Whatever fails is an OSError."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        """Make the file; one that an earlier process has begun goes on after as much silence as time has passed."""
        self._rate_hz = rate_hz
        self._data_bytes = 0
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE), "r+b", buffering=0)
        try:
            self._go_on()
        except OSError:
            self._file.close()
            raise

    def _go_on(self) -> None:
        begun = self._file.read(HEADER.size)
        if len(begun) < HEADER.size:
            self._put(0, header(self._rate_hz, 0))
            return
        fields = HEADER.unpack(begun)
        if begun != header(self._rate_hz, fields[-1]):
            raise OSError("the file that an earlier process has begun has another format")
        self._data_bytes = fields[-1]
        self.write([round((time() - os.fstat(self._file.fileno()).st_mtime) * self._rate_hz)])

    def write(self, lots: Iterable[bytes | int]) -> None:
        """Add samples of both channels; an int stands for so many of silence, which takes no room on most disks."""
        added = False
        for lot in lots:
            size = max(0, lot) * FRAME_BYTES if isinstance(lot, int) else len(lot)
            if self._data_bytes + size > MAX_DATA_BYTES:
                raise OSError("a WAV file holds four gigabytes at most")
            if not isinstance(lot, int):
                self._put(HEADER.size + self._data_bytes, lot)
            self._data_bytes += size
            added = True
        if added:
            self._file.truncate(HEADER.size + self._data_bytes)
            self._put(0, header(self._rate_hz, self._data_bytes))

    def _put(self, at: int, data: bytes) -> None:
        self._file.seek(at)
        rest = memoryview(data)
        while rest:  # a disk that is nearly full takes a part
            rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        self._file.close()


class Recordings:
    """All of a folder, which is made when there is something to keep in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, row_id: bytes) -> Path:
        return self.folder / f"{row_id.hex()}.wav"

    def find(self, row_id: bytes) -> Path | None:
        """Give a call's file, if it was recorded."""
        path = self.path(row_id)
        return path if path.is_file() else None

    def forget(self, row_ids: Iterable[bytes], before_s: float) -> None:
        """Remove the files of these calls, and of any call those that were last written before this Unix time.

        A folder may hold other files too: they are not ours to remove. OSError where that cannot be done.
        """
        for row_id in row_ids:
            self.path(row_id).unlink(missing_ok=True)
        for path in self.folder.glob("*.wav"):
            if _OURS.fullmatch(path.name) and path.is_file() and path.stat().st_mtime < before_s and _begun_by_us(path):
                path.unlink(missing_ok=True)


def _begun_by_us(path: Path) -> bool:
    """Tell whether a file is stereo as we write it, or empty: its name alone could be an id of somebody else's."""
    with path.open("rb") as file:
        begun = file.read(HEADER.size)
    if len(begun) < HEADER.size:
        return not begun
    _, _, _, _, _, _, _, rate_hz, *_, data_bytes = HEADER.unpack(begun)
    return begun == header(rate_hz, data_bytes)
