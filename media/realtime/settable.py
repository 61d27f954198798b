"""What a session with a model has as settings, and how they are changed, whoever its vendor is."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol

JsonObject = dict[str, Any]
Besides = Sequence[JsonObject] | None
"Functions that are offered besides the session's own from now on, in place of those that were; None: those stay."


class Settable(Protocol):
    """The part of `base.Realtime` that is about settings."""

    name: str
    "The model's, as its connection says it."

    @property
    def settings(self) -> JsonObject:
        """The session's settings in OpenAI's words of today, as far as this model has them."""

    @property
    def changes(self) -> int:
        """How many changes there were: the number of the newest."""

    def lacks(self, path: tuple[str, ...]) -> bool:
        """Tell whether it has no such setting, by its place in OpenAI's session of today."""

    def called(self, name: str) -> tuple[str, str | None]:
        """Say which of this vendor's models is had under a name, and what to tell whoever names one that is gone."""

    def rename(self, name: str) -> None:
        """Before `configure`: be another model of this vendor."""

    def update(
        self, session: JsonObject, *, spoken: bool, without: Sequence[tuple[str, ...]] = (), besides: Besides = None
    ) -> bytes | None:
        """Change settings, in a verb's words; None: they are so. `spoken`: it has. Raises UpdateRefusedError.

        `without`: what is not said any more, by places of today; a session that goes on does not hear of that.
        """

    def without(self, param: str) -> bool:
        """Leave out the setting that the model did not know; False where there is no such setting."""

    def declare(self, tools: Sequence[JsonObject]) -> bytes | None:
        """Offer functions besides, unless one of the name is declared, until `take_back`; None: nothing changes."""

    def take_back(self) -> bool:
        """Before `configure`: offer none of what `declare` was told; False where that was nothing."""

    def retold(self, nth: int) -> bytes | None:
        """Tell a change again, `without` what the model did not know; None: nothing is left of it."""

    @property
    def unanswered(self) -> frozenset[int]:
        """The numbers of what it was told and has not answered; 0 is what the session begins with."""

    def settle(self, waiting: Collection[int]) -> None:
        """Let changes be for good, up to the first of those in `waiting`; they cannot be undone any more."""

    def presume(self) -> None:
        """Take it for agreed what it has not answered."""

    def undo(self, nth: int) -> bytes | None:
        """Go on as if that change had not been made. Every model of a call counts the same changes.

        Give what the model must be told now: a later change may have said nothing of what this one was to bring.
        """
