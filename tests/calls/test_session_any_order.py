"""Whatever a platform says on control sockets, in whatever order: nothing breaks, and each ack is given once."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from calls.session import Misused, Unreadable
from media.platforms.jambonz.control import KINDS, WANT_ACK
from tests.calls.exchange import LLM, Exchange, JsonObject, in_virtual_time, settings_of
from tests.calls.platform_socket import PlatformSocket, data_of, sessions_of
from tests.properties import tries

MENU: JsonObject = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}
SETTINGS = settings_of({"verbs": [MENU, LLM]})
HOOKS = ["", "/menu", "menu", "ended", "https://voice.example.com/agent/call/hook/x", "é" * 3000]
STATUSES = ["trying", "in-progress", "completed", "nonsense"]

message = st.fixed_dictionaries(
    {"word": st.sampled_from([*KINDS, "nonsense"]), "call_sid": st.sampled_from(["c-1", "c-1", "c-1", "c-2", ""])},
    optional={
        "hook": st.sampled_from(HOOKS),
        "data": st.sampled_from([data_of(), data_of("c-2"), {}, 7, *(data_of(call_status=s) for s in STATUSES)]),
        "msgid": st.sampled_from(["", "again", 7]),
    },
)
step = st.tuples(st.integers(0, 2), message | st.sampled_from(["lost", "done", "redirect", "hang up", "restart"]))


class Story:
    """Three sockets of one server, each opened anew when it is gone."""

    def __init__(self) -> None:
        self.exchange = Exchange(SETTINGS)
        self.sessions = sessions_of(self.exchange)
        self.sockets = [PlatformSocket(self.sessions) for _ in range(3)]
        self.expected: list[tuple[PlatformSocket, Counter[str]]] = [(socket, Counter()) for socket in self.sockets]
        self.urls: dict[str, str] = {}

    async def take(self, nth: int, what: Any) -> None:
        if isinstance(what, dict):
            self.say(nth, **what)
        elif what in {"lost", "done"}:
            self.leave(nth, for_good=what == "done")
        elif what == "restart":
            self.sessions.restart()
        elif what == "redirect":
            with suppress(Exception):
                await self.exchange.switchboard.redirect("c-1", [LLM])
        else:
            with suppress(Exception):
                await self.exchange.switchboard.hang_up("c-1")

    def say(self, nth: int, word: str, call_sid: str, **more: Any) -> None:
        """Say something; who says what no platform says is cut off, and starts anew."""
        socket, wanted = self.expected[nth]
        more["hook"] = self.urls.get(str(more.get("hook")), more.get("hook", ""))
        try:
            msgid = socket.send(word, call_sid=call_sid, **more)
        except Misused:
            self.leave(nth, for_good=False)
        except Unreadable:
            pass
        else:
            if KINDS.get(word) in WANT_ACK:
                wanted[more.get("msgid", msgid)] += 1

    def leave(self, nth: int, *, for_good: bool) -> None:
        self.expected[nth][0].session.lost(for_good=for_good)
        self.expected.append(self.expected[nth])
        self.expected[nth] = (PlatformSocket(self.sessions), Counter())

    def learn(self) -> None:
        """Learn our URLs from the documents that were given."""
        for socket, _ in self.expected:
            for verbs in [each.get("data") for each in socket.told]:
                for verb in verbs if isinstance(verbs, list) else []:
                    self.urls["menu" if verb["verb"] == "gather" else "ended"] = verb.get("actionHook", "/menu")


@settings(max_examples=tries(150), deadline=None)
@given(st.lists(step, max_size=12))
def test_nothing_that_is_said_breaks_anything(steps: list[tuple[int, Any]]) -> None:
    @in_virtual_time
    async def story() -> None:
        told = Story()
        for nth, what in steps:
            await told.take(nth, what)
            await asyncio.sleep(0.2)
            told.learn()
        await asyncio.sleep(20)
        for socket, wanted in told.expected:
            given = Counter(each["msgid"] for each in socket.told if each["type"] == "ack")
            assert given == wanted
        await told.sessions.close()
        await told.exchange.switchboard.close()

    with capture_logs() as logs:
        story()
    broken = {"control_message_failed", "call_failed", "task_failed", "call_ended_failed"}
    assert broken & {line["event"] for line in logs} == set()
