"""Hooks whose verbs are run beside the call's document, and which verbs jambonz takes there. Pure.

For any other verb it throws the whole answer away, `hangup` included (jambonz-feature-server lib/tasks/dial.js,
conference.js, enqueue.js; of a `confirmHook` lib/utils/place-outdial.js).
"""

from collections.abc import Sequence

from structlog.typing import FilteringBoundLogger

from verbs import parse, serialise
from verbs.base import JsonObject
from verbs.rewrite import CONFERENCE, DIAL, REDIRECT

HEARD = frozenset({"pause", "play", "say"})
NONE: frozenset[str] = frozenset()
ASIDES: dict[str, frozenset[str] | None] = {
    "confirmHook": None,
    "waitHook": HEARD | {"leave", "tag"},
    CONFERENCE["waitHook"]: HEARD,
    "enterHook": HEARD,
    "onHoldHook": HEARD,
    # Their answers are not looked at.
    "dtmfHook": NONE,
    "partialResultHook": NONE,
    "statusHook": NONE,
    DIAL["referHook"]: None,
    # What is asked within one is answered there, whatever its verbs do: they are run in a session of their own.
    "aside": None,
    (REDIRECTED := f"aside.{REDIRECT['actionHook']}"): None,
}
"By the names that `verbs.rewrite` gives hooks; None: any verb."


def within(name: str) -> str:
    """Give the name of a hook that stands in the verbs of one of these."""
    if name in ASIDES or name in REDIRECT.values():
        return REDIRECTED if name == REDIRECT["actionHook"] else name
    return "aside"


def aside(name: str | None, body: JsonObject) -> str | None:
    """Give the name of a hook whose answer is run beside the document, this time; None: it takes its place.

    Where the leg refers that was called, a `referHook` of its `dial` is the caller's (lib/tasks/dial.js handleRefer).
    """
    return None if name == DIAL["referHook"] and body.get("parent_call_sid") else name


def heard(hook: str, wanted: Sequence[JsonObject], *, native: bool, log: FilteringBoundLogger) -> list[JsonObject]:
    """Keep of a hook's answer what its platform can run there; the rest is told.

    :raises DocumentError: it is no document
    """
    verbs, taken = parse(list(wanted), strict=False, native=native), ASIDES[hook]
    if dropped := [verb.verb for verb in verbs if taken is not None and verb.verb not in taken]:
        log.warning("hook_verbs_dropped", hook=hook, dropped=dropped)
    return serialise([verb for verb in verbs if taken is None or verb.verb in taken])
