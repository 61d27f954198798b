"""What is left of a conversation when the process that had it has died: what was written down, and an end to come."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import itemgetter

from media.effects import Answer, End
from media.ends import RESTART
from media.realtime.updating import UpdateRefusedError
from media.record import Record
from media.requests import Request, ended
from once import Once
from store.deliveries import Note
from verbs.base import JsonObject

UNKNOWN = '{"error": "the server was restarted before the outcome was known"}'
"Of a tool that had been called: it may have run, and is not run again."


class LostLine:
    """`calls.leg.Talk`, of which nothing is left. Whatever ends it, it was the restart."""

    def __init__(self) -> None:
        self.over = Once()
        self.end: End | None = None

    async def run(self) -> None:
        await self.over.wait()

    def finish(self, end: End) -> None:  # noqa: ARG002  # see above
        self.end = RESTART
        self.over.set()

    def tool_answered(self, call_id: str, output: str) -> None:
        """Nobody waits for it any more."""


class LostRecord(Record):
    """A record as it was last written down."""

    def __init__(self, notes: Sequence[Note]) -> None:
        super().__init__(now=0.0)
        lines = [dict(note.value) for note in notes if note.kind == "line" and note.value["text"]]
        self._told = sorted(lines, key=itemgetter("at"))
        self._called = {note.key: dict(note.value) for note in notes if note.kind == "tool"}
        self.turns = [dict(note.value) for note in notes if note.kind == "turn"]
        self.bills = [dict(note.value) for note in notes if note.kind == "usage"]
        spent = [bill["usage"] for bill in self.bills if bill["of"] == "response"]
        totals = {f"{way}_tokens": sum(usage[way] for usage in spent) for way in ("input", "output")}
        self.usage = {"total_tokens": sum(totals.values()), **totals} if spent else {}
        self._lasted_s = max((float(str(note.value["at"])) for note in notes), default=0.0)

    def duration_s(self, now: float) -> float:  # noqa: ARG002  # nobody knows how long it went on
        return self._lasted_s

    @property
    def transcript(self) -> list[JsonObject]:
        return self._told

    @property
    def tools(self) -> list[JsonObject]:
        return list(self._called.values())


def unknown(notes: Sequence[Note]) -> list[Note]:
    """Give the tools that were called and of which no outcome is known, as they are to be noted from now on."""
    open_ = [note for note in notes if note.kind == "tool" and note.value["output"] is None]
    return [replace(note, value={**note.value, "output": UNKNOWN}) for note in open_]


def refuse(_: object) -> None:
    """Refuse to change what is lost."""
    raise UpdateRefusedError("the server was restarted, and the conversation with it")


def nobody(_: Request, answer: Answer) -> None:
    """Answer who asks something of what is lost."""
    answer(ended(RESTART))


async def already_kept(_: End, __: Record) -> Callable[[JsonObject], JsonObject]:
    """Write nothing: an end that is in the row stays as it is."""
    return dict
