"""Which application a route's calls have, and what it knows of the call. Pure."""

from calls.document import route_verbs
from config.settings import Route, Settings
from hooks.applications.base import Application
from hooks.applications.document import Document
from hooks.applications.http import Http
from hooks.applications.python import PythonApplication
from hooks.asked import Call
from hooks.call import CallHooks
from hooks.dispatcher import Dispatcher
from hooks.filter import EventFilter
from hooks.options import HookUrls
from media.platforms.base import Call as PlatformCall


def call_of(call: PlatformCall, route: Route) -> Call:
    """Give a call as its application and its tools see it."""
    return Call(call.call_sid, call.caller, call.called, route.name, call.direction, call.attributes)


def application(route: Route, settings: Settings, call: Call, *, hooks: CallHooks) -> Application:
    """Make the application of a new call; one behind us is asked by `hooks`."""
    base_url, timeout_s = settings.hooks.base_url, settings.hooks.action_timeout_s
    if route.python:
        function = settings.applications[route.name]
        return PythonApplication(function, call, target=route.python, base_url=base_url, timeout_s=timeout_s)
    if route.url:
        return Http(route.url, ask=hooks.introduce, patience_s=timeout_s)
    return Document(route_verbs(route, call.attributes), base_url=base_url)


def asking(dispatcher: Dispatcher, call: Call) -> CallHooks:
    """Give what asks a call's application for its first verbs."""
    return dispatcher.for_call(call, urls=HookUrls(), wanted=EventFilter([], beta_names=False))
