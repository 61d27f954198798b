"""What is wrong with a configuration, where, and what to do: one line per complaint."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]
'Keys and indices from the root of the document, e.g. `("routes", 0, "name")`.'

_SHOWN_CHARS = 60


@dataclass(frozen=True, slots=True, order=True)
class Complaint:
    """One fault of one file; `line` and `column` count from 1, `path` is text such as `routes[0].name`."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return _one_line(f"{self.file}:{self.line}:{self.column}: {where}{self.message}")


class ConfigError(Exception):
    """A configuration that cannot be used; `complaints` holds every fault found, in the file's order."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = sorted(set(complaints))
        super().__init__("\n".join(map(str, self.complaints)))


def path_text(path: Path) -> str:
    """`("routes", 0, "from")` → `routes[0].from`."""
    parts = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(parts).removeprefix(".")


def listed(words: Sequence[str]) -> str:
    """`["a", "b", "c"]` → `'a', 'b' or 'c'`."""
    quoted = [repr(word) for word in words]
    return " or ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def shortened(text: str) -> str:
    """Quote a text of the file for a complaint, cut to a length that keeps the complaint on one line."""
    return repr(text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…")


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
