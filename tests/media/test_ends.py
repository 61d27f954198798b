import pytest

from media.effects import End
from media.ends import (
    HUNG_UP,
    NO_METADATA,
    NO_SESSION,
    NO_SHOW,
    PLATFORM_ENDED,
    RESTART,
    TOO_LONG,
    media_lost,
    model_gone,
)

# What jambonz says of an llm verb's end: feature-server lib/tasks/llm, and nothing else.
JAMBONZ = {
    "normal conversation end",
    "connection failure",
    "disconnect from remote end",
    "server failure",
    "server error",
}


@pytest.mark.claim("J30")
@pytest.mark.parametrize(
    "end",
    [
        HUNG_UP,
        TOO_LONG,
        PLATFORM_ENDED,
        RESTART,
        NO_SHOW,
        NO_SESSION,
        NO_METADATA,
        media_lost("x"),
        model_gone(1000, ""),
    ],
)
def test_the_platforms_own_words_say_how_it_ended(end: End) -> None:
    assert end.completion_reason in JAMBONZ


def test_only_an_abnormal_end_owes_the_caller_the_fallback() -> None:
    assert not HUNG_UP.abnormal
    assert not TOO_LONG.abnormal
    assert media_lost("x").abnormal
    assert NO_SESSION.abnormal


@pytest.mark.claim("J30")
@pytest.mark.parametrize(
    ("code", "reason", "end"),
    [
        (1000, "", ("disconnect from remote end", "model_disconnected")),
        (None, "", ("disconnect from remote end", "model_disconnected")),
        (1011, "keepalive ping timeout", ("disconnect from remote end", "model_disconnected")),
        (
            1001,
            "Your session hit the maximum duration of 60 minutes.",
            ("disconnect from remote end", "session_expired"),
        ),
        (3000, "invalid_request_error.invalid_api_key", ("server error", "invalid_api_key")),
        (4000, "invalid_request_error.beta_api_shape_disabled", ("server error", "beta_api_shape_disabled")),
        (4000, "invalid_request_error.", ("server error", "model_refused")),
        (1008, "", ("server error", "model_refused")),
    ],
)
def test_a_close_of_the_models_socket_is_read(code: int | None, reason: str, end: tuple[str, str]) -> None:
    gone = model_gone(code, reason)
    assert (gone.completion_reason, gone.reason_code, gone.ended_by) == (*end, "model")
    assert gone.error
    assert gone.error["close_code"] == code


def test_the_models_words_are_cut() -> None:
    gone = model_gone(1011, "x" * 1000)
    assert gone.error == {"message": "x" * 200, "close_code": 1011}
