"""What is told to a conversation that the platform carries out itself, while it goes on.

jambonz takes `llm:update` by its websocket API, and says nothing to it; its REST API does not take it (api-server
lib/routes/api/accounts.js, validateUpdateCall). Of OpenAI's protocol it passes four events on to the model
(lib/tasks/llm/llms/openai_s2s.js, processLlmUpdate); what other vendors take is theirs, and their application's to say.
"""

from typing import Final

from calls.control import CommandTooLongError, OrderError, PlatformTalksError
from calls.live import LiveCall
from media.effects import Outcome
from media.requests import AddItem, Interrupt, Request, SendEvent
from verbs.base import JsonObject

UPDATE: Final = "llm:update"
TAKEN: Final = frozenset(
    {"conversation.item.create", "conversation.item.delete", "response.cancel", "session.update"},
)
VENDORS: Final = frozenset({"microsoft", "openai"})


def goes_on(live: LiveCall) -> bool:
    """Tell whether the platform is in a conversation, as far as it has said."""
    nth = max(live.natives, default=None)
    if nth is None or nth < live.superseded.llms:
        return False
    return nth not in live.native_legs or not live.native_legs[nth].is_told


def ask(live: LiveCall, request: Request) -> Outcome:
    """Pass on what is asked of such a conversation; nobody tells what comes of it.

    :raises ControlError: it cannot be told this, or at all
    """
    event = _event(request) if live.verb(max(live.natives)).vendor in VENDORS else None
    if event is None or live.control is None:
        raise PlatformTalksError
    try:
        live.control.command({"command": UPDATE, "data": event})
    except CommandTooLongError as error:
        raise OrderError(str(error)) from error
    live.log.info("llm_updated_natively", type=event["type"])
    return Outcome("sent", {"passed_on": event["type"]})


def _event(request: Request) -> JsonObject | None:
    match request:
        case AddItem(item, after):
            place = {"previous_item_id": after} if after else {}
            return {"type": "conversation.item.create", **place, "item": item}
        case Interrupt():
            return {"type": "response.cancel"}
        case SendEvent(event) if event.get("type") in TAKEN:
            return event
        case _:
            return None
