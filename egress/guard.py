"""May this connection be opened? Trust follows the origin of a URL: who has written where it leads.

What the operator has written, in the configuration or in an application's code, may lead anywhere; so may whatever
leads to the very same scheme, host and port, such as the hooks that a trusted application names on itself. All other
URLs come from requests and other people's documents: they lead to hosts of the internet, and to what
`egress.allow_cidrs` allows. Nothing leads to where clouds hand out credentials.

A URL is judged by what it says (`Reach.fault`), an address when it is about to be dialled (`Reach.refusal`): between
those a name may come to mean something else. Pure.
"""

import errno
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from egress.addresses import Network, hands_out_credentials, read, special
from egress.origins import Origin, names_user, origin_of, proxy_of

FIRST_FREE_PORT: Final = 1024
WEB_PORTS: Final = frozenset({80, 443})
REMEDY: Final = "where that is right, name its scheme, host and port in the configuration"


class BlockedError(PermissionError):
    """An address that may not be dialled.

    All say the same: the connectors of aiohttp give such an error as it is where every address of a name has one.
    """

    def __init__(self, address: str, why: str) -> None:
        super().__init__(errno.EACCES, "blocked by the egress guard")
        self.address = address
        self.why = why


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a connection may lead."""

    trusted: bool = False
    "Whether the operator has written where it leads."
    allowed: tuple[Network, ...] = ()
    "Where others may lead, besides the internet."

    def fault(self, url: str) -> str | None:
        """Say, of its host, why nothing is to be sent to a URL, whatever that host is."""
        if self.trusted:
            return None
        origin = origin_of(url)
        if origin is None or not origin.port:
            return "is in no plain http://, https://, ws:// or wss:// URL"
        if names_user(url):
            return f"has a user name or a password before it: {REMEDY}"
        if origin.port not in WEB_PORTS and origin.port < FIRST_FREE_PORT:
            return f"is to be asked at port {origin.port}, and not at 80, 443, or from {FIRST_FREE_PORT}: {REMEDY}"
        return None

    def refusal(self, address: str) -> str | None:
        """Say, of an address, why it must not be dialled; it is as a resolver gives it."""
        dialled = read(address)
        if hands_out_credentials(dialled):
            return "hands out cloud credentials: nothing is sent there, whatever is configured"
        if self.trusted or not (what := special(dialled, self.allowed)):
            return None
        return f"is no address of the internet ({what}): {REMEDY}, or allow the address in egress.allow_cidrs"


TRUSTED: Final = Reach(trusted=True)
STRANGERS: Final = Reach()


@dataclass(frozen=True, slots=True)
class Egress:
    """What a configuration says of it."""

    named: frozenset[Origin] = frozenset()
    "Where it leads itself."
    allowed: tuple[Network, ...] = ()

    def reach(self, url: str, *, via: str = "", besides: Collection[Origin] = ()) -> Reach:
        """Say how far a URL may lead, through a proxy (`via`) or not. `besides`: what is trusted, too."""
        leads = [origin_of(url), *([proxy_of(via)] if via else [])]
        trusted = all(origin in self.named or origin in besides for origin in leads)
        return TRUSTED if trusted else Reach(allowed=self.allowed)
