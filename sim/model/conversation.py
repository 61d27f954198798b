"""The items of one conversation: their order, their audio, and which of them no answer has seen yet."""

from collections import Counter, deque
from dataclasses import dataclass, field

from sim.model.answers import Cue, Result
from sim.model.audio import WireFormat, encoded
from sim.model.checks import JsonObject, RequestError


@dataclass(slots=True)
class Sound:
    """An item's audio as it went over the wire."""

    form: WireFormat
    wire: bytearray = field(default_factory=bytearray)

    @property
    def ms(self) -> int:
        return self.form.ms_in(len(self.wire))


@dataclass(slots=True)
class Entry:
    item: JsonObject
    sound: Sound | None = None
    words: str = ""
    "What was said or typed, as far as it is known."
    silent: bool = False
    "A turn of the user's in which nobody spoke."
    fresh: bool = True
    "No answer has seen it yet."


class Conversation:
    def __init__(self, conversation_id: str, caller: deque[str]) -> None:
        """`caller`: what the caller has still to say; what was heard is taken out."""
        self.id = conversation_id
        self.entries: list[Entry] = []
        self.call_ids: set[str] = set()
        "Calls an output may be given for: those of responses that are done."
        self.used: Counter[int] = Counter()
        "How often each turn of the script has answered, by its place."
        self._caller = caller
        self._answers = 0

    @property
    def last_id(self) -> str | None:
        return self.entries[-1].item["id"] if self.entries else None

    def find(self, item_id: str, deed: str) -> Entry:
        """Return the entry; RequestError names what was to be done ("delete") with an item that is not there."""
        for entry in self.entries:
            if entry.item["id"] == item_id:
                return entry
        message = f"Error with item {deed}: the item with id '{item_id}' does not exist."
        raise RequestError(f"item_{deed}_invalid_item_id", message, "item_id")

    def add(self, entry: Entry, after: str | None = None) -> str | None:
        """Insert an item after another ("root": before all, None: at the end); return the id before it."""
        ids = [other.item["id"] for other in self.entries]
        if entry.item["id"] in ids:
            message = f"Error adding item: an item with id '{entry.item['id']}' already exists."
            raise RequestError("item_create_duplicate_item_id", message, "item.id")
        if after not in {None, "root", *ids}:
            message = f"Error adding item: the previous item with id '{after}' does not exist."
            raise RequestError("item_create_invalid_previous_item_id", message, "previous_item_id")
        at = len(ids) if after is None else 0 if after == "root" else ids.index(after) + 1
        self.entries.insert(at, entry)
        return ids[at - 1] if at else None

    def check_output(self, item: JsonObject) -> None:
        if item["type"] == "function_call_output" and item["call_id"] not in self.call_ids:
            message = f"Tool call ID '{item['call_id']}' not found in conversation."
            raise RequestError("invalid_tool_call_id", message, "item.call_id")

    def delete(self, item_id: str) -> None:
        entry = self.find(item_id, "delete")
        self.entries.remove(entry)
        if entry.item["type"] == "function_call":
            self.call_ids.discard(entry.item["call_id"])

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        """Cut an assistant item's audio; what is left has no transcript, as the server has none for half an item."""
        entry = self.find(item_id, "truncate")
        sound = entry.sound
        if sound is None or entry.item.get("role") != "assistant" or audio_end_ms == 0:
            raise RequestError("unsupported_content_type", "Only model output audio messages can be truncated")
        if audio_end_ms > sound.ms:
            message = f"Audio content of {sound.ms}ms is already shorter than {audio_end_ms}ms"
            raise RequestError("invalid_value", message, "audio_end_ms")
        del sound.wire[sound.form.bytes_in(audio_end_ms) :]
        entry.item["content"] = [{"type": part["type"]} for part in entry.item["content"]]

    def with_audio(self, item_id: str) -> JsonObject:
        """Return the item as `conversation.item.retrieved` shows it."""
        entry = self.find(item_id, "retrieve")
        if entry.sound is None:
            return entry.item
        audio = encoded(bytes(entry.sound.wire))
        return {**entry.item, "content": [{**part, "audio": audio} for part in entry.item["content"]]}

    def next_line(self) -> str | None:
        """Return what the caller says next according to the script, if it says anything."""
        return self._caller.popleft() if self._caller else None

    def cue(self, given: list[Entry] | None = None) -> Cue:
        """Say what the next response answers to; `given`: the response brings its own input items."""
        fresh = [entry for entry in self.entries if entry.fresh] if given is None else given
        turn = sum(entry.item.get("role") == "user" and not entry.silent for entry in self.entries)
        outputs = (entry.item for entry in fresh if entry.item["type"] == "function_call_output")
        results = tuple(self._result(output) for output in outputs)
        if results:
            return Cue(turn, results=results)
        spoken = [entry for entry in fresh if entry.item.get("role") == "user"]
        if spoken:
            silence = all(entry.silent for entry in spoken)
            return Cue(turn, heard=" ".join(entry.words for entry in spoken).strip(), silence=silence)
        return Cue(turn, greeting=not self._answers and turn == 0)

    def said_since(self, item_id: str) -> bool:
        """Tell whether anything was said or called after an item."""
        ids = [entry.item["id"] for entry in self.entries]
        later = self.entries[ids.index(item_id) + 1 :] if item_id in ids else []
        return any(entry.item.get("role") == "assistant" or entry.item["type"] == "function_call" for entry in later)

    def answered(self) -> list[Entry]:
        """Note that a response takes up everything so far; return what was new to it."""
        self._answers += 1
        taken = [entry for entry in self.entries if entry.fresh]
        for entry in taken:
            entry.fresh = False
        return taken

    def unanswered(self, taken: list[Entry]) -> None:
        """Leave to another response what one has taken up and said nothing to."""
        self._answers -= 1
        for entry in taken:
            entry.fresh = True

    def _result(self, output: JsonObject) -> Result:
        calls = (entry.item for entry in self.entries if entry.item["type"] == "function_call")
        call = next((call for call in calls if call["call_id"] == output["call_id"]), {})
        return Result(call.get("name", ""), call.get("arguments", "{}"), output["output"])


def spoken_entry(item_id: str, sound: Sound, line: str | None, *, silent: bool) -> Entry:
    """Make the entry of a user's spoken turn; its item shows neither audio nor, at first, a transcript."""
    item = {"id": item_id, "object": "realtime.item", "type": "message", "role": "user", "status": "completed"}
    content = [{"type": "input_audio", "transcript": None}]
    return Entry({**item, "content": content}, sound, words=line or "", silent=silent)


def typed_entry(item: JsonObject) -> Entry:
    """Make an entry of an item that a client wrote; audio in it is not kept, its transcript counts as its words."""
    content = item.get("content", [])
    parts = (part.get("text") or part.get("transcript") or "" for part in content)
    words = " ".join(part for part in parts if part)
    shown = [{name: value for name, value in part.items() if name != "audio"} for part in content]
    return Entry({**item, "content": shown} if content else item, words=words)
