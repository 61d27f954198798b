"""What the server tells Prometheus: numbers about calls, never whose."""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from store.deliveries import Delivery

disable_created_metrics()  # type: ignore[no-untyped-call]  # no `…_created` series beside each counter and histogram

# Fine where the difference is heard: an answer feels immediate below 0.5 s and slow above 1 s.
SPOKEN_S = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 8.0)
# One platform frame is 0.02 s: a barge-in should be out well within it.
BARGE_IN_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.5)
REFUSAL_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
DELIVERY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 8.0, 10.0)

LAG_EVERY_S = 0.5
LAG_SAMPLES = 30  # the worst of the last 15 s, the usual interval between two scrapes

MAX_LABEL_VALUES = 200
MAX_LABEL_CHARS = 64
MAX_LABEL_DIGITS = 6  # more digits may be somebody's number
SNAPSHOT = re.compile(r"-20\d\d-\d\d-\d\d$")
SID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|[0-9a-f]{16}", re.IGNORECASE)


def kinds(usage: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Give how many tokens there are of each kind, such as `audio_cached`: together they are all that were used."""
    for name, part in usage.items():
        if isinstance(part, Mapping):
            counts = {**part, "input": part["input"] - part["cached"]}
            yield from ((f"{name}_{way}", count) for way, count in counts.items() if count > 0)


class Labels:
    """Names that may stand as label values: few, short, and nobody's number or call sid."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def name(self, value: str) -> str:
        """Return the value, or `other` where it may identify a call or would be one series too many."""
        if value in self._seen:
            return value
        digits = sum(char.isdigit() for char in value)
        if not value.isprintable() or not 0 < len(value) <= MAX_LABEL_CHARS:
            return "other"
        if digits > MAX_LABEL_DIGITS or SID.search(value):
            return "other"
        if len(self._seen) >= MAX_LABEL_VALUES:
            return "other"
        self._seen.add(value)
        return value


class Metrics:
    """All series of one server. The methods are the plain callables that other rooms are given."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._labels = Labels()
        ProcessCollector(registry=registry)
        self._calls = Gauge("hookswitch_calls_active", "Calls going on now", registry=registry)
        self._ended = Counter("hookswitch_calls_total", "Calls that ended", ["route", "reason_code"], registry=registry)
        self._measured = {
            "turn_latency": Histogram(
                "hookswitch_turn_latency_seconds",
                "Caller's end of speech to the first agent audio sent",
                buckets=SPOKEN_S,
                registry=registry,
            ),
            "first_audio": Histogram(
                "hookswitch_first_audio_seconds",
                "Media socket open to the first agent audio sent",
                buckets=SPOKEN_S,
                registry=registry,
            ),
            "barge_in": Histogram(
                "hookswitch_barge_in_seconds",
                "Caller's speech reported to the clear sent",
                buckets=BARGE_IN_S,
                registry=registry,
            ),
            "refusal": Histogram(
                "hookswitch_refusal_seconds",
                "A call for which there is no room told to its busy verbs made",
                buckets=REFUSAL_S,
                registry=registry,
            ),
        }
        self._delivery = Histogram(
            "hookswitch_hook_delivery_seconds",
            "Hook created to hook delivered",
            ["kind"],
            buckets=DELIVERY_S,
            registry=registry,
        )
        self._failures = Counter(
            "hookswitch_hook_failures_total", "Hook attempts that failed", ["kind"], registry=registry
        )
        self._refused = Counter(
            "hookswitch_requests_refused_total",
            "Requests that were refused, by what was wrong",
            ["reason"],
            registry=registry,
        )
        self._ignored = Counter(
            "hookswitch_media_texts_ignored_total",
            "Text messages of media sockets that could not be read or are not known",
            ["kind"],
            registry=registry,
        )
        self._pending = Gauge("hookswitch_outbox_pending", "Hooks waiting for delivery", registry=registry)
        self._breakers = Gauge(
            "hookswitch_hook_breakers_open", "Endpoints that are left alone for a while", registry=registry
        )
        self._lag = Gauge(
            "hookswitch_loop_lag_seconds", "Worst delay of the event loop in the last 15 s", registry=registry
        )
        self._models = Gauge("hookswitch_model_sockets", "Sockets open to models", registry=registry)
        self._tasks = Gauge("hookswitch_tasks", "asyncio tasks", registry=registry)
        self._billed = {
            "tokens": Counter(
                "hookswitch_model_tokens_total",
                "Tokens used of a model, by what they are; those of the input without the cached",
                ["model", "kind"],
                registry=registry,
            ),
            "seconds": Counter(
                "hookswitch_transcribed_seconds_total",
                "Speech that a model has written down and does not count in tokens",
                ["model"],
                registry=registry,
            ),
            "usd": Counter("hookswitch_cost_usd_total", "What models have cost", ["route", "model"], registry=registry),
            "unknown": Counter(
                "hookswitch_cost_unknown_total",
                "Responses and transcriptions of which nobody knows what they cost",
                ["route", "model"],
                registry=registry,
            ),
        }
        self._tokens = Counter(
            "hookswitch_tokens_total",
            "Tokens used, as the vendor counts",
            ["vendor", "kind"],
            registry=registry,
        )

    def call_started(self) -> None:
        self._calls.inc()

    def call_ended(self, route: str, reason_code: str) -> None:
        self._calls.dec()
        self._ended.labels(self._labels.name(route), self._labels.name(reason_code)).inc()

    def call_refused(self, route: str, reason: str) -> None:
        self._ended.labels(self._labels.name(route), self._labels.name(reason)).inc()

    def measure(self, name: str, seconds: float) -> None:
        """Count one `turn_latency`, `first_audio`, `barge_in` or `refusal`; KeyError for another name."""
        self._measured[name].observe(seconds)

    def hook_tried(self, row: Delivery, *, now_s: float) -> None:
        """Count what became of an attempt. `now_s` is Unix time."""
        if row.state == "delivered":
            self.hook_delivered(row.kind, now_s - row.created_at)
        else:
            self.hook_failed(row.kind)

    def hook_delivered(self, kind: str, seconds: float) -> None:
        self._delivery.labels(self._labels.name(kind)).observe(seconds)

    def hook_failed(self, kind: str) -> None:
        self._failures.labels(self._labels.name(kind)).inc()

    def request_refused(self, reason: str) -> None:
        self._refused.labels(self._labels.name(reason)).inc()

    def media_text_ignored(self, kind: str) -> None:
        self._ignored.labels(self._labels.name(kind)).inc()

    def outbox_pending(self, count: int) -> None:
        self._pending.set(count)

    def breakers_open(self, count: int) -> None:
        self._breakers.set(count)

    def model_opened(self) -> None:
        self._models.inc()

    def model_closed(self) -> None:
        self._models.dec()

    def tokens(self, vendor: str, kind: str, count: int) -> None:
        self._tokens.labels(self._labels.name(vendor), self._labels.name(kind)).inc(count)

    def billed(self, route: str, bill: Mapping[str, Any]) -> None:
        """Count a bill, see `cost.meter`."""
        vendor, _, name = bill["model"].partition("/")
        route, model = self._labels.name(route), self._labels.name(f"{vendor}/{SNAPSHOT.sub('', name)}")
        for kind in ("input", "output"):
            if count := bill["usage"][kind]:
                self.tokens(vendor, f"{kind}_tokens", count)
        for kind, count in kinds(bill["usage"]):
            self._billed["tokens"].labels(model, kind).inc(count)
        if seconds := bill["usage"].get("seconds"):
            self._billed["seconds"].labels(model).inc(seconds)
        if bill["usd"] is None:
            self._billed["unknown"].labels(route, model).inc()
        else:
            self._billed["usd"].labels(route, model).inc(bill["usd"])

    def loop_lag(self, seconds: float) -> None:
        self._lag.set(seconds)

    def text(self, *, tasks: int) -> bytes:
        """Return everything in Prometheus' text format; `tasks` is how many asyncio tasks there are now."""
        self._tasks.set(tasks)
        return generate_latest(self.registry)


def handler(metrics: Metrics) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Answer `GET /metrics`; whether the asker may is decided before (api/trust.py)."""

    async def answer(_: web.Request) -> web.Response:
        body = metrics.text(tasks=len(asyncio.all_tasks()))
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return answer


@asynccontextmanager
async def watching_loop(report: Callable[[float], None], *, every_s: float = LAG_EVERY_S) -> AsyncIterator[None]:
    """Report how late the event loop runs, in seconds, the worst of the last LAG_SAMPLES times, while inside."""
    watcher = asyncio.create_task(_watch(report, every_s), name="loop lag")
    try:
        yield
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher


async def _watch(report: Callable[[float], None], every_s: float) -> None:
    loop = asyncio.get_running_loop()
    latest: deque[float] = deque(maxlen=LAG_SAMPLES)
    while True:
        due = loop.time() + every_s
        await asyncio.sleep(every_s)
        latest.append(max(0.0, loop.time() - due))
        report(max(latest))
