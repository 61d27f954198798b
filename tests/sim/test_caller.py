"""When the person on the phone takes the turn. No network, and a clock of its own."""

from types import SimpleNamespace
from typing import Any

import pytest

from sim import caller
from sim.caller import LISTEN_S, OPENING_S, POLL_S, QUIET_S, Caller, Story
from sim.happening import Happening


class Line:
    """A call on a clock that goes on by what is slept: `opens_s` when its media socket opens, `speaks_s` from, to."""

    over = None

    def __init__(self, opens_s: float | None, speaks_s: tuple[float, float]) -> None:
        self.now = 0.0
        self.story = Story(lambda _: None)
        self._opens_s = opens_s
        self._speaks_s = speaks_s

    @property
    def agent_speaking(self) -> bool:
        return self._speaks_s[0] <= self.now < self._speaks_s[1]

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self._opens_s is not None and self.now >= self._opens_s and self.story.last("media_open") is None:
            self.story.add(Happening(self.now, "media_open", "the media socket is open"))


async def listened(line: Line, monkeypatch: pytest.MonkeyPatch) -> float:
    """Let the caller listen, and return how long."""
    monkeypatch.setattr(caller, "time", SimpleNamespace(monotonic=lambda: line.now))
    monkeypatch.setattr(caller, "asyncio", SimpleNamespace(sleep=line.sleep))
    live: Any = line
    await Caller(live, line.story).listen()
    return line.now


@pytest.mark.parametrize(
    ("opens_s", "speaks_s", "until_s"),
    [
        (0.1, (0.2, 1.3), 1.3 + QUIET_S),
        (1.6, (1.7, 2.8), 2.8 + QUIET_S),
        (1.6, (LISTEN_S, LISTEN_S), 1.6 + QUIET_S),
        (None, (LISTEN_S, LISTEN_S), OPENING_S + QUIET_S),
        (0.1, (0.2, LISTEN_S + 1), LISTEN_S),
    ],
    ids=["at once", "on a late line", "to nobody", "without a line", "to one who never ends"],
)
async def test_the_caller_listens_until_an_agent_who_is_on_the_line_has_finished(
    opens_s: float | None, speaks_s: tuple[float, float], until_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await listened(Line(opens_s, speaks_s), monkeypatch) == pytest.approx(until_s, abs=2 * POLL_S)
