"""A connection to a model: through a proxy or not, with TLS or not, and the upgrade."""

import asyncio
import ssl

from websockets.asyncio.client import HTTPProxyConnection
from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.proxy import parse_proxy
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from egress.door import connected
from egress.guard import BlockedError, Reach
from media.realtime.dial import Dial
from media.sockets.model import Ears, ModelSocket
from media.sockets.secured import Secured
from media.sockets.tls import context
from verbs.connecting import is_header

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
AGENT = "hookswitch"
"What we call ourselves (`User-Agent`), to the proxy too."


async def connect(dial: Dial, ears: Ears, *, tls: ssl.SSLContext, timeout_s: float) -> None:
    """Reach the model, upgrade included; it is in the ears' hands then.

    `tls` is for every certificate that is judged as the system has it: most models', and a proxy's.

    :raises ValueError: it cannot be dialled with such an address, header or certificate, now or later; the text quotes
        no value
    :raises OSError: no connection, or not in time (TimeoutError), or not to that address (BlockedError)
    :raises websockets.exceptions.InvalidHandshake: it answered, or its proxy did, but not with an upgrade
    """
    core = _asking_for_upgrade(dial)
    if fault := dial.reach.fault(dial.url):
        raise BlockedError(core.uri.host, fault)
    async with asyncio.timeout(timeout_s):
        if not core.uri.secure:
            trusted = None
        elif dial.tls.ordinary:
            trusted = tls
        else:
            trusted = await asyncio.to_thread(context, dial.tls)
        name = (dial.tls.server_name or core.uri.host) if trusted else None
        if dial.proxy:
            socket = await _through_proxy(
                dial.proxy, core, ears, proxy_tls=tls, tls=trusted, server_name=name, reach=dial.reach
            )
        else:
            socket = ModelSocket(core, ears)
            outer = Secured(socket, trusted, name) if trusted else socket
            plug = await connected(core.uri.host, core.uri.port, dial.reach)
            await asyncio.get_running_loop().create_connection(lambda: outer, sock=plug)
            await _shaken(outer)
        try:
            await socket.handshake()
        except BaseException:
            socket.abort()
            raise


async def _through_proxy(
    url: str,
    core: ClientProtocol,
    ears: Ears,
    *,
    proxy_tls: ssl.SSLContext,
    tls: ssl.SSLContext | None,
    server_name: str | None,
    reach: Reach,
) -> ModelSocket:
    """Have a proxy connect us (HTTP CONNECT), and go on as if it were not there."""
    socket = ModelSocket(core, ears)
    outer = Secured(socket, tls, server_name) if tls else socket
    proxy = parse_proxy(url)
    to_proxy = proxy_tls if proxy.scheme == "https" else None
    plug = await connected(proxy.host, proxy.port, reach)
    transport, asking = await asyncio.get_running_loop().create_connection(
        lambda: HTTPProxyConnection(core.uri, proxy, AGENT),
        sock=plug,
        ssl=to_proxy,
        server_hostname=proxy.host if to_proxy else None,
    )
    try:
        await asking.response
    except BaseException:
        transport.abort()
        raise
    transport.set_protocol(outer)
    outer.connection_made(transport)
    await _shaken(outer)
    return socket


async def _shaken(outer: Secured | ModelSocket) -> None:
    """Wait for the TLS handshake, where there is one."""
    if isinstance(outer, Secured):
        try:
            await outer.handshake()
        except BaseException:
            outer.abort()
            raise


def _asking_for_upgrade(dial: Dial) -> ClientProtocol:
    """Write the request before there is a connection: what cannot be written fails here, and not in a callback."""
    headers = {"User-Agent": AGENT} | dial.headers
    for name, value in headers.items():
        if not is_header(name, value):
            raise ValueError(f"the header {name[:64]!r} cannot be sent: it holds a line break, or is no Latin-1 text")
    try:
        offered = [Subprotocol(name) for name in dial.subprotocols]
        core = ClientProtocol(parse_uri(dial.url), subprotocols=offered or None, max_size=MAX_MESSAGE_BYTES)
        core.uri.host.encode("idna")  # as the resolver does; it would raise in the middle of dialling
        request = core.connect()
        for name, value in headers.items():
            request.headers[name] = value
        core.send_request(request)
    except (ValueError, WebSocketException):
        raise ValueError("the model's address cannot be used: see connectOptions, and vendors.*.url") from None
    return core
