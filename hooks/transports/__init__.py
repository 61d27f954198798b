"""Discovery by file name: `http.py` holds `HttpTransport`, which names the URL schemes it serves."""

from importlib import import_module
from pkgutil import iter_modules

from hooks.transports.base import Transport

TRANSPORTS: dict[str, type[Transport]] = {
    module.name: getattr(import_module(f"{__name__}.{module.name}"), f"{module.name.capitalize()}Transport")
    for module in iter_modules(__path__)
    if module.name != "base"
}


def by_scheme() -> dict[str, Transport]:
    """Build one transport of each kind, under each URL scheme it serves. Whoever asks closes them."""
    return {scheme: transport for kind in TRANSPORTS.values() for transport in [kind()] for scheme in transport.schemes}
