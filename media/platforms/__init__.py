"""Telephony platforms, found by the name of their file or folder: config.yaml's `platform.kind`."""

from importlib import import_module
from pkgutil import iter_modules

from media.platforms.base import Platform

__all__ = ["PLATFORMS"]

PLATFORMS: dict[str, Platform] = {
    module.name: import_module(f"{__name__}.{module.name}").PLATFORM
    for module in iter_modules(__path__)
    if module.name != "base"
}
