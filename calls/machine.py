"""What this process may have of its machine, and how much of that it has: file descriptors and memory.

Read from /proc and from the control group (cgroup v2: memory.max; v1: memory.limit_in_bytes), whichever is tighter. A
machine without them, such as a Mac, counts as one without limits. The files are the kernel's: no disk is waited for.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from calls.admission import Means

if sys.platform != "win32":
    import resource

ROOT = Path("/")
LOOK_EVERY_S = 0.2
NO_LIMIT = 1 << 60
"A limit of that many bytes or descriptors is none; version 1 of cgroups writes one just below 2^63."


class Rlimits(NamedTuple):
    """The process's own limits; None: none."""

    fds: int | None
    address_space_bytes: int | None


class Machine:
    """`limits` and `root` stand in for the real ones."""

    def __init__(self, limits: "Callable[[], Rlimits] | None" = None, root: Path = ROOT) -> None:
        self._limits = limits or rlimits
        self._root = root
        self._looked_at = -LOOK_EVERY_S
        self._means = Means()

    def means(self, now: float) -> Means:
        """Give what is left, as it was a moment ago at the most."""
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at, self._means = now, self._look()
        return self._means

    def _look(self) -> Means:
        limits = self._limits()
        return Means(self._free_fds(limits.fds), max([0.0, *self._shares(limits.address_space_bytes)]))

    def _free_fds(self, limit: int | None) -> int | None:
        try:
            return None if limit is None else limit - sum(1 for _ in (self._root / "proc/self/fd").iterdir())
        except FileNotFoundError:
            return None
        except OSError:  # not even this folder can be opened
            return 0

    def _shares(self, address_space_bytes: int | None) -> Iterator[float]:
        """Yield how much is used of each limit that there is."""
        with suppress(OSError, ValueError):
            if address_space_bytes:
                pages = int((self._root / "proc/self/statm").read_text().split()[0])
                yield pages * os.sysconf("SC_PAGE_SIZE") / address_space_bytes
        with suppress(OSError, ValueError):
            for line in (self._root / "proc/self/cgroup").read_text().splitlines():
                _, controllers, group = line.split(":", 2)
                if not controllers:
                    yield from self._of_group("", group, V2)
                elif "memory" in controllers.split(","):
                    yield from self._of_group("memory", group, V1)

    def _of_group(self, mount: str, group: str, names: Mapping[str, str]) -> Iterator[float]:
        """Yield a group's share and that of each group around it: the tightest one is felt first."""
        top = self._root / "sys/fs/cgroup" / mount
        folder = top / group.strip("/")
        around = [folder, *folder.parents]
        for place in around[: around.index(top) + 1]:
            with suppress(OSError, ValueError):
                limit = int((place / names["limit"]).read_text())  # "max": there is none
                used = int((place / names["used"]).read_text()) - _reclaimable(place, names["cache"])
                if 0 < limit < NO_LIMIT:
                    yield used / limit


V2 = {"limit": "memory.max", "used": "memory.current", "cache": "inactive_file"}
V1 = {"limit": "memory.limit_in_bytes", "used": "memory.usage_in_bytes", "cache": "total_inactive_file"}


def _reclaimable(group: Path, name: str) -> int:
    """Give the bytes of files that the kernel drops when it needs room, as Kubernetes leaves them out, too."""
    for line in (group / "memory.stat").read_text().splitlines():
        key, _, count = line.partition(" ")
        if key == name:
            return int(count)
    return 0


def rlimits() -> Rlimits:
    """Ask the system; a running process can be given others (prlimit)."""
    if sys.platform == "win32":
        return Rlimits(None, None)
    fds, space = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_AS))
    return Rlimits(*(None if limit == resource.RLIM_INFINITY or limit > NO_LIMIT else limit for limit in (fds, space)))
