"""The call row, and what every store promises about it.

A row is a value: nobody changes one in place, not even the objects inside it. A change is a function
from the row that is to the row that shall be; the store applies it to the latest version, one at a time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from store.deliveries import Delivery, Endpoint, Note
from store.errors import StoreError
from store.spending import DaySum
from store.summaries import Entry, Place, Sought, Summary

JsonObject = dict[str, Any]
CallState = Literal["ringing", "in_progress", "completed"]
MediaState = Literal["unopened", "open", "closed"]
EndedBy = Literal["caller", "agent", "model", "platform", "operator", "server"]

ROW_ID_BYTES = 12

# jambonz repeats a webhook whose URL says `#rc=3` byte for byte, signature included (feature-server
# lib/utils/http-requestor.js): the second one must find the first one's row, not start another call.
DUPLICATE_WITHIN_S = 600.0


@dataclass(frozen=True, slots=True)
class End:
    """How a call, or one `llm` of it, ended. Fixed once; only what is learnt late is added afterwards."""

    reason_code: str
    "Ours: caller_hung_up, media_lost, invalid_api_key …"
    completion_reason: str
    "The platform's own word for it, as its `llm` verb would have reported."
    ended_by: EndedBy
    at_s: float
    "Unix time in seconds."
    error: JsonObject | None = None
    told: JsonObject = field(default_factory=dict)
    "What the model said as it left by a tool of ours: that tool's arguments."
    usage: JsonObject = field(default_factory=dict)
    bills: tuple[JsonObject, ...] = ()
    "What each response and transcription used of which model, and what it came to."
    transcript: tuple[JsonObject, ...] = ()
    "What was heard, in order; may still grow for the second in which last words arrive."
    turns: tuple[JsonObject, ...] = ()
    "How long the caller waited for each answer."
    tools: tuple[JsonObject, ...] = ()
    "What the model called, and what it was answered."
    duration_s: float | None = None
    "How long the conversation went on; None where nobody knows."
    history: tuple[tuple[str, str], ...] = ()
    "(role, text) of what was heard and of what tools have found out, for a model that goes on from here."


@dataclass(frozen=True, slots=True)
class LlmLeg:
    """One `llm` verb of a call, and everything needed to carry it out and to go on after it."""

    llm: JsonObject
    "The verb as JSON. Its keys are masked: rows are written to disk."
    remaining: tuple[JsonObject, ...] = ()
    "The verbs that stood behind it, their keys masked too; the call's process has them whole."
    fallback: tuple[JsonObject, ...] = ()
    "What the call does after an abnormal end."
    media_state: MediaState = "unopened"
    ended_answer: bytes | None = None
    "The JSON bytes that `/call/ended` answered first; every repetition gets the same."
    end: End | None = None
    beside: bool = False
    "Whether it is carried out beside the call's document, with somebody else on the line."


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call. `id` is random: a ticket may show it without telling a number, a sid or a route."""

    id: bytes
    call_sid: str
    platform: str
    route: str
    caller: str
    called: str
    direction: str
    attributes: JsonObject
    "The call webhook's body, as the platform sent it."
    created_at_s: float
    "Unix time in seconds."
    document: bytes
    "The exact JSON bytes that answered the call webhook."
    legs: tuple[LlmLeg, ...] = ()
    "The `llm` verbs so far; the n-th is what a ticket's n means, from 0."
    hooks: tuple[str, ...] = ()
    "Targets of all other hooks in documents of this call, counted over the call, from 0."
    trusted: tuple[tuple[str, str, int, bool], ...] = ()
    "Where its application leads, if that is the operator's own code: `egress.origins.Origin` of each."
    hook_names: Mapping[int, str] = field(default_factory=dict)
    "What these are in their verbs, such as `waitHook`: of those, by their number, that are answered otherwise."
    grown: bool = False
    "Whether it was a leg of another call."
    by_socket: bool = False
    "Whether its platform asks by control sockets."
    waits: bool = False
    "Whether its document leads to the question what it does when it has nothing more to do."
    owner: str | None = None
    "The run of the server that has the call: not the same after a restart."
    state: CallState = "ringing"
    end: End | None = None
    answered_at_s: float | None = None
    "When it was first known that somebody had taken the call. Unix time in seconds, as all moments here."
    ended_at_s: float | None = None

    def with_leg(self, nth: int, **changes: Any) -> "CallRow":
        """Return the row with the n-th leg's fields replaced; IndexError where there is no such leg."""
        leg = replace(self.legs[nth], **changes)
        return replace(self, legs=(*self.legs[:nth], leg, *self.legs[nth + 1 :]))


Change = Callable[[CallRow], CallRow]


class Store(Protocol):
    """Every method is atomic and, once it has returned, survives whatever the store survives.

    Those that are not async do not wait: what they are given is written soon, and before `then` is called. What is
    handed over without an `await` in between, by whichever method, is written together or not at all.
    """

    durable: bool
    "Whether it survives this process, so that nobody else needs to keep what it keeps."

    @property
    def degraded(self) -> str | None:
        """Why it cannot write now; what it is given meanwhile is in memory only. None: it can."""
        ...

    async def close(self) -> None:
        """Write what is still to be written, and let go of the file."""
        ...

    # Calls

    async def create(self, row: CallRow) -> CallRow:
        """Keep a new call; return the row that now stands for it.

        That is an earlier row where the same `call_sid` was created less than `DUPLICATE_WITHIN_S` before
        (answer its `document` again and start nothing), else the given one. RowTakenError where another
        call has its id.
        """
        ...

    async def by_row(self, row_id: bytes) -> CallRow | None: ...

    async def by_sid(self, call_sid: str) -> CallRow | None:
        """Return the newest row of this call sid."""
        ...

    async def update(self, row_id: bytes, change: Change) -> CallRow:
        """Apply `change` to the latest version and return the outcome; when it raises, nothing has changed.

        It may be called more than once (a store that finds itself overtaken tries again): no side effects.
        RowUnknownError where there is no such row; StoreError where `id`, `call_sid` or `created_at_s`
        would change.
        """
        ...

    async def claim_media(self, row_id: bytes, nth: int, *, owner: str) -> bool:
        """Open the n-th leg's media for `owner`, once; the call is in progress from then on.

        True for the first claim only; False for every other one, for an unknown row or leg, and after
        the end of the leg or the call.
        """
        ...

    async def orphans(self, owner: str) -> list[CallRow]:
        """Return the calls that are not over and that another than `owner` has, the oldest first."""
        ...

    async def calls(self, sought: Sought, after: Place | None = None, *, limit: int) -> list[Summary]:
        """Return the calls that are sought, the newest first, from behind `after`."""
        ...

    async def forget(self, before_s: float) -> list[bytes]:
        """Remove completed calls created before this Unix time; return their ids. A live call stays.

        With them go their notes, and whatever was delivered or is dead of that age.
        """
        ...

    # What is said in them

    def note(self, note: Note) -> None: ...

    async def notes(self, row_id: bytes, nth: int) -> list[Note]:
        """Return what is true of a conversation: of each kind and key the last note, in the order of the first."""
        ...

    # Deliveries

    def keep(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        """Take in a new one."""
        ...

    def rewrite(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        """Write a kept one's body anew."""
        ...

    def settle(self, delivery: Delivery, then: Callable[[], None] | None = None) -> None:
        """Write what became of a kept one: its last six fields. Of one that was delivered the body is forgotten."""
        ...

    def trace(self, delivery: Delivery) -> None:
        """Remember, without its body, what became of one that was not kept."""
        ...

    async def body(self, webhook_id: str) -> bytes | None: ...

    async def undelivered(self, after: tuple[str, int] = ("", 0), *, limit: int) -> list[Delivery]:
        """Return pending ones without their bodies, by (call_sid, seq), from behind `after`."""
        ...

    def reserve(self, call_sid: str, seq: int) -> None:
        """Write down that hooks of this call may have numbers up to this one."""
        ...

    async def number_on(self, call_sid: str) -> int:
        """Return a `seq` that no hook of this call has got beyond, for who takes over; the NUMBERS after it are its."""
        ...

    async def deliveries_of(self, call_sid: str, *, limit: int) -> list[Delivery]:
        """Return a call's deliveries without their bodies, whatever became of them: the newest, in order."""
        ...

    async def outbox(self, after: Entry | None = None, *, limit: int) -> list[Delivery]:
        """Return what is pending or dead, without bodies, the oldest first, from behind `after`."""
        ...

    async def replay(self, webhook_id: str) -> bool:
        """Let a dead one be sent again, from the start of its schedule; False where it is neither dead nor pending."""
        ...

    async def replayed(self) -> list[Delivery]:
        """Return those that somebody wants sent once more; they are pending from now on. Without their bodies."""
        ...

    def endpoint(self, endpoint: Endpoint) -> None:
        """Keep what is known of a URL now."""
        ...

    async def endpoints(self) -> Sequence[Endpoint]: ...

    # The rest

    def spend(self, spent: DaySum) -> None: ...

    async def spending(self, since: str) -> list[DaySum]:
        """Return what `spend` was told of that day and later ones, added up; `forget` removes what is of its age."""
        ...

    async def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return the value kept under this name; the first caller's `make` decides it for everybody."""
        ...


def checked(before: CallRow, after: CallRow) -> CallRow:
    """Return `after`, or raise StoreError where it is not a version of `before`."""
    if (before.id, before.call_sid, before.created_at_s) != (after.id, after.call_sid, after.created_at_s):
        raise StoreError(f"call row {before.id.hex()}: a change may not touch id, call_sid or created_at_s")
    return after


def claimed(row: CallRow, nth: int, *, owner: str) -> CallRow | None:
    """Return the row with the n-th leg's media open for `owner`, or None where it may not be opened."""
    if row.state == "completed" or not 0 <= nth < len(row.legs):
        return None
    if row.legs[nth].media_state != "unopened" or row.legs[nth].end is not None:
        return None
    return replace(row.with_leg(nth, media_state="open"), owner=owner, state="in_progress")


def summary(row: CallRow) -> Summary:
    """Give what a list shows of a call."""
    return Summary(
        id=row.id,
        call_sid=row.call_sid,
        created_at_s=row.created_at_s,
        state=row.state,
        route=row.route,
        caller=row.caller,
        called=row.called,
        direction=row.direction,
        ended_at_s=row.ended_at_s or (row.end.at_s if row.end else None),
        reason_code=row.end.reason_code if row.end else None,
    )


def repeats(row: CallRow, earlier: CallRow) -> bool:
    """Tell whether `row` is the same call webhook again, not a new call under an old sid."""
    return row.created_at_s - earlier.created_at_s < DUPLICATE_WITHIN_S
