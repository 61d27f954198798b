"""What a call does after its conversation."""

import pytest

from calls.ending import kept, next_verbs
from media.effects import End
from media.ends import HUNG_UP, NO_SHOW, PLATFORM_ENDED, RESTART, TOO_LONG
from media.record import Record
from tests.calls.exchange import HANGUP, SAY, JsonObject

SORRY: JsonObject = {"verb": "say", "text": "Sorry."}
AGENT = End("normal conversation end", "agent_hung_up", "agent")


def after(end: End | None, *remaining: JsonObject) -> list[JsonObject]:
    ended = kept(end, Record(now=0.0), at_s=1.0) if end else None
    return next_verbs(ended, remaining=remaining, fallback=[SORRY])


@pytest.mark.parametrize(
    ("end", "verbs"),
    [
        (HUNG_UP, []),
        (PLATFORM_ENDED, []),
        (AGENT, [SAY]),
        (TOO_LONG, [SAY]),
        (NO_SHOW, [SORRY]),
        (RESTART, [SORRY]),
        (End("server error", "insufficient_quota", "model"), [SORRY]),
        (End("disconnect from remote end", "model_disconnected", "model"), [SORRY]),
        (None, [SAY]),
    ],
)
def test_the_end_decides_what_comes_next(end: End | None, verbs: list[JsonObject]) -> None:
    assert after(end, SAY) == verbs


def test_after_the_last_verb_the_call_is_hung_up() -> None:
    assert after(AGENT) == [HANGUP]


def test_the_end_is_kept_with_what_was_said_and_used() -> None:
    record = Record(now=0.0)
    record.caller_text("item-1", "Hello?", 1.0)
    record.used({"total_tokens": 3}, "openai/gpt-realtime-2.1", 2.0)
    end = kept(RESTART, record, at_s=7.0)
    assert (end.reason_code, end.completion_reason, end.ended_by, end.at_s, end.error) == (
        "server_restart",
        "connection failure",
        "server",
        7.0,
        {"message": "the server is restarting"},
    )
    assert (end.usage, [line["text"] for line in end.transcript]) == ({"total_tokens": 3}, ["Hello?"])


def test_what_tools_have_done_is_kept_with_the_end_and_what_was_typed_in_confidence_is_not() -> None:
    record = Record(now=0.0)
    record.typed("4711", 1.0, confidential=True)
    record.tool_called("c1", "refund", '{"pin":"4711"}', 2.0)
    record.tool_answered("c1", "A17 refunded", 3.0)
    assert kept(RESTART, record, at_s=7.0).history == (
        ("user", "(typed on the keypad) ••••"),
        ("system", 'The tool refund was called with {"pin":"••••"}: A17 refunded'),
    )
