"""Other projects' bridges, each in an environment of its own under .build/, made when it is first asked for."""

import subprocess
import sys
from pathlib import Path

ENVIRONMENTS = Path(__file__).resolve().parent.parent.parent / ".build" / "peers"
REQUIREMENTS = {"pipecat": ("pipecat-ai[openai,websocket]==1.14.0", "uvicorn")}
INSTALL_TIMEOUT_S = 900


class PeerError(Exception):
    """A peer cannot be installed here; carries what pip said."""


def python_of(peer: str) -> Path:
    return ENVIRONMENTS / peer / "bin" / "python"


def install(peer: str) -> Path:
    """Return the interpreter of the peer's environment, with the peer in it."""
    python = python_of(peer)
    ready = ENVIRONMENTS / peer / ".ready"
    wanted = "\n".join(REQUIREMENTS[peer])
    if not ready.exists() or ready.read_text() != wanted:
        commands = (
            [sys.executable, "-m", "venv", str(ENVIRONMENTS / peer)],
            [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *REQUIREMENTS[peer]],
        )
        for command in commands:
            done = subprocess.run(  # noqa: S603
                command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
            )
            if done.returncode:
                raise PeerError(f"{REQUIREMENTS[peer][0]} could not be installed:\n{done.stderr[-1500:]}")
        ready.write_text(wanted)
    return python
