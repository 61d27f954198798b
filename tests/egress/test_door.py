"""Sockets, on loopback: an address is judged when it is dialled, whatever its name meant before."""

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest

from egress import door
from egress.door import connected
from egress.guard import STRANGERS, TRUSTED, BlockedError, Reach
from egress.names import Names

OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.1"
INTERNET = Reach(allowed=(ip_network(f"{OUTSIDE}/32"),))
"A stand-in for the internet, of which a test has none: one address of this machine, and not the other."


class Meanings:
    """A resolver: what a name means the first time, the second time, …"""

    def __init__(self, *meanings: list[str]) -> None:
        self._meanings = list(meanings)
        self.asked = 0

    def getaddrinfo(self, host: str, port: int | None, *, flags: int = 0, **_: Any) -> list[tuple[Any, ...]]:
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, f"{host} is a name")
        meaning = self._meanings[min(self.asked, len(self._meanings) - 1)]
        self.asked += 1
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in meaning]
        return [
            (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
            for family, address in zip(families, meaning, strict=True)
        ]


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Serve on all addresses of this machine."""

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "0.0.0.0", 0) as server:  # noqa: S104  # loopback has many
        yield server.sockets[0].getsockname()[1]


def meaning(monkeypatch: pytest.MonkeyPatch, *meanings: list[str]) -> Meanings:
    """Let every name mean this; nothing is remembered."""
    names = Meanings(*meanings)
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    monkeypatch.setattr(door, "MODELS", Names(fresh_s=0))
    return names


async def reached(port: int, reach: Reach) -> str:
    with await connected("app.example.com", port, reach) as plug:
        peer: str = plug.getpeername()[0]
        return peer


async def test_a_name_that_comes_to_mean_this_machine_is_blocked(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    names = meaning(monkeypatch, [OUTSIDE], [INSIDE])
    assert await reached(port, INTERNET) == OUTSIDE
    with pytest.raises(BlockedError) as blocked:
        await reached(port, INTERNET)
    assert (blocked.value.address, names.asked) == (INSIDE, 2)
    assert "is no address of the internet (this machine)" in blocked.value.why


async def test_of_a_names_addresses_those_that_may_be_are_dialled(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    meaning(monkeypatch, ["10.0.0.1", "169.254.169.254", OUTSIDE])
    assert await reached(port, INTERNET) == OUTSIDE


async def test_the_operators_own_may_be_anywhere_but_there(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    meaning(monkeypatch, [INSIDE], ["169.254.169.254"], ["::ffff:169.254.169.254", "fd00:ec2::254"])
    assert await reached(port, TRUSTED) == INSIDE
    for _ in range(2):
        with pytest.raises(BlockedError):
            await reached(port, TRUSTED)


async def test_one_that_does_not_answer_is_no_blocked_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((OUTSIDE, 0)) as taken:
        port = taken.getsockname()[1]
    meaning(monkeypatch, [INSIDE, OUTSIDE], [])
    with pytest.raises(ConnectionRefusedError):
        await reached(port, INTERNET)
    with pytest.raises(OSError, match=r"app\.example\.com has no address"):
        await reached(port, INTERNET)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "0x7f000001", "2130706433", "0", "::ffff:127.0.0.1"])
async def test_no_way_to_write_this_machine_passes(port: int, host: str) -> None:
    with pytest.raises(BlockedError):
        await connected(host, port, STRANGERS)


async def test_a_socket_that_is_given_up_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = asyncio.Event()

    async def never(_plug: socket.socket, _address: object) -> None:
        waiting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
    dialling = asyncio.create_task(connected("127.0.0.1", 9, TRUSTED))
    await waiting.wait()
    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling
