"""`llm` as the platform itself carries it out: the shape in which the verb leaves, and what of it we ask to be told.

Sources: jambonz-feature-server lib/tasks/llm, @jambonz/verb-specifications 0.1.13, @jambonz/schema 0.4.15.
"""

from collections.abc import Callable, Iterator, Sequence

from verbs.base import JsonObject, JsonValue
from verbs.event_names import BETA_OF, GA_OF
from verbs.llm import Llm
from verbs.tables import TABLES
from verbs.tools import bare

ASKED_FIRST = frozenset({"openai", "microsoft"})
"`llmOptions.response_create` must be an object, even an empty one (lib/tasks/llm/llms/openai_s2s.js)."
OF_SESSIONS = ASKED_FIRST | {"qwen"}
"Declare their tools in `llmOptions.session_update.tools`."
RECORDED = (
    *("response.done", "conversation.item.input_audio_transcription.completed"),
    *("response.audio_transcript.done", "response.output_audio_transcript.done"),
)
"What a conversation's transcript and usage are made of: a few small events in each turn."
EVERYTHING = ["all", "-response.audio.delta", "-response.output_audio.delta"]
"Only beside an exclusion does `all` let names pass that the platform does not list (openai_s2s.js: _populateEvents)."
_CONNECT_OPTIONS = frozenset({"host", "path", "version"})


def left_to_platform(
    llm: Llm, *, version: str, auth: JsonObject | None, hook: Callable[[str], str], all_events: bool = False
) -> JsonObject:
    """Give the item as it leaves, with what this version of the platform knows of the verb.

    The 0.9 platform refuses the whole document for a property that it does not know. `hook` gives the target of the
    hook of that name; every end and every tool call come to us, for the platform tells neither of them of a failure.
    `all_events`: whoever filters them reads the verb's `events` otherwise than we do.
    """
    told = llm.plain()
    events = EVERYTHING if all_events and llm.event_hook else events_asked(llm)
    told |= {
        "model": llm.model,
        "mcpServers": _servers(llm.mcp_servers, version),
        "auth": auth,
        "connectOptions": _connect_options(llm.connect_options or {}, version) or None,
        "actionHook": hook("action"),
        "eventHook": hook("event") if events else None,
        "toolHook": hook("tool"),
        "events": events or None,
        "llmOptions": _options(llm),
    }
    known = {"verb", *TABLES[version]["llm"].properties} if version == "0.9" else told.keys()
    return {name: value for name, value in told.items() if value is not None and name in known}


def events_asked(llm: Llm) -> list[str]:
    """Say which events the platform shall send: all that the verb's own `events` ask for, and what we keep of it.

    Its wildcards know a fixed list of the beta's names and no dots, so a filter with any is applied by us.
    """
    recorded = RECORDED if llm.vendor in OF_SESSIONS else ()
    patterns = llm.events if llm.event_hook else []
    if patterns is not None and all(_is_literal(pattern) for pattern in patterns):
        return list(dict.fromkeys([*_with_aliases(patterns), *recorded]))
    unwanted = [pattern[1:] for pattern in patterns or [] if pattern.startswith("-") and _is_literal(pattern[1:])]
    return [*EVERYTHING, *(f"-{name}" for name in _with_aliases(unwanted) if name not in recorded)]


def declared(llm: Llm) -> dict[str, JsonObject] | None:
    """Give the parameters of the tools that the verb declares, by their names; None: its vendor declares otherwise."""
    if llm.vendor not in OF_SESSIONS:
        return None
    told = [_object(_options(llm).get(name)).get("tools") for name in ("response_create", "session_update")]
    named = [tool for tools in told if isinstance(tools, list) for tool in tools if isinstance(tool, dict)]
    return {str(tool.get("name")): _object(tool.get("parameters")) for tool in named}


def _is_literal(pattern: str) -> bool:
    return not (pattern in {"all", "*"} or pattern.endswith(".*") or pattern.startswith("-"))


def _with_aliases(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield name
        if alias := BETA_OF.get(name) or GA_OF.get(name):
            yield alias


def _servers(servers: Sequence[JsonObject] | None, version: str) -> list[JsonObject] | None:
    """Give the servers of tools without what is said of them to us alone."""
    known = TABLES[version]["mcpServer"].properties
    return [{name: server[name] for name in server if name in known} for server in servers or ()] or None


def _connect_options(options: JsonObject, version: str) -> JsonObject:
    return {name: value for name, value in options.items() if version != "0.9" or name in _CONNECT_OPTIONS}


def _options(llm: Llm) -> JsonObject:
    """Give `llmOptions` in the vendor's own words, with what stands under `extra` in its place."""
    if llm.vendor not in OF_SESSIONS:
        return llm.llm_options
    options = {name: value for name, value in llm.llm_options.items() if name != "extra"}
    extra = _object(llm.llm_options.get("extra"))
    for name in ("response_create", "session_update"):
        whole = {**_object(options.pop(name, None)), **_object(extra.get(name))}
        if whole or (name == "response_create" and llm.vendor in ASKED_FIRST):
            options[name] = whole
    update = _object(options.get("session_update"))
    if isinstance(update.get("tools"), list):
        options["session_update"] = {**update, "tools": [bare(tool)[0] for tool in update["tools"]]}
    return options


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
