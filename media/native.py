"""What a platform that carries out an `llm` verb itself asks of the verb's hooks, and tells them."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from media.effects import End

JsonObject = dict[str, Any]


class ToolAsked(NamedTuple):
    """One call of a tool, as a platform tells it that talks with the model itself."""

    call_id: str
    name: str
    arguments: str
    "JSON."


class ToolOutput(NamedTuple):
    text: str
    failed: bool


class LlmDialect(Protocol):
    """The hooks of the platform's own `llm` verb."""

    def tool_calls(self, body: JsonObject) -> list[ToolAsked]:
        """Read what a toolHook is asked. No input raises."""
        ...

    def tool_reply(self, vendor: str, answers: Sequence[tuple[ToolAsked, ToolOutput]]) -> JsonObject:
        """Give the answer in the shape that the platform understands for this vendor."""
        ...

    def ended(self, attributes: JsonObject) -> End:
        """Read how the verb ended. No input raises."""
        ...
