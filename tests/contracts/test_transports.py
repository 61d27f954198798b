"""What holds for every hook transport there is: a new one is tested here before its author has written a test."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from egress.guard import STRANGERS, TRUSTED, Reach
from hooks.transports import SCHEMES, TRANSPORTS, hook_schemes
from hooks.transports.base import HookBlocked, HookFailure, HookReply, HookRequest, Transport
from tests.contracts.under_test import names

EVERY = names(TRANSPORTS)
BY_SCHEME = [(name, scheme) for name in EVERY for scheme in TRANSPORTS[name].schemes]
every_transport = pytest.mark.parametrize("name", EVERY)
every_scheme = pytest.mark.parametrize(("name", "scheme"), BY_SCHEME, ids=[scheme for _, scheme in BY_SCHEME])
PATIENCE_S = 5.0


@pytest.fixture
async def transport(name: str) -> AsyncIterator[Transport]:
    made = TRANSPORTS[name]()
    yield made
    await made.close()


def request(scheme: str, reach: Reach) -> HookRequest:
    """Ask where nobody is: at port 1 of this machine nothing listens."""
    return HookRequest(f"{scheme}://127.0.0.1:1/hook?key=s3cret", {}, b'{"a":1}', 1.0, 65_536, reach=reach)


@every_transport
def test_a_transport_says_which_schemes_it_serves(name: str) -> None:
    assert {SCHEMES[scheme] for scheme in TRANSPORTS[name].schemes} == {TRANSPORTS[name]}


@every_transport
async def test_one_that_was_never_used_is_closed(transport: Transport) -> None:
    assert transport.schemes


@every_scheme
@pytest.mark.parametrize("reach", [TRUSTED, STRANGERS], ids=["the operator's", "a stranger's"])
async def test_what_leads_nowhere_fails_in_time_and_says_no_secret(
    transport: Transport, scheme: str, reach: Reach
) -> None:
    async with asyncio.timeout(PATIENCE_S):
        outcome = await attempt(transport, request(scheme, reach))
    if isinstance(outcome, HookReply):
        assert not outcome.ok
        return
    [told] = str(outcome).splitlines()
    assert "s3cret" not in told
    if reach is STRANGERS and scheme in hook_schemes():
        assert isinstance(outcome, HookBlocked), "it has to ask request.reach before it connects"


async def attempt(transport: Transport, request: HookRequest) -> HookReply | HookFailure:
    try:
        return await transport.send(request)
    except HookFailure as failure:
        return failure
