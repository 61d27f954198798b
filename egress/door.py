"""Opens sockets: each address is judged when it is about to be dialled, in whatever form its host was written.

A resolver that judges would not do: aiohttp does not ask one about a host that is an address, and what a name meant
when it was looked at is not what it means when it is dialled.
"""

import asyncio
import socket
from collections.abc import Callable

from egress.guard import BlockedError, Reach
from egress.names import AddressInfo, Names

MODELS = Names()
"What the hosts of models mean; no hook's name is in their way."


def socket_factory(reach: Reach) -> Callable[[AddressInfo], socket.socket]:
    """Make what `aiohttp.TCPConnector(socket_factory=…)` calls for each address, right before it dials it.

    It raises BlockedError.
    """

    def made(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        if why := reach.refusal(address[0]):
            raise BlockedError(address[0], why)
        return socket.socket(family, kind, protocol)

    return made


async def connected(host: str, port: int, reach: Reach) -> socket.socket:
    """Connect to the first address of a host that answers, as asyncio does, of those that may be dialled.

    :raises BlockedError: none may be
    :raises OSError: the name does not resolve, or nobody answers
    """
    loop, make = asyncio.get_running_loop(), socket_factory(reach)
    failure: OSError | None = None
    blocked: BlockedError | None = None
    for info in await MODELS.addresses(host, port):
        try:
            return await _dialled(loop, make, info)
        except BlockedError as error:
            blocked = error
        except OSError as error:
            failure = error
    raise failure or blocked or OSError(f"{host} has no address")


async def _dialled(
    loop: asyncio.AbstractEventLoop, make: Callable[[AddressInfo], socket.socket], info: AddressInfo
) -> socket.socket:
    plug = make(info)
    try:
        plug.settimeout(0)
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(plug, info[4])
    except BaseException:
        plug.close()
        raise
    return plug
