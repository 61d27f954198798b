"""What a new call is answered with: its route's verbs, or why it gets others. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from calls import carrying
from calls.document import filled, route_verbs
from config.settings import Route, Settings
from media.realtime.base import ModelError
from verbs import DocumentError
from verbs.base import JsonObject, Verb
from verbs.llm import Llm

MAX_COMPLAINT_CHARS = 300


@dataclass(frozen=True, slots=True)
class Opening:
    verbs: list[Verb]
    problem: str = ""
    "Why these are not the route's `verbs`: an event for the log, with `detail`."
    detail: JsonObject = field(default_factory=dict)


def opening(route: Route, settings: Settings, attributes: Mapping[str, Any]) -> Opening:
    """Give the route's verbs, or its `fallback` where they cannot be carried out."""
    try:
        verbs = route_verbs(route, attributes, version=settings.platform.version)
    except DocumentError as error:
        return instead(route, attributes, "document_refused", complaint=str(error)[:MAX_COMPLAINT_CHARS])
    if obstacle := obstacle_to(verbs, settings):
        return instead(route, attributes, "model_not_configured", message=obstacle)
    return Opening(verbs)


def instead(route: Route, attributes: Mapping[str, Any], problem: str, **detail: Any) -> Opening:
    """Give the route's `fallback`."""
    return Opening(filled(route.fallback, attributes), problem, detail)


def busy(route: Route, attributes: Mapping[str, Any], *, active: int) -> Opening:
    return Opening(filled(route.busy, attributes), "call_refused_busy", {"active": active})


def obstacle_to(verbs: Sequence[Verb], settings: Settings) -> str:
    """Say why an `llm` among these verbs cannot be carried out; nothing where all can."""
    for llm in verbs:
        if not isinstance(llm, Llm):
            continue
        if llm.vendor not in settings.vendors:
            return f"vendor {llm.vendor!r} is not configured: add vendors.{llm.vendor}"
        try:
            carrying.model_dial(llm, settings.vendors[llm.vendor])
        except ModelError as error:
            return str(error)
    return ""
