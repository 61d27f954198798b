"""Settings that stand flat in a verb's `llmOptions`, as pipecat writes them, are the session's. Pure.

    llmOptions: {voice: marin, max_tokens: 400, system_instruction: "Be brief."}

pipecat src/pipecat/services/settings.py (`LLMSettings.from_mapping`): a key that the session has goes into it, `model`
stays on top. Its `session_properties` are our `session_update`. Of a conflict the name on top wins.
"""

from collections.abc import Mapping
from typing import Final

from verbs.base import JsonObject, JsonValue
from verbs.llm_options import SESSION

PROPERTIES: Final = "session_properties"
ON_TOP: Final[Mapping[str, str]] = {
    "system_instruction": "instructions",
    "max_tokens": "max_output_tokens",
    **{name: name for name in ("top_p", "top_k", "frequency_penalty", "presence_penalty", "seed")},
}
"Names of pipecat's that a session does not have, or by another name."


def in_their_places(properties: JsonObject) -> JsonObject:
    """Give a verb's properties with what stands flat in its `llmOptions` where it belongs."""
    options = properties.get("llmOptions")
    if not isinstance(options, dict):
        return properties
    flat = {name: value for name, value in options.items() if name in SESSION or name in ON_TOP}
    inner = [options.get(name) for name in ("session_update", PROPERTIES) if options.get(name) is not None]
    if not (flat or PROPERTIES in options) or not all(isinstance(told, dict) for told in inner):
        return properties
    model = {"model": flat.pop("model")} if "model" in flat else {}
    session: JsonObject = {}
    for told in (*inner, *_by_rank(flat)):
        session |= told if isinstance(told, dict) else {}
    others = {name: value for name, value in options.items() if name not in {*flat, *model, PROPERTIES}}
    moved = {"session_update": session} if session else {}
    return {**model, **properties, "llmOptions": {**others, **moved}}


def _by_rank(flat: JsonObject) -> tuple[JsonValue, JsonValue]:
    """Give a session's own names, and then pipecat's, which go before them."""
    own = {name: value for name, value in flat.items() if name not in ON_TOP}
    return own, {ON_TOP[name]: value for name, value in flat.items() if name in ON_TOP}
