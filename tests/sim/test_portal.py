"""What is entered in the portal, from a command line's address and options."""

import pytest

from sim.platform.bodies import identify
from sim.portal import portal


@pytest.mark.parametrize(
    ("url", "transport", "call_hook", "status_hook"),
    [
        ("http://h:1", "webhook", "http://h:1/call", "http://h:1/call/status"),
        ("http://h/", "webhook", "http://h/call", "http://h/call/status"),
        ("http://h/x?y=1", "webhook", "http://h/x?y=1", "http://h/x?y=1/status"),
        ("ws://h/x", "webhook", "http://h/x", "http://h/x/status"),
        ("http://h:1", "ws", "ws://h:1/call", "ws://h:1/call"),
        ("https://h/x", "ws", "wss://h/x", "wss://h/x"),
        ("wss://h/x", "ws", "wss://h/x", "wss://h/x"),
    ],
)
def test_a_url_without_a_path_means_slash_call_and_the_transport_its_scheme(
    url: str, transport: str, call_hook: str, status_hook: str
) -> None:
    entered = portal(url, transport, "s")
    assert (entered.call_hook, entered.status_hook, entered.auth) == (call_hook, status_hook, None)


def test_a_status_hook_may_be_another_or_none() -> None:
    assert portal("http://h", "ws", "s", status_url="http://h/status").status_hook == "http://h/status"
    assert portal("http://h", "ws", "s", status=False).status_hook is None


def test_credentials_are_taken_out_of_an_address() -> None:
    entered = portal("http://user:p%40ss@h:1/call", "ws", "s")
    assert (entered.call_hook, entered.auth) == ("ws://h:1/call", ("user", "p@ss"))
    assert portal("http://user:x@h", "ws", "s", auth=("other", "y")).auth == ("other", "y")
    assert portal("http://user@h", "ws", "s").auth is None


def test_a_dial_carries_them_all() -> None:
    identity = identify("1", "2", lambda: "id")
    dial = portal("http://u:p@h", "ws", "s").dial(identity, drops_s=(1.0,), reconnects=False)
    assert (dial.manner.auth, dial.manner.reconnects, dial.drops_s, dial.secret) == (("u", "p"), False, (1.0,), "s")
