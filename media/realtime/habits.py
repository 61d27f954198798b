"""What a model will do by itself in the session that was asked for: take turns, call tools, write down what it hears.

What makes no sense in a session goes to the model all the same, which says so; here it counts as not said.
"""

from dataclasses import dataclass

from media.realtime.dialect import MISSING, TRANSCRIPTION, TURN_DETECTION, Dialect, JsonObject, find
from verbs.tools import flat

TRANSCRIBER = "transcription"
"How a model that writes down the caller's words is called where nobody has said which."
LONGEST_PAUSE_MS = 60_000
"A session that names more is not believed."


@dataclass(frozen=True, slots=True)
class Habits:
    """See `base.Realtime` for what each of them means."""

    interrupts_itself: bool
    answers_itself: bool
    finds_turns: bool
    pause_ms: float
    transcribes: bool
    transcriber: str
    tools: dict[str, JsonObject]
    follow_up: JsonObject


def habits(session: JsonObject, first: JsonObject, dialect: Dialect, *, obeyed: bool = True) -> Habits:
    """Read a session.update as `legacy.translate` makes it, and what the `first` response is asked for with.

    Not `obeyed`: whoever hears turns answers them, and stops for them, whatever it was told.
    """
    turns, transcription = (find(session, dialect.at(path)) for path in (TURN_DETECTION, TRANSCRIPTION))
    asked, manual = turns if isinstance(turns, dict) else {}, turns is None
    forced = session.get("tool_choice", "auto") not in ("auto", "none")  # may be an object
    return Habits(
        interrupts_itself=not manual and (not obeyed or bool(asked.get("interrupt_response", True))),
        answers_itself=not manual and (not obeyed or bool(asked.get("create_response", True))),
        finds_turns=not manual,
        pause_ms=_pause_ms(asked.get("silence_duration_ms"), dialect.pause_ms),
        transcribes=bool(transcription) and transcription is not MISSING,
        transcriber=str(transcription.get("model") or "") if isinstance(transcription, dict) else "",
        tools=_schemas(first.get("tools")) | _schemas(session.get("tools")),
        follow_up={"tool_choice": "auto"} if forced else {},
    )


def _pause_ms(named: object, otherwise: float) -> float:
    if isinstance(named, int | float) and 0 <= named <= LONGEST_PAUSE_MS:
        return float(named)
    return otherwise


def _schemas(tools: object) -> dict[str, JsonObject]:
    """Give the parameters' schemas of the functions that were declared."""
    each = [flat(tool) for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    return {tool["name"]: _schema(tool.get("parameters")) for tool in each if isinstance(tool.get("name"), str)}


def _schema(parameters: object) -> JsonObject:
    return parameters if isinstance(parameters, dict) else {}
