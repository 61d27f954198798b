"""Which addresses are for nobody, which for the operator alone, which for everybody."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from egress.addresses import CREDENTIALS, SPECIAL, Address, faces, hands_out_credentials, read, special

INTERNET = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.0", "172.15.9.9", "172.32.0.1"]
INTERNET += ["2606:4700::1111", "2a00:1450:4001::1", "2001:200::1", "2003::1", "3fff:1000::1"]


@pytest.mark.parametrize("address", INTERNET)
def test_hosts_of_the_internet_are_nothing_special(address: str) -> None:
    assert special(ip_address(address)) is None
    assert not hands_out_credentials(ip_address(address))


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("127.0.0.1", "this machine"),
        ("127.8.9.10", "this machine"),
        ("::1", "this machine"),
        ("0.0.0.0", "unspecified"),  # noqa: S104  # nobody listens
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "shared by a carrier (CGNAT)"),
        ("100.100.100.200", "shared by a carrier (CGNAT)"),
        ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("fd12:3456::1", "private (ULA)"),
        ("fc00::1", "private (ULA)"),
        ("fec0::1", "reserved"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("192.0.0.8", "reserved"),
        ("198.18.0.1", "reserved for benchmarks"),
        ("192.0.2.1", "reserved for documentation"),
        ("2001:db8::1", "reserved for documentation"),
        ("2001:10::1", "reserved"),
        ("5f00::1", "reserved"),
        ("100::1", "reserved"),
        ("::ffff:8.8.8.8", "an IPv4 address in IPv6"),
        ("::7f00:1", "an IPv4 address in IPv6"),
        ("::ffff:0:7f00:1", "an IPv4 address in IPv6"),
        ("64:ff9b::7f00:1", "an IPv4 address behind NAT64"),
        ("64:ff9b:1::7f00:1", "an IPv4 address behind NAT64"),
        ("2002:7f00:1::1", "an IPv4 address behind 6to4"),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", "an IPv4 address behind Teredo"),
    ],
)
def test_what_no_host_of_the_internet_has_is_special(address: str, what: str) -> None:
    assert special(ip_address(address)) == what


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1",
        "2001:0:1:1:0:0:5601:5601",  # Teredo: the client's address, with its bits turned round
        "64:ff9b:1:a9fe:a9:fe00::",  # RFC 6052, a prefix of 48 bits
    ],
)
def test_the_clouds_credentials_are_known_in_every_form(address: str) -> None:
    assert hands_out_credentials(ip_address(address))


def in_all_forms(inner: IPv4Address) -> list[IPv6Address]:
    bits = int(inner)
    return [
        IPv6Address(bits),
        IPv6Address(0xFFFF << 32 | bits),
        IPv6Address(0xFFFF << 48 | bits),
        IPv6Address(0x64FF9B << 96 | bits),
        IPv6Address(0x64FF9B0001 << 80 | bits),
        IPv6Address(0x64FF9B0001 << 80 | (bits >> 16) << 64 | (bits & 0xFFFF) << 40),
        IPv6Address(0x2002 << 112 | bits << 80 | 1),
        IPv6Address(0x20010000 << 96 | bits << 64),
        IPv6Address(0x20010000 << 96 | ~bits & 0xFFFFFFFF),
    ]


@given(st.ip_addresses(v=4))
@example(IPv4Address("169.254.169.254"))
@example(IPv4Address("10.0.0.1"))
def test_no_address_in_ipv6_hides_the_one_inside(inner: Address) -> None:
    assert isinstance(inner, IPv4Address)
    inside_is_special = special(inner) is not None
    for outer in in_all_forms(inner):
        assert inner in faces(outer)
        assert special(outer) is not None
        outside_allowed = (ip_network("::/0"),)
        assert (special(outer, outside_allowed) is not None) >= inside_is_special
        assert not hands_out_credentials(inner) or hands_out_credentials(outer)


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_of_the_internet(address: Address) -> None:
    odd = address.is_private or address.is_multicast or address.is_reserved or address.is_loopback
    assert special(address) is not None or not (odd or address.is_link_local or address.is_unspecified)


@given(st.sampled_from([network for network, _ in SPECIAL]), st.data())
def test_a_special_network_is_special_to_its_ends(network: object, data: st.DataObject) -> None:
    address = data.draw(st.ip_addresses(network=network))  # type: ignore[arg-type]  # an address of this network
    assert special(address) is not None


@pytest.mark.parametrize(
    ("address", "allowed", "what"),
    [
        ("10.1.2.3", "10.1.0.0/16", None),
        ("10.2.2.3", "10.1.0.0/16", "private"),
        ("fd12::1", "fd12::/16", None),
        ("64:ff9b::8.8.8.8", "64:ff9b::/96", None),
        ("64:ff9b::10.0.0.1", "64:ff9b::/96", "private"),
        ("::ffff:10.1.2.3", "10.1.0.0/16", "an IPv4 address in IPv6"),
    ],
)
def test_what_is_allowed_is_allowed_as_it_is_dialled(address: str, allowed: str, what: str | None) -> None:
    assert special(ip_address(address), (ip_network(allowed),)) == what


def test_a_zone_is_of_no_account() -> None:
    assert read("fe80::1%eth0") == ip_address("fe80::1")
    assert all(special(network.network_address) for network in CREDENTIALS)
