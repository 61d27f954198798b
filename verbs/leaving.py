"""The tools by which a model leaves the conversation: `hangup` and `handoff` of an `llm` verb.

jambonz adds them itself from version 10 on (schema: components/hangup, components/handoff); here they work with any.
"""

from verbs.base import JsonObject
from verbs.handoff import HANGUP_TOOL, transfer_name
from verbs.llm import Llm

HANGUP_WORDS = "End the call. Use it when the conversation is over, once the caller has nothing more to ask."
TRANSFER_WORDS = "Transfer the caller to a human. Use it when they ask for one, or when you cannot help them."


def leaving_tools(llm: Llm) -> dict[str, JsonObject]:
    """Declare, by their names, the tools of ours that this verb wants."""
    tools: dict[str, JsonObject] = {}
    if llm.hangup is not None:
        tools[HANGUP_TOOL] = _tool(HANGUP_TOOL, HANGUP_WORDS, "Why the call ends, in a few words.")
    if llm.handoff is not None:
        name = transfer_name(llm.handoff)
        words = llm.handoff.get("toolDescription") or TRANSFER_WORDS
        tools.setdefault(name, _tool(name, words, "What the caller wants from a human, in a few words."))
    return tools


def _tool(name: str, words: str, reason: str) -> JsonObject:
    parameters = {"type": "object", "properties": {"reason": {"type": "string", "description": reason}}}
    return {"type": "function", "name": name, "description": words, "parameters": parameters}
