"""What a warm transfer needs beside its verb: the platform's REST API, by which the human is called."""

from collections.abc import Iterator

from config.draft import Draft
from config.nodes import Mapping, Node, Scalar, children
from verbs.handoff import WARM

LACKING = "a warm transfer calls the human by the platform's REST API: set platform.api, or mode: blind"


def complain_of_transfers(draft: Draft, route: Mapping) -> None:
    """Complain of each warm transfer of a route's verbs; only where there is no `platform.api`."""
    mode = route.get("llm_mode")
    if isinstance(mode, Scalar) and mode.text == "native":  # the platform's own to carry out
        return
    for handoff in _handoffs(route.get("verbs")):
        mode = handoff.get("mode")
        if isinstance(mode, Scalar) and mode.text == WARM:
            draft.complain(mode.path, LACKING)


def _handoffs(document: Node | None) -> Iterator[Mapping]:
    items = [document] if isinstance(document, Mapping) else children(document) if document else []
    for item in items:
        verb = item.get("llm") if isinstance(item, Mapping) else None
        for holder in (item, verb):
            handoff = holder.get("handoff") if isinstance(holder, Mapping) else None
            if isinstance(handoff, Mapping):
                yield handoff
