"""The configuration: one YAML file → frozen settings; a call → its route.

Every complaint names file, line, column and remedy, and all are given at once.
"""

from config.complaints import Complaint, ConfigError
from config.load import load
from config.reload import Reloader
from config.routing import Verdict, explain, route_for
from config.rules import exposure
from config.secrets import secret_values
from config.settings import Hooks, Media, Platform, Route, Server, Settings, Vendor

__all__ = [
    "Complaint",
    "ConfigError",
    "Hooks",
    "Media",
    "Platform",
    "Reloader",
    "Route",
    "Server",
    "Settings",
    "Vendor",
    "Verdict",
    "explain",
    "exposure",
    "load",
    "route_for",
    "secret_values",
]
