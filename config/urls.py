"""What is wrong with a URL, as a sentence that never repeats it (it may hold a secret)."""

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from config.complaints import listed

WEB = ("https", "http")
SOCKET = ("wss", "ws")


def url_fault(text: str, schemes: Sequence[str] = WEB, *, bare: bool = False, user: bool = False) -> str | None:
    """Say what is wrong with an absolute URL; `bare` also refuses a query and a fragment.

    `user`: it may hold a user name and a password, for whoever uses it hides them.
    """
    if not text.isprintable() or any(char.isspace() for char in text):
        return "holds a space or a control character"
    if user and "@" in _after_host(text):
        return "has an @ after its host: in a password or a path write @ as %40, / as %2F, ? as %3F, # as %23"
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return "is not a URL: look at the host and the port"
    if url.scheme not in schemes:
        return f"must begin with {listed([f'{scheme}://' for scheme in schemes])}"
    if not url.hostname or port == 0:
        return "names no host" if not url.hostname else "names port 0"
    return _host_fault(url, user=user) or (_query_fault(url) if bare else None)


def socket_url(text: str) -> str:
    """Give an address with a websocket's scheme where it was written with the web's."""
    scheme, slashes, rest = text.partition("://")
    return f"{dict(zip(WEB, SOCKET, strict=True)).get(scheme.lower(), scheme)}{slashes}{rest}"


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine only."""
    name = host.lower().removesuffix(".").strip("[]")
    address = _address(name)
    return address.is_loopback if address else name == "localhost" or name.endswith(".localhost")


def host_of(url: str) -> str:
    """Give the host that a URL names; empty where it names none, as one may whose `{{…}}` is not yet filled."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def without_user(url: str) -> str:
    """Give a URL without the user name and the password that may stand in it, also one that `url_fault` refuses."""
    scheme, slashes, rest = url.partition("://")
    return f"{scheme}{slashes}{rest.rpartition('@')[2]}"


def _after_host(text: str) -> str:
    """Give what nobody who connects reads as user, password, host or port."""
    return re.sub(r"^[^/?#]*", "", text.partition("://")[2])


def _host_fault(url: SplitResult, *, user: bool) -> str | None:
    if "@" in url.netloc and not user:
        return "holds a user name or a password, which would end up in logs: remove what stands before @"
    address = _address(url.hostname or "")
    if address and address.is_link_local:  # 169.254.169.254: the metadata, with its keys, of a cloud machine
        return "is a link-local address, which is never called"
    return None


def _query_fault(url: SplitResult) -> str | None:
    return "must end with the path: remove the query and the fragment" if url.query or url.fragment else None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
