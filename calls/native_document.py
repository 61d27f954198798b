"""From a call and its route to a document whose `llm` verbs the platform carries out. Pure."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, NamedTuple, get_args

from calls.document import NOTHING, Before, Native, Next, Seat, asides, messages, with_hooks
from calls.masking import masked
from config.native import all_events, key_for, lacks_key, with_tools
from config.settings import Route, Settings
from hooks.replies import error_output
from media.native import ToolOutput
from media.platforms import PLATFORMS
from store.base import CallRow, LlmLeg
from verbs.base import JsonObject, Verb
from verbs.llm import Llm
from verbs.native import left_to_platform
from verbs.rewrite import leave

Kind = Literal["event", "tool", "action"]
OURS = "hookswitch:native/"
"A hook of a document that is our own to answer: of this kind, of the n-th `llm` of the call."


TAKEN = b""
"The answer to an event: an empty one."


class NativeHook(NamedTuple):
    kind: Kind
    nth: int


def native_hook(target: str) -> NativeHook | None:
    """Tell which hook of which conversation this is; None for a hook of somebody else's."""
    kind, _, nth = target.removeprefix(OURS).partition("/")
    if not (target.startswith(OURS) and kind in get_args(Kind) and nth.isdecimal()):
        return None
    return NativeHook(kind, int(nth))  # type: ignore[arg-type]  # one of them


def extend(
    row: CallRow,
    verbs: Sequence[Verb],
    route: Route,
    settings: Settings,
    seat: Seat,
    *,
    closed: bool = True,
    beside: bool = False,
    by_socket: bool = False,
) -> Next:
    """Make the document that leaves, and note in the row what must be known to answer its hooks.

    Its models' keys are told only to who has shown a secret of the platform's.
    """
    whole = [with_tools(llm, route, settings) for llm in verbs if isinstance(llm, Llm)]
    first, first_hook = len(row.legs), len(row.hooks)

    def item(index: int, _: Llm) -> JsonObject:
        return left_to_platform(
            whole[index] if seat.authenticated else without_mcp_keys(whole[index]),
            version=settings.platform.version,
            auth=key_for(whole[index], settings) if seat.authenticated else None,
            hook=lambda kind: f"{OURS}{kind}/{first + index}",
            all_events=all_events(route),
        )

    left = leave(
        verbs,
        item=item,
        hook_url=partial(seat.place.hook, row.id),
        redirect_url=partial(seat.place.redirect, row.id, by_socket=by_socket),
        hooks_from=first_hook,
        closed=closed,
    )
    legs = [LlmLeg(llm=masked(llm.to_wire()), beside=beside) for llm in left.llms]
    row = replace(with_hooks(row, left, beside=beside), legs=(*row.legs, *legs))
    return Next(
        row,
        left.document,
        returns=bool(left.hooks),
        asides=asides(row, since=first_hook),
        messages=messages(row, since=first_hook),
        before=Before(first, first_hook),
        beside=beside,
        natives=tuple(Native(llm, back) for llm, back in zip(whole, left.returns, strict=True)),
        withheld=not seat.authenticated and any(key_for(llm, settings) for llm in whole),
    )


def answer_of_lost(row: CallRow, target: str, body: JsonObject) -> bytes:
    """Answer a hook of a call of which nothing but its row is left: a tool's caller is told that it failed."""
    asked = native_hook(target)
    if asked is None or asked.kind == "action" or asked.nth >= len(row.legs):
        return NOTHING
    if asked.kind == "event":
        return TAKEN
    dialect = PLATFORMS[row.platform].llm
    failure = ToolOutput(error_output("the server was restarted"), failed=True)
    vendor = str(row.legs[asked.nth].llm.get("vendor"))
    return as_answer(dialect.tool_reply(vendor, [(call, failure) for call in dialect.tool_calls(body)]))


def as_answer(reply: JsonObject) -> bytes:
    return json.dumps(reply, allow_nan=False).encode()


def without_mcp_keys(llm: Llm) -> Llm:
    """Give the verb without what lets in at its servers of tools: `auth`, and in a URL a user and a query."""
    servers = [
        {name: _bare(value) if name == "url" else value for name, value in server.items() if name != "auth"}
        for server in llm.mcp_servers or ()
    ]
    return llm.model_copy(update={"mcp_servers": servers or None})


def _bare(url: str) -> str:
    return re.sub(r"^(\w+://)[^/]*@", r"\1", url.partition("?")[0])


def obstacle_to(verbs: Sequence[Verb], settings: Settings) -> str:
    """Say why the platform cannot carry out an `llm` among these verbs; nothing where it can."""
    llms = (verb for verb in verbs if isinstance(verb, Llm))
    return next((lacking for llm in llms if (lacking := lacks_key(llm, settings))), "")
