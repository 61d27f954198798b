import asyncio
import time

import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families
from pytest_aiohttp.plugin import AiohttpClient

from api.metrics import MAX_LABEL_VALUES, Labels, Metrics, handler, watching_loop

# Name → kind and labels, as dashboards know them.
SERIES = {
    "hookswitch_calls_active": ("gauge", set()),
    "hookswitch_calls": ("counter", {"route", "reason_code"}),
    "hookswitch_turn_latency_seconds": ("histogram", set()),
    "hookswitch_first_audio_seconds": ("histogram", set()),
    "hookswitch_barge_in_seconds": ("histogram", set()),
    "hookswitch_refusal_seconds": ("histogram", set()),
    "hookswitch_hook_delivery_seconds": ("histogram", {"kind"}),
    "hookswitch_hook_failures": ("counter", {"kind"}),
    "hookswitch_requests_refused": ("counter", {"reason"}),
    "hookswitch_media_texts_ignored": ("counter", {"kind"}),
    "hookswitch_outbox_pending": ("gauge", set()),
    "hookswitch_hook_breakers_open": ("gauge", set()),
    "hookswitch_loop_lag_seconds": ("gauge", set()),
    "hookswitch_model_sockets": ("gauge", set()),
    "hookswitch_tasks": ("gauge", set()),
    "hookswitch_tokens": ("counter", {"vendor", "kind"}),
    "hookswitch_model_tokens": ("counter", {"model", "kind"}),
    "hookswitch_transcribed_seconds": ("counter", {"model"}),
    "hookswitch_cost_usd": ("counter", {"route", "model"}),
    "hookswitch_cost_unknown": ("counter", {"route", "model"}),
}


NONE = {"input": 0, "cached": 0, "output": 0}
BILL = {
    "model": "openai/gpt-realtime-2.1",
    "usage": {
        "input": 30,
        "cached": 5,
        "output": 7,
        "text": {"input": 10, "cached": 5, "output": 0},
        "audio": {"input": 20, "cached": 0, "output": 7},
    },
    "usd": 0.125,
}


def one_busy_day() -> Metrics:
    metrics = Metrics()
    metrics.call_started()
    metrics.call_started()
    metrics.call_ended("support", "caller_hung_up")
    metrics.measure("turn_latency", 0.45)
    metrics.measure("first_audio", 0.9)
    metrics.measure("barge_in", 0.003)
    metrics.measure("refusal", 0.003)
    metrics.call_refused("support", "max_calls")
    metrics.hook_delivered("event", 0.02)
    metrics.hook_failed("tool")
    metrics.request_refused("stale_signature")
    metrics.media_text_ignored("malformed")
    metrics.outbox_pending(3)
    metrics.model_opened()
    metrics.model_opened()
    metrics.model_closed()
    metrics.tokens("openai", "input_audio", 120)
    metrics.billed("support", BILL)
    metrics.billed("support", {**BILL, "model": "openai/x-2026-01-31", "usage": {**NONE, "seconds": 2.5}, "usd": None})
    metrics.loop_lag(0.25)
    return metrics


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_the_series_have_the_names_kinds_and_labels_that_dashboards_know() -> None:
    families = text_string_to_metric_families(one_busy_day().text(tasks=7).decode())
    found = {
        family.name: (family.type, {label for s in family.samples for label in s.labels} - {"le"})
        for family in families
        if family.name.startswith("hookswitch_")
    }
    assert found == SERIES


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("hookswitch_calls_active", {}, 1),
        ("hookswitch_calls_total", {"route": "support", "reason_code": "caller_hung_up"}, 1),
        ("hookswitch_calls_total", {"route": "support", "reason_code": "max_calls"}, 1),
        ("hookswitch_refusal_seconds_bucket", {"le": "0.005"}, 1),
        ("hookswitch_turn_latency_seconds_bucket", {"le": "0.4"}, 0),
        ("hookswitch_turn_latency_seconds_bucket", {"le": "0.5"}, 1),
        ("hookswitch_first_audio_seconds_sum", {}, 0.9),
        ("hookswitch_barge_in_seconds_bucket", {"le": "0.005"}, 1),
        ("hookswitch_hook_delivery_seconds_count", {"kind": "event"}, 1),
        ("hookswitch_hook_failures_total", {"kind": "tool"}, 1),
        ("hookswitch_requests_refused_total", {"reason": "stale_signature"}, 1),
        ("hookswitch_media_texts_ignored_total", {"kind": "malformed"}, 1),
        ("hookswitch_outbox_pending", {}, 3),
        ("hookswitch_model_sockets", {}, 1),
        ("hookswitch_tokens_total", {"vendor": "openai", "kind": "input_audio"}, 120),
        ("hookswitch_tokens_total", {"vendor": "openai", "kind": "input_tokens"}, 30),
        ("hookswitch_tokens_total", {"vendor": "openai", "kind": "output_tokens"}, 7),
        ("hookswitch_model_tokens_total", {"model": "openai/gpt-realtime-2.1", "kind": "text_input"}, 5),
        ("hookswitch_model_tokens_total", {"model": "openai/gpt-realtime-2.1", "kind": "text_cached"}, 5),
        ("hookswitch_model_tokens_total", {"model": "openai/gpt-realtime-2.1", "kind": "audio_input"}, 20),
        ("hookswitch_model_tokens_total", {"model": "openai/gpt-realtime-2.1", "kind": "audio_output"}, 7),
        ("hookswitch_model_tokens_total", {"model": "openai/gpt-realtime-2.1", "kind": "audio_cached"}, None),
        ("hookswitch_transcribed_seconds_total", {"model": "openai/x"}, 2.5),
        ("hookswitch_cost_usd_total", {"route": "support", "model": "openai/gpt-realtime-2.1"}, 0.125),
        ("hookswitch_cost_unknown_total", {"route": "support", "model": "openai/x"}, 1),
        ("hookswitch_loop_lag_seconds", {}, 0.25),
    ],
)
def test_each_report_is_counted(name: str, labels: dict[str, str], value: float | None) -> None:
    assert sample(one_busy_day(), name, **labels) == value


def test_two_servers_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.call_started()
    assert (sample(one, "hookswitch_calls_active"), sample(other, "hookswitch_calls_active")) == (1, 0)


def test_what_cannot_be_measured_is_not_invented() -> None:
    with pytest.raises(KeyError):
        Metrics().measure("mood", 1.0)


@pytest.mark.parametrize("value", ["support", "Front desk 2", "invalid_api_key", "sip:486", "日本"])
def test_a_plain_name_may_label_a_series(value: str) -> None:
    assert Labels().name(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "+15551230001",
        "route for 555 123 0001",
        "9d0c3a3e-3b73-4d7a-8c3f-0d7a5b1c2e4f",
        "abcdefab-cdef-abcd-efab-cdefabcdefab",
        "CAabcdefabcdefabcdefabcdefabcdefab",
        "",
        "a\nb",
        "x" * 65,
    ],
)
def test_a_number_or_a_sid_never_labels_a_series(value: str) -> None:
    assert Labels().name(value) == "other"


def test_the_number_of_series_is_bounded() -> None:
    labels = Labels()
    names = [f"route {a}{b}" for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrst"]
    kept = {labels.name(name) for name in names}
    assert len(kept) == MAX_LABEL_VALUES + 1
    assert labels.name(names[0]) == names[0]
    assert labels.name(names[-1]) == "other"


async def test_prometheus_can_read_the_answer(aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    app.router.add_get("/metrics", handler(one_busy_day()))
    client = await aiohttp_client(app)
    answer = await client.get("/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    lines = (await answer.text()).splitlines()
    tasks = next(line for line in lines if line.startswith("hookswitch_tasks "))
    assert float(tasks.split()[1]) >= 1
    assert not any("_created" in line for line in lines)


async def test_a_blocked_loop_is_seen() -> None:
    reports: asyncio.Queue[float] = asyncio.Queue()
    async with watching_loop(reports.put_nowait, every_s=0.001):
        before_s = await reports.get()
        time.sleep(0.2)  # noqa: ASYNC251  # the very thing that is to be noticed
        after_s = await reports.get()
    assert before_s >= 0
    assert after_s >= 0.19


async def test_the_watch_ends_with_its_scope() -> None:
    before = asyncio.all_tasks()
    async with watching_loop(lambda _: None, every_s=0.001):
        assert len(asyncio.all_tasks()) == len(before) + 1
    assert asyncio.all_tasks() == before
