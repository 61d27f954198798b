"""Whether verbs that shall replace what a call does can be done at all: once it has been ended for them, it is late.

jambonz looks at them first, too, and lets the call go on as it was where they are wrong (jambonz-feature-server
lib/session/call-session.js `_lccCallHook`, `_onCommand`).
"""

from collections.abc import Sequence
from typing import Final

from calls.live import LiveCall
from calls.opening import obstacle_to
from verbs import Complaint, DocumentError, parse, refusals
from verbs.base import JsonObject
from verbs.llm import Llm

FINISHED: Final = frozenset({"0.9"})
"Versions of the platform that learn nothing new: what their validator does not know, they refuse."


def see_that_it_can_be_done(live: LiveCall, wanted: Sequence[JsonObject], *, written_here: bool) -> None:
    """Refuse verbs that the call's platform would refuse, and an `llm` that has no model.

    `written_here`: by somebody who can be held to our own rules, as the configuration is; of an application's we
    refuse what a finished version of the platform surely does not take, and no more.

    :raises DocumentError: with what is wrong
    """
    version, native = live.settings.platform.version, live.route.native
    verbs = parse(list(wanted), version=version, strict=written_here, native=native)
    if version in FINISHED:
        found = refusals(list(wanted), version=version, native=native)
        # Of an `llm` it sees what we make of it.
        ours = {index for index, verb in enumerate(verbs) if isinstance(verb, Llm)}
        if refused := [each for each in found if ours.isdisjoint(each.path[:1])]:
            raise DocumentError(refused)
    if obstacle := obstacle_to(verbs, live.route, live.settings):
        raise DocumentError([Complaint((), obstacle)])
