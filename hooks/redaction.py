"""Keep the secrets that this process knows out of what it tells others."""

import json
from collections.abc import Iterable
from typing import Any

MASK = "***"
MIN_SECRET_CHARS = 4  # a shorter one would tear ordinary words apart, and protects nothing

TEXT = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
ASCII = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))


class Redactor:
    """Serialises JSON with known secret values replaced by `***`, in keys and strings at any depth."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._known: set[str] = set()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these from now on, too."""
        self._known |= {secret for secret in secrets if len(secret) >= MIN_SECRET_CHARS}
        known = self._known
        # A string inside the body may itself hold JSON (the arguments of a function call).
        known = known | {encoder.encode(secret)[1:-1] for secret in known for encoder in (TEXT, ASCII)}
        # A secret that contains another one goes first, or its rest would stay.
        self._secrets = sorted(known, key=lambda secret: (-len(secret), secret))
        self._needles = [TEXT.encode(secret)[1:-1] for secret in self._secrets]

    def encode(self, body: dict[str, Any]) -> bytes:
        """JSON in UTF-8, without spaces. ValueError for what JSON cannot say (NaN, infinity, a loop)."""
        text = TEXT.encode(body)
        # Escaping works character by character, so a secret inside a string is found escaped in the text; only
        # then is the body walked, because a replacement in the text could tear its structure.
        if any(needle in text for needle in self._needles):
            text = TEXT.encode(self._masked(body))
        try:
            return text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair: JSON can say it in ASCII only
            return ASCII.encode(json.loads(text)).encode()

    def shown(self, value: Any) -> Any:
        """Give something as it may be told. TypeError or ValueError for what JSON cannot say."""
        text = TEXT.encode(value)
        return self._masked(value) if any(needle in text for needle in self._needles) else value

    def _masked(self, value: Any) -> Any:
        match value:
            case str():
                for secret in self._secrets:
                    value = value.replace(secret, MASK)
                return value
            case dict():
                return {self._masked(key): self._masked(item) for key, item in value.items()}
            case list() | tuple():
                return [self._masked(item) for item in value]
            case _:
                return value


PLAIN = Redactor(())
"Hides nothing."
