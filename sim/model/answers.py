"""Which line of the script answers: from what was heard, typed or returned by a tool to what is said and called."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sim.model.arguments import sample
from sim.model.checks import JsonObject
from sim.model.filling import can_fill, filled, filled_deep, spoken
from sim.model.script import Reply, Script, Tool, When

PLACES = ("city", "location", "place")


@dataclass(frozen=True, slots=True)
class Result:
    tool: str
    arguments: str
    output: str


@dataclass(frozen=True, slots=True)
class Cue:
    """What a response answers to."""

    turn: int
    heard: str | None = None
    "The caller's words, as far as they are known; None if nobody has said anything since the last answer."
    results: tuple[Result, ...] = ()
    greeting: bool = False
    silence: bool = False
    asked: str = ""
    "The instructions of the request."


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: str
    copies: int = 1
    "How often the one call is sent."


@dataclass(frozen=True, slots=True)
class Answer:
    reply: Reply
    say: tuple[str, ...]
    calls: tuple[Call, ...]


def answer(script: Script, cue: Cue, tools: list[JsonObject], tool_choice: Any, used: Counter[int]) -> Answer:
    """Choose and fill the reply. `tools`: those declared, in the session or the response.

    `used` counts how often each turn of the script has answered, by its place.
    """
    may_call = tool_choice != "none"
    can_choose = may_call and bool(_functions(tools))
    reply, groups = _chosen(script, cue, used, can_choose_tool=can_choose)
    values = _values(cue) | groups
    twice = script.faults.duplicate_tool_call
    callable_ = [tool for tool in reply.calls if may_call and (tool.name is not None or can_choose)]
    calls = [_call(tool, tools, values, groups, twice=twice) for tool in callable_]
    return Answer(reply, tuple(filled(text, values) for text in reply.say), tuple(calls))


def _chosen(script: Script, cue: Cue, used: Counter[int], *, can_choose_tool: bool) -> tuple[Reply, dict[str, str]]:
    values = _values(cue)
    for place, turn in enumerate(script.turns):
        groups = None if used[place] == turn.times else _fits(turn.when, cue)
        if groups is None or (not can_choose_tool and any(tool.name is None for tool in turn.calls)):
            continue
        # A line that names what nobody knows (a result of another shape) leaves the turn to the next.
        if all(can_fill(text, values | groups) for text in turn.say):
            used[place] += 1
            return turn, groups
    return script.greeting if cue.greeting else script.otherwise, {}


def _fits(when: When, cue: Cue) -> dict[str, str] | None:
    """Return the named groups of a condition that is met; None for one that is not."""
    if (bool(cue.results), cue.silence, cue.greeting) != (when.tool_result is not None, when.silence, when.greeting):
        return None
    if cue.results and not _result_fits(when, cue):
        return None
    if when.turn not in {None, cue.turn}:
        return None
    if when.asked and not re.search(when.asked.pattern, cue.asked, re.IGNORECASE):
        return None
    if when.heard is None:
        return {}
    found = re.search(when.heard.pattern, cue.heard or "", re.IGNORECASE)
    return _with_aliases({name: value.strip() for name, value in found.groupdict("").items()}) if found else None


def _with_aliases(values: dict[str, Any]) -> dict[str, Any]:
    """Let a city be a location and the other way round: tools call it one or the other."""
    known = next((values[name] for name in PLACES if name in values), None)
    return values if known is None else {**dict.fromkeys(PLACES, known), **values}


def _result_fits(when: When, cue: Cue) -> bool:
    wanted = [result for result in cue.results if when.tool_result in {"*", result.tool}]
    return any(("error" in _parsed(result.output)) == when.tool_error for result in wanted)


def _values(cue: Cue) -> dict[str, Any]:
    values: dict[str, Any] = {"turn": cue.turn, "heard": cue.heard or ""}
    for result in cue.results:
        fields = _parsed(result.output)
        inner = fields.get("result")
        values |= _parsed(result.arguments) | fields | (inner if isinstance(inner, dict) else {})
        values["result"] = spoken(inner if inner is not None else fields)
    return _with_aliases(values)


def _parsed(text: str) -> JsonObject:
    """Return a JSON object; any other text or value as the `result` of one."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"result": value}


def _call(tool: Tool, tools: list[JsonObject], values: JsonObject, groups: JsonObject, *, twice: bool) -> Call:
    """Make one call; arguments that the script leaves open are made from the schema and the words heard."""
    declared = {function["name"]: function.get("parameters", {}) for function in _functions(tools)}
    name = next(iter(declared)) if tool.name is None else tool.name
    match tool.arguments:
        case None:
            made = sample({"type": "object", **declared.get(name, {})})
            arguments = json.dumps(made | {key: groups[key] for key in made if key in groups})
        case str(text):
            arguments = text
        case fields:
            arguments = json.dumps(filled_deep(fields, values))
    return Call(name, arguments, copies=2 if twice or tool.duplicate else 1)


def _functions(tools: list[JsonObject]) -> list[JsonObject]:
    return [tool for tool in tools if tool["type"] == "function"]
