"""The hook transports: `http.py` holds `HttpTransport`, which names the URL schemes it serves.

Others are installed, see `calls/extending.py`.
"""

import re
from importlib import import_module
from pkgutil import iter_modules

from egress.origins import PORTS
from extensions import Registry, UnfitError, lacks
from hooks.transports.base import Transport

SCHEME = re.compile(r"[a-z]{1,32}")
UNWRITTEN = frozenset({"app", "python"})
"Of addresses that are made here: nobody writes a hook so."
SCHEMES: dict[str, type[Transport]] = {}


def hook_schemes() -> set[str]:
    """Give the schemes of URLs as which hooks may be written."""
    return SCHEMES.keys() - UNWRITTEN


def _accept(_: str, kind: object) -> None:
    if not isinstance(kind, type):
        raise UnfitError(f"must be a class, not a {type(kind).__name__}")
    if missing := lacks(kind, Transport):
        raise UnfitError(f"lacks {', '.join(missing)}, see hooks.transports.base.Transport")
    made = kind()  # whoever serves makes one, and not later than here shall it fail
    schemes = made.schemes
    if not (isinstance(schemes, tuple) and schemes and all(map(SCHEME.fullmatch, schemes))):
        raise UnfitError('its `schemes` must be a tuple of words in small letters, such as ("nats",)')
    if taken := [scheme for scheme in schemes if scheme in SCHEMES or scheme in {"ws", "wss"}]:
        raise UnfitError(f"{taken[0]}:// is served already: it needs a scheme of its own")
    SCHEMES.update(dict.fromkeys(schemes, kind))
    PORTS.update(dict.fromkeys(hook_schemes() - PORTS.keys(), 0))


TRANSPORTS: Registry[type[Transport]] = Registry("transport", _accept)

for _module in iter_modules(__path__):
    if _module.name != "base":
        _name = f"{_module.name.capitalize()}Transport"
        TRANSPORTS.enter(_module.name, getattr(import_module(f"{__name__}.{_module.name}"), _name))


def by_scheme() -> dict[str, Transport]:
    """Build one transport of each kind, under each URL scheme it serves. Whoever asks closes them."""
    made = {kind: kind() for kind in dict.fromkeys(SCHEMES.values())}
    return {scheme: made[kind] for scheme, kind in SCHEMES.items()}
