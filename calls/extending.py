"""What is installed beside the server and adds to it: found by entry points, once, when the server starts.

The groups are `hookswitch.vendors`, `.platforms`, `.tools` and `.transports`. One that is broken is left out and told
of: a configuration that names it has a complaint, and is not served; to all others it makes no difference.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from traceback import extract_tb
from typing import Any, NamedTuple

from structlog.typing import FilteringBoundLogger

from extensions import Registry, UnfitError
from hooks.tools import KINDS
from hooks.transports import TRANSPORTS
from media.platforms import PLATFORMS
from media.realtime import VENDORS

REGISTRIES: tuple[Registry[Any], ...] = (VENDORS, PLATFORMS, KINDS, TRANSPORTS)


class Extension(NamedTuple):
    """One entry point of ours, and what became of it."""

    what: str
    name: str
    distribution: str
    "With its version."
    target: str
    fault: str = ""
    "Why it is left out; nothing where it is not."

    def __str__(self) -> str:
        told = f"{self.what} {self.name!r} by {self.distribution} ({self.target})"
        if not self.fault:
            return told
        return f"{told} is left out: {self.fault}; mend it, or uninstall {self.distribution.partition(' ')[0]}"


@cache
def extensions() -> tuple[Extension, ...]:
    """Take in what is installed; at the first call, and never again."""
    points = [point for registry in REGISTRIES for point in entry_points(group=registry.group)]
    return tuple(extend(REGISTRIES, points))


def tell(found: Iterable[Extension], log: FilteringBoundLogger) -> None:
    for one in found:
        (log.warning if one.fault else log.info)("extension", message=str(one))


def extend(registries: Sequence[Registry[Any]], points: Iterable[EntryPoint]) -> list[Extension]:
    """Take in what these entry points name. Of two that give the same name, neither is."""
    ours = {registry.group: registry for registry in registries}
    found = sorted((point for point in points if point.group in ours), key=lambda point: (point.group, point.name))
    return [_entered(ours[point.group], point, [other for other in found if _same(other, point)]) for point in found]


def _same(one: EntryPoint, other: EntryPoint) -> bool:
    return one is not other and (one.group, one.name) == (other.group, other.name)


def _entered(registry: Registry[Any], point: EntryPoint, rivals: list[EntryPoint]) -> Extension:
    extension = Extension(registry.what, point.name, _distribution(point), point.value)
    if rivals:
        names = " and ".join(_distribution(rival) for rival in rivals)
        return extension._replace(fault=f"{names} gives the same name, and one of the two must go")
    try:
        registry.enter(point.name, point.load(), origin=extension.distribution)
    except UnfitError as error:
        return extension._replace(fault=str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever somebody's module does as it is imported, or made
        return extension._replace(fault=f"it cannot be loaded: {type(error).__name__}: {error}{_where(error)}")
    return extension


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "nobody knows whom"


def _where(error: BaseException) -> str:
    """Say where in somebody's code it happened."""
    frames = [frame for frame in extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    return f", at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames[1:] else ""
