"""The tools by which a model leaves the conversation: `hangup` and `handoff` of an `llm` verb.

jambonz adds them itself from version 10 on (schema: components/hangup, components/handoff); here they work with any.
"""

from verbs.base import JsonObject
from verbs.briefing import is_briefed, wanted_briefing
from verbs.handoff import HANGUP_TOOL, is_warm, transfer_name
from verbs.llm import Llm

HANGUP_WORDS = "End the call. Use it when the conversation is over, once the caller has nothing more to ask."
CALL_WORDS = (
    "Call a human who takes the caller over. Use it when the caller asks for one, or when you cannot help them. They "
    "stay with you while the human is called and briefed: tell them so. If nobody takes over, you are told why; go on."
)
TRANSFER_WORDS = "Transfer the caller to a human. Use it when they ask for one, or when you cannot help them."


def leaving_tools(llm: Llm) -> dict[str, JsonObject]:
    """Declare, by their names, the tools of ours that this verb wants."""
    tools: dict[str, JsonObject] = {}
    if llm.hangup is not None:
        tools[HANGUP_TOOL] = _tool(HANGUP_TOOL, HANGUP_WORDS, "Why the call ends, in a few words.")
    if llm.handoff is not None:
        name = transfer_name(llm.handoff)
        warm = is_warm(llm.handoff)
        words = llm.handoff.get("toolDescription") or (CALL_WORDS if warm else TRANSFER_WORDS)
        tool = _tool(name, words, "What the caller wants from a human, in a few words.")
        if warm and is_briefed(llm.handoff):
            tool["parameters"]["properties"]["briefing"] = {
                "type": "string",
                "description": wanted_briefing(llm.handoff),
            }
            tool["parameters"]["required"] = ["briefing"]
        tools.setdefault(name, tool)
    return tools


def _tool(name: str, words: str, reason: str) -> JsonObject:
    parameters = {"type": "object", "properties": {"reason": {"type": "string", "description": reason}}}
    return {"type": "function", "name": name, "description": words, "parameters": parameters}
