from tests.calls.exchange import Exchange, in_virtual_time, settings_of
from tests.calls.test_restart import ROUTE


@in_virtual_time
async def test_who_still_talks_when_the_time_is_over_is_told_that_the_server_restarts() -> None:
    exchange = Exchange(settings_of(ROUTE))
    line = await exchange.open(await exchange.ring())
    assert line is not None
    await exchange.switchboard.drain(5)
    assert line.end is not None
    assert line.end.reason_code == "server_restart"
    assert [end["reason_code"] for end in exchange.applications.bodies("/final")] == ["server_restart"]
