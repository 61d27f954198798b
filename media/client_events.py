"""The client events of the Realtime API that may be sent from outside, and what each becomes. Pure.

Not taken: audio, which is the caller's; a truncation, which is ours to tell, for we know what was heard; a tool's
output, of which each call has one, from the tool.
"""

from collections.abc import Callable, Mapping

from media import updating
from media.deeds import Deeds
from media.effects import JsonObject
from media.requests import AddItem, Came, SendEvent, fault

NOT_THE_TOOLS = fault("refused", "event_not_allowed", updating.NOT_THE_TOOLS)


def came_of(request: SendEvent, deeds: Deeds, now: float) -> Came:
    """Do what an event says."""
    type_ = request.event.get("type")
    taken = TAKEN.get(type_) if isinstance(type_, str) else None
    if taken is None:
        return fault("refused", "event_not_allowed", f"only {', '.join(TAKEN)} are taken")
    return taken(request, deeds, now)


def _change(request: SendEvent, deeds: Deeds, now: float) -> Came:
    return deeds.change(request, now)


def _create(request: SendEvent, deeds: Deeds, _now: float) -> Came:
    item, after = request.event.get("item"), request.event.get("previous_item_id")
    if not isinstance(item, dict) or not isinstance(after, str | None):
        return _lacks("item must be an object, and previous_item_id a text")
    if item.get("type") == "function_call_output":
        return NOT_THE_TOOLS
    return deeds.add(AddItem(item, after), request.event)


def _retrieve(request: SendEvent, deeds: Deeds, _now: float) -> Came:
    item_id = _item_in(request.event)
    return deeds.retrieve(request, item_id, deeds.id_of(request.event)) if item_id else NO_ITEM


def _delete(request: SendEvent, deeds: Deeds, _now: float) -> Came:
    item_id = _item_in(request.event)
    return deeds.forget(request, item_id, deeds.id_of(request.event)) if item_id else NO_ITEM


def _commit(request: SendEvent, deeds: Deeds, _now: float) -> Came:
    return deeds.commit(request, deeds.id_of(request.event))


def _clear(request: SendEvent, deeds: Deeds, now: float) -> Came:
    return deeds.clear(request, deeds.id_of(request.event), now)


def _respond(request: SendEvent, deeds: Deeds, now: float) -> Came:
    response = request.event.get("response", {})
    if not isinstance(response, dict):
        return _lacks("response must be an object")
    return deeds.respond(request, response, deeds.id_of(request.event), now)


def _cancel(_request: SendEvent, deeds: Deeds, now: float) -> Came:
    return deeds.interrupt(now)


def _item_in(event: JsonObject) -> str:
    item_id = event.get("item_id")
    return item_id if isinstance(item_id, str) else ""


def _lacks(message: str) -> Came:
    return fault("refused", "bad_event", message)


NO_ITEM = _lacks("item_id must be a text")
TAKEN: Mapping[str, Callable[[SendEvent, Deeds, float], Came]] = {
    "session.update": _change,
    "conversation.item.create": _create,
    "conversation.item.retrieve": _retrieve,
    "conversation.item.delete": _delete,
    "input_audio_buffer.commit": _commit,
    "input_audio_buffer.clear": _clear,
    "response.create": _respond,
    "response.cancel": _cancel,
}
