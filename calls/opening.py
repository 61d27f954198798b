"""What a new call is answered with: its route's verbs, or why it gets others. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from calls import native_document
from calls.admission import Refusal
from calls.carrying import candidate
from calls.document import filled
from calls.masking import told
from config.settings import Route, Settings
from media.realtime.base import ModelError
from verbs import DocumentError, lint, parse
from verbs.base import JsonObject, Verb
from verbs.llm import Llm

NOBODY: list[JsonObject] = [{"verb": "sip:decline", "status": 404}]
"The document for a number that no route matches."


@dataclass(frozen=True, slots=True)
class Opening:
    verbs: list[Verb]
    problem: str = ""
    "An event for the log, with `detail`: why these are not the verbs that were wanted, or what is odd in them."
    detail: JsonObject = field(default_factory=dict)


def without_asking(
    route: Route, attributes: Mapping[str, Any], *, refusal: Refusal | None, reachable_by: str | None
) -> Opening | None:
    """Give what a call is answered with whatever its application would say; None where that is to be asked.

    `refusal`: why there is no room for it. `reachable_by`: the URL by which a platform seems to know us that has none
    of ours.
    """
    if refusal is not None:
        return Opening(filled(route.busy, attributes), "call_refused_busy", refusal._asdict())
    if reachable_by is not None:
        remedy = f"set server.public_url to the URL at which the platform reaches us, such as {reachable_by}"
        return instead(route, attributes, "public_url_missing", remedy=remedy)
    return None


def opening(
    wanted: Sequence[JsonObject],
    route: Route,
    settings: Settings,
    attributes: Mapping[str, Any],
    *,
    strict: bool = True,
) -> Opening:
    """Give the verbs that the call's application wants; the route's `fallback` where they cannot be done.

    Not `strict`: what the platform may not know passes.
    """
    try:
        verbs = parse(list(wanted), version=settings.platform.version, strict=strict, native=route.native)
    except DocumentError as error:
        return instead(route, attributes, "document_refused", complaint=told(error.complaints))
    if obstacle := obstacle_to(verbs, route, settings):
        return instead(route, attributes, "model_not_configured", message=obstacle)
    if complaints := [] if strict else lint(list(wanted), version=settings.platform.version, native=route.native):
        return Opening(verbs, "application_verbs_unknown", {"complaint": told(complaints)})
    return Opening(verbs)


def instead(route: Route, attributes: Mapping[str, Any], problem: str, **detail: str) -> Opening:
    """Give the route's `fallback`, and why."""
    return Opening(filled(route.fallback, attributes), problem, detail)


def obstacle_to(verbs: Sequence[Verb], route: Route, settings: Settings) -> str:
    """Say why an `llm` among these verbs cannot be carried out; nothing where all can."""
    if route.native:
        return native_document.obstacle_to(verbs, settings)
    for llm in verbs:
        if not isinstance(llm, Llm):
            continue
        try:
            candidate(llm, route, settings)
        except ModelError as error:
            return str(error)
    return ""
