"""`llm`: the call talks with a language model. This server carries it out; the platform never sees it.

In short it is `{"llm": "openai/gpt-realtime-2.1"}`: a vendor, and behind the first `/` its model. So may the `model` of
a verb be written that has no `vendor`.
"""

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from verbs import connecting, native_check
from verbs.base import Finding, Hook, JsonObject, JsonValue, Number, Path, Verb, did_you_mean, shown
from verbs.flat_options import in_their_places
from verbs.handoff import check_handoff
from verbs.kinds import TEXT, an_object, check, once_filled
from verbs.llm_options import check_options, is_beta_shaped
from verbs.mcp import check_servers
from verbs.vendors import VENDORS

_AUTH = an_object({"apiKey": TEXT})
_CONNECT_OPTIONS = an_object({name: once_filled(kind) for name, kind in connecting.FIELDS.items()})
_PATTERN = re.compile(r"-?(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)")


class Llm(Verb):
    SHORT: ClassVar[str] = "model"
    ours: ClassVar[bool] = True
    verb: Literal["llm"] = "llm"
    vendor: str
    model: str | None = None
    auth: JsonObject | None = None
    "`apiKey`; without it the server's own key for the vendor is used."
    connect_options: JsonObject | None = None
    action_hook: Hook | None = None
    event_hook: Hook | None = None
    tool_hook: Hook | None = None
    events: list[str] | None = None
    "Which events the eventHook gets; None: all but audio."
    llm_options: JsonObject
    mcp_servers: list[JsonObject] | None = None
    "Servers whose tools the model is offered besides, see `verbs.mcp`."
    handoff: JsonObject | None = None
    hangup: JsonObject | None = None
    response_timeout_ms: Number | None = None
    cancel_on_response_timeout: bool | None = None
    cancel_on_barge_in: bool | None = None

    @property
    def beta_shaped(self) -> bool:
        """Whether `llmOptions` speaks the beta's words, so that wildcards deliver events under the beta's names."""
        return is_beta_shaped(self.llm_options)

    @classmethod
    def completed(cls, properties: JsonObject) -> JsonObject:
        """Find the vendor in `model` where there is none. What is said of the model may be nothing at all."""
        told = properties if properties.get("llmOptions") is not None else {**properties, "llmOptions": {}}
        told = _with_vendor(told)
        return in_their_places(told) if str(told.get("vendor")) in VENDORS else told

    @classmethod
    def findings(cls, properties: JsonObject) -> Iterator[Finding]:
        yield from _check_events(properties.get("events"))
        yield from check_handoff(properties.get("handoff"), ("handoff",))
        yield from check_servers(properties.get("mcpServers"), ("mcpServers",))
        vendor = properties.get("vendor")
        if isinstance(vendor, str) and vendor not in VENDORS:
            hint = did_you_mean(vendor, VENDORS) or f"; known: {', '.join(VENDORS)}"
            if vendor in native_check.VENDORS["10"]:
                hint += "; the platform itself may know it: say llm_mode: native"
            yield Finding(("vendor",), f"unknown vendor {shown(vendor)}{hint}")
        elif isinstance(vendor, str):
            yield from _check_for(vendor, properties)

    @classmethod
    def findings_as_left(cls, properties: JsonObject, version: str) -> Iterator[Finding]:
        yield from check_handoff(properties.get("handoff"), ("handoff",))
        yield from native_check.findings(properties, version)


def _with_vendor(told: JsonObject) -> JsonObject:
    model = told.get("model")
    if told.get("vendor") is not None or not isinstance(model, str):
        return told
    vendor, slash, name = model.partition("/")
    if not (slash or vendor in VENDORS):
        return told
    others = {key: value for key, value in told.items() if key not in {"vendor", "model"}}
    return {"vendor": vendor, **({"model": name} if name else {}), **others}


def _check_for(vendor: str, properties: JsonObject) -> Iterator[Finding]:
    for name, kind in (("auth", _AUTH), ("connectOptions", _CONNECT_OPTIONS)):
        yield from _of_objects(check(properties.get(name), kind, (name,)), (name,))
    options = properties.get("llmOptions")
    if isinstance(options, dict):
        known = VENDORS[vendor]
        yield from check_options(options, ("llmOptions",), settings=known.settings, built_in=known.tools)
    if VENDORS[vendor].model is None and not _names_a_model(properties):
        yield Finding(("model",), f"is missing: vendor {vendor} has no model that could be asked for in its place")


def _names_a_model(properties: JsonObject) -> bool:
    """A deployment or a pipeline may also be named in the query of its address."""
    options = properties.get("connectOptions")
    connect: JsonObject = options if isinstance(options, dict) else {}
    query = connect.get("query")
    queries = [*(query if isinstance(query, dict) else ()), *map(str, (connect.get("path"), connect.get("url")))]
    return bool(properties.get("model")) or any(re.search(r"(^|[?&])(model|deployment)(=|$)", told) for told in queries)


def _of_objects(findings: Iterator[Finding], path: Path) -> Iterator[Finding]:
    """Leave out what the table has said already: that the property itself is no object."""
    return (finding for finding in findings if finding.path != path)


def _check_events(events: JsonValue) -> Iterator[Finding]:
    for index, pattern in enumerate(events if isinstance(events, list) else []):
        if not isinstance(pattern, str):
            yield Finding(("events", index), f"must be text, not {shown(pattern)}", fatal=True)
        elif not _PATTERN.fullmatch(pattern):
            yield Finding(("events", index), f"no event is named {shown(pattern)}: write a name, `all`, or `name.*`")
