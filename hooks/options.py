"""What the dispatcher must be told: how long things may take, and where an application listens."""

from dataclasses import dataclass
from math import inf

from hooks.delivery import Kind

LATE_S = 30.0  # an answer that comes after its deadline is still worth hearing: hanging up on it means asking twice


@dataclass(frozen=True, slots=True)
class HookOptions:
    timeout_s: float = 5.0
    "One attempt of an eventHook or a status hook."
    tool_timeout_s: float = 8.0
    action_timeout_s: float = 8.0
    "All tries of an actionHook together, while the platform waits."
    retry_s: tuple[float, ...] = (0.5, 2.0, 5.0, 300.0, 1800.0, 7200.0)
    "The wait before each further attempt; ±20 % of chance is added."
    secrets: tuple[str, ...] = ()
    "What we send is signed with each of them; a call may have others."

    def deadline_s(self, kind: Kind) -> float:
        """How long somebody waits for this kind's answer."""
        match kind:
            case "tool":
                return self.tool_timeout_s
            case "action":
                return self.action_timeout_s
            case _:
                return inf

    def attempt_timeout_s(self, kind: Kind) -> float:
        """How long one attempt may take in all."""
        return self.timeout_s if kind in {"event", "status"} else self.deadline_s(kind) + LATE_S


@dataclass(frozen=True, slots=True)
class HookUrls:
    """Absolute URLs; None: the application does not want to be told."""

    event: str | None = None
    tool: str | None = None
    action: str | None = None
    status: str | None = None
