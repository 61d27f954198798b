"""What an application may change of a conversation that goes on: jambonz' `llm:update`, event by event.

The four events are those that a jambonz platform takes (lib/tasks/llm/llms/openai_s2s.js, processLlmUpdate). Here each
is done as this conversation needs it: settings are checked and translated as the verb's own, and a cancelled response
is not heard any more, though most of it has long been sent.
"""

from media.conversation import Conversation
from media.effects import Effect, JsonObject, ToModel
from media.realtime.base import Realtime
from media.realtime.updating import UpdateRefusedError
from verbs.llm_options import check_options
from verbs.offering import to_confirm

TAKEN = "session.update, conversation.item.create, conversation.item.delete, response.cancel"


def update(event: JsonObject, model: Realtime | None, talk: Conversation, out: list[Effect], now: float) -> None:
    """Do what the event says; no `model`: it is away.

    :raises UpdateRefusedError: that cannot be, and why
    """
    if model is None:
        raise UpdateRefusedError("there is no session with the model at this moment")
    match event:
        case {"type": "session.update", "session": dict(session)}:
            _check(session)
            talk.tools.confirmed |= to_confirm(session.get("tools"))
            wire = model.update(session, spoken=talk.speaking.has_spoken)
        case {"type": "conversation.item.create", "item": dict(item)}:
            wire = model.add(item)
            if wire is None:
                raise UpdateRefusedError("this vendor's model takes no items")
        case {"type": "conversation.item.delete", "item_id": str(item_id)} if item_id:
            talk.speaking.forget(item_id)
            return
        case {"type": "response.cancel"}:
            talk.speaking.cut(now)
            talk.responses.cancel(now)
            return
        case _:
            raise UpdateRefusedError(f"only {TAKEN} are taken, each with what it must have")
    if wire:
        out.append(ToModel(wire))


def _check(session: JsonObject) -> None:
    for finding in check_options({"session_update": session}, ()):
        if finding.fatal:
            place = ".".join(map(str, finding.path[1:]))
            raise UpdateRefusedError(f"session.{place} {finding.message}" if place else f"session {finding.message}")
