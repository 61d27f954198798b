"""What a call does after its conversation."""

from dataclasses import replace

import pytest

from calls.ending import kept, next_verbs
from media.effects import End
from media.ends import HUNG_UP, NO_SHOW, PLATFORM_ENDED, RESTART, TOO_LONG
from media.record import Record
from store.base import LlmLeg
from tests.calls.exchange import HANGUP, SAY, JsonObject

SORRY: JsonObject = {"verb": "say", "text": "Sorry."}
WANTED: JsonObject = {"verb": "pause", "length": 1}
LEG = LlmLeg(llm={}, remaining=(SAY,), fallback=(SORRY,))
AGENT = End("normal conversation end", "agent_hung_up", "agent")


def ended(end: End | None) -> LlmLeg:
    return replace(LEG, end=kept(end, Record(now=0.0), at_s=1.0) if end else None)


@pytest.mark.parametrize("end", [HUNG_UP, NO_SHOW, AGENT, RESTART, None])
def test_what_the_action_hook_wants_goes_before_all_else(end: End | None) -> None:
    assert next_verbs(ended(end), [WANTED]) == [WANTED]


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
@pytest.mark.parametrize("wanted", [None, []])
def test_else_the_end_decides(end: End | None, verbs: list[JsonObject], wanted: list[JsonObject] | None) -> None:
    assert next_verbs(ended(end), wanted) == verbs


def test_after_the_last_verb_the_call_is_hung_up() -> None:
    assert next_verbs(replace(ended(AGENT), remaining=()), None) == [HANGUP]


def test_the_end_is_kept_with_what_was_said_and_used() -> None:
    record = Record(now=0.0)
    record.caller_text("item-1", "Hello?", 1.0)
    record.used({"total_tokens": 3})
    end = kept(RESTART, record, at_s=7.0)
    assert (end.reason_code, end.completion_reason, end.ended_by, end.at_s, end.error) == (
        "server_restart",
        "connection failure",
        "server",
        7.0,
        {"message": "the server is restarting"},
    )
    assert (end.usage, [line["text"] for line in end.transcript]) == ({"total_tokens": 3}, ["Hello?"])
