"""How a model leaves the conversation by a tool of ours, what the call does then, and how it comes back. Pure."""

import re
from typing import NamedTuple

from media.ends import HANDOFF, HANGUP
from media.options import Exit
from media.record import MAX_HISTORY
from store.base import End
from verbs.base import JsonObject
from verbs.briefing import longest_s, meeting_verbs
from verbs.handoff import HANGUP_TOOL, Outcome, disposition, is_warm, transfer, transfer_name, voicemail
from verbs.llm import Llm

GOODBYE = "In one short sentence, in the language of the conversation, say goodbye to the caller."
CONNECTING = (
    "In one short sentence, in the language of the conversation, tell the caller that you are connecting them now."
)
OUTCOMES: dict[Outcome, str] = {
    "no-answer": "nobody answered",
    "busy": "the line is busy",
    "declined": "the call was declined",
    "error": "the connection could not be made",
    "caller-abandoned": "the caller hung up",
}
ROOM = "conference"
"Under this a conversation's end tells where a human waits for the caller; under the other how calling one has failed."
FAILED = "transfer_reason"
HOOK = "hookswitch:handoff/"
"A hook of a document that is our own to answer: what a call does after the transfer of its n-th conversation."
MAX_REASON_CHARS = 200
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


class Again(NamedTuple):
    """What a verb's second conversation goes on from."""

    history: tuple[tuple[str, str], ...]
    "(role, text)"
    opening: str
    "The instruction for its first words."


def exits(llm: Llm) -> dict[str, Exit]:
    """Give the tools by which this verb's model can leave, by their names."""
    found: dict[str, Exit] = {}
    if llm.handoff is not None and not is_warm(llm.handoff):
        found[transfer_name(llm.handoff)] = Exit(HANDOFF, CONNECTING)
    if llm.hangup is not None:
        found[HANGUP_TOOL] = Exit(HANGUP, GOODBYE)
    return found


def patience(llm: Llm) -> dict[str, float]:
    """Give how long the model waits for a tool that takes longer than any other, by its name, in seconds."""
    handoff = llm.handoff
    return {transfer_name(handoff): longest_s(handoff)} if handoff is not None and is_warm(handoff) else {}


def leaving_verbs(llm: Llm, end: End | None, nth: int) -> list[JsonObject]:
    """Give what the call does after its n-th conversation where the model itself has left it; else nothing."""
    match end:
        case End(reason_code=HANGUP.reason_code) if llm.hangup is not None:
            return [_hangup(_reason(end.told.get("reason")) or _reason(llm.hangup.get("reason")))]
        case End(reason_code=HANDOFF.reason_code) if llm.handoff is not None:
            return _handing_over(llm.handoff, end, f"{HOOK}{nth}")
        case _:
            return []


def _handing_over(handoff: JsonObject, end: End, hook: str) -> list[JsonObject]:
    """Transfer the call; of a warm transfer the outcome stands in the conversation's end."""
    if not is_warm(handoff):
        return transfer(handoff, hook)
    if room := end.told.get(ROOM):
        return meeting_verbs(str(room), hook)
    wants_voicemail = disposition(handoff, end.told.get(FAILED, "error")) == "voicemail"
    return voicemail(handoff) if wants_voicemail else [{"verb": "hangup"}]


def has_met(end: End | None) -> bool:
    """Tell whether a conversation has ended as a human was waiting for its caller."""
    return end is not None and ROOM in end.told


def handed_off(hook: str) -> int | None:
    """Tell of which conversation's transfer this hook asks; None for a hook of somebody else's."""
    nth = hook.removeprefix(HOOK)
    return int(nth) if hook != nth and nth.isdecimal() else None


def again(before: Again | None, end: End | None, outcome: Outcome) -> Again:
    """Go on after a transfer that has failed, knowing what was said and what tools have done already.

    `before`: what the conversation itself went on from; `end`: the conversation's.
    """
    why = OUTCOMES[outcome]
    said = end.history if end else ()
    told = ("system", f"The transfer to a human has failed: {why}. The caller is with you again.")
    opening = (
        "In one short sentence, in the language of the conversation, tell the caller that the transfer has failed "
        f"({why}), and ask how else you can help."
    )
    return Again((*(before.history if before else ()), *said, told)[-MAX_HISTORY:], opening)


def _hangup(reason: str) -> JsonObject:
    return {"verb": "hangup", "headers": {"X-Reason": reason}} if reason else {"verb": "hangup"}


def _reason(told: object) -> str:
    """Make a header's value of what a model said: one line, and not a long one."""
    return _UNPRINTABLE.sub(" ", told).strip()[:MAX_REASON_CHARS] if isinstance(told, str) else ""
