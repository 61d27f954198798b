"""JSON as an application wrote it, and nothing that Python takes for it besides."""

import json
import math
from typing import Any, NoReturn


def read_json(text: str | bytes) -> Any:
    """Read it. ValueError where it is none: also NaN, 1e999, which would be infinite, and nesting without end."""
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("JSON that is nested too deep") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number that is out of range")
    return value
