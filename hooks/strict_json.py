"""JSON as an application wrote it, and nothing that Python takes for it besides."""

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 64
"Of lists and objects in each other, in whatever an application says."


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


def is_deeper_than(value: Any, levels: int) -> bool:
    """Tell whether lists and objects stand in each other on more levels than these."""
    layer = _containers([value])
    for _ in range(levels):
        layer = [inner for outer in layer for inner in _containers(outer)]
    return bool(layer)


def _containers(values: Any) -> list[Any]:
    """Return the lists and objects right inside a list or an object."""
    inside = values.values() if isinstance(values, dict) else values
    return [value for value in inside if isinstance(value, dict | list)]
