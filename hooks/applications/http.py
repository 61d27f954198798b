"""A jambonz application behind us that is asked over HTTP, as its platform would ask it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urldefrag, urlsplit

from egress.origins import Origin
from hooks.applications.base import absolute
from hooks.delivery import Result
from hooks.replies import verbs_in
from hooks.transports.base import HookFailure, HookTimeout, HookUnreachable
from verbs.base import JsonObject

Ask = Callable[[str, JsonObject], Awaitable[Result]]
"Posts a body to a URL, once."
AGAIN_AFTER_S = 0.5
"jambonz' first wait before another try (feature-server lib/utils/http-requestor.js)."


class Http:
    """Its call webhook is `url`; its hooks are paths on the same origin, or whole URLs."""

    written_here = False
    commanding = False
    trusted: Collection[Origin] = ()

    def __init__(self, url: str, *, ask: Ask, patience_s: float) -> None:
        """`patience_s`: for the call webhook's answer, in all. The fragment of `url` is for a platform's own eyes."""
        parts = urlsplit(url)
        self._url = urldefrag(url).url
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._ask = ask
        self._patience_s = patience_s

    async def answer(self, attributes: JsonObject) -> list[JsonObject]:
        verbs, complaint = verbs_in(await self._asked(attributes))
        if not verbs:
            raise HookFailure(complaint or "the application gave no verbs")
        return verbs

    def taken(self) -> None:
        del self._ask  # it holds on to hooks, and these to all that was sent for the call

    def resume(self, attributes: JsonObject) -> None:
        """Nothing of it was in the earlier process."""

    def address(self, hook: object) -> str | None:
        return absolute(hook, self.origin)

    async def close(self) -> None:
        """Nothing is open."""

    async def _asked(self, attributes: JsonObject) -> Result:
        """Ask, and once more where nothing was sent: any other failure may be of a request that has done its work."""
        try:
            async with asyncio.timeout(self._patience_s):
                result = await self._ask(self._url, attributes)
                if isinstance(result, HookUnreachable):
                    await asyncio.sleep(AGAIN_AFTER_S)
                    result = await self._ask(self._url, attributes)
                return result
        except TimeoutError:
            return HookTimeout(f"no complete answer within {self._patience_s:g} s")
