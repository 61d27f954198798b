"""What a model will do by itself in the session that was asked for: take turns, call tools, write down what it hears.

What makes no sense in a session goes to the model all the same, which says so; here it counts as not said.
"""

from dataclasses import dataclass
from typing import Any

JsonObject = dict[str, Any]

SERVER_PAUSE_MS = 500.0
"OpenAI's documented silence_duration_ms, where the session names none."
LONGEST_PAUSE_MS = 60_000
"A session that names more is not believed."


@dataclass(frozen=True, slots=True)
class Habits:
    """See `base.Realtime` for what each of them means."""

    interrupts_itself: bool
    answers_itself: bool
    pause_ms: float
    transcribes: bool
    tools: dict[str, JsonObject]
    follow_up: JsonObject


def habits(session: JsonObject) -> Habits:
    """Read a session.update as `legacy.translate` makes it."""
    listening: JsonObject = session["audio"]["input"]
    turns = listening.get("turn_detection", {})
    asked, manual = turns if isinstance(turns, dict) else {}, turns is None
    forced = session.get("tool_choice", "auto") not in ("auto", "none")  # may be an object
    return Habits(
        interrupts_itself=not manual and bool(asked.get("interrupt_response", True)),
        answers_itself=not manual and bool(asked.get("create_response", True)),
        pause_ms=_pause_ms(asked.get("silence_duration_ms")),
        transcribes=bool(listening.get("transcription")),
        tools=_schemas(session.get("tools")),
        follow_up={"tool_choice": "auto"} if forced else {},
    )


def _pause_ms(named: object) -> float:
    if isinstance(named, int | float) and 0 <= named <= LONGEST_PAUSE_MS:
        return float(named)
    return SERVER_PAUSE_MS


def _schemas(tools: object) -> dict[str, JsonObject]:
    """Give the parameters' schemas of the functions that were declared."""
    each = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    return {tool["name"]: _schema(tool.get("parameters")) for tool in each if isinstance(tool.get("name"), str)}


def _schema(parameters: object) -> JsonObject:
    return parameters if isinstance(parameters, dict) else {}
