"""Which application a route's calls have, and what it knows of the call. Pure."""

from calls.document import route_verbs
from config.settings import Route, Settings
from hooks.applications.base import Application
from hooks.applications.document import Document
from hooks.applications.python import PythonApplication
from hooks.asked import Call
from media.platforms.base import Call as PlatformCall


def call_of(call: PlatformCall, route: Route) -> Call:
    """Give a call as its application and its tools see it."""
    return Call(call.call_sid, call.caller, call.called, route.name, call.direction, call.attributes)


def application(route: Route, settings: Settings, call: Call) -> Application:
    """Make the application of a new call."""
    base_url = settings.hooks.base_url
    if route.python:
        function, timeout_s = settings.applications[route.name], settings.hooks.action_timeout_s
        return PythonApplication(function, call, target=route.python, base_url=base_url, timeout_s=timeout_s)
    return Document(route_verbs(route, call.attributes), base_url=base_url)
