"""A file of lines that another process is writing."""

from pathlib import Path


class GrowingFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def read_on(self) -> list[bytes]:
        """Return the whole lines that are new; none as long as there is no file."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._at)
            lines = file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._at += len(whole)
        return whole.splitlines()
