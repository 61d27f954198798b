"""The telephony platforms, by the name of their file or folder here: config.yaml's `platform.kind`.

Others are installed, see `calls/extending.py`.
"""

from importlib import import_module
from pkgutil import iter_modules

from extensions import Registry, UnfitError, lacks
from media.control import ControlDialect
from media.native import LlmDialect
from media.platforms.base import CallDialect, MediaDialect, Platform
from media.remote import RemoteDialect

__all__ = ["PLATFORMS"]

RATE_HZ = 8000


def _accept(_: str, platform: object) -> None:
    if not isinstance(platform, Platform):
        raise UnfitError(f"must be a media.platforms.base.Platform, not a {type(platform).__name__}")
    parts: list[tuple[str, object, type]] = [
        ("call", platform.call, CallDialect),
        ("llm", platform.llm, LlmDialect),
        ("media(rate_hz)", platform.media(RATE_HZ), MediaDialect),
        ("control", platform.control, ControlDialect),
        ("rest", platform.rest, RemoteDialect),
    ]
    for part, dialect, protocol in parts:
        optional = part in {"control", "rest"} and dialect is None
        if missing := [] if optional else lacks(dialect, protocol):
            raise UnfitError(f"its `{part}` lacks {', '.join(missing)}, see {protocol.__module__}.{protocol.__name__}")


PLATFORMS: Registry[Platform] = Registry("platform", _accept)

for _module in iter_modules(__path__):
    if _module.name != "base":
        PLATFORMS.enter(_module.name, import_module(f"{__name__}.{_module.name}").PLATFORM)
