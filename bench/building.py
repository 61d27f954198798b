"""The load and the relay that are written in C: made by the system's compiler, where there is one."""

import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCES = Path(__file__).with_name("native")
BUILT = Path(__file__).resolve().parent.parent / ".build" / "bench"
SHARED = ("wire.c", "upgrade.c", "coding.c", "tls.c")
PROGRAMS = {"load": ("load.c", "model.c", "said.c", "audio.c", "hooks.c", "notes.c"), "relay": ("relay.c",)}
FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror")
TLS_FLAGS = ("-DWITH_TLS", "-lssl", "-lcrypto")
TIMEOUT_S = 120


class BuildError(Exception):
    """There is a compiler, and it refuses; carries what it said."""


def compiler() -> str | None:
    return shutil.which("cc")


def built(program: str) -> Path | None:
    """Return the program, made anew where its sources are newer; None where there is no compiler."""
    cc = compiler()
    if cc is None:
        return None
    target = BUILT / program
    sources = [SOURCES / name for name in (*PROGRAMS[program], *SHARED)]
    newest = max(file.stat().st_mtime_ns for file in SOURCES.iterdir())
    if not target.exists() or target.stat().st_mtime_ns < newest:
        BUILT.mkdir(parents=True, exist_ok=True)
        _compile(cc, sources, target)
    return target


def _compile(cc: str, sources: list[Path], target: Path) -> None:
    """With TLS where the system has libssl and its headers, else without. Two may do it at once: the last one wins."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        fresh = Path(folder) / target.name
        command = [cc, *FLAGS, *map(str, sources), "-o", str(fresh), "-lm"]
        for extra in (TLS_FLAGS, ()):
            done = subprocess.run([*command, *extra], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603
            if done.returncode == 0:
                fresh.replace(target)
                return
    raise BuildError(f"{cc} does not take bench/native:\n{done.stderr[-2000:]}")
