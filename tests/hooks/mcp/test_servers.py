"""One verb's servers, on a clock that jumps: whose tools are offered when, and what becomes of those that fail."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from egress.guard import TRUSTED
from hooks.mcp import servers
from hooks.mcp.line import MAX_GREETINGS, McpForgottenError
from hooks.mcp.offers import Listed, McpError, McpTool
from hooks.mcp.server import INSTALL, McpServer
from hooks.mcp.servers import CLOSED_WITHIN_S, DOOR, GIVEN_UP_AFTER_S, LISTED_WITHIN_S, MAX_SERVERS, Servers
from tests.hooks.virtual_loop import run

log = structlog.get_logger("test")
Told = list[tuple[float, list[str]]]


class Peer:
    """A server that takes `after_s` to tell of a tool of its name, or fails."""

    def __init__(self, after_s: float = 0.0, error: Exception | None = None, closes_s: float = 0.0) -> None:
        self._after_s, self._error, self._closes_s = after_s, error, closes_s
        self.closed = False

    @asynccontextmanager
    async def connected(self, name: str) -> AsyncIterator[Any]:
        async def tools() -> list[Listed]:
            return [Listed(name, "", {"type": "object"}), Listed("both", "", {"type": "object"})]

        await asyncio.sleep(self._after_s)
        if self._error:
            raise self._error
        try:
            yield SimpleNamespace(tools=tools, ask=None)
        finally:
            await asyncio.sleep(self._closes_s)
            self.closed = True


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Peer]:
    known: dict[str, Peer] = {}

    def connected(server: McpServer) -> Any:
        name = server.url.removeprefix("http://")
        return known[name].connected(name)

    monkeypatch.setitem(sys.modules, DOOR, SimpleNamespace(connected=connected))
    return known


def in_a_call(
    names: list[str], lasts_s: float, *, taken: frozenset[str] = frozenset()
) -> tuple[Told, list[dict[str, Any]], float]:
    """Give what was offered when, what was logged, and how long the servers were left after the call's end."""
    told: Told = []

    async def call() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        these = Servers([{"url": name} for name in names], taken=taken, reach=lambda _: TRUSTED, log=log)
        these.offer = lambda tools: told.append((round(loop.time() - began, 1), [tool["name"] for tool in tools]))
        running = asyncio.create_task(these.run())
        await asyncio.sleep(lasts_s)
        assert sorted(these.tools) == sorted(name for _, each in told for name in each)
        these.close()
        await running
        return loop.time() - began - lasts_s

    with capture_logs() as logs:
        left_s = run(call())
    return told, [dict(line) for line in logs], left_s


@pytest.mark.claim("J31")
@pytest.mark.parametrize(
    ("after_s", "told"),
    [
        ((0, 0), [(0.0, ["a", "both", "b"])]),
        ((1, 0), [(1.0, ["a", "both", "b"])]),
        ((5, 0), [(LISTED_WITHIN_S, ["b", "both"]), (5.0, ["a"])]),
        ((5, 4), [(LISTED_WITHIN_S, []), (4.0, ["b", "both"]), (5.0, ["a"])]),
        ((30, 0), [(LISTED_WITHIN_S, ["b", "both"])]),
    ],
)
def test_the_first_words_wait_two_seconds_at_most(
    peers: dict[str, Peer], after_s: tuple[float, float], told: Told
) -> None:
    peers |= {"a": Peer(after_s[0]), "b": Peer(after_s[1])}
    offered, logs, _ = in_a_call(["http://a", "http://b"], 60)
    assert offered == told
    assert [line["event"] for line in logs if line["event"] == "mcp_failed"] == (
        ["mcp_failed"] if after_s[0] > GIVEN_UP_AFTER_S else []
    )
    assert all(peer.closed for peer in peers.values()) == (after_s[0] < GIVEN_UP_AFTER_S)


@pytest.mark.claim("J31", "mcpServers")
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (McpError("HTTP 401"), "HTTP 401"),
        (TimeoutError(), "no answer"),
        (ExceptionGroup("one", [ExceptionGroup("one", [McpError("HTTP 500")])]), "HTTP 500"),
        (ExceptionGroup("two", [ValueError("key-1"), ValueError()]), "ExceptionGroup"),
        (ValueError("key-1"), "ValueError"),
    ],
)
def test_a_server_that_fails_is_told_of_and_costs_its_tools_alone(
    peers: dict[str, Peer], error: Exception, reason: str
) -> None:
    peers |= {"a": Peer(error=error), "b": Peer()}
    offered, logs, _ = in_a_call(["http://a", "http://b"], 9, taken=frozenset({"both"}))
    assert offered == [(0.0, ["b"])]
    assert [(line["server"], line["reason"]) for line in logs] == [
        ("http://a", reason),
        ("http://b", "both: another tool has this name"),
    ]


class Forgetful(Peer):
    """A server that knows each of its sessions for so many calls; `errors` are what meets those who greet it."""

    def __init__(self, calls: list[int], *errors: Exception, closes_s: float = 0.0) -> None:
        super().__init__(closes_s=closes_s)
        self._calls, self._errors = calls, [None, *errors]
        self.greeted = 0

    @asynccontextmanager
    async def connected(self, name: str) -> AsyncIterator[Any]:
        self.greeted += 1
        self._error = self._errors.pop(0) if self._errors else None
        left = self._calls[min(self.greeted, len(self._calls)) - 1]

        async def ask(tool: str, _: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise McpForgottenError("the tool's server knows no such session")
            await asyncio.sleep(1)
            return tool

        async with super().connected(name) as connection:
            yield SimpleNamespace(tools=connection.tools, ask=ask)


def asked(peers: dict[str, Peer], peer: Peer, times: int, *, at_once: bool = False) -> tuple[list[Any], list[str]]:
    """Call its tool so often; give the answers, and the names of what was logged."""
    peers |= {"a": peer}

    async def call() -> list[Any]:
        these = Servers([{"url": "http://a"}], taken=(), reach=lambda _: TRUSTED, log=log)
        running = asyncio.create_task(these.run())
        await asyncio.sleep(1)
        [tool, _] = these.tools.values()
        assert isinstance(tool, McpTool)
        calls = [tool.ask("t", {}) for _ in range(times)]
        if at_once:
            told = await asyncio.gather(*calls, return_exceptions=True)
        else:
            told = [(await asyncio.gather(each, return_exceptions=True))[0] for each in calls]
        these.close()
        await running
        return [str(each) for each in told]

    with capture_logs() as logs:
        return run(call()), [line["event"] for line in logs]


@pytest.mark.claim("J31")
@pytest.mark.parametrize("at_once", [False, True])
def test_a_server_that_has_forgotten_us_is_greeted_anew_and_the_call_made_again(
    peers: dict[str, Peer], *, at_once: bool
) -> None:
    peer = Forgetful([1, 9])
    assert asked(peers, peer, 3, at_once=at_once) == (["t", "t", "t"], ["mcp_session_forgotten"])
    assert peer.greeted == 2


def test_a_server_that_takes_its_time_to_be_left_is_greeted_anew_all_the_same(peers: dict[str, Peer]) -> None:
    assert asked(peers, Forgetful([1, 9], closes_s=60), 3) == (["t", "t", "t"], ["mcp_session_forgotten"])


def test_a_server_that_cannot_be_greeted_anew_fails_its_calls_alone(peers: dict[str, Peer]) -> None:
    peer = Forgetful([1, 9], McpError("HTTP 500"))
    assert asked(peers, peer, 3) == (["t", "HTTP 500", "HTTP 500"], ["mcp_session_forgotten", "mcp_failed"])
    assert peer.greeted == 2


def test_a_server_that_forgets_us_at_every_call_is_not_greeted_without_end(peers: dict[str, Peer]) -> None:
    peer = Forgetful([0])
    told, _ = asked(peers, peer, 20)
    assert set(told) == {"the tool's server knows no such session", "the tool's server forgets us again and again"}
    assert peer.greeted == MAX_GREETINGS


def test_a_server_that_comes_late_with_nothing_new_is_not_told_of(peers: dict[str, Peer]) -> None:
    peers |= {"a": Peer(3)}
    offered, _, _ = in_a_call(["http://a"], 9, taken=frozenset({"a", "both"}))
    assert offered == [(LISTED_WITHIN_S, [])]


@pytest.mark.parametrize("peer", [Peer(closes_s=9), Peer(10), Peer(1, closes_s=9)])
def test_a_call_that_ends_leaves_no_server_behind(peers: dict[str, Peer], peer: Peer) -> None:
    peers |= {"a": peer}
    _, logs, left_s = in_a_call(["http://a"], 0.5)
    assert left_s <= CLOSED_WITHIN_S
    assert logs == []


def test_a_server_that_tells_only_after_the_end_is_left_at_once(peers: dict[str, Peer]) -> None:
    peers |= {"a": Peer(1)}
    _, _, left_s = in_a_call(["http://a"], 0.5)
    assert left_s == pytest.approx(0.5)
    assert peers["a"].closed


def test_a_call_that_is_over_at_once_waits_for_no_server(peers: dict[str, Peer]) -> None:
    peers |= {"a": Peer(10)}

    async def call() -> float:
        these = Servers([{"url": "http://a"}], taken=(), reach=lambda _: TRUSTED, log=log)
        these.close()
        began = asyncio.get_running_loop().time()
        await these.run()
        return asyncio.get_running_loop().time() - began

    assert run(call()) <= CLOSED_WITHIN_S


@pytest.mark.claim("J31", "mcpServers")
def test_no_more_than_so_many_are_asked(peers: dict[str, Peer]) -> None:
    names = [f"s{nth}" for nth in range(MAX_SERVERS + 2)]
    peers |= {name: Peer() for name in names}
    [(_, offered)], [line, *_], _ = in_a_call([f"http://{name}" for name in names], 1)
    assert [name for name in offered if name != "both"] == names[:MAX_SERVERS]
    assert (line["event"], line["left_out"]) == ("mcp_servers_left_out", 2)


def test_what_the_application_declares_is_left_to_it(peers: dict[str, Peer]) -> None:
    peers |= {"a": Peer()}
    told: list[str] = []

    async def call() -> None:
        these = Servers([{"url": "http://a"}], taken=(), reach=lambda _: TRUSTED, log=log)
        these.offer = lambda tools: told.extend(tool["name"] for tool in tools)
        these.give_way({"both"})
        these.close()
        await these.run()

    run(call())
    assert told == ["a"]


def test_what_cannot_be_a_server_is_left_out(peers: dict[str, Peer]) -> None:
    peers |= {"a": Peer()}
    offered, [line], _ = in_a_call(["ftp://x", "http://a"], 1)
    assert offered == [(0.0, ["a", "both"])]
    assert (line["server"], line["reason"]) == ("mcpServers[0]", "must be an http:// or https:// URL")


@pytest.mark.claim("J31")
def test_without_the_package_there_is_one_warning_and_no_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "installed", lambda: False)
    servers.preload()
    offered, [line], _ = in_a_call(["http://a", "http://b"], 1)
    assert offered == [(0.0, [])]
    assert (line["event"], line["message"]) == ("mcp_not_installed", INSTALL)


async def test_the_package_is_loaded_beside_the_calls_where_nothing_told_of_it_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, DOOR, raising=False)
    connect = await servers._door()
    assert connect is sys.modules[DOOR].connected
    servers.preload()
    assert await servers._door() is connect
