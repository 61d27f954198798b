"""What the server under test logs, for scenes that expect a warning, or none."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

from sim.growing_file import GrowingFile
from sim.happening import Happening


class ServerLog:
    """Reads JSON lines with an `event` while they are written; what else a program prints is passed over."""

    def __init__(self, path: Path) -> None:
        self._lines = GrowingFile(path)

    def read_on(self) -> Iterator[Happening]:
        """Read what is new, as `log:<event>`; its time is that of the reading."""
        for line in self._lines.read_on():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and isinstance(entry.get("event"), str):
                yield Happening(time.monotonic(), f"log:{entry['event']}", json.dumps(entry), entry)
