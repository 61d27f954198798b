"""From a call and its route to the document that leaves, and to the row that remembers it.

The same way serves the first document and every later one: an actionHook's reply, another hook's reply.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from calls.asides import ASIDES, REDIRECTED, within
from calls.masking import masked, without_secrets
from config.settings import Route
from media.platforms.base import Call
from media.ticket import Ticket, new_row, sign
from store.base import CallRow, LlmLeg
from verbs import DocumentError, parse, serialise
from verbs.base import JsonObject, Verb
from verbs.llm import Llm
from verbs.rewrite import REDIRECT, TERMINAL, Left, Rewritten, rewrite
from verbs.templates import fill

BRIEF_VERBS = frozenset({"answer", "config", "tag"})
"What may stand before an `llm` without a wait worth naming: the model is dialled at the webhook then."
MESSAGES = {
    "confirmHook": "dial:confirm",
    REDIRECT["actionHook"]: "session:redirect",
    REDIRECTED: "session:redirect",
}
"What a hook is called on jambonz' websocket API, where that is not `verb:hook`."
OURS = "hookswitch:"
"What all hooks of a document begin with that are our own to answer."
STATUSES = "hookswitch:status/"
"A hook of a document that is our own to answer: who is told the call's statuses from the `redirect` just before it on."
HANGUP: JsonObject = {"verb": "hangup"}
NOTHING = b"[]"
"The answer that changes nothing: the platform goes on with the document that it has."
FAULT = b'[{"verb": "say", "text": "Sorry, something went wrong."}, {"verb": "hangup"}]'
"What a call hears whose document we failed to make."


@dataclass(frozen=True, slots=True)
class Place:
    """Where this process is reached: `public_url` as http(s), without a slash at its end."""

    public_url: str
    secret: bytes
    "Signs the tickets."

    def media(self, platform: str, row_id: bytes, nth: int) -> str:
        ticket = sign(Ticket(row_id, nth, "media", 0), self.secret)
        return f"ws{self.public_url.removeprefix('http')}/media/{platform}/{ticket}"

    def ended(self, row_id: bytes, nth: int) -> str:
        return f"{self.public_url}/call/ended/{sign(Ticket(row_id, nth, 'ended', 0), self.secret)}"

    def hook(self, row_id: bytes, index: int) -> str:
        return f"{self.public_url}/call/hook/{sign(Ticket(row_id, 0, 'hook', index), self.secret)}"

    def redirect(self, row_id: bytes, index: int, *, by_socket: bool) -> str:
        """Give what a `redirect` asks: over a control socket a path, that of the URL.

        For an absolute URL in that verb jambonz leaves its control socket, with 1000, and goes on by webhooks. A
        `statusHook` that is a path it posts at the origin of its status webhook, where that is no websocket
        (lib/tasks/redirect.js, lib/utils/ws-requestor.js, lib/utils/http-requestor.js).
        """
        url = self.hook(row_id, index)
        return urlsplit(url).path if by_socket else url


@dataclass(frozen=True, slots=True)
class Seat:
    """Who asks for a call's document, and where it has reached us."""

    place: Place
    reachable_by: str | None = None
    "Set where the platform is elsewhere and cannot reach `place`: the URL that it seems to know."
    authenticated: bool = False
    "Whether it has shown a secret of the platform's; one that is answered need not have."


class Before(NamedTuple):
    """How many conversations and hooks a call had when something new began."""

    llms: int = 0
    hooks: int = 0


NONE_BEFORE = Before()


@dataclass(frozen=True, slots=True)
class Native:
    """One `llm` verb that the platform carries out."""

    llm: Llm
    "With its key, and with all of its tools."
    returns: bool
    "Whether the platform has something to ask of us after it."


@dataclass(frozen=True, slots=True)
class Next:
    """What a call does next: the document, the row with it, and the `llm` verb in it, if any, with its key."""

    row: CallRow
    document: list[JsonObject]
    llm: Llm | None = None
    remaining: Sequence[JsonObject] = ()
    "What stands behind the `llm`, with its keys."
    soon: bool = False
    "Whether the media socket will open at once."
    returns: bool = False
    "Whether the platform has a reason to come back: a media socket to open, a hook to ask."
    asides: Mapping[int, str] = field(default_factory=dict)
    "The hooks of it whose verbs do not take the document's place, by their names there."
    messages: Mapping[int, str] = field(default_factory=dict)
    "The hooks of it that have a message of their own on a websocket."
    before: Before = NONE_BEFORE
    beside: bool = False
    "Whether it is run beside the call's document, as what a `confirmHook` answers is."
    natives: tuple[Native, ...] = ()
    "The `llm` verbs of it that the platform carries out: the last ones of the row's legs."
    withheld: bool = False
    "Whether keys were left out of it, because nobody knows who asks."


def new_call(call: Call, *, platform: str, route: str, at_s: float) -> CallRow:
    """Make a call's row, as yet without a document. `at_s` is Unix time."""
    return CallRow(
        id=new_row(),
        call_sid=call.call_sid,
        platform=platform,
        route=route,
        caller=call.caller,
        called=call.called,
        direction=call.direction,
        attributes=without_secrets(call.attributes),
        created_at_s=at_s,
        document=b"[]",
    )


def values(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Give what `{{…}}` in a route's verbs can name: all of it data, whatever it looks like."""
    return {
        "from": attributes.get("from", ""),
        "to": attributes.get("to", ""),
        "call_sid": attributes.get("call_sid", ""),
        "caller_name": attributes.get("caller_name", ""),
        "direction": attributes.get("direction", ""),
        "sip": attributes.get("sip") or {},
        "customerData": attributes.get("customerData") or {},
        "env": attributes.get("env_vars") or {},
    }


def route_verbs(route: Route, attributes: Mapping[str, Any]) -> list[JsonObject]:
    """Give a route's verbs with the call's values in them: checked when the file was read, but not with these."""
    return list(fill(route.verbs, values(attributes)))


def filled(verbs: Sequence[JsonObject], attributes: Mapping[str, Any]) -> list[Verb]:
    """Give a route's `fallback` or `busy` with the call's values in them, and with its end.

    Hang up where these values make it impossible.
    """
    try:
        parsed = parse(fill(list(verbs), values(attributes)), strict=False)
    except DocumentError:
        return parse([HANGUP])
    return parsed if parsed and parsed[-1].verb in TERMINAL else [*parsed, *parse([HANGUP])]


def extend(
    row: CallRow,
    verbs: Sequence[Verb],
    route: Route,
    place: Place,
    *,
    fallback: Sequence[Verb],
    closed: bool = True,
    beside: bool = False,
    by_socket: bool = False,
) -> Next:
    """Rewrite verbs into what leaves, and note in the row what must be known to go on after it.

    `closed`: the document ends in an explicit last verb. `beside`: it is run beside the call's own, which goes on
    behind it whatever becomes of it. `by_socket`: its platform has a control socket.
    """
    fallback = () if beside else fallback
    nth, first_hook = len(row.legs), len(row.hooks)
    rewritten = rewrite(
        verbs,
        media_url=place.media(row.platform, row.id, nth),
        ended_url=place.ended(row.id, nth),
        hook_url=lambda index: place.hook(row.id, index),
        redirect_url=lambda index: place.redirect(row.id, index, by_socket=by_socket),
        fallback=fallback,
        sample_rate_hz=route.media.sample_rate_hz,
        hooks_from=first_hook,
        closed=closed,
    )
    llm, document = rewritten.llm, rewritten.document
    row = with_hooks(row, rewritten, beside=beside)
    if llm:
        leg = LlmLeg(
            llm=masked(llm.to_wire()),
            remaining=tuple(masked(rewritten.remaining)),
            fallback=tuple(masked(serialise(fallback))),
            beside=beside,
        )
        row = replace(row, legs=(*row.legs, leg))
    return Next(
        row,
        document,
        llm,
        rewritten.remaining,
        soon=llm is not None and _soon(document),
        returns=llm is not None or bool(rewritten.hooks),
        asides=asides(row, since=first_hook),
        messages=messages(row, since=first_hook),
        before=Before(nth, first_hook),
        beside=beside,
    )


def with_hooks(row: CallRow, made: Rewritten | Left, *, beside: bool) -> CallRow:
    """Return the row with a document's hooks: what each of them asks, and what it is."""
    first, of_statuses = len(row.hooks), REDIRECT["statusHook"]
    hook_names = map(within, made.hook_names) if beside else made.hook_names
    named = list(zip(made.hooks, hook_names, strict=True))
    targets = [f"{STATUSES}{target}" if name == of_statuses else target for target, name in named]
    names = {i: name for i, (_, name) in enumerate(named, first) if name in ASIDES or name in MESSAGES}
    return replace(row, hooks=(*row.hooks, *targets), hook_names={**row.hook_names, **names})


def asides(row: CallRow, *, since: int = 0) -> dict[int, str]:
    """Give the hooks whose verbs do not take the document's place."""
    return {i: name for i, name in row.hook_names.items() if i >= since and name in ASIDES}


def messages(row: CallRow, *, since: int = 0) -> dict[int, str]:
    """Give the hooks that have a message of their own on a websocket."""
    return {i: MESSAGES[name] for i, name in row.hook_names.items() if i >= since and name in MESSAGES}


def statuses_to(hooks: Sequence[str], index: int) -> str | None:
    """Give who is told a call's statuses once this hook was asked, or is told by it; None: who was before."""
    found = [hook.removeprefix(STATUSES) for hook in hooks[index : index + 2] if hook.startswith(STATUSES)]
    return found[0] if found else None


def as_bytes(document: Sequence[JsonObject]) -> bytes:
    """Encode a document once: the row keeps these bytes, and every repetition of the request gets them."""
    return json.dumps(list(document), allow_nan=False).encode()


def _soon(document: Sequence[JsonObject]) -> bool:
    before = [verb["verb"] for verb in document]
    return set(before[: before.index("listen")]) <= BRIEF_VERBS
