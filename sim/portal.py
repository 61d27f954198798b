"""What is entered for a number in a platform's portal: where its application is, how it is reached, and as whom."""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from sim.platform.bodies import Identity
from sim.platform.client import Dial
from sim.platform.manner import Callee, Manner
from sim.platform.rooms import Rooms

TRANSPORTS = ("webhook", "ws")
WEB, SOCKET = {"http": "http", "https": "https", "ws": "http", "wss": "https"}, {"http": "ws", "https": "wss"}
Credentials = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Portal:
    """`call_hook` without credentials; its scheme is the transport's."""

    call_hook: str
    status_hook: str | None
    secret: str
    auth: Credentials | None = None

    def dial(
        self,
        identity: Identity,
        *,
        drops_s: tuple[float, ...] = (),
        reconnects: bool = True,
        callee: Callee | None = None,
        rooms: Rooms | None = None,
    ) -> Dial:
        manner = Manner(self.auth, reconnects, callee, rooms)
        return Dial(identity, self.call_hook, self.status_hook, self.secret, manner, drops_s=drops_s)


def portal(
    url: str,
    transport: str,
    secret: str,
    *,
    auth: Credentials | None = None,
    status_url: str | None = None,
    status: bool = True,
) -> Portal:
    """Read a server's address; without a path, /call is added. What it holds of credentials is taken out of it.

    `status`: tell of the call's status: by webhook at `status_url` (default: the call hook + /status), over a control
    socket there if there is one and no `status_url`.
    """
    parts = urlsplit(url)
    schemes = {**SOCKET, "ws": "ws", "wss": "wss"} if transport == "ws" else WEB
    bare = _without_credentials(parts)
    path = parts.path if parts.path.strip("/") else "/call"
    hook = urlunsplit(bare._replace(scheme=schemes.get(parts.scheme, parts.scheme), path=path))
    default = hook if transport == "ws" else f"{hook}/status"
    return Portal(hook, (status_url or default) if status else None, secret, auth or _credentials(parts))


def _without_credentials(parts: SplitResult) -> SplitResult:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2])


def _credentials(parts: SplitResult) -> Credentials | None:
    if parts.username is None or parts.password is None:
        return None
    return unquote(parts.username), unquote(parts.password)


def add_arguments(parser: ArgumentParser, default_secret: str) -> None:
    """Add the options that `portal_of` reads, but for the URL."""
    says = "how verbs are asked for: by webhook, or over a control socket (default: %(default)s)"
    parser.add_argument("--transport", choices=TRANSPORTS, default="webhook", help=says)
    parser.add_argument("--secret", default=default_secret, metavar="S", help="the webhook secret that signs")
    parser.add_argument("--username", metavar="U", help="basic auth, or as http://U:P@host in --url; never shown")
    parser.add_argument("--password", metavar="P", help="basic auth, with --username")


def credentials(options: Namespace) -> Credentials | None:
    return (options.username, options.password or "") if options.username else None
