"""Which addresses are not for strangers' URLs, and which are for nobody's. Pure.

The tables are IANA's special-purpose registries (RFC 6890), written out: what `ipaddress` calls global differs between
versions of Python. Of IPv6 only 2000::/3 is handed out to hosts of the internet (RFC 4291); all else is special.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

CREDENTIALS = (ip_network("169.254.0.0/16"), ip_network("fd00:ec2::254/128"))
"Where clouds hand out credentials to whoever asks from inside: never allowed, whatever is configured."

SPECIAL = tuple(
    (ip_network(network), what)
    for network, what in {
        "0.0.0.0/8": "unspecified",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by a carrier (CGNAT)",
        "127.0.0.0/8": "this machine",
        "169.254.0.0/16": "link-local",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "reserved",
        "192.0.2.0/24": "reserved for documentation",
        "192.88.99.0/24": "reserved (6to4 relays)",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "reserved for benchmarks",
        "198.51.100.0/24": "reserved for documentation",
        "203.0.113.0/24": "reserved for documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
        "::/128": "unspecified",
        "::1/128": "this machine",
        "::/96": "an IPv4 address in IPv6",
        "::ffff:0:0/96": "an IPv4 address in IPv6",
        "::ffff:0:0:0/96": "an IPv4 address in IPv6",
        "64:ff9b::/96": "an IPv4 address behind NAT64",
        "64:ff9b:1::/48": "an IPv4 address behind NAT64",
        "2001::/32": "an IPv4 address behind Teredo",
        "2001::/23": "reserved",
        "2001:db8::/32": "reserved for documentation",
        "2002::/16": "an IPv4 address behind 6to4",
        "3fff::/20": "reserved for documentation",
        "fc00::/7": "private (ULA)",
        "fe80::/10": "link-local",
        "ff00::/8": "multicast",
    }.items()
)
"What an address is that no host of the internet has; the first that holds it says so."
HANDED_OUT = ip_network("2000::/3")

LOW = 0xFFFFFFFF
_LAST_32 = tuple(
    ip_network(network) for network in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")
)
"RFC 4291, 2765, 6052, 8215: an IPv4 address at the end."
_LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
_TEREDO = ip_network("2001::/32")
_6TO4 = ip_network("2002::/16")


def faces(address: Address) -> tuple[Address, ...]:
    """Give an address, and every IPv4 address in it to which a packet for it may come."""
    return (address,) if isinstance(address, IPv4Address) else (address, *map(IPv4Address, _embedded(address)))


def hands_out_credentials(address: Address) -> bool:
    return any(face in network for face in faces(address) for network in CREDENTIALS)


def special(address: Address, allowed: tuple[Network, ...] = ()) -> str | None:
    """Say what this address is, or one in it, if it is none of a host of the internet and none of those allowed."""
    for face in faces(address):
        what = _what(face)
        if what and not any(face in network for network in allowed):
            return what
    return None


def read(text: str) -> Address:
    """Read an address as a resolver gives it; a zone is of no account.

    :raises ValueError: it is none
    """
    return ip_address(text.partition("%")[0])


def _what(address: Address) -> str | None:
    for network, what in SPECIAL:
        if address in network:
            return what
    return "reserved" if isinstance(address, IPv6Address) and address not in HANDED_OUT else None


def _embedded(address: IPv6Address) -> Iterator[int]:
    bits = int(address)
    if any(address in network for network in _LAST_32):
        yield bits & LOW
    if address in _LOCAL_NAT64:  # RFC 6052 §2.2, a prefix of 48 bits: bits 64 to 71 belong to nothing
        yield (bits >> 64 & 0xFFFF) << 16 | bits >> 40 & 0xFFFF
    if address in _TEREDO:  # RFC 4380: the server, and the client with all its bits turned round
        yield bits >> 64 & LOW
        yield ~bits & LOW
    if address in _6TO4:
        yield bits >> 80 & LOW
