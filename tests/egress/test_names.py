"""Names whose servers are silent hold up nobody who asks for another purpose, and nobody for long."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from egress import door
from egress.door import connected
from egress.guard import TRUSTED
from egress.names import Names
from hooks.transports.base import HookRequest, HookUnreachable
from hooks.transports.http import HttpTransport

GENUINE = socket.getaddrinfo
ADDRESS = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 0))]


class Servers:
    """A resolver: a name that begins with `dead` has no answer until the test is over, `live` is this machine."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.over = threading.Event()

    def getaddrinfo(self, host: str, port: int | None, *, flags: int = 0, **how: Any) -> Any:
        if flags & socket.AI_NUMERICHOST:
            return GENUINE(host, port, flags=flags, **how)
        self.asked.append(host)
        if host.startswith("dead"):
            self.over.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "silent")
        if host.startswith("none"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ADDRESS


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    servers = Servers()
    monkeypatch.setattr(socket, "getaddrinfo", servers.getaddrinfo)
    monkeypatch.setattr(door, "MODELS", Names())
    yield servers
    servers.over.set()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  # a thread is at work
            await asyncio.sleep(0.001)


def post(url: str) -> HookRequest:
    return HookRequest(url, {}, b"{}", timeout_s=10, max_reply_bytes=1_000, reach=TRUSTED)


async def test_a_hundred_dead_hook_names_do_not_hold_up_a_model(servers: Servers) -> None:
    transport = HttpTransport()
    hooks = [asyncio.create_task(transport.send(post(f"http://dead{n}.example.com/"))) for n in range(100)]
    await until(lambda: len(servers.asked) >= 32)
    with socket.create_server(("127.0.0.1", 0)) as model:
        port = model.getsockname()[1]
        async with asyncio.timeout(2):
            for plug in [await connected(host, port, TRUSTED) for host in ("live.example.com", "127.0.0.1")]:
                assert plug.getpeername() == model.getsockname()
                plug.close()
    assert not any(hook.done() for hook in hooks)
    servers.over.set()
    failed = await asyncio.gather(*hooks, return_exceptions=True)
    assert {type(failure) for failure in failed} == {HookUnreachable}
    await transport.close()


async def test_an_address_is_not_looked_up(servers: Servers) -> None:
    names = Names(threads=0)
    assert [info[4] for info in await names.addresses("127.0.0.1", 80)] == [("127.0.0.1", 80)]
    assert [info[4][:2] for info in await names.addresses("::1", 80)] == [("::1", 80)]
    assert servers.asked == []


async def test_a_name_is_looked_up_once_for_all_who_ask_and_not_again_at_once(servers: Servers) -> None:
    names = Names()
    found = await asyncio.gather(*(names.addresses("live", port) for port in range(1, 11)))
    assert [info[4] for [info] in found] == [("127.0.0.1", port) for port in range(1, 11)]
    await names.addresses("live", 80)
    assert servers.asked == ["live"]
    waiting = [asyncio.create_task(names.addresses("dead", 80)) for _ in range(10)]
    await until(lambda: "dead" in servers.asked)
    waiting[0].cancel()
    servers.over.set()
    failed = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(failure) for failure in failed] == [asyncio.CancelledError, *[socket.gaierror] * 9]
    assert servers.asked == ["live", "dead"]


async def test_what_a_name_meant_is_forgotten_soon(servers: Servers) -> None:
    names = Names(fresh_s=0)
    for _ in range(2):
        await names.addresses("live", 80)
    assert servers.asked == ["live", "live"]


async def test_a_name_without_an_address_says_so_and_one_without_an_answer_in_time(servers: Servers) -> None:
    names = Names(threads=1, deadline_s=0.05)
    with pytest.raises(socket.gaierror, match="not known"):
        await names.addresses("none", 80)
    with pytest.raises(socket.gaierror, match=r"not resolved within 0\.05 s"):
        await names.addresses("dead", 80)
    with pytest.raises(socket.gaierror, match="not resolved within"):  # the only thread is still at the other
        await names.addresses("live", 80)
    assert servers.asked == ["none", "dead"]
    servers.over.set()
    await until(lambda: not names._threads)
    assert servers.asked == ["none", "dead"], "nobody waits for it any more"
    assert await names.addresses("live", 80)


async def test_where_there_is_no_thread_to_be_had_nobody_waits_for_long(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    names = Names(deadline_s=0.05)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        with pytest.raises(socket.gaierror):
            await names.addresses("live", 80)
    assert await names.addresses("live", 80)


async def test_aiohttp_gets_the_addresses_of_the_family_that_it_asks_for(servers: Servers) -> None:
    [found] = await Names().resolve("live", 80)
    assert (found["hostname"], found["host"], found["port"]) == ("live", "127.0.0.1", 80)
    assert await Names().resolve("live", 80, socket.AF_INET6) == []


def test_a_process_ends_while_a_name_is_looked_up() -> None:
    script = """
import asyncio, socket, threading, time
from egress.names import Names
begun = threading.Event()
def silent(*_, flags=0, **__):
    if flags:
        raise socket.gaierror
    begun.set()
    time.sleep(60)
socket.getaddrinfo = silent
async def main():
    asking = asyncio.create_task(Names().addresses("dead", 80))
    while not begun.is_set():
        await asyncio.sleep(0.01)
asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=20, check=False).returncode == 0  # noqa: S603
