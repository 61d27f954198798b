"""The vendors: a file here that offers VENDOR serves the `llm` verbs with its name as their vendor.

Others are installed, see `calls/extending.py`.
"""

from importlib import import_module
from pkgutil import iter_modules

from extensions import Registry, UnfitError
from media.realtime.base import Vendor
from media.realtime.capabilities import Capabilities
from verbs.vendors import KnownVendor, know

PARTS: dict[str, type] = {"can": Capabilities, "known": KnownVendor}


def _accept(name: str, vendor: object) -> None:
    if not isinstance(vendor, Vendor):
        raise UnfitError(f"must be a media.realtime.base.Vendor, not a {type(vendor).__name__}")
    odd = [part for part in ("realtime", "dial") if not callable(getattr(vendor, part))]
    odd += [part for part, kind in PARTS.items() if not isinstance(getattr(vendor, part), kind)]
    if odd:
        raise UnfitError(f"its `{odd[0]}` is not what media.realtime.base.Vendor says of it")
    try:
        know(name, vendor.known)
    except ValueError as error:
        raise UnfitError(str(error)) from error


VENDORS: Registry[Vendor] = Registry("vendor", _accept)

for _module in iter_modules(__path__):
    if _found := getattr(import_module(f"{__name__}.{_module.name}"), "VENDOR", None):
        VENDORS.enter(_module.name, _found)
