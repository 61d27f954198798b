"""`handoff` of an `llm` verb: what it may hold, the verbs that transfer the call, and what follows where that fails.

Names are jambonz' (schema: components/transferOptions, components/handoff). There it is its version 10 that carries
it out; here it becomes verbs that any version knows. Of a warm one, what the human hears is in `briefing.py`.
"""

import re
from collections.abc import Iterator
from typing import Literal

from verbs.base import Finding, JsonObject, JsonValue, Path, shown

Outcome = Literal["completed", "no-answer", "busy", "declined", "caller-abandoned", "error"]
"How a transfer went, in jambonz' own words (schema: callbacks/transfer)."
Disposition = Literal["return", "voicemail", "hangup"]

HANGUP_TOOL = "hangup"
TRANSFER_TOOL = "transfer_to_human"
RINGS_S = 30
"How long a human's phone rings, where the verb does not say."

WARM = "warm"
_OF_ANOTHER_KIND = {
    "callerPresent": "the human is briefed alone, and joined to the caller as they accept: leave it out",
    "onHoldHook": "is asked by nobody: the caller stays with the agent while the human is briefed",
    "blindMethod": "is of a blind transfer: leave it out",
}
"What a warm transfer has no use for here, though it may be written."
_DIGIT = re.compile(r"[0-9*#]")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ADDRESS = {"phone": "number", "sip": "sipUri", "user": "name"}
_DISPOSITIONS: dict[Outcome, str] = {
    "no-answer": "onNoAnswer",
    "busy": "onBusy",
    "declined": "onDecline",
    "error": "onFailure",
}
_RESULTS: dict[Disposition, str] = {"return": "returned", "voicemail": "voicemail", "hangup": "failed"}


def check_handoff(handoff: JsonValue, path: Path) -> Iterator[Finding]:
    """Find what the table cannot know."""
    if not isinstance(handoff, dict):
        return
    yield from _check_warm(handoff, path) if is_warm(handoff) else _check_blind(handoff, path)
    name = handoff.get("toolName")
    if isinstance(name, str) and (not _NAME.fullmatch(name) or name == HANGUP_TOOL):
        what = f"must be 1 to 64 of letters, digits, _ and -, and not {HANGUP_TOOL!r}, not {shown(name)}"
        yield Finding((*path, "toolName"), what)
    yield from _check_targets(handoff, (*path, "target"))
    yield from _check_disposition(handoff.get("disposition"), (*path, "disposition"))


def _check_blind(handoff: JsonObject, path: Path) -> Iterator[Finding]:
    if handoff.get("confirm") is not None:
        what = "a blind transfer asks nobody, the human is connected as they answer: set mode: warm, or leave it out"
        yield Finding((*path, "confirm"), what)


def _check_warm(handoff: JsonObject, path: Path) -> Iterator[Finding]:
    for key, what in _OF_ANOTHER_KIND.items():
        if handoff.get(key):
            yield Finding((*path, key), what)
    confirm = handoff.get("confirm")
    digit = confirm.get("digit") if isinstance(confirm, dict) else None
    if isinstance(digit, str) and not _DIGIT.fullmatch(digit):
        yield Finding((*path, "confirm", "digit"), f"must be one key of 0 to 9, * and #, not {shown(digit)}")


def is_warm(handoff: JsonObject) -> bool:
    """Tell whether the human is called and briefed while the caller stays with the agent."""
    return handoff.get("mode") == WARM


def _check_targets(handoff: JsonObject, path: Path) -> Iterator[Finding]:
    targets = handoff.get("target")
    if not isinstance(targets, list):
        return
    refer = not (is_warm(handoff) or _dials(handoff))
    if not targets:
        yield Finding(path, "must not be empty", fatal=True)
    elif refer and targets[1:]:
        yield Finding(
            path, "a REFER, as it is made where blindMethod is not dial, has one target: set blindMethod: dial"
        )
    for index, target in enumerate(targets):
        kind = target.get("type") if isinstance(target, dict) else None
        if not isinstance(kind, str):
            continue
        if refer and kind not in _ADDRESS:
            yield Finding((*path, index, "type"), f"no REFER reaches {kind[:20]}: set blindMethod: dial", fatal=True)
        elif (key := _ADDRESS.get(kind)) and not target.get(key):
            yield Finding((*path, index, key), f"is missing: it is where a {kind} is reached", fatal=True)


def _check_disposition(disposition: JsonValue, path: Path) -> Iterator[Finding]:
    if not isinstance(disposition, dict):
        return
    url = disposition.get("voicemailUrl")
    if "voicemail" in disposition.values() and not url:
        yield Finding((*path, "voicemailUrl"), "is missing: a disposition is voicemail")
    if isinstance(url, str) and url and not url.startswith(("sip:", "sips:", "https://", "http://")):
        yield Finding((*path, "voicemailUrl"), f"must be a sip: or an http(s) URL, not {shown(url)}")


def transfer_name(handoff: JsonObject) -> str:
    """Name the tool by which the model asks for it."""
    name = handoff.get("toolName")
    return name if name and _NAME.fullmatch(name) else TRANSFER_TOOL


def transfer(handoff: JsonObject, hook: str) -> list[JsonObject]:
    """Give the verbs that transfer the call; `hook` is asked what the call does then."""
    targets = handoff["target"]
    if _dials(handoff):
        caller = {"callerId": handoff["callerId"]} if handoff.get("callerId") else {}
        timeout = handoff.get("timeout") or RINGS_S
        return [{"verb": "dial", "target": targets, **caller, "timeout": timeout, "actionHook": hook}]
    address = targets[0][_ADDRESS[targets[0]["type"]]]
    told = {"eventHook": handoff["eventHook"]} if handoff.get("eventHook") else {}
    # A REFER that could not even be sent asks nobody (feature-server lib/tasks/sip_refer.js): the next verb runs.
    return [
        {"verb": "sip:refer", "referTo": address, "actionHook": hook, **told},
        {"verb": "redirect", "actionHook": hook},
    ]


def disposition(handoff: JsonObject, outcome: Outcome) -> Disposition:
    """Say what becomes of a caller whose transfer has failed; with nothing said, they are back with the agent."""
    wanted = handoff.get("disposition") or {}
    found: Disposition = wanted.get(_DISPOSITIONS.get(outcome, "")) or "return"
    return "return" if found == "voicemail" and not wanted.get("voicemailUrl") else found


def voicemail(handoff: JsonObject) -> list[JsonObject]:
    """Give the verbs that lead to the voicemail."""
    url = handoff["disposition"]["voicemailUrl"]
    if url.startswith(("http://", "https://")):
        return [{"verb": "redirect", "actionHook": url}]
    return [{"verb": "dial", "target": [{"type": "sip", "sipUri": url}]}]


def result_body(outcome: Outcome, disposed: Disposition) -> JsonObject:
    """Tell the handoff's actionHook how it went (schema: callbacks/transfer)."""
    result = {"completed": "bridged", "caller-abandoned": "failed"}.get(outcome) or _RESULTS[disposed]
    return {"transfer_result": result, "transfer_reason": outcome}


def _dials(handoff: JsonObject) -> bool:
    return handoff.get("blindMethod") == "dial"
