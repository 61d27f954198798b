from typing import Any

import pytest

from config import Settings, explain, route_for
from tests.config.conftest import Load

ROUTES = """
routes:
  - {name: tenant, headers: {X-Tenant: acme*, x-plan: gold}, verbs: [{verb: hangup}]}
  - {name: callback, direction: outbound, verbs: [{verb: hangup}]}
  - {name: vip, numbers: ["+15551230001"], from: ["+4930*", alice], verbs: [{verb: hangup}]}
  - {name: support, numbers: ["+15551230001", "+1555124*", app-1], verbs: [{verb: hangup}]}
  - {name: anonymous, from: anonymous, verbs: [{verb: hangup}]}
"""


@pytest.fixture
def settings(loaded: Load) -> Settings:
    return loaded(ROUTES)


def call(to: Any = "", caller: Any = "", direction: Any = "inbound", headers: Any = None) -> dict[str, Any]:
    return {"to": to, "from": caller, "direction": direction, "sip": {"headers": headers or {}}}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (call("+15551230001"), "support"),
        (call("15551230001"), "support"),
        (call("sip:+15551240000@host"), "support"),
        (call("+1 555 124"), "support"),
        (call("app-1"), "support"),
        (call("+15551230001", "+49 30 123"), "vip"),
        (call("+15551230001", "sip:alice@host"), "vip"),
        (call("+15559999999"), None),
        (call("+15559999999", "anonymous"), "anonymous"),
        (call("9", direction="outbound"), "callback"),
        (call("9", headers={"x-tenant": "acme-2", "X-Plan": "gold"}), "tenant"),
        (call("9", headers={"X-Tenant": "acme", "X-Plan": "golden"}), None),
        (call("9", headers={"X-Tenant": "acme"}), None),
        (call("9", headers={"X-Tenant": ["acme"], "X-Plan": 5}), None),
        ({}, None),
        ({"to": None, "from": 5, "direction": ["x"], "sip": "x"}, None),
        ({"to": "+15551240001", "sip": {"headers": ["x"]}}, "support"),
    ],
)
def test_the_first_route_that_fits_takes_the_call(settings: Settings, body: dict[str, Any], name: str | None) -> None:
    route = route_for(settings, body)
    assert (route.name if route else None) == name
    assert [verdict.route.name for verdict in explain(settings, body) if verdict.matched] == ([name] if name else [])


def reasons(settings: Settings, body: dict[str, Any]) -> list[str]:
    return [verdict.reason for verdict in explain(settings, body)]


def test_every_route_says_why_it_does_not_take_a_call(settings: Settings) -> None:
    assert reasons(settings, call("+15559999999", headers={"X-Tenant": "beta"})) == [
        "the SIP header X-Tenant is 'beta', not 'acme*'",
        "the direction is 'inbound', not 'outbound'",
        "the called number '+15559999999' is none of +15551230001",
        "the called number '+15559999999' is none of +15551230001, +1555124*, app-1",
        "the caller '' is none of anonymous",
    ]


def test_the_route_that_takes_a_call_says_why_and_later_ones_that_it_stood_before(settings: Settings) -> None:
    assert reasons(settings, call("+15551230001", "alice")) == [
        "there is no SIP header X-Tenant",
        "the direction is 'inbound', not 'outbound'",
        "'+15551230001' fits '+15551230001', `from` fits",
        "would fit too, but route 'vip' stands before it",
        "the caller 'alice' is none of anonymous",
    ]


def test_a_route_for_every_number_says_so(settings: Settings) -> None:
    assert reasons(settings, call("9", "anonymous"))[-1] == "any number fits, `from` fits"
