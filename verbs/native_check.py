"""What is wrong with an `llm` verb that the platform carries out, and what will go otherwise there than one thinks.

Findings refuse a document of ours; `traps` are told to whoever wrote it. Source: jambonz-feature-server lib/tasks/llm.
"""

import json
from collections.abc import Collection, Iterator, Mapping

from verbs.base import Finding, JsonObject, JsonValue, did_you_mean, shown
from verbs.llm_options import GA_FIELDS, check_options

_AT_FIRST = ("openai", "microsoft", "google", "deepgram", "voiceagent", "ultravox", "elevenlabs")
VENDORS: Mapping[str, tuple[str, ...]] = {
    "0.9": _AT_FIRST,
    # @jambonz/schema 0.4.15, and what jambonz-python-sdk 0.4.0 adds to it
    "10": (*_AT_FIRST, "qwen", "gptlive", "voicelive", "nova"),
}
"Whom each version of the platform can talk with."
CREDENTIALS: Mapping[str, str] = {"elevenlabs": "agent_id"}
"What jambonz 0.9 must find in a verb's `auth`, where that is not `apiKey` (lib/tasks/llm/llms)."
SWITCHED_OFF = ("api.openai.com", ".openai.azure.com")
"Hosts, or their ends, that do not speak the beta any more."
OF_REALTIME = frozenset({"openai", "microsoft"})
BETA_IS_GONE = (
    "is missing: jambonz 0.9 speaks the beta of the Realtime API, which OpenAI and Azure have switched off. "
    "Say llm_mode: bridge, or name a server that still speaks it"
)


def findings(properties: JsonObject, version: str) -> Iterator[Finding]:
    """Say what the platform, at this version, would refuse."""
    events = properties.get("events")
    for index, pattern in enumerate(events if isinstance(events, list) else []):
        if not isinstance(pattern, str):
            yield Finding(("events", index), f"must be text, not {shown(pattern)}", fatal=True)
    vendor = properties.get("vendor")
    if not isinstance(vendor, str):
        return
    if vendor not in VENDORS[version]:
        hint = did_you_mean(vendor, VENDORS[version]) or f"; it knows: {', '.join(VENDORS[version])}"
        yield Finding(("vendor",), f"the platform itself knows no vendor {shown(vendor)}{hint}")
    if vendor in OF_REALTIME:
        yield from _of_realtime(properties, version)
    yield from _options_lacking(vendor, _object(properties.get("llmOptions")))
    auth = _object(properties.get("auth"))
    if version == "0.9" and any(auth.values()) and not auth.get(name := credential(vendor)):
        yield Finding(("auth", name), f"is missing: jambonz 0.9 refuses the document of vendor {vendor} without it")


def credential(vendor: str) -> str:
    """Name the property of `auth` without which jambonz 0.9 refuses the verb."""
    return CREDENTIALS.get(vendor, "apiKey")


def traps(properties: JsonObject, version: str, *, served: Collection[str]) -> Iterator[str]:
    """Tell what the platform will do otherwise than written; `served`: the tools that the route serves itself."""
    options = _object(properties.get("llmOptions"))
    update, response = _object(options.get("session_update")), _object(options.get("response_create"))
    if properties.get("vendor") in OF_REALTIME:
        yield from _unserved(properties, update, served)
        host = str(_object(properties.get("connectOptions")).get("host") or "").partition(":")[0].lower().rstrip(".")
        if version == "0.9" and host.endswith(SWITCHED_OFF):
            yield f"connectOptions.host {host}: {BETA_IS_GONE.removeprefix('is missing: ')}"
        if response.get("instructions") and not update.get("instructions"):
            yield "`instructions` only in response_create: the second turn loses them; say them in session_update too"
        if version == "0.9" and (words := sorted(GA_FIELDS & {*update, *response} - {"type"})):
            yield f"{' and '.join(words)}: jambonz 0.9 speaks the beta of the Realtime API, which does not know them"
    elif served:
        yield f"its tools {', '.join(sorted(served))} are declared to this vendor by nobody but the verb's llmOptions"
    if "|" in json.dumps(options):
        yield "a `|` in llmOptions: the platform hands them to its media server with that as a separator"
    if properties.get("mcpServers"):
        yield "mcpServers: the platform speaks SSE to them, without `auth`, and tells nobody of their calls"
    ignored = sorted(_object(properties.get("connectOptions")).keys() - {"host", "path", "version"})
    if version == "0.9" and ignored:
        yield f"connectOptions.{ignored[0]}: the platform knows `host` and `path` only"


def _of_realtime(properties: JsonObject, version: str) -> Iterator[Finding]:
    if version == "0.9" and not _object(properties.get("connectOptions")).get("host"):
        yield Finding(("connectOptions", "host"), BETA_IS_GONE)
    options = properties.get("llmOptions")
    if isinstance(options, dict):
        yield from check_options(options, ("llmOptions",))


def _options_lacking(vendor: str, options: JsonObject) -> Iterator[Finding]:
    match vendor:
        case "google" if not isinstance(options.get("setup"), dict):
            yield Finding(("llmOptions", "setup"), "is missing: vendor google wants an object there")
        case "deepgram" | "voiceagent":
            provider = _object(
                _object(_object(_object(options.get("Settings")).get("agent")).get("think")).get("provider")
            )
            if not (provider.get("type") and provider.get("model")):
                place = ("llmOptions", "Settings", "agent", "think", "provider")
                yield Finding(place, f"is missing: vendor {vendor} wants its `type` and `model`")


def _unserved(properties: JsonObject, update: JsonObject, served: Collection[str]) -> Iterator[str]:
    tools = update.get("tools")
    names = [tool.get("name") for tool in (tools if isinstance(tools, list) else []) if isinstance(tool, dict)]
    if not properties.get("toolHook") and (lonely := [str(name) for name in names if name not in served]):
        yield f"there is no toolHook, and no tool of the route, for {', '.join(lonely)}: the model is told a failure"


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
