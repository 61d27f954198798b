"""Scenes and scripts as YAML, read so that whatever stands in the file, its reader is told in a sentence."""

from pathlib import Path
from typing import Any

import yaml


class UnreadableError(ValueError):
    """The file cannot be read; the text says why, and where, and does not name the file."""


def read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise UnreadableError(str(error)) from error
    except RecursionError:
        raise UnreadableError("it is nested too deep") from None
    except (ArithmeticError, AttributeError, LookupError, ValueError) as error:
        # PyYAML hands a number, a date or a text that only looks like one to Python as it is.
        raise UnreadableError(f"a number, a date or an escape in it is none: {error}") from error
