"""The way to a model, over loopback: subprotocols, a proxy between, and whose certificates are trusted."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from os import utime
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from structlog import get_logger
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from egress.guard import STRANGERS, TRUSTED, Reach
from media.realtime.dial import Dial, Tls
from media.sockets import reach as reach_module
from media.sockets.model import ModelSocket
from media.sockets.reach import Failure, reach
from media.sockets.tls import context
from tests.live.proxy import Proxy, a_proxy

CA = trustme.CA()
CERTIFICATE = CA.issue_cert("localhost", "127.0.0.1")


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach_module, "RETRY_S", ())


@dataclass
class Heard:
    """Ears that keep what they hear."""

    said: list[bytes] = field(default_factory=list)
    socket: ModelSocket | None = None

    def model_opened(self, socket: ModelSocket) -> None:
        self.socket = socket

    def model_said(self, wire: bytes) -> None:
        self.said.append(wire)

    def model_lost(self, code: int | None, reason: str) -> None: ...


async def reached(
    dial: Dial, *, system: ssl.SSLContext | None = None, as_far_as: Reach = TRUSTED
) -> Failure | list[str | None]:
    """Dial, have a message echoed, and leave: the message and the subprotocol, or why not."""
    ears, system = Heard(), system or ssl.create_default_context()
    dial = replace(dial, reach=as_far_as)
    failure = await reach(dial, ears, tls=system, connect_timeout_s=5, dial_s=5, log=get_logger())
    if failure:
        assert ears.socket is None
        return failure
    assert ears.socket
    ears.socket.send(b"hello")
    async with asyncio.timeout(5):
        while len(ears.said) < 2:  # noqa: ASYNC110  # what is waited for is no event of ours
            await asyncio.sleep(0.002)
    await ears.socket.close()
    assert ears.said[0] == b"hello"
    return [text.decode() or None for text in ears.said[1:]]


async def echo(connection: ServerConnection) -> None:
    await connection.send(await connection.recv())
    await connection.send(connection.subprotocol or "")
    await connection.wait_closed()


def the_first_known(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((name for name in offered if name in {"b", "c"}), None)


@asynccontextmanager
async def a_model(tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async with serve(echo, "127.0.0.1", 0, ssl=tls, select_subprotocol=the_first_known) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"{'wss' if tls else 'ws'}://localhost:{port}/v1/realtime"


def tls_of_a_model(certificate: trustme.LeafCert = CERTIFICATE) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(tls)
    return tls


@pytest.fixture
def ca_file(tmp_path: Path) -> str:
    CA.cert_pem.write_to_path(tmp_path / "ca.pem")
    return str(tmp_path / "ca.pem")


# Subprotocols


@pytest.mark.claim("J27", "connectOptions")
@pytest.mark.parametrize(("offered", "taken"), [((), None), (("a", "b", "c"), "b"), (("c",), "c")])
async def test_subprotocols_are_offered_and_the_model_takes_one(offered: tuple[str, ...], taken: str | None) -> None:
    async with a_model() as url:
        assert await reached(Dial(url, {}, subprotocols=offered)) == [taken]


# A proxy


@pytest.mark.claim("J27", "connectOptions")
@pytest.mark.parametrize("proxy_tls", [False, True])
@pytest.mark.parametrize("model_tls", [False, True])
async def test_a_model_is_reached_through_a_proxy_that_wants_a_password(
    ca_file: str, *, proxy_tls: bool, model_tls: bool
) -> None:
    proxy, tls = Proxy(), tls_of_a_model()
    system = ssl.create_default_context(cafile=ca_file)
    async with a_model(tls if model_tls else None) as url, a_proxy(proxy, tls if proxy_tls else None) as through:
        dial = Dial(url, {"Authorization": "Bearer sk-test"}, subprotocols=("b",), proxy=through)
        assert await reached(dial, system=system) == ["b"]
    assert [request.split(" HTTP")[0] for request in proxy.asked] == [f"CONNECT {url.split('/')[2]}"]
    assert "sk-test" not in proxy.asked[0]
    assert "User-Agent: hookswitch" in proxy.asked[0]


@pytest.mark.claim("J27", "connectOptions")
@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ("407 Who are you", Failure("connect_failed", "the proxy answered HTTP 407", final=True)),
        ("502 Bad Gateway", Failure("connect_failed", "the proxy answered HTTP 502", final=False)),
        ("?", Failure("connect_failed", "the model cannot be reached: InvalidProxyMessage", final=False)),
    ],
)
async def test_a_proxy_that_does_not_connect_us_is_named(answer: str, failure: Failure) -> None:
    async with a_model() as url, a_proxy(Proxy(answer=answer)) as through:
        assert await reached(Dial(url, {}, proxy=through)) == failure


@pytest.mark.parametrize("tls", [False, True])
async def test_a_proxy_that_connects_and_leaves_is_a_model_that_cannot_be_reached(*, tls: bool) -> None:
    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(leave, "127.0.0.1", 0) as server:
        proxy = f"http://localhost:{server.sockets[0].getsockname()[1]}"
        failure = await reached(Dial(f"ws{'s' if tls else ''}://localhost:1/", {}, proxy=proxy))
    assert isinstance(failure, Failure)
    assert failure.reason_code == "connect_failed"


# How far it may lead


@pytest.mark.parametrize("proxied", [False, True])
async def test_a_strangers_model_is_on_no_private_address(*, proxied: bool) -> None:
    async with a_model() as url:
        proxy = url.replace("ws:", "http:").removesuffix("/v1/realtime") if proxied else ""
        dial = Dial("wss://model.example.com/v1" if proxied else url, {}, proxy=proxy)
        with capture_logs() as told:
            failure = await reached(dial, as_far_as=STRANGERS)
    assert isinstance(failure, Failure)
    assert failure == Failure("connect_failed", "the model's address is blocked", final=True, blocked=failure.blocked)
    [line] = told
    assert (line["event"], line["log_level"]) == ("egress.blocked", "warning")
    assert "is no address of the internet (this machine)" in line["message"]
    assert "egress.allow_cidrs" in line["message"]


async def test_a_strangers_model_is_reached_where_that_is_allowed() -> None:
    networks = Reach(allowed=(ip_network("127.0.0.0/8"), ip_network("::1")))
    async with a_model() as url:
        assert await reached(Dial(url, {}), as_far_as=networks) == [None]


async def test_a_strangers_model_is_at_a_port_of_web_servers() -> None:
    failure = await reached(Dial("ws://localhost:25/v1", {}), as_far_as=STRANGERS)
    assert isinstance(failure, Failure)
    assert failure.blocked.startswith("localhost is to be asked at port 25")


async def test_where_clouds_hand_out_credentials_no_model_is() -> None:
    failure = await reached(Dial("ws://169.254.169.254/v1", {}))
    assert isinstance(failure, Failure)
    assert failure.blocked.startswith("169.254.169.254 hands out cloud credentials")


# Certificates

OTHERS = trustme.CA()


@pytest.mark.claim("J27", "connectOptions")
@pytest.mark.parametrize(
    ("tls", "failure"),
    [
        (lambda file: Tls(ca_file=file), ""),
        (lambda _: Tls(ca_pem=CA.cert_pem.bytes().decode()), ""),
        (lambda _: Tls(verify=False), ""),
        (lambda _: Tls(verify=False, server_name="any.example"), ""),
        (lambda file: Tls(ca_file=file, server_name="127.0.0.1"), ""),
        (lambda _: Tls(), "the model's certificate is not trusted: "),
        (lambda _: Tls(ca_pem=OTHERS.cert_pem.bytes().decode()), "the model's certificate is not trusted: "),
        (lambda file: Tls(ca_file=file, server_name="other.example"), "Hostname mismatch"),
        (lambda _: Tls(ca_pem="words"), "no TLS with these certificates"),
        (lambda file: Tls(ca_file=f"{file}.gone"), "no TLS with these certificates (No such file or directory)"),
    ],
)
async def test_whose_certificates_are_trusted(ca_file: str, tls: Callable[[str], Tls], failure: str) -> None:
    async with a_model(tls_of_a_model()) as url:
        told = await reached(Dial(url, {}, tls=tls(ca_file)))
    if failure:
        assert isinstance(told, Failure)
        assert failure in told.message
        assert told.final
    else:
        assert told == [None]


@pytest.mark.claim("J27", "connectOptions")
async def test_a_model_that_asks_who_we_are_is_shown_our_certificate(tmp_path: Path, ca_file: str) -> None:
    asking = tls_of_a_model()
    CA.configure_trust(asking)
    asking.verify_mode = ssl.CERT_REQUIRED
    ours, cert, key = CA.issue_cert("hookswitch.example"), tmp_path / "cert.pem", tmp_path / "key.pem"
    ours.cert_chain_pems[0].write_to_path(cert)
    ours.private_key_pem.write_to_path(key)
    async with a_model(asking) as url:
        assert isinstance(await reached(Dial(url, {}, tls=Tls(ca_file=ca_file))), Failure)
        shown = Tls(ca_file=ca_file, client_cert=str(cert), client_key=str(key))
        assert await reached(Dial(url, {}, tls=shown)) == [None]


def test_a_key_behind_a_password_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    key = load_pem_private_key(CERTIFICATE.private_key_pem.bytes(), None)
    hidden = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw"))
    both.write_bytes(CERTIFICATE.cert_chain_pems[0].bytes() + hidden)
    with pytest.raises(ValueError, match="no TLS with these certificates"):
        context(Tls(client_cert=str(both)))


def test_a_file_that_is_replaced_is_read_again(ca_file: str) -> None:
    first = context(Tls(ca_file=ca_file))
    assert context(Tls(ca_file=ca_file)) is first
    OTHERS.cert_pem.write_to_path(ca_file)
    utime(ca_file, ns=(1, 1))
    assert context(Tls(ca_file=ca_file)) is not first
