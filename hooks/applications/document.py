"""The configuration itself: a route's `verbs`."""

from collections.abc import Collection, Sequence

from egress.origins import Origin
from hooks.applications.base import absolute
from verbs.base import JsonObject


class Document:
    """`verbs` of a route with the call's values in them; `base_url` is what a hook's path is resolved against."""

    written_here = True
    commanding = False
    trusted: Collection[Origin] = ()

    def __init__(self, verbs: Sequence[JsonObject], *, base_url: str | None) -> None:
        self._verbs = list(verbs)
        self.origin = base_url

    async def answer(self, attributes: JsonObject) -> list[JsonObject]:  # noqa: ARG002  # they are in the verbs
        return self._verbs

    def taken(self) -> None:
        self._verbs = []

    def resume(self, attributes: JsonObject) -> None:
        """Nothing of it was in the earlier process."""

    def address(self, hook: object) -> str | None:
        return absolute(hook, self.origin)

    async def close(self) -> None:
        """Nothing reaches it."""
