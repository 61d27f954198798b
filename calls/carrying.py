"""What it takes to carry out one `llm` verb: the bridge made from the verb, the route and the vendor. Pure."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from math import inf
from typing import NamedTuple

from calls.agents import misnamed
from calls.dialling import model_dial
from calls.leaving import Again, exits, patience
from calls.manners import manners
from config.models import as_configured
from config.settings import Media, Route, Settings, Vendor
from cost.meter import Meter
from hooks.envelope import ENVELOPES, Envelope
from hooks.filter import NOTHING, EventFilter, Wanted
from hooks.jambonz_filter import JambonzFilter
from hooks.mcp.server import INSTALL, installed
from hooks.options import HookUrls
from hooks.tools import Tool
from media.audio import AudioFormat, clip
from media.bridge import Bridge
from media.confidential import Confidential
from media.options import Options
from media.platforms import PLATFORMS
from media.realtime import VENDORS
from media.realtime.base import ModelError, Realtime
from media.realtime.dial import Dial
from media.tape import Tape
from verbs import native_check, parse
from verbs.base import JsonObject, shown
from verbs.event_names import BETA_OF
from verbs.llm import Llm
from verbs.offering import confirmed, offered
from verbs.spare import Spare, spare

MOST_FILTERS = 256
"Different wishes for events that are remembered: there are as many as `llm` verbs are written."
DECIDES = "answers and falls silent by itself, whatever it is told: all that it takes for speech interrupts at once"
AUDIO_EVENTS = ("response.output_audio.delta", BETA_OF["response.output_audio.delta"])


def changes_rate(route: Route, version: str) -> bool:
    """Tell whether a model of the route's verbs hears or speaks at another rate than the platform carries.

    An application may name any model that can be had.
    """
    if route.native:
        return False
    rate_hz = route.media.sample_rate_hz
    verbs = parse(route.verbs, version=version, strict=False) if route.verbs else []
    vendors = {verb.vendor for verb in verbs if isinstance(verb, Llm)} if route.verbs else set(VENDORS)
    vendors |= {other.vendor for other in route.llm_fallback}
    return any(audio.rate_hz != rate_hz for vendor in vendors for audio in VENDORS[vendor].audio_at(rate_hz))


def asks_servers(route: Route, version: str) -> bool:
    """Tell whether one of the route's verbs names servers of tools (`mcpServers`) that it is our part to ask."""
    verbs = parse(route.verbs, version=version, strict=False) if route.verbs and not route.native else []
    return any(isinstance(verb, Llm) and verb.mcp_servers for verb in verbs)


def event_filter(llm: Llm, route: Route) -> Wanted:
    if not llm.event_hook:
        return NOTHING
    events = None if llm.events is None else tuple(llm.events)
    return _filter(events, jambonz=route.hooks.filter == "jambonz-oss", beta_names=llm.beta_shaped)


@lru_cache(maxsize=MOST_FILTERS)
def _filter(events: tuple[str, ...] | None, *, jambonz: bool, beta_names: bool) -> Wanted:
    """Give the filter of all calls that want the same, for it learns the names of a model's events as they come."""
    return JambonzFilter(events) if jambonz else EventFilter(events, beta_names=beta_names)


def envelope(route: Route) -> Envelope:
    return ENVELOPES[route.hooks.envelope]


def make_model(llm: Llm, route: Route, besides: Sequence[JsonObject] = ()) -> Realtime:
    """Make the model's side of a conversation; `besides` are functions that the verb does not declare itself.

    :raises ModelError: its options have a shape that nobody foresaw
    """
    wanted = event_filter(llm, route)
    audio_events = any(wanted.name_for(name) for name in AUDIO_EVENTS)
    vendor = VENDORS[llm.vendor]
    audio = vendor.audio_at(route.media.sample_rate_hz)
    try:
        json.dumps(llm.llm_options)  # what a function of ours has written may be anything
        return vendor.realtime(llm, audio=audio, wants_audio_events=audio_events, besides=besides)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ModelError(
            f"llmOptions cannot be used ({type(error).__name__}): look for a value of a wrong kind"
        ) from error


def others(llm: Llm, route: Route) -> list[Spare]:
    """Give the verb as it is for each of the models that its route falls back on."""
    return [
        spare(llm, vendor=other.vendor, model=other.model, auth=other.auth, options=other.llm_options)
        for other in route.llm_fallback
    ]


def oddities(settings: Settings, route: Route) -> Iterator[str]:
    """Say what of the options of a route's `llm` verbs its models do not know, or know otherwise."""
    if route.native:  # the platform knows its vendors' options, and more vendors than we do
        return
    for llm in parse(route.verbs, version=settings.platform.version, strict=False):
        if not isinstance(llm, Llm):
            continue
        yield from misnamed(route.agents, llm, route_tools(route, settings))
        if llm.mcp_servers and not installed():
            yield INSTALL
        of_its_own = _told(llm, route, settings)
        yield from of_its_own
        yield from _unpriced(llm, route, settings)
        for other, left_out in others(llm, route):
            yield from left_out
            yield from _unpriced(other, route, settings)
            told = (warning for warning in _told(other, route, settings) if warning not in of_its_own)
            yield from (f"said to {other.vendor}: {warning}" for warning in told)


def _untold(llm: Llm, route: Route) -> Iterator[str]:
    """Tell of manners that the route asks for, and that the verb's model has not."""
    can, barge_in = VENDORS[llm.vendor].can, route.conversation.barge_in
    asked = "digits" in route.conversation.model_fields_set and route.conversation.digits.collect
    if asked and not can.add_text:
        yield f"conversation.digits: {llm.vendor} takes no text, so what is typed is told to the eventHook alone"
    if not can.leave_turns:
        wanted = {"min_speech_ms": barge_in.min_speech_ms, "resume": barge_in.resume}
        yield from (f"conversation.barge_in.{key}: {llm.vendor} {DECIDES}" for key, value in wanted.items() if value)


def _unpriced(llm: Llm, route: Route, settings: Settings) -> Iterator[str]:
    """Tell of models that nobody knows the price of, where money is to be counted."""
    for key in route.budget.in_dollars:
        with suppress(ModelError):
            model = offered_model(llm, route, settings)
            used = [model.model, *([model.transcriber] if model.transcribes else [])]
            for name in (name for name in used if settings.prices.find(name) is None):
                remedy = f"name what it costs under prices, or say budget.{key.replace('usd', 'tokens')}"
                yield f"budget.{key}: what {name} costs is not known here, and is not counted; {remedy}"


def _told(llm: Llm, route: Route, settings: Settings) -> list[str]:
    with suppress(ModelError):  # the check of the verb itself has said more
        return offered_model(llm, route, settings).warnings
    return []


def make_bridge(
    models: Sequence[Realtime],
    llm: Llm,
    route: Route,
    settings: Settings,
    vendor: Vendor,
    *,
    now: float,
    left_s: float,
    unix_s: float,
    call_sid: str = "",
    again: Again | None = None,
    confidential: Confidential | None = None,
    meter: Meter | None = None,
    tape: Tape | None = None,
) -> Bridge:
    """`left_s` is how long the call may still last; `unix_s` is Unix time at monotonic zero.

    `again`: what this conversation goes on from, where it is the verb's second. `confidential`: what was typed in
    confidence in the call so far. `meter` makes its bills, and `tape` records it.
    """
    media = route.media
    behaviour = replace(manners(route.conversation, route.budget), start_paused=route.start_paused)
    options = Options(
        audio=AudioFormat("pcm16", media.sample_rate_hz),
        call_sid=call_sid,
        lead_ms=media.lead_ms,
        open_timeout_s=media.open_timeout_s,
        metadata_timeout_s=media.metadata_timeout_s,
        session_timeout_s=vendor.session_timeout_s,
        response_timeout_s=vendor.response_timeout_s,
        watch_s=llm.response_timeout_ms / 1000 if llm.response_timeout_ms else None,
        request_timeout_s=vendor.request_timeout_s,
        tool_timeout_s=settings.hooks.tool_timeout_s,
        max_call_s=left_s,
        tone_after_s=media.silence_tone_after_s,
        wait_sound=wait_sound(media),
        manners=replace(behaviour, caller_speaks_first=False, start_paused=False) if again else behaviour,
        exits=exits(llm),
        awaits_tools=bool(llm.mcp_servers),
        patience_s=patience(llm),
        confirmed=confirmed(llm) | {name for name, tool in route_tools(route, settings).items() if tool.confirm},
        max_session_s=vendor.max_session_s or inf,
        unix_s=unix_s,
        history=again.history if again else (),
        opening={"instructions": again.opening} if again else {},
        confidential=confidential or Confidential(),
        meter=meter or Meter(),
        tape=tape,
        cancel_stalled=bool(llm.cancel_on_response_timeout),
        cancel_on_barge_in=bool(llm.cancel_on_barge_in),
    )
    platform = PLATFORMS[settings.platform.kind].media(media.sample_rate_hz)
    return Bridge(platform, models, options, now=now)


def wait_sound(media: Media) -> bytes:
    """Give what a caller hears who waits in silence; nothing where the soft tone will do.

    A clip that cannot be used was told of when the configuration was taken up.
    """
    if media.hold_clip:
        with suppress(OSError, ValueError):
            return clip(media.hold_clip, media.sample_rate_hz)
    return b""


class Candidate(NamedTuple):
    """A model that a verb can be carried out with."""

    dial: Dial
    model: Realtime
    llm: Llm


def candidate(llm: Llm, route: Route, settings: Settings, besides: Sequence[JsonObject] = ()) -> Candidate:
    """Find the verb's model; `besides`: what the agent who speaks first may call besides the verb's tools.

    :raises ModelError: its vendor is not configured, there is no key for it, or its options cannot be used
    """
    if llm.vendor not in VENDORS:
        raise ModelError(_not_carried_out(llm.vendor, settings.platform.version))
    if llm.vendor not in settings.vendors:
        raise ModelError(f"vendor {llm.vendor!r} is not configured: add vendors.{llm.vendor}")
    vendor = settings.vendors[llm.vendor]
    model = offered_model(llm, route, settings, besides)
    return Candidate(model_dial(as_configured(llm, vendor), vendor), model, llm)


def _not_carried_out(vendor: str, version: str) -> str:
    known = vendor in native_check.VENDORS[version]
    remedy = "llm_mode: native on the route leaves it to the platform" if known else "the platform knows none either"
    return f"vendor {shown(vendor)} is carried out by nobody here, only {', '.join(VENDORS)}; {remedy}"


def offered_model(llm: Llm, route: Route, settings: Settings, of_agent: Sequence[JsonObject] = ()) -> Realtime:
    """Make the verb's model, offered all tools that it may call, with all that is to be told of its options.

    :raises ModelError: its options cannot be used
    """
    known = settings.vendors.get(llm.vendor)
    declared = {name: tool.declaration for name, tool in route_tools(route, settings).items()}
    own = as_configured(llm, known) if known else llm
    besides, told = (of_agent, []) if route.agents else offered(own, declared)
    model = make_model(own, route, besides)
    model.warnings.extend([*told, *_untold(llm, route)])
    return model


def route_tools(route: Route, settings: Settings) -> Mapping[str, Tool]:
    """Give the tools that the route serves itself, by their names."""
    return settings.tools.get(route.name, {})


def hook_urls(llm: Llm, address: Callable[[object], str | None]) -> HookUrls:
    """`address` gives the URL of a hook as the verb writes it."""
    return HookUrls(
        event=address(llm.event_hook),
        tool=address(llm.tool_hook),
        action=address(llm.action_hook),
    )
