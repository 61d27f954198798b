"""OpenAI's model names: which are gone, which will be, and which can do what.

Source: OpenAI's page of deprecations, and the docstring of `RealtimeSessionCreateRequest.model` in openai-python.
"""

import re
from typing import Final

DEFAULT_MODEL: Final = "gpt-realtime-2.1"

GONE: Final = {
    "gpt-4o-realtime-preview": DEFAULT_MODEL,
    "gpt-4o-mini-realtime-preview": "gpt-realtime-2.1-mini",
}
"Models that went with the beta, and what takes their place; the same with a date behind the name."

LAST_DAYS: Final = {
    "gpt-realtime": "2027-01-20",
    "gpt-realtime-2025-08-28": "2027-01-20",
    "gpt-realtime-mini": "2027-01-20",
    "gpt-realtime-mini-2025-12-15": "2027-01-20",
    "whisper-1": "2027-02-26",
    "gpt-4o-transcribe": "2027-02-26",
    "gpt-4o-transcribe-diarize": "2027-02-26",
    "gpt-4o-mini-transcribe": "2027-02-26",
    "gpt-4o-mini-transcribe-2025-12-15": "2027-02-26",
}
"Models that still answer, and when they cease to. They are used as asked for."

_DATED = re.compile(r"(.+?)(?:-20\d\d-\d\d-\d\d)?")
_SECOND_GENERATION = re.compile(r"gpt-realtime-(?:[2-9]|[1-9]\d)(?:\.\d+)?(?:-.*)?")
_FIRST_GENERATION = re.compile(r"gpt-4o-.*realtime.*|gpt-realtime(?:-mini|-1\.5)?(?:-20\d\d.*)?")


def resolve_model(name: str | None) -> tuple[str, str | None]:
    """Return the model to ask for, and what to tell whoever named another."""
    if not name:
        return DEFAULT_MODEL, None
    if successor := gone(name):
        return successor, f"the model {name} is gone; {successor} is used in its place"
    return name, last_day(name)


def renamed(name: str) -> tuple[str, str | None]:
    """Return the model that is had under this name, and what to tell whoever named one that is gone."""
    successor = gone(name)
    return (successor, resolve_model(name)[1]) if successor else (name, None)


def gone(name: str) -> str | None:
    """Give the successor of a model that is gone."""
    dated = _DATED.fullmatch(name)
    return GONE.get(dated[1]) if dated else None


def last_day(model: object) -> str | None:
    if not isinstance(model, str) or model not in LAST_DAYS:
        return None
    return f"the model {model} ceases to answer on {LAST_DAYS[model]}"


def reasons(model: str) -> bool:
    """Tell whether a model takes `reasoning` and `parallel_tool_calls`: for them an older one refuses all settings."""
    return bool(_SECOND_GENERATION.fullmatch(model))


def may_reason(deployment: str) -> bool:
    """Tell the same of a deployment: its name may be anything, so only one that is an older model's speaks against."""
    return not _FIRST_GENERATION.fullmatch(deployment)
