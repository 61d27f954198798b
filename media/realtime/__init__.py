"""Discovery by file name: a file here that offers VENDOR serves the `llm` verbs with its name as their vendor."""

from importlib import import_module
from pkgutil import iter_modules

from media.realtime.base import Vendor

VENDORS: dict[str, Vendor] = {
    module.name: found
    for module in iter_modules(__path__)
    if (found := getattr(import_module(f"{__name__}.{module.name}"), "VENDOR", None))
}
