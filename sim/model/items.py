"""What is done with the items of a conversation, and how the server answers it."""

from collections.abc import Callable
from typing import Any, ClassVar

from sim.model.checks import JsonObject
from sim.model.conversation import Conversation, Entry, typed_entry
from sim.model.ids import Ids


class Items:
    """`emit` sends an event of a type, with these fields."""

    def __init__(self, conversation: Conversation, ids: Ids, emit: Callable[..., None]) -> None:
        self._conversation, self._ids, self._emit = conversation, ids, emit

    def take(self, event: JsonObject) -> None:
        """Do what a `conversation.item.…` event asks for; RequestError if that cannot be done."""
        self._TAKES[event["type"]](self, event)

    def add(self, entry: Entry, after: str | None = None) -> None:
        before = self._conversation.add(entry, after)
        self._emit("conversation.item.added", previous_item_id=before, item=entry.item)
        self._emit("conversation.item.done", previous_item_id=before, item=entry.item)

    def _create(self, event: JsonObject) -> None:
        item = {"id": self._ids.new("item"), "object": "realtime.item", "status": "completed", **event["item"]}
        if item["type"] == "function_call":
            item.setdefault("call_id", self._ids.new("call"))
            self._conversation.call_ids.add(item["call_id"])
        self._conversation.check_output(item)
        self.add(typed_entry(item), event.get("previous_item_id"))
        if item.get("role") == "assistant":  # as a client tells what was said in an earlier session
            self._conversation.answered()

    def _retrieve(self, event: JsonObject) -> None:
        self._emit("conversation.item.retrieved", item=self._conversation.with_audio(event["item_id"]))

    def _delete(self, event: JsonObject) -> None:
        self._conversation.delete(event["item_id"])
        self._emit("conversation.item.deleted", item_id=event["item_id"])

    def _truncate(self, event: JsonObject) -> None:
        self._conversation.truncate(event["item_id"], event["audio_end_ms"])
        place: dict[str, Any] = {name: event[name] for name in ("item_id", "content_index", "audio_end_ms")}
        self._emit("conversation.item.truncated", **place)

    _TAKES: ClassVar[dict[str, Callable[["Items", JsonObject], None]]] = {
        "conversation.item.create": _create,
        "conversation.item.retrieve": _retrieve,
        "conversation.item.delete": _delete,
        "conversation.item.truncate": _truncate,
    }
