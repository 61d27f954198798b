import re
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from calls.carrying import oddities
from config import ConfigError
from config.prices import SHIPPED, shipped
from cost.prices import Price, Rates
from tests.config.conftest import Load

LLM = (
    "{verb: llm, vendor: openai, model: MODEL, llmOptions: {session_update: {input_audio_transcription: {model: WHO}}}}"
)


def test_each_price_that_comes_with_the_server_says_where_it_is_published_and_when_it_was_read() -> None:
    told = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["prices"]
    assert set(told) == set(shipped().of)
    for name, entry in told.items():
        assert entry["source"] == f"https://developers.openai.com/api/docs/models/{name.removeprefix('openai/')}"
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", str(entry["read"]))
        assert shipped().of[name] != Price()


def test_the_shipped_prices_are_in_force_where_the_file_says_none(loaded: Load) -> None:
    price = loaded("").prices.find("openai/gpt-realtime-2.1")
    assert price == Price(
        text=Rates(Decimal(4), Decimal("0.4"), Decimal(24)),
        audio=Rates(Decimal(32), Decimal("0.4"), Decimal(64)),
        image=Rates(Decimal(5), Decimal("0.5")),
    )
    assert loaded("prices:").prices == loaded("prices: {}").prices == shipped()


def test_an_entry_of_the_file_takes_the_place_of_that_of_its_name(loaded: Load) -> None:
    text = "prices:\n  openai/gpt-realtime-2.1: {audio: {input: 30.5}}\n  microsoft/house-*: {minute: 0.01}\n"
    prices = loaded(text).prices
    assert prices.find("openai/gpt-realtime-2.1") == Price(audio=Rates(Decimal("30.5")))
    assert prices.find("microsoft/house-2") == Price(minute=Decimal("0.01"))
    assert prices.find("openai/whisper-1") == Price(minute=Decimal("0.006"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("prices: 5", "prices: must be keys with values below it"),
        ("prices: {gpt-realtime: {minute: 1}}", "must be a vendor and its model, such as openai/gpt-realtime-2.1"),
        ("prices: {opnai/x: {minute: 1}}", "did you mean 'openai'?"),
        ("prices: {openai/: {minute: 1}}", "must be a vendor and its model"),
        ("prices: {'openai/*-x': {minute: 1}}", "may end in *, and have it nowhere else"),
        ("prices: {openai/x: {audio: {inputs: 1}}}", "prices.openai/x.audio.inputs: unknown key 'inputs'"),
        ("prices: {openai/x: {minute: -1}}", "must be at least 0"),
        ("prices: {openai/x: {minute: 1e3}}", "must be a number such as 0.25"),
        ("prices: {openai/x: {minute: 0.0000001}}", "must have 6 places at most"),
        ("prices: {openai/x: {minute: 2000000}}", "must be at most 1000000"),
        ("prices: {openai/x: {minute: [1]}}", "must be a number such as 0.25"),
        ("prices: {openai/x: {minute: much}}", "must be a number such as 0.25"),
    ],
)
def test_a_price_that_cannot_be_read_is_complained_of(loaded: Load, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        loaded(text)
    assert complaint in str(raised.value.complaints[0])


BUDGET = "routes: [{name: a, BUDGET, verbs: [{verb: hangup}]}]"


@pytest.mark.parametrize(
    ("budget", "complaint"),
    [
        ("per_call_usd: 0", "must be more than 0"),
        ("per_call_tokens: 0", "must be at least 1"),
        ("wind_down_at: 1.5", "must be at most 1"),
        ("time_zone: Nowhere/Land", "must be a time zone that this machine knows"),
        ("time_zone: ../etc", "must be a time zone that this machine knows"),
        ("per_cal_usd: 1", "unknown key 'per_cal_usd' (did you mean 'per_call_usd'?)"),
    ],
)
def test_a_budget_that_cannot_be_read_is_complained_of(loaded: Load, budget: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        loaded(BUDGET.replace("BUDGET", f"budget: {{{budget}}}"))
    assert complaint in str(raised.value.complaints[0])


@pytest.mark.parametrize(
    ("zone", "unix_s", "day"),
    [
        ("UTC", 1_768_521_599, "2026-01-15"),
        ("UTC", 1_768_521_600, "2026-01-16"),
        ("Europe/Berlin", 1_768_521_599, "2026-01-16"),
        ("America/New_York", 1_768_521_600, "2026-01-15"),
    ],
)
def test_a_day_ends_at_midnight_where_the_budget_says(loaded: Load, zone: str, unix_s: int, day: str) -> None:
    text = BUDGET.replace("BUDGET", f"budget: {{time_zone: {zone}, per_day_usd: 20}}")
    budget = loaded(text).routes[0].budget
    assert (budget.day_of(unix_s), budget.per_day.usd, budget.in_dollars) == (day, Decimal(20), ("per_day_usd",))


def told(loaded: Load, model: str, writer: str, budget: str) -> list[str]:
    verb = LLM.replace("MODEL", model).replace("WHO", writer)
    settings = loaded(f"routes: [{{name: a, budget: {{{budget}}}, verbs: [{verb}], llm_fallback: [openai/new-2]}}]")
    return [text for text in oddities(settings, settings.routes[0]) if "costs is not known" in text]


def test_a_limit_in_money_says_of_which_models_it_cannot_count_anything(loaded: Load) -> None:
    assert told(loaded, "gpt-realtime-2.1", "whisper-1", "per_call_tokens: 5") == []
    [sentence] = told(loaded, "gpt-realtime-2.1", "whisper-1", "per_call_usd: 5")
    assert sentence.startswith("budget.per_call_usd: what openai/new-2 costs is not known here, and is not counted; ")
    assert sentence.endswith("name what it costs under prices, or say budget.per_call_tokens")
    assert [text.split()[2] for text in told(loaded, "new-1", "new-w", "per_day_usd: 5")] == [
        *("openai/new-1", "openai/new-w", "openai/new-2", "openai/new-w"),
    ]


def test_of_an_options_shape_that_cannot_be_used_its_own_check_says_enough(loaded: Load) -> None:
    settings = loaded("routes: [{name: a, budget: {per_call_usd: 1}, verbs: [{verb: hangup}]}]")
    assert list(oddities(settings, settings.routes[0])) == []


def test_a_call_that_the_platform_carries_out_is_not_ended_by_its_budget_and_check_says_so(loaded: Load) -> None:
    text = "{name: a, llm_mode: native, budget: {per_call_usd: 1, per_day_usd: 9}, verbs: [{verb: hangup}]}"
    [warning] = loaded(f"routes: [{text}]").warnings
    assert warning.startswith("route 'a': budget.per_call_usd: nothing ends a call that has reached it")


def test_the_example_says_what_the_shipped_prices_are() -> None:
    text = Path("config.yaml").read_text(encoding="utf-8")
    commented = text.partition("prices: {}\n")[2].partition("\n\n")[0]
    entries = yaml.safe_load(re.sub(r"^  # ", "", commented, flags=re.MULTILINE))
    shipped_entries = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["prices"]
    for name, entry in entries.items():
        assert {**shipped_entries[name], **entry} == shipped_entries[name]
