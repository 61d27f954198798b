"""How the URLs that are told things fare, over all calls. Pure; times are Unix seconds.

One that has failed `BREAK_AFTER` times in a row, whoever's deliveries it were, is left alone for a while: reports wait,
none of their attempts is used up, and then one goes ahead to see. A tool call and an end wait for nobody, and what
becomes of them counts, too. One that answers 410 wants nothing more: it stays disabled until somebody replays one of
its deliveries.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace

from hooks.control_socket import SCHEME
from store.deliveries import Endpoint

BREAK_AFTER = 5
BREAK_S = 1.0
MAX_BREAK_S = 30.0
MAX_FAILING = 1_000
"Of more the oldest is forgotten."


class Endpoints:
    """`changed` is told what others shall know: a breaker that opens or closes, and the word gone."""

    def __init__(self, known: Iterable[Endpoint] = (), *, changed: Callable[[Endpoint], None] = lambda _: None) -> None:
        self._known = OrderedDict((endpoint.url, endpoint) for endpoint in known)
        self._changed = changed
        self._probed: set[str] = set()

    def learn(self, known: Iterable[Endpoint]) -> None:
        """Take in what was known before this process began."""
        for endpoint in known:
            self._known.setdefault(endpoint.url, endpoint)

    @property
    def open_breakers(self) -> int:
        return sum(endpoint.failures >= BREAK_AFTER for endpoint in self._known.values())

    def is_disabled(self, url: str) -> bool:
        known = self._known.get(url)
        return known is not None and known.disabled_at is not None

    def free_at(self, url: str) -> float:
        """When a report may be tried."""
        known = self._known.get(url)
        return 0.0 if known is None else known.breaker_until

    def trying(self, url: str, *, until: float) -> None:
        """A report goes ahead; the others wait for what becomes of it, or until then."""
        endpoint = self._known.get(url)
        if endpoint is not None and endpoint.failures >= BREAK_AFTER:
            self._known[url] = replace(endpoint, breaker_until=until)
            self._probed.add(url)

    def failed(self, url: str, now: float) -> None:
        """Count a failure; one that comes while the breaker is open anyhow says nothing new."""
        before = self._known.get(url) or Endpoint(url)
        if before.breaker_until > now and url not in self._probed:
            return
        self._probed.discard(url)
        after = replace(before, failures=before.failures + 1, fail_since=before.fail_since or now)
        if after.failures >= BREAK_AFTER:
            wait_s = min(BREAK_S * 2 ** min(after.failures - BREAK_AFTER, 10), MAX_BREAK_S)
            after = replace(after, breaker_until=now + wait_s)
            self._changed(after)
        self._known[url] = after
        self._forget_oldest()

    def succeeded(self, url: str) -> None:
        before = self._known.get(url)
        if before is None:
            return
        self._probed.discard(url)
        if before.disabled_at is None:
            del self._known[url]
        else:
            self._known[url] = Endpoint(url, disabled_at=before.disabled_at)
        if before.failures >= BREAK_AFTER:
            self._changed(Endpoint(url, disabled_at=before.disabled_at))

    def disable(self, url: str, now: float) -> None:
        if url.startswith(SCHEME):  # one call's socket, and that call is over: nobody is told anything there again
            self._known.pop(url, None)
            return
        self._known[url] = Endpoint(url, disabled_at=now)
        self._changed(self._known[url])
        self._forget_oldest()

    def enable(self, url: str) -> None:
        """Try it again, whatever it has said."""
        if self._known.pop(url, None):
            self._changed(Endpoint(url))

    def _forget_oldest(self) -> None:
        if len(self._known) > MAX_FAILING:
            del self._known[next(iter(self._known))]
