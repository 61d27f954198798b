import pytest

from hooks.endpoints import BREAK_AFTER, BREAK_S, MAX_BREAK_S, MAX_FAILING, Endpoints
from store.deliveries import Endpoint

URL = "https://app/event"


class Watched(Endpoints):
    """Endpoints that have told nobody yet."""

    def __init__(self, *known: Endpoint) -> None:
        self.told: list[Endpoint] = []
        super().__init__(known, changed=self.told.append)

    def fail(self, times: int, now: float = 0.0) -> None:
        for _ in range(times):
            self.failed(URL, now)


def test_an_endpoint_that_nothing_is_known_of_is_free() -> None:
    endpoints = Watched()
    assert (endpoints.free_at(URL), endpoints.is_disabled(URL), endpoints.open_breakers) == (0.0, False, 0)


def test_failures_in_a_row_open_the_breaker_and_a_success_in_between_does_not_count() -> None:
    endpoints = Watched()
    endpoints.fail(BREAK_AFTER - 1)
    endpoints.succeeded(URL)
    endpoints.fail(BREAK_AFTER - 1)
    assert (endpoints.free_at(URL), endpoints.told) == (0.0, [])
    endpoints.failed(URL, 100.0)
    assert endpoints.free_at(URL) == 100.0 + BREAK_S
    assert endpoints.open_breakers == 1
    assert endpoints.told == [Endpoint(URL, BREAK_AFTER, fail_since=100.0, breaker_until=100.0 + BREAK_S)]


def test_what_was_under_way_when_it_opened_does_not_lengthen_it() -> None:
    endpoints = Watched()
    endpoints.fail(200)
    assert endpoints.free_at(URL) == BREAK_S
    assert len(endpoints.told) == 1


def test_one_goes_ahead_and_the_others_wait_for_it() -> None:
    endpoints = Watched()
    endpoints.fail(BREAK_AFTER)
    endpoints.trying(URL, until=7.0)
    assert endpoints.free_at(URL) == 7.0
    endpoints.succeeded(URL)
    assert (endpoints.free_at(URL), endpoints.open_breakers, endpoints.told[-1]) == (0.0, 0, Endpoint(URL))


def test_the_wait_doubles_with_each_that_went_ahead_in_vain() -> None:
    endpoints, now, waits = Watched(), 0.0, []
    endpoints.fail(BREAK_AFTER)
    for _ in range(40):
        now = endpoints.free_at(URL)
        endpoints.trying(URL, until=now + 5.0)
        endpoints.failed(URL, now)
        waits.append(endpoints.free_at(URL) - now)
    assert waits[:4] == [2 * BREAK_S, 4 * BREAK_S, 8 * BREAK_S, 16 * BREAK_S]
    assert waits[-1] == MAX_BREAK_S


def test_while_the_breaker_is_closed_nobody_waits_for_an_attempt() -> None:
    endpoints = Watched()
    endpoints.fail(1)
    endpoints.trying(URL, until=7.0)
    assert endpoints.free_at(URL) == 0.0


def test_what_is_gone_stays_so_until_somebody_wants_it_tried_again() -> None:
    endpoints = Watched()
    endpoints.disable(URL, 5.0)
    endpoints.succeeded(URL)  # an end, for which nobody asks whether it is gone
    assert endpoints.is_disabled(URL)
    endpoints.enable(URL)
    endpoints.enable(URL)
    assert not endpoints.is_disabled(URL)
    assert endpoints.told == [Endpoint(URL, disabled_at=5.0), Endpoint(URL)]


@pytest.mark.parametrize("known", [Endpoint(URL, disabled_at=5.0), Endpoint(URL, 9, 1.0, breaker_until=50.0)])
def test_what_an_earlier_process_knew_is_known(known: Endpoint) -> None:
    endpoints = Watched()
    endpoints.learn([known])
    assert endpoints.is_disabled(URL) is (known.disabled_at is not None)
    assert endpoints.free_at(URL) == known.breaker_until
    assert Watched(known).free_at(URL) == known.breaker_until


def test_no_number_of_failing_endpoints_fills_the_memory() -> None:
    endpoints = Watched()
    for n in range(MAX_FAILING + 10):
        for _ in range(BREAK_AFTER):
            endpoints.failed(f"https://app/{n}", 0.0)
    assert endpoints.open_breakers == MAX_FAILING
    assert endpoints.free_at("https://app/9") == 0.0


def test_a_socket_of_one_call_that_is_gone_is_not_remembered() -> None:
    endpoints = Watched()
    endpoints.failed("app://c-1/call:status", 1.0)
    endpoints.disable("app://c-1/call:status", 2.0)
    assert not endpoints.is_disabled("app://c-1/call:status")
    assert (endpoints.told, endpoints._known) == ([], {})


def test_no_more_of_those_that_want_nothing_are_remembered_than_of_the_others() -> None:
    endpoints = Watched()
    for n in range(MAX_FAILING + 1):
        endpoints.disable(f"{URL}/{n}", 1.0)
    assert not endpoints.is_disabled(f"{URL}/0")
    assert endpoints.is_disabled(f"{URL}/{MAX_FAILING}")
