"""A warm transfer in verbs: what a human hears who is to take a caller over, and where the two meet. Pure.

        answered ──▶ say briefing ──▶ (gather: the key that accepts) ──▶ hook ──▶ conference ◀── the caller

They meet in a conference because it is the one thing of jambonz' that joins two calls at once, wherever each of them is
hosted, and that ends for both when one of them leaves (feature-server lib/tasks/conference.js, `endConferenceOnExit`).
"""

import re

from verbs.base import JsonObject, JsonValue
from verbs.handoff import RINGS_S

BRIEFED_WITHIN_S = 90.0
"How long a human may take from their answer to their yes; so long the caller is kept waiting at most."
PRESSES_WITHIN_S = 15
"How long they may think after the last word."
MAX_BRIEFING_CHARS = 2000
WANTED = (
    "What the human must know to take over, in two to four sentences: who calls, what they want, what has been done "
    "already. It is spoken to the human alone, before they are connected."
)
PAUSE_S = 1
SPARE_S = 30.0
_UNSPEAKABLE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff<>]+")
"Line breaks and the like; and what would make a synthesizer take it for SSML."


def rings_s(handoff: JsonObject) -> float:
    """Give how long the human's phone rings."""
    told = handoff.get("timeout")
    return float(told) if told else RINGS_S


def longest_s(handoff: JsonObject) -> float:
    """Give how long the model waits for the outcome: longer than it can take, the platform's own delays included.

    All who may be called are, one after the other.
    """
    targets = handoff.get("target")
    called = max(1, len(targets)) if isinstance(targets, list) else 1
    return called * (rings_s(handoff) + BRIEFED_WITHIN_S) + SPARE_S


def is_briefed(handoff: JsonObject) -> bool:
    """Tell whether the human is told what it is about."""
    return handoff.get("brief") != "none"


def wanted_briefing(handoff: JsonObject) -> str:
    """Tell the model what it is to write."""
    brief = handoff.get("brief")
    template = brief.get("template") if isinstance(brief, dict) else None
    return f"{WANTED} Go by this: {template}" if template else WANTED


def speakable(briefing: object) -> str:
    """Make of what a model wrote a text that can be spoken: one line of it, and not a long one."""
    return _UNSPEAKABLE.sub(" ", briefing).strip()[:MAX_BRIEFING_CHARS] if isinstance(briefing, str) else ""


def briefing_verbs(handoff: JsonObject, briefing: str, hook: str) -> list[JsonObject]:
    """Give what the human hears as they answer; `hook` is asked then, with the key that they have pressed, if any."""
    voice = {"synthesizer": handoff["briefSynthesizer"]} if handoff.get("briefSynthesizer") else {}
    words = speakable(briefing) if is_briefed(handoff) else ""
    say: list[JsonObject] = [{"verb": "say", "text": words, **voice}] if words else []
    confirm = _confirm(handoff)
    if confirm is None:
        return [*say, {"verb": "redirect", "actionHook": hook}]
    prompt = str(confirm.get("prompt") or "")
    gather = {
        "verb": "gather",
        "input": ["digits"],
        "numDigits": 1,
        "timeout": PRESSES_WITHIN_S,
        "actionHook": hook,
    }
    if prompt.startswith(("http://", "https://")):
        return [*say, {**gather, "play": {"url": prompt}}]
    return [{**gather, "say": {"text": f"{words} {prompt}".strip(), **voice}}]


def accepts(handoff: JsonObject, digits: JsonValue) -> bool:
    """Tell whether the human takes the caller over: nobody who need not press a key declines by pressing none."""
    confirm = _confirm(handoff)
    return confirm is None or digits == confirm["digit"]


def wait_verbs(hook: str) -> list[JsonObject]:
    """Give what a human does of whom it is not known yet whether they are an answering machine; then ask again."""
    return [{"verb": "pause", "length": PAUSE_S}, {"verb": "redirect", "actionHook": hook}]


def meeting_verbs(room: str, hook: str = "") -> list[JsonObject]:
    """Give what joins a leg to the other one; `hook` is asked when they have parted."""
    asked = {"actionHook": hook} if hook else {}
    return [{"verb": "conference", "name": room, "endConferenceOnExit": True, **asked}]


def _confirm(handoff: JsonObject) -> JsonObject | None:
    """Give how the human accepts; None: by answering."""
    confirm = handoff.get("confirm")
    return confirm if isinstance(confirm, dict) and confirm.get("digit") else None
