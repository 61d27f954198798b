"""Names of models come and go: what is gone has a successor, and what will be is told of."""

import pytest

from media.realtime.models import GONE, LAST_DAYS, may_reason, reasons, resolve_model


@pytest.mark.claim("J6", "model")
@pytest.mark.parametrize(
    ("named", "used", "warning"),
    [
        (None, "gpt-realtime-2.1", None),
        ("", "gpt-realtime-2.1", None),
        ("gpt-realtime-2.1", "gpt-realtime-2.1", None),
        ("my-deployment", "my-deployment", None),
        ("gpt-4o-realtime-preview", "gpt-realtime-2.1", "is gone; gpt-realtime-2.1 is used"),
        ("gpt-4o-realtime-preview-2024-10-01", "gpt-realtime-2.1", "is gone; gpt-realtime-2.1 is used"),
        ("gpt-4o-realtime-preview-2024-12-17", "gpt-realtime-2.1", "is gone; gpt-realtime-2.1 is used"),
        ("gpt-4o-realtime-preview-2025-06-03", "gpt-realtime-2.1", "is gone; gpt-realtime-2.1 is used"),
        ("gpt-4o-mini-realtime-preview", "gpt-realtime-2.1-mini", "is gone; gpt-realtime-2.1-mini is used"),
        ("gpt-4o-mini-realtime-preview-2024-12-17", "gpt-realtime-2.1-mini", "is gone; gpt-realtime-2.1-mini is used"),
        ("gpt-realtime", "gpt-realtime", "ceases to answer on 2027-01-20"),
        ("gpt-realtime-2025-08-28", "gpt-realtime-2025-08-28", "ceases to answer on 2027-01-20"),
        ("gpt-realtime-mini", "gpt-realtime-mini", "ceases to answer on 2027-01-20"),
        ("gpt-realtime-mini-2025-12-15", "gpt-realtime-mini-2025-12-15", "ceases to answer on 2027-01-20"),
        ("gpt-realtime-1.5", "gpt-realtime-1.5", None),
        ("gpt-realtime\n", "gpt-realtime\n", None),
    ],
)
def test_j6_a_model_that_is_gone_is_replaced_and_one_that_goes_is_told_of(
    named: str | None, used: str, warning: str | None
) -> None:
    model, told = resolve_model(named)
    assert model == used
    assert (told is None) if warning is None else (told is not None and warning in told)


def test_no_successor_is_one_that_goes() -> None:
    assert not set(GONE.values()) & (GONE.keys() | LAST_DAYS.keys())


@pytest.mark.parametrize(
    ("model", "does", "may"),
    [
        ("gpt-realtime-2.1", True, True),
        ("gpt-realtime-2", True, True),
        ("gpt-realtime-2.1-mini", True, True),
        ("gpt-realtime-2.1-2026-05-07", True, True),
        ("gpt-realtime-3", True, True),
        ("gpt-realtime-10.5", True, True),
        ("gpt-realtime", False, False),
        ("gpt-realtime-1.5", False, False),
        ("gpt-realtime-mini", False, False),
        ("gpt-realtime-2025-08-28", False, False),
        ("gpt-realtime-mini-2025-12-15", False, False),
        ("gpt-4o-realtime-preview-2024-10-01", False, False),
        ("voice-bot", False, True),
        ("", False, True),
    ],
)
def test_reasoning_is_of_the_second_generation(model: str, *, does: bool, may: bool) -> None:
    assert (reasons(model), may_reason(model)) == (does, may)
