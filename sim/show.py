"""The call as it happens, one line at a time."""

from sim.happening import Happening

_SHOWN = {
    "dialling": "call",
    "rejected": "call",
    "document": "document",
    "verb": "verb",
    "answered": "call",
    "media_open": "media",
    "media_closed": "media",
    "media_refused": "media",
    "user_started_speaking": "caller",
    "response": "agent",
    "interrupted": "barge-in",
    "function_call": "tool",
    "action_hook": "end",
    "hook_failed": "hook",
    "dtmf": "caller",
    "skipped": "skipped",
    "ignored": "ignored",
    "call_ended": "call",
    "control_open": "control",
    "control_closed": "control",
    "control_refused": "control",
    "too_big": "control",
    "invalid_message": "control",
    "command": "command",
    "waiting": "control",
    "tool_output_dropped": "tool",
    "tool_lost": "tool",
    "confirmed": "dial",
    "dial_answered": "dial",
    "dial_ended": "dial",
    "update": "operator",
    "joined": "call",
    "parted": "call",
    **{f"human:{name}": "human" for name in ("dialling", "answered", "verb", "joined", "call_ended")},
}
_SOUNDS = {
    "agent_started_speaking": ("agent", "(speaks)"),
    "agent_stopped_speaking": ("agent", "(is silent)"),
}
_QUOTED = frozenset({"user_started_speaking", "response"})


def line(happening: Happening, start_s: float, *, sounds: bool) -> str | None:
    """Return the line for a happening; None for one that is not shown. `sounds`: say when the agent is heard."""
    at = f"{happening.at_s - start_s:7.2f}  "
    if sounds and happening.name in _SOUNDS:
        who, text = _SOUNDS[happening.name]
        return f"{at}{who:<9} {text}"
    who = _SHOWN.get(happening.name, "")
    if not who:
        return None
    text = f'"{happening.text}"' if happening.name in _QUOTED else happening.text
    return f"{at}{who:<9} {text}"
