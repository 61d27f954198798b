"""The keys that come to a call while it goes on, with the settings that its conversation is given. Pure.

From then on neither a hook nor the log nor an answer shows them, however the model or the platform brings them back.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from calls.control import OrderError
from calls.masking import settings_secrets
from hooks.redaction import Redactor

Hide = Callable[[Iterable[str]], Callable[[], None]]
"Keeps these values out of the log until what it returns is called."
MOST_KEYS: Final = 128
"Of one call: all that is told of it is searched for each of them."


class Keys:
    """One call's. `learn` them before they go anywhere."""

    def __init__(self) -> None:
        self.known: dict[str, None] = {}
        self._redactors: list[Redactor] = []
        self._hide: Callable[[Iterable[str]], object] = lambda _: None

    def kept_from(self, redactor: Redactor) -> None:
        """Keep them out of what this one writes."""
        redactor.learn(self.known)
        self._redactors.append(redactor)

    def begin(self, hide: Hide, own: Iterable[str]) -> Callable[[], None]:
        """Keep them out of the log, and a verb's `own`, until what this returns is called: its conversation is over."""
        shown = [hide([*own, *self.known])]
        self._hide = lambda found: shown.append(hide(found))

        def over() -> None:
            while shown:
                shown.pop()()

        return over

    def learn(self, settings: Any) -> None:
        """Remember the keys in what is asked of a conversation.

        :raises OrderError: there are too many
        """
        new = [key for key in dict.fromkeys(settings_secrets(settings)) if key not in self.known]
        if not new:
            return
        if len(self.known) + len(new) > MOST_KEYS:
            raise OrderError(f"a call can be told {MOST_KEYS} keys, one after the other: it has had as many")
        self.known |= dict.fromkeys(new)
        self._hide(new)
        for redactor in self._redactors:
            redactor.learn(new)

    def shown(self, told: Any) -> Any:
        """Give something of the call as it may be told."""
        try:
            for redactor in self._redactors:
                told = redactor.shown(told)
        except (RecursionError, ValueError):
            return {}  # nobody can say what stands that deep, or is no number
        return told
