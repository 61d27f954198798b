"""Which application a route's calls have. Pure."""

from calls.document import route_verbs
from config.settings import Route, Settings
from hooks.applications.base import Application
from hooks.applications.document import Document
from media.platforms.base import Call


def application(route: Route, settings: Settings, call: Call) -> Application:
    """Make the application of a new call."""
    return Document(route_verbs(route, call.attributes), base_url=settings.hooks.base_url)
