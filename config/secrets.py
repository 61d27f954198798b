"""Which values of a configuration must never be seen: what logs, hooks and commands replace by `***`."""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from config.nodes import Mapping, scalars
from config.settings import Settings

# Keys under which a verb carries what only its vendor may read (`auth`, wsAuth, credentials …).
_SECRET_KEY = re.compile(r"auth$|authori[sz]ation|cookie$|pass(word|wd)?$|secret|token$|key$|credential", re.IGNORECASE)
NO_SECRETS = frozenset({"parameters", "finishOnKey"})
"Nothing under these is secret: a tool's arguments have names, and no values yet; a caller's key is a digit."
# A shorter text is no secret, and would be found everywhere.
LEAST_CHARS = 6


def secret_values(settings: Settings) -> frozenset[str]:
    """Give every secret of the settings: tokens, keys, and what stands under a verb's `auth` and the like."""
    documents = [(route.verbs, route.fallback, route.busy, route.tools) for route in settings.routes]
    spares = [spare.model_dump() for route in settings.routes for spare in route.llm_fallback]
    brains = [brain.entry.model_dump() for brain in settings.brains.values()]
    inner = [*documents, *spares, *brains]
    found = {*_model_secrets(settings), *secrets_in(inner), *_passwords(settings)}
    return frozenset(text for text in found if len(text) >= LEAST_CHARS)


def names_secret(key: str) -> bool:
    """Tell whether what stands under this key, of a verb or among headers, must not be seen."""
    return key not in NO_SECRETS and bool(_SECRET_KEY.search(key))


def secrets_in(value: Any, *, secret: bool = False) -> Iterator[str]:
    """Give every text that stands under a key that names a secret, at any depth of a document."""
    match value:
        case str() if secret:
            yield value
        case dict():
            for key, inner in value.items():
                if key not in NO_SECRETS:
                    yield from secrets_in(inner, secret=secret or names_secret(str(key)))
        case list() | tuple():
            for inner in value:
                yield from secrets_in(inner, secret=secret)


def variable_secrets(root: Mapping) -> tuple[SecretStr, ...]:
    """Give the value of every variable in the file whose name says that it is a secret."""
    pairs = {pair for scalar in scalars(root) for pair in scalar.values}
    return tuple(SecretStr(value) for name, value in sorted(pairs) if names_secret(name))


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret in a text by `***`, the longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _passwords(settings: Settings) -> Iterator[str]:
    """Give the passwords in the applications' URLs, as they are written there and as they are meant."""
    for password in (urlsplit(route.url).password for route in settings.routes if route.url):
        if password:
            yield from (password, unquote(password))


def _model_secrets(value: Any) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            for _, inner in value:
                yield from _model_secrets(inner)
        case dict():
            for inner in value.values():
                yield from _model_secrets(inner)
        case tuple():
            for inner in value:
                yield from _model_secrets(inner)
