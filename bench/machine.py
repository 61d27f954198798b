"""What the kernel says about a process and the machine (Linux: /proc)."""

import contextlib
import os
import platform
import resource
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
CORES = (_allowed[0], _allowed[1]) if len(_allowed) > 1 else None
"(the server's, the load's), as allowed when this process began; None when it may use one only."
SERVER_CORES = [core for core in _allowed if CORES and core != CORES[1]]
"For a server of several processes: all but the load's."
PACKAGES = ("aiohttp", "websockets", "uvloop", "pydantic")


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Seconds since the process began, all threads together."""

    ran_s: float
    waited_s: float
    "Ready to run, but the core was busy with something else."

    def __sub__(self, before: "CpuTimes") -> "CpuTimes":
        return CpuTimes(self.ran_s - before.ran_s, self.waited_s - before.waited_s)


def cpu_times(pids: Iterable[int]) -> CpuTimes:
    """From /proc/PID/task/*/schedstat: nanoseconds, where utime and stime only count clock ticks."""
    ran = waited = 0
    for task in (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread may end meanwhile
            fields = (task / "schedstat").read_text().split()
            ran, waited = ran + int(fields[0]), waited + int(fields[1])
    return CpuTimes(ran / 1e9, waited / 1e9)


def rss_kb(pids: Iterable[int]) -> int:
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * resource.getpagesize() // 1024


def descriptors(pids: Iterable[int]) -> int:
    return sum(1 for pid in pids for _ in Path(f"/proc/{pid}/fd").iterdir())


def settle_on(pid: int, core: int | None, *, urgent: bool = True) -> None:
    """Pin a process to a core and, where that is permitted, put it before ordinary ones.

    Under SCHED_FIFO it comes before this process as well, which counts for seconds what a load has noted meanwhile.
    """
    if core is not None:
        os.sched_setaffinity(pid, {core})
    if not urgent:
        return
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, -10)
        if pid != os.getpid() and os.sched_getscheduler(0) == os.SCHED_FIFO:
            os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(2))


def before_all_others() -> None:
    """SCHED_FIFO for this process and what it starts. Raises PermissionError without CAP_SYS_NICE."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def raise_file_limit() -> None:
    """Two sockets a call on either side; children inherit the limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def commit() -> str:
    """What is measured; marked where the tree holds more than that."""
    asked = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    done = subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() or "no commit"


def facts() -> dict[str, object]:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": os.cpu_count(),
        "server_core": CORES[0] if CORES else None,
        "server_cores": len(SERVER_CORES),
        "load_core": CORES[1] if CORES else None,
        "fifo": os.sched_getscheduler(0) == os.SCHED_FIFO,
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "load_average_at_start": os.getloadavg()[0],
    }
