"""Every verb that needs nothing of us: checked against the table, and passed on."""

from typing import Any

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from verbs.base import Verb

NAMES = (
    *("alert", "conference", "dequeue", "dialogflow", "dtmf", "dub", "enqueue", "leave", "lex", "message", "pipeline"),
    *("rasa", "sip:decline", "sip:refer", "sip:request", "tag", "transcribe", "agent", "transfer"),
)
"What documents may hold. `rest:dial` is in the platform's table too, but stands in requests to its REST API only."


class Passthrough(Verb):
    """Its own properties are in `properties`."""

    model_config = ConfigDict(extra="allow")


def other(name: str, /, **properties: Any) -> Passthrough:
    """Write a verb that has no class of its own: `other("conference", name="room", wait_hook=music)`."""
    return Passthrough(verb=name, **{to_camel(key): value for key, value in properties.items()})
