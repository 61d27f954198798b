"""Fills `${NAME}` and `${NAME:-default}` from the environment and the `.env` file."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

from dotenv.parser import parse_stream

from config.complaints import Complaint

# The shell's rule: `:-` also stands in for a variable that is set but empty (POSIX, Parameter Expansion).
# `$${` writes a literal `${`; a `${` that is neither is reported, never passed on as text.
_VARIABLE = re.compile(
    r"""\$(?P<literal>\$\{)
    | \$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?: :-(?P<default>(?:(?!\$\{)[^}])*) )?\}
    | (?P<broken>\$\{)""",
    re.VERBOSE,
)
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its variables filled in."""

    text: str
    values: tuple[tuple[str, str], ...] = ()
    "(NAME, value) of each variable that the environment supplied; a default stands in the file: no secret."
    faults: tuple[str, ...] = ()


def fill(text: str, environ: Mapping[str, str]) -> Filled:
    """Fill every variable of a text; a missing one becomes an empty text and a fault that says the remedy."""
    values: list[tuple[str, str]] = []
    faults: list[str] = []

    def value(match: re.Match[str]) -> str:
        if match["literal"]:
            return "${"
        if match["broken"]:
            faults.append("'${' must read ${NAME} or ${NAME:-default}; write $${ for the two characters themselves")
            return ""
        name, default = match["name"], match["default"]
        if environ.get(name):
            values.append((name, environ[name]))
            return environ[name]
        if default is None:
            faults.append(
                f"the environment variable {name} is missing or empty: set it (or put it into .env), "
                f"or write ${{{name}:-default}}"
            )
        return default or ""

    return Filled(_VARIABLE.sub(value, text), tuple(values), tuple(faults))


def read_dotenv(text: str, *, file: str) -> tuple[dict[str, str], list[Complaint]]:
    """Read the text of a `.env` file; values are taken as written, with no `${}` of their own."""
    values: dict[str, str] = {}
    complaints: list[Complaint] = []
    begins = 0
    for binding in parse_stream(io.StringIO(text)):
        source = binding.original.string
        if binding.error:
            # Counted here: the parser takes a CRLF after a broken line for two ends of lines.
            blank = len(source) - len(source.lstrip())
            line = 1 + len(_LINE_END.findall(text, 0, begins + blank))
            complaints.append(Complaint(file, line, 1, "", "this line does not read NAME=value"))
        elif binding.key and binding.value is not None:
            values[binding.key] = binding.value
        begins += len(source)
    return values, complaints
