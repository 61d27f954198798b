"""Who may lead where."""

from ipaddress import ip_network

import pytest

from egress.guard import STRANGERS, TRUSTED, BlockedError, Egress, Reach
from egress.origins import Origin

NAMED = frozenset(
    {
        Origin("http", "10.0.0.5", 80),
        Origin("wss", "model.internal", 443),
        Origin("http", "10.0.0.9", 3128, proxy=True),
    }
)
EGRESS = Egress(NAMED, (ip_network("10.7.0.0/16"),))
OTHERS = Reach(allowed=(ip_network("10.7.0.0/16"),))


@pytest.mark.parametrize(
    ("url", "via", "reach"),
    [
        ("http://10.0.0.5/any/path?x=1", "", TRUSTED),
        ("http://user:pw@10.0.0.5:80/", "", TRUSTED),
        ("https://10.0.0.5/", "", OTHERS),
        ("http://10.0.0.5:8080/", "", OTHERS),
        ("http://10.0.0.5.example.com/", "", OTHERS),
        ("http://10.0.0.5@evil.example/", "", OTHERS),
        ("http://10.0.0.9:3128/", "", OTHERS),
        ("wss://model.internal/v1?model=x", "", TRUSTED),
        ("wss://model.internal/v1", "http://user:pw@10.0.0.9:3128", TRUSTED),
        ("wss://model.internal/v1", "http://10.0.0.8:3128", OTHERS),
        ("wss://other.internal/v1", "http://10.0.0.9:3128", OTHERS),
        ("nonsense", "", OTHERS),
    ],
)
def test_trust_follows_the_origin(url: str, via: str, reach: Reach) -> None:
    assert EGRESS.reach(url, via=via) == reach


def test_what_the_operators_code_names_is_trusted_besides() -> None:
    named = {Origin("http", "10.0.0.6", 80)}
    assert EGRESS.reach("http://10.0.0.6/x", besides=named) == TRUSTED
    assert EGRESS.reach("http://10.0.0.6/x") == OTHERS


@pytest.mark.parametrize(
    ("address", "trusted", "allowed", "strange"),
    [
        ("8.8.8.8", True, True, True),
        ("127.0.0.1", True, False, False),
        ("10.7.1.1", True, True, False),
        ("10.8.1.1", True, False, False),
        ("fe80::1%eth0", True, False, False),
        ("169.254.169.254", False, False, False),
        ("::ffff:169.254.169.254", False, False, False),
        ("fd00:ec2::254", False, False, False),
    ],
)
def test_how_far_each_may_lead(address: str, *, trusted: bool, allowed: bool, strange: bool) -> None:
    found = [reach.refusal(address) is None for reach in (TRUSTED, OTHERS, STRANGERS)]
    assert found == [trusted, allowed, strange]


def test_nothing_that_is_configured_reaches_the_clouds_credentials() -> None:
    everywhere = Reach(trusted=True, allowed=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    assert everywhere.refusal("169.254.169.254") == (
        "hands out cloud credentials: nothing is sent there, whatever is configured"
    )
    assert everywhere.refusal("64:ff9b::a9fe:a9fe")


def test_a_refusal_says_what_to_set() -> None:
    assert STRANGERS.refusal("10.0.0.1") == (
        "is no address of the internet (private): where that is right, name its scheme, host and port in the "
        "configuration, or allow the address in egress.allow_cidrs"
    )


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://app.example.com/x", None),
        ("http://app.example.com:80/x", None),
        ("http://app.example.com:1024/x", None),
        ("wss://app.example.com/x", None),
        ("http://app.example.com:25/x", "is to be asked at port 25, and not at 80, 443, or from 1024"),
        ("http://user@app.example.com/", "has a user name or a password before it"),
        ("http://trusted.example@169.254.169.254/", "has a user name or a password before it"),
        ("gopher://app.example.com:6379/", "is in no plain http://, https://, ws:// or wss:// URL"),
        ("http://app.example.com\r\nX: y/", "is in no plain http://"),
    ],
)
def test_a_strangers_url_is_a_plain_one(url: str, words: str | None) -> None:
    fault = STRANGERS.fault(url)
    assert (words in fault) if words and fault else fault is words
    assert TRUSTED.fault(url) is None


def test_all_that_are_blocked_say_the_same() -> None:
    one, other = BlockedError("10.0.0.1", "is private"), BlockedError("::1", "is this machine")
    assert str(one) == str(other)
