"""Live on loopback, against servers that say exactly what the script says, byte for byte."""

import asyncio
import gzip
import socket
import ssl
import struct
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from ipaddress import ip_network

import pytest
import trustme

from egress.guard import STRANGERS, TRUSTED, Reach
from egress.names import Names
from hooks.transports import http
from hooks.transports.base import HookBlocked, HookBroken, HookReply, HookRequest, HookTimeout, HookUnreachable
from hooks.transports.http import HttpTransport
from tests.egress.test_door import Meanings

THIS_MACHINE = Reach(allowed=(ip_network("127.0.0.1/32"),))
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Answers every request by the script, and remembers what it was sent."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = ""
        self._serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                await self._script(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def stop(self) -> None:
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving)


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[tuple[Server, HttpTransport]]:
    server, transport = Server(script), HttpTransport()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/hook?x=1"
    try:
        yield server, transport
    finally:
        await transport.close()
        listener.close()
        await server.stop()


def saying(raw: bytes) -> Script:
    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return script


def answer(status: str = "200 OK", body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def request(url: str, *, timeout_s: float = 5.0, max_reply_bytes: int = 65_536, reach: Reach = TRUSTED) -> HookRequest:
    headers = {"Content-Type": "application/json", "webhook-id": "msg_1"}
    return HookRequest(url, headers, '{"a":"ë"}'.encode(), timeout_s, max_reply_bytes, reach=reach)


async def test_a_hook_is_posted_byte_for_byte_and_its_answer_returned() -> None:
    reply = answer("201 Created", b'{"b":1}', "Content-Type: application/json; charset=utf-8", "Retry-After: 7")
    async with serving(saying(reply)) as (server, transport):
        assert await transport.send(request(server.url)) == HookReply(
            201, "application/json; charset=utf-8", b'{"b":1}', 7.0
        )
    [sent] = server.requests
    assert sent.startswith(b"POST /hook?x=1 HTTP/1.1\r\n")
    assert sent.endswith('\r\n\r\n{"a":"ë"}'.encode())
    for header in (b"webhook-id: msg_1", b"Content-Type: application/json", b"Accept-Encoding: identity"):
        assert b"\r\n%b\r\n" % header in sent


async def test_one_connection_serves_many_hooks_and_no_cookie_comes_back() -> None:
    async with serving(saying(answer("204 No Content", b"", "Set-Cookie: a=b"))) as (server, transport):
        for _ in range(3):
            assert (await transport.send(request(server.url))).status == 204
    assert server.connections == 1
    assert not any(b"cookie" in sent.lower() for sent in server.requests)


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    async with serving(saying(answer("302 Found", b"", "Location: /elsewhere"))) as (server, transport):
        assert (await transport.send(request(server.url))).status == 302
    assert len(server.requests) == 1


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with serving(saying(answer())) as (server, transport):
        assert (await transport.send(request(server.url))).status == 200


async def test_a_compressed_answer_is_not_inflated() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    async with serving(saying(answer("200 OK", bomb, "Content-Encoding: gzip"))) as (server, transport):
        with measured() as peak_bytes:
            reply = await transport.send(request(server.url))
            taken_bytes = peak_bytes()
    assert (reply.status, reply.body) == (200, b"")
    assert reply.unreadable == "compressed, though only identity is accepted"
    assert taken_bytes < 7 * len(bomb), "as it came, as often as both sides hold it"


@contextmanager
def measured() -> Iterator[Callable[[], int]]:
    """Give what tells how much memory was in use at most from now on, more than now."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    try:
        yield lambda: tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


async def test_a_gigabyte_is_cut_off_at_the_limit() -> None:
    sent_bytes = 0

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent_bytes
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while sent_bytes < 1_000_000_000:
            writer.write(bytes(65_536))
            sent_bytes += 65_536
            await writer.drain()

    async with serving(script) as (server, transport):
        reply = await transport.send(request(server.url, max_reply_bytes=1_000))
        assert (reply.status, reply.body, reply.unreadable) == (200, b"", "longer than 1000 bytes")
    assert sent_bytes < 100_000_000


@pytest.mark.parametrize("size", [1_000, 1_001])
async def test_the_limit_itself_is_allowed(size: int) -> None:
    async with serving(saying(answer("200 OK", bytes(size)))) as (server, transport):
        reply = await transport.send(request(server.url, max_reply_bytes=1_000))
    assert (reply.unreadable is None) is (size == 1_000)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
async def test_a_drip_is_cut_off_in_time(head: bytes) -> None:
    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for _ in range(1_000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.005)

    async with serving(script) as (server, transport):
        with pytest.raises(HookTimeout, match=r"no complete answer within 0\.05 s"):
            await transport.send(request(server.url, timeout_s=0.05))


async def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://user:secret@127.0.0.1:{unused.getsockname()[1]}/hook"
        transport = HttpTransport()
        with pytest.raises(HookUnreachable, match="no connection: Connection refused") as failure:
            await transport.send(request(url))
        await transport.close()
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:99999999/", "http://[::1/"])
async def test_a_url_that_is_none_is_unreachable(url: str) -> None:
    transport = HttpTransport()
    with pytest.raises(HookUnreachable):
        await transport.send(request(url))
    await transport.close()


async def test_a_peer_that_does_not_speak_tls_is_unreachable() -> None:
    def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"this is not TLS")
        writer.close()

    transport = HttpTransport()
    async with await asyncio.start_server(connected, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(HookUnreachable, match="no connection"):
            await transport.send(request(f"https://127.0.0.1:{port}/hook"))
        await transport.close()


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "0xa9fea9fe", "[fd00:ec2::254]"])
async def test_the_clouds_credentials_are_out_of_reach(host: str) -> None:
    transport = HttpTransport()
    with pytest.raises(HookUnreachable, match="hands out cloud credentials"):
        await transport.send(request(f"http://{host}/latest/meta-data", timeout_s=1.0))
    await transport.close()


FORMS = ["127.0.0.1", "localhost", "0.0.0.0", "0x7f000001", "[::1]", "[::]"]  # noqa: S104
FORMS += ["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "10.0.0.1"]


@pytest.mark.parametrize("host", FORMS)
async def test_a_strangers_url_reaches_no_private_address_in_any_form(host: str) -> None:
    transport = HttpTransport()
    with pytest.raises(HookBlocked, match=r"blocked: .* is no address of the internet .*egress\.allow_cidrs"):
        await transport.send(request(f"http://{host}:8080/", reach=STRANGERS, timeout_s=1.0))
    await transport.close()


@pytest.mark.parametrize("host", ["2130706433", "127.1", "017700000001"])
async def test_forms_that_only_a_resolver_knows_are_no_addresses(host: str) -> None:
    transport = HttpTransport()
    with pytest.raises(HookUnreachable):
        await transport.send(request(f"http://{host}:8080/", reach=STRANGERS, timeout_s=1.0))
    await transport.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://user:hunter22@app.example.com/", "blocked: app.example.com has a user name or a password before it"),
        ("http://app.example.com:25/", "blocked: app.example.com is to be asked at port 25"),
        ("http://app.example.com\\@10.0.0.1/", "blocked: its host is in no plain http://"),
        ("http://app.example.com/\r\nX-Injected: 1", "blocked: its host is in no plain http://"),
    ],
)
async def test_a_strangers_url_that_is_no_plain_one_is_asked_of_nobody(url: str, words: str) -> None:
    transport = HttpTransport()
    with pytest.raises(HookBlocked) as blocked:
        await transport.send(request(url, reach=STRANGERS))
    assert str(blocked.value).startswith(words)
    assert "hunter22" not in str(blocked.value)
    await transport.close()


async def test_what_is_allowed_is_reached_and_shares_no_connection_with_the_operators() -> None:
    async with serving(saying(answer())) as (server, transport):
        for reach in (TRUSTED, THIS_MACHINE, THIS_MACHINE):
            assert (await transport.send(request(server.url, reach=reach))).status == 200
        with pytest.raises(HookBlocked):
            await transport.send(request(server.url, reach=STRANGERS))
    assert server.connections == 2


async def test_a_name_that_comes_to_mean_this_machine_between_two_tries_is_blocked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(saying(answer("200 OK", b"", "Connection: close"))) as (server, transport):
        port = server.url.split(":")[2].partition("/")[0]
        names = Meanings(["127.0.0.1"], ["127.0.0.3"])
        monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
        monkeypatch.setattr(http, "Names", lambda: Names(fresh_s=0))
        sent = request(f"http://app.example.com:{port}/hook", reach=THIS_MACHINE)
        assert (await transport.send(sent)).status == 200
        with pytest.raises(HookBlocked, match=r"blocked: app\.example\.com \(127\.0\.0\.3\) is no address"):
            await transport.send(sent)
    assert (len(server.requests), names.asked) == (1, 2)


async def test_a_header_with_a_line_break_is_not_sent() -> None:
    async with serving(saying(answer())) as (server, transport):
        sent = replace(request(server.url), headers={"X-Call": "c-1\r\nX-Injected: 1"})
        with pytest.raises(ValueError, match=r"[Nn]ewline|control"):
            await transport.send(sent)
    assert server.requests == []


async def test_no_more_of_a_content_type_is_told_than_anybody_needs() -> None:
    async with serving(saying(answer("200 OK", b"{}", f"Content-Type: {'x' * 4_000}"))) as (server, transport):
        assert len((await transport.send(request(server.url))).content_type) == 200


async def test_a_certificate_that_is_not_trusted_is_unreachable() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(tls)
    transport = HttpTransport()
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=tls) as listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(HookUnreachable, match=r"no connection: .*certificate"):
            await transport.send(request(f"https://localhost:{port}/hook"))
        await transport.close()


async def test_a_reset_after_the_request_is_broken_and_not_unreachable() -> None:
    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        plug: socket.socket = writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with serving(script) as (server, transport):
        with pytest.raises(HookBroken, match="connection lost"):
            await transport.send(request(server.url))


@pytest.mark.parametrize("raw", [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"not HTTP at all\r\n\r\n", b""])
async def test_half_an_answer_is_broken(raw: bytes) -> None:
    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        writer.close()

    async with serving(script) as (server, transport):
        with pytest.raises(HookBroken, match="connection lost"):
            await transport.send(request(server.url))


async def test_closing_what_was_never_used_is_fine() -> None:
    await HttpTransport().close()
