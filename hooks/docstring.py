"""What a docstring tells a model: its first paragraph, and what it says of each parameter.

Parameters are told in Google's form (`Args:`, and below it `name: text`) or in Sphinx's (`:param name: text`).
"""

import inspect
import re
from collections.abc import Iterable
from itertools import dropwhile, takewhile
from textwrap import dedent
from typing import NamedTuple

_ARGUMENTS = re.compile(r"(Args|Arguments|Parameters):\s*")
_HEADING = re.compile(r"[A-Z][A-Za-z ]*:\s*")
_GOOGLE = re.compile(r"(?P<name>\w+)\s*(\([^)]*\))?\s*:\s*(?P<text>.*)")
_SPHINX = re.compile(r":param\s+([^:]*\s)?(?P<name>\w+)\s*:\s*(?P<text>.*)")


class Docstring(NamedTuple):
    summary: str
    parameters: dict[str, str]


def read(text: str | None) -> Docstring:
    lines = inspect.cleandoc(text or "").splitlines()
    below = list(dropwhile(lambda line: not _ARGUMENTS.fullmatch(line), lines))[1:]
    section = takewhile(lambda line: not line or line[0].isspace(), below)
    google = _told(dedent("\n".join(section)).splitlines(), _GOOGLE)
    return Docstring(" ".join(takewhile(_is_prose, lines)), {**google, **_told(lines, _SPHINX)})


def _is_prose(line: str) -> bool:
    return bool(line) and not line.startswith(":") and not _HEADING.fullmatch(line)


def _told(lines: Iterable[str], pattern: re.Pattern[str]) -> dict[str, str]:
    """Read `name: text`, which may go on in lines that are indented further."""
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        if entry := pattern.fullmatch(line):
            name = entry["name"]
            found[name] = entry["text"]
        elif name and line[:1].isspace():
            found[name] = f"{found[name]} {line.strip()}".strip()
        else:
            name = ""
    return found
