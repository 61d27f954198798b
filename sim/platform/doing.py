"""How long a verb takes on a platform that has no voice, no recogniser and nobody to dial: modelled, and shown so."""

from typing import Any

from sim.platform.bodies import JsonObject

CHARS_PER_S = 15
PLAY_S = 3.0
RINGING_S = 2.0
GATHER_TIMEOUT_S = 5.0
NEEDS_ANSWER = frozenset({"say", "play", "gather", "listen", "llm", "answer", "dial", "conference", "transcribe"})
"These answer the call when it is still ringing, unless they say earlyMedia."
AT_ONCE = frozenset({"answer", "config", "tag", "alert", "message", "dtmf"})
"These take no time that a caller would notice."


def modelled_s(verb: JsonObject) -> float | None:
    """How long a verb lasts that ends by itself; None for one that waits for something or somebody."""
    match verb["verb"]:
        case "say":
            return say_s(verb)
        case "play":
            return float(verb.get("timeoutSecs", PLAY_S))
        case "pause":
            return float(verb["length"])
        case "dial":
            return min(RINGING_S, float(verb.get("timeout", RINGING_S)))
        case _:
            return 0.0 if verb["verb"] in AT_ONCE else None


def say_s(verb: JsonObject) -> float:
    return max(0.5, len(spoken(verb)) / CHARS_PER_S)


def spoken(verb: JsonObject) -> str:
    text: Any = verb.get("text", "")
    return " ".join(text) if isinstance(text, list) else str(text)


def prompt_s(gather: JsonObject) -> float:
    """How long the prompt inside a gather lasts."""
    return sum((modelled_s({"verb": name, **gather[name]}) or 0.0) for name in ("say", "play") if name in gather)


def summary(verb: JsonObject) -> str:
    """Show a verb in a line."""
    return f"{verb['verb']} {_shown(verb)}".rstrip()


def _shown(verb: JsonObject) -> str:
    match verb["verb"]:
        case "say":
            return f'"{spoken(verb)}"'
        case "pause":
            return f"{verb['length']} s"
        case "dial":
            return f"{', '.join(_target(target) for target in verb['target'])} (nobody answers here)"
        case "sip:decline":
            return f"{verb['status']} {verb.get('reason', '')}"
        case _:
            return str(verb.get("url") or verb.get("actionHook") or "")


def _target(target: JsonObject) -> str:
    return str(target.get("number") or target.get("sipUri") or target.get("name") or target["type"])
