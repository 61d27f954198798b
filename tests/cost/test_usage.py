from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import (
    RealtimeResponseUsage,
    RealtimeResponseUsageInputTokenDetails,
    RealtimeResponseUsageOutputTokenDetails,
)
from openai.types.realtime.realtime_response_usage_input_token_details import CachedTokensDetails

from cost.usage import MODALITIES, MOST, Of, Tokens, Usage, read
from tests.properties import ODD, json_values

RESPONSE = {
    "total_tokens": 254,
    "input_tokens": 132,
    "output_tokens": 122,
    "input_token_details": {
        "text_tokens": 90,
        "audio_tokens": 40,
        "image_tokens": 2,
        "cached_tokens": 72,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 8, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 22, "audio_tokens": 100},
}


def inputs(cached: int = 0, details: dict[str, int] | None = None, **tokens: int) -> dict[str, Any]:
    kept = {} if details is None else {"cached_tokens_details": {f"{name}_tokens": n for name, n in details.items()}}
    told = {f"{name}_tokens": count for name, count in tokens.items()}
    return {"input_tokens": sum(tokens.values()), "input_token_details": {**told, "cached_tokens": cached, **kept}}


@pytest.mark.claim("P39")
def test_a_response_is_read_modality_by_modality_and_what_is_cached_is_a_part_of_its_input() -> None:
    usage = read(RESPONSE)
    assert usage == Usage(text=Tokens(90, 64, 22), audio=Tokens(40, 8, 100), image=Tokens(2))
    assert (usage.whole, usage.tokens) == (Tokens(132, 72, 122), 254)
    assert usage.shown() == {
        "input": 132,
        "cached": 72,
        "output": 122,
        "text": {"input": 90, "cached": 64, "output": 22},
        "audio": {"input": 40, "cached": 8, "output": 100},
        "image": {"input": 2, "cached": 0, "output": 0},
    }


def test_the_fields_are_those_of_the_published_client() -> None:
    kept = CachedTokensDetails(text_tokens=2, audio_tokens=1, image_tokens=0)
    details = RealtimeResponseUsageInputTokenDetails(
        text_tokens=5, audio_tokens=4, image_tokens=3, cached_tokens=3, cached_tokens_details=kept
    )
    written = RealtimeResponseUsageOutputTokenDetails(text_tokens=1, audio_tokens=6)
    told = RealtimeResponseUsage(
        input_tokens=12, output_tokens=7, total_tokens=19, input_token_details=details, output_token_details=written
    )
    assert read(told.model_dump()) == Usage(Tokens(5, 2, 1), Tokens(4, 1, 6), Tokens(3))


@pytest.mark.parametrize(
    ("told", "of", "usage"),
    [
        ({}, "response", Usage()),
        ({"input_tokens": 7, "output_tokens": 3}, "response", Usage(other=Tokens(7, 0, 3))),
        ({"input_tokens": 7, "output_tokens": 3}, "transcription", Usage(Tokens(output=3), other=Tokens(7))),
        ({**inputs(audio=30, text=2), "output_tokens": 9}, "transcription", Usage(Tokens(2, 0, 9), Tokens(30))),
        ({"type": "duration", "seconds": 3.2}, "transcription", Usage(seconds=Decimal("3.200"))),
        ({"seconds": 0.1}, "transcription", Usage(seconds=Decimal("0.100"))),
        ({"input_tokens": 9, "input_token_details": {"text_tokens": 4}}, "response", Usage(Tokens(4), other=Tokens(5))),
        (inputs(cached=3, text=5), "response", Usage(Tokens(5, 3))),
        (inputs(cached=3, text=5, audio=5), "response", Usage(Tokens(5), Tokens(5), other=Tokens(0, 3))),
        (inputs(cached=4, details={"text": 3}, text=3, audio=5), "response", Usage(Tokens(3, 3), Tokens(5, 1))),
        (inputs(cached=99, text=5), "response", Usage(Tokens(5, 5))),
        (inputs(details={"text": 99}, text=5), "response", Usage(Tokens(5, 5))),
        ({"input_tokens": 9, "input_token_details": {"cached_tokens": 4}}, "response", Usage(other=Tokens(9, 4))),
        ({"input_tokens": 12.0, "output_tokens": 1.5}, "response", Usage(other=Tokens(12))),
        ({"input_tokens": -4, "output_tokens": True}, "response", Usage()),
        ({"input_tokens": MOST + 1, "seconds": MOST + 1}, "response", Usage()),
        ({"input_tokens": float("inf"), "seconds": float("nan")}, "response", Usage()),
        ({"input_token_details": [], "output_token_details": "x", "seconds": "4"}, "response", Usage()),
    ],
)
def test_what_is_told_otherwise_is_read_as_far_as_it_says_something(told: Any, of: Of, usage: Usage) -> None:
    assert read(told, of) == usage


NAMES = ("input_tokens", "output_tokens", "input_token_details", "output_token_details", "seconds", "cached_tokens")
DETAILS = ("text_tokens", "audio_tokens", "image_tokens", "cached_tokens", "cached_tokens_details")
NUMBERS = st.integers(-3, 40) | st.sampled_from([7.0, 1.5, 10**30, float("nan")])
DETAIL = st.dictionaries(st.sampled_from(DETAILS), NUMBERS | st.dictionaries(st.sampled_from(DETAILS), NUMBERS))
TOLD = st.dictionaries(st.sampled_from(NAMES), NUMBERS | DETAIL | st.sampled_from(ODD) | json_values(), max_size=6)


@pytest.mark.claim("P39")
@given(TOLD, st.sampled_from(["response", "transcription"]))
def test_whatever_a_vendor_says_cached_tokens_are_never_more_than_those_that_were_read(told: Any, of: Of) -> None:
    usage = read(told, of)
    for name in MODALITIES:
        part: Tokens = getattr(usage, name)
        assert 0 <= part.cached <= part.input
        assert part.output >= 0
    assert usage.whole.cached <= usage.whole.input
    assert usage.tokens == usage.whole.input + usage.whole.output
    assert usage.seconds >= 0
