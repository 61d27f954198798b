"""Routes whose `llm` verbs the platform carries out: which key goes to it, and what their operator should know."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from config.models import as_configured
from config.settings import Route, Settings
from verbs import Verb
from verbs.base import JsonObject
from verbs.llm import Llm
from verbs.native import OF_SESSIONS
from verbs.native_check import credential, traps
from verbs.offering import beside, offered

HOSTS = {"openai": "api.openai.com"}
"Where the platform looks for a vendor's models unasked, as far as keys of ours are for them."
NO_EFFECT = ("agents", "conversation", "llm_fallback", "start_paused")
"Keys of a route by which we carry out a verb."


def key_for(llm: Llm, settings: Settings) -> JsonObject | None:
    """Give the `auth` with which the platform reaches the verb's model; None: there is none.

    A key of the configuration goes to the configured host only; a verb that names another brings its own.
    """
    if any((llm.auth or {}).values()):
        return llm.auth
    vendor = settings.vendors.get(llm.vendor)
    key = vendor.api_key.get_secret_value() if vendor else ""
    host = (llm.connect_options or {}).get("host") or HOSTS.get(llm.vendor)
    return {"apiKey": key} if vendor and key and urlsplit(vendor.url).netloc == host else None


def with_tools(llm: Llm, route: Route, settings: Settings) -> Llm:
    """Give the verb with the model that the configuration has for its name, and with the route's tools."""
    vendor = settings.vendors.get(llm.vendor)
    named = as_configured(llm, vendor) if vendor else llm
    if llm.vendor not in OF_SESSIONS:
        return named
    declarations = {name: tool.declaration for name, tool in settings.tools.get(route.name, {}).items()}
    added = offered(named, declarations, leaves=False).besides
    return named.model_copy(update={"llm_options": beside(named.llm_options, added)})


def all_events(route: Route) -> bool:
    """Tell whether its verbs' `events` are read otherwise than we do, so that the platform must not choose."""
    return route.hooks.filter != "default"


def lacks_key(llm: Llm, settings: Settings) -> str | None:
    """Say what to set for a verb that the platform would refuse without a key; a later one may have its own."""
    name = credential(llm.vendor)
    if settings.platform.version != "0.9" or (key_for(llm, settings) or {}).get(name):
        return None
    if any((llm.auth or {}).values()) or name != "apiKey":
        return f"no {name} for vendor {llm.vendor!r}: put it into the verb's `auth`"
    ours = f", or vendors.{llm.vendor}.api_key and .url for its host" if llm.vendor in settings.vendors else ""
    return f"no key for vendor {llm.vendor!r}: put `auth` into the verb{ours}"


def native_warnings(settings: Settings, route: Route, parsed: Sequence[Verb]) -> Iterator[str]:
    """Give what an operator should know of a route in native mode."""
    llms = [verb for verb in parsed if isinstance(verb, Llm)]
    yield from (f"{remedy}; its calls get `fallback`" for llm in llms if (remedy := lacks_key(llm, settings)))
    platform = settings.platform
    if not (platform.webhook_secrets or platform.basic_auth) and any(key_for(llm, settings) for llm in llms):
        yield "its documents leave without the model's key, until platform.webhook_secrets tell who asks for them"
    served = settings.tools.get(route.name, {}).keys()
    for llm in llms:
        yield from traps(llm.properties, platform.version, served=served)
    yield from (f"`{key}` has no effect in native mode" for key in NO_EFFECT if key in route.model_fields_set)
    if route.media.record:
        yield "`media.record` has no effect in native mode: the sound does not come by here"
