"""What an application may change of a conversation that goes on: jambonz' `llm:update`, event by event.

The four events are those that a jambonz platform takes (lib/tasks/llm/llms/openai_s2s.js, processLlmUpdate). Here each
is done as this conversation needs it: settings are checked and translated as the verb's own, and a cancelled response
is not heard any more, though most of it has long been sent. What is changed outlives the session: the next one begins
with it, and so does a model that is fallen back on, each in its own words.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from media.conversation import Conversation
from media.effects import JsonObject
from media.realtime.base import Realtime
from media.realtime.settable import Besides
from media.realtime.updating import AwayError, FixedError, UpdateRefusedError
from media.record import Record
from verbs.base import Finding
from verbs.llm_options import check_options
from verbs.offering import to_confirm

NEEDS = {
    "session.update": "an object `session`",
    "conversation.item.create": "an object `item`",
    "conversation.item.delete": "a text `item_id`",
}
"What events must have."
TAKEN = (
    *("session.update", "conversation.item.create", "conversation.item.retrieve", "conversation.item.delete"),
    *("input_audio_buffer.commit", "input_audio_buffer.clear", "response.create", "response.cancel"),
)
"What an application may say to its model; what is not done here is asked of it (`client_events`)."
NOT_THE_TOOLS = "a tool's output comes from the tool: each call has one"

ANYBODYS = frozenset({"instructions", "max_output_tokens", "max_response_output_tokens", "tool_choice", "tools"})
"Settings that a model of another vendor is told as well; a voice, say, it may refuse the whole session for."

MOST_SETTINGS = 256
ROLES = ("assistant", "system", "user")


def update(
    event: JsonObject, models: Sequence[Realtime], talk: Conversation, record: Record, now: float
) -> bytes | None:
    """Do what the event says; give what is to be sent to the model.

    `models`: the one that the conversation is with, and those that may take its place; none while it is away.

    :raises UpdateRefusedError: that cannot be, and why
    """
    if not models:
        raise AwayError
    model, *others = models
    match event:
        case {"type": "session.update", "session": dict(session)}:
            check(session)
            see_that_there_is_room(model.settings.keys() | session.keys())
            if (named := session.get("model")) is not None and model.called(str(named))[0] != model.name:
                raise FixedError(f"the model is {model.name} as long as its connection lasts")
            wire = model.update({**session, "model": None}, spoken=talk.speaking.has_spoken)
            share(session, model, others, talk)
        case {"type": "conversation.item.create", "item": {"type": "function_call_output"}}:
            raise UpdateRefusedError(f"{NOT_THE_TOOLS}; one that comes late is told by llm:tool-output")
        case {"type": "conversation.item.create", "item": dict(item)}:
            wire = model.add(item, after=event.get("previous_item_id"), event_id=event.get("event_id"))
            if wire is None:
                raise UpdateRefusedError("this vendor's model takes no items")
            if talk.begun and item.get("role") in ROLES and (text := " ".join(texts(item))):
                record.added(str(item.get("id")), item["role"], text, now, by=json.loads(wire)["event_id"])
        case {"type": "conversation.item.delete", "item_id": str(item_id)} if item_id:
            talk.speaking.forget(item_id)
            return None
        case {"type": "response.cancel"}:
            talk.interrupt(now, told=True)
            return None
        case _:
            if (type_ := str(event.get("type"))) in NEEDS:
                raise UpdateRefusedError(f"{type_} must have {NEEDS[type_]}")
            raise UpdateRefusedError(f"only {', '.join(TAKEN)} are taken")
    return wire


def share(
    session: JsonObject,
    model: Realtime,
    others: Sequence[Realtime],
    talk: Conversation,
    besides: Besides = None,
) -> None:
    """Let those that may take the model's place begin with what it was told, as far as it is theirs too."""
    talk.tools.confirmed |= to_confirm(session.get("tools"))
    for other in others:
        other.update(_shared(session, model, other), spoken=False, besides=besides)


def _shared(session: JsonObject, model: Realtime, other: Realtime) -> JsonObject:
    """Give what of a change is another model's too: all but the model itself where both are of one vendor."""
    if type(other) is type(model):
        return {name: value for name, value in session.items() if name != "model"}
    shared = {name: value for name, value in session.items() if name in ANYBODYS}
    if isinstance(tools := shared.get("tools"), list):
        shared["tools"] = [tool for tool in tools if _is_function(tool)]
    if isinstance(choice := shared.get("tool_choice"), dict) and not _is_function(choice):
        del shared["tool_choice"]
    return shared


def _is_function(named: Any) -> bool:
    return isinstance(named, dict) and named.get("type") == "function"


def texts(item: JsonObject) -> Iterator[str]:
    """Give the texts of a message; what is no message, or is heard or seen, has none."""
    content = item.get("content")
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and isinstance(text := part.get("text"), str):
            yield text


def check(session: JsonObject) -> None:
    """Refuse what a check of the configuration would; names that nobody here knows may be the model's own."""
    found = check_options({"session_update": session}, ())
    refuse(finding._replace(path=("session", *finding.path[1:])) for finding in found)


def see_that_there_is_room(names: Collection[object]) -> None:
    """Refuse more settings than any model has: each change is looked at with all that were made before."""
    if len(names) > MOST_SETTINGS:
        raise UpdateRefusedError(f"a session has {MOST_SETTINGS} settings at most, with those that nobody here knows")


def refuse(findings: Iterable[Finding]) -> None:
    """Raise UpdateRefusedError for the first of these, unless it is only that nobody here knows a name."""
    for finding in findings:
        if not finding.unknown:
            raise UpdateRefusedError(f"{'.'.join(map(str, finding.path))} {finding.message}")
