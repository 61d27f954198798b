"""The platform's own check of a document: what jambonz 0.9.8 refuses, in its words.

First the table of the published validator (specs/, @jambonz/verb-specifications 0.1.13: unknown verbs and properties,
missing ones, types by JavaScript's `typeof`), then what making the verb refuses beside (jambonz-feature-server
lib/tasks/make_task.js and the verbs' constructors). One bad verb makes the platform refuse the whole document.
"""

import json
from pathlib import Path
from typing import Any

from sim.platform.bodies import JsonObject

SPECS: dict[str, JsonObject] = json.loads(
    (Path(__file__).parent / "specs" / "verb-specifications.json").read_text(encoding="utf-8")
)
VERBS = frozenset(
    {
        *("answer", "sip:decline", "sip:request", "sip:refer", "config", "conference", "dial", "dialogflow", "dequeue"),
        *("dtmf", "dub", "enqueue", "hangup", "leave", "lex", "listen", "llm", "message", "rasa", "redirect", "say"),
        *("rest:dial", "play", "gather", "pause", "alert", "transcribe", "tag"),
    }
)
"Of the table's entries those that are verbs."
_SYNONYMS: dict[str, tuple[str, JsonObject]] = {
    "stream": ("listen", {}),
    "s2s": ("llm", {}),
    **{
        f"{vendor}_s2s": ("llm", {"vendor": vendor})
        for vendor in ("openai", "microsoft", "google", "elevenlabs", "deepgram", "voiceagent", "ultravox")
    },
}
SIMPLE = frozenset({"number", "string", "object", "boolean"})


class DocumentRefusedError(ValueError):
    """The platform would refuse this document; the text is what it would put into X-Reason."""


def checked(item: Any) -> JsonObject:
    """Return one verb in the form {"verb": …, …}; DocumentRefusedError if the platform would not take it."""
    name, data = _named(item)
    if not isinstance(data, dict):
        raise DocumentRefusedError("malformed jambonz application payload")
    _check(name, data)
    if name not in VERBS:
        raise DocumentRefusedError(f"invalid jambonz verb '{name}'")
    _MADE.get(name, _anything)(data)
    return {"verb": name, **data}


def validated(item: Any) -> tuple[str, Any]:
    """Return name and properties of what the published validator takes; it takes more than the server does."""
    name, data = _named(item)
    _check(name, data)
    return name, data


def _named(item: Any) -> tuple[str, Any]:
    """{"say": {"text": "x"}} says the same as {"verb": "say", "text": "x"}."""
    if not isinstance(item, dict):
        raise DocumentRefusedError("malformed jambonz payload: must be array of objects")
    data: Any
    if "verb" in item:
        name, data = str(item["verb"]), {key: value for key, value in item.items() if key != "verb"}
    elif len(item) == 1:
        name, data = next(iter(item.items()))
    else:
        raise DocumentRefusedError("malformed jambonz payload: missing verb property")
    real, properties = _SYNONYMS.get(name, (name, {}))
    return real, properties | data if isinstance(data, dict) else data


def _check(name: str, data: Any) -> None:
    if name not in SPECS:
        raise DocumentRefusedError(f"invalid instruction: {name}")
    properties: JsonObject = SPECS[name]["properties"]
    given = data if isinstance(data, dict) else dict(enumerate(data)) if isinstance(data, list | str) else {}
    for key, value in given.items():
        if key in properties:
            _check_value(name, key, value, properties[key])
        elif key != "_":
            raise DocumentRefusedError(f"{name}: unknown property {key}")
    missing = [key for key in SPECS[name].get("required", []) if key not in given]
    if missing:
        raise DocumentRefusedError(f"{name}: missing value for {','.join(missing)}")


def _check_value(name: str, key: str, value: Any, spec: Any) -> None:
    if isinstance(spec, list):
        _check_each(spec[0].removeprefix("#"), value)
    elif isinstance(spec, dict):
        if spec["type"] == "string" and "enum" in spec and value not in spec["enum"]:
            raise DocumentRefusedError(f"invalid value {value} must be one of {','.join(spec['enum'])}")
    elif spec.startswith("#"):
        _check(spec.removeprefix("#"), value)
    elif spec == "array":
        if not isinstance(value, list):
            raise DocumentRefusedError(f"{name}: property {key} is not an array")
    elif "|" in spec:
        types = [one.strip() for one in spec.split("|")]
        if _typeof(value) not in types and not ("array" in types and isinstance(value, list)):
            raise DocumentRefusedError(
                f"{name}: property {key} has invalid data type, must be one of {','.join(types)}"
            )
    elif _typeof(value) != spec:
        raise DocumentRefusedError(f"{name}: property {key} has invalid data type")


def _check_each(name: str, value: Any) -> None:
    if not isinstance(value, list | str):
        raise DocumentRefusedError("dVal is not iterable")
    for item in value:
        _check(name, item)


def _typeof(value: Any) -> str:
    """Name a JSON value's type as JavaScript does: null and lists are objects."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "object"


# --- what a verb's constructor refuses ---


def _anything(_data: JsonObject) -> None:
    pass


def _say(data: JsonObject) -> None:
    if not isinstance(data.get("text"), str | list) and data.get("stream") is not True:
        raise DocumentRefusedError("Say: either text or stream:true is required")


def _gather(data: JsonObject) -> None:
    if data.get("say"):
        checked({"say": data["say"]})


def _conference(data: JsonObject) -> None:
    if not data.get("name"):
        raise DocumentRefusedError("conference name required")


def _dub(data: JsonObject) -> None:
    for name in ("action", "track"):
        if not data.get(name):
            raise DocumentRefusedError(f"TaskDub: {name} is required")


def _llm(data: JsonObject) -> None:
    vendor = data["vendor"]
    if vendor not in _VENDORS:
        raise DocumentRefusedError(f"Unsupported vendor {vendor} for LLM")
    label, credential, options_complaint = _VENDORS[vendor]
    if not (data.get("auth") or {}).get(credential):
        raise DocumentRefusedError(f"auth.{credential} is required for {label}")
    if vendor == "microsoft" and not (data.get("connectOptions") or {}).get("host"):
        raise DocumentRefusedError("connectionOptions.host is required for Microsoft OpenAI S2S")
    wanted = _WANTED_OPTION.get(vendor)
    options = data["llmOptions"] if isinstance(data["llmOptions"], dict) else {}
    if wanted and (wanted not in options or _typeof(options[wanted]) != "object"):
        raise DocumentRefusedError(options_complaint)


_OPENAI = ("OpenAI S2S", "apiKey", "llmOptions with an initial response.create is required for OpenAI S2S")
_VOICE_AGENT = ("VoiceAgent S2S", "apiKey", "llmOptions with an initial Settings is required for VoiceAgent S2S")
_VENDORS = {
    "openai": _OPENAI,
    "microsoft": _OPENAI,
    "deepgram": _VOICE_AGENT,
    "voiceagent": _VOICE_AGENT,
    "google": ("Google S2S", "apiKey", "llmOptions with an initial setup is required for Google S2S"),
    "ultravox": ("Vendor: Ultravox", "apiKey", ""),
    "elevenlabs": ("Elevenlabs S2S", "agent_id", ""),
}
_WANTED_OPTION = {
    "openai": "response_create",
    "microsoft": "response_create",
    "deepgram": "Settings",
    "voiceagent": "Settings",
    "google": "setup",
}
_MADE = {"say": _say, "gather": _gather, "conference": _conference, "dub": _dub, "llm": _llm}
