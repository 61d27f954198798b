"""A call's conversation, as the functions of an application in Python may steer it: a tool, a hook."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from verbs.base import JsonObject, Verb

Done = TypeVar("Done")
Do = Callable[[str, JsonObject], Awaitable[JsonObject]]
"Does what is asked, by its name in the operators' API and with that one's body; raises NotDoneError."
Wait = Callable[[Coroutine[Any, Any, Any]], Any]


class NotDoneError(Exception):
    """What was asked of a call was not done; `error` is `{"code", "message"}`, with more where the model said more."""

    def __init__(self, error: JsonObject) -> None:
        super().__init__(str(error.get("message")))
        self.error = error


async def _nobody(_name: str, _told: JsonObject) -> JsonObject:
    raise NotDoneError({"code": "no_conversation", "message": "the call has no verbs yet, or is over"})


def _no_loop(doing: Coroutine[Any, Any, Any]) -> Any:
    doing.close()
    raise NotDoneError({"code": "no_conversation", "message": "the call has no verbs yet, or is over"})


class Agent:
    """Every method may be called from anywhere in an `async def`, a tool that the model has just called included.

    A `def`, which has a thread of its own, says `call.agent.wait(call.agent.interrupt())`. What cannot be done raises
    NotDoneError.
    """

    def __init__(self) -> None:
        self._do: Do = _nobody
        self._wait: Wait = _no_loop

    def lend(self, do: Do, wait: Wait) -> None:
        """Be of a call that is there."""
        self._do, self._wait = do, wait

    def wait(self, doing: Coroutine[Any, Any, Done]) -> Done:
        """Do it, and wait for it, in a `def`."""
        done: Done = self._wait(doing)
        return done

    async def add_item(self, text: str | None = None, *, role: str = "user", image_url: str | None = None) -> str:
        """Add a text, an image (a `data:` URL) or both to the conversation; give the item's id. It brings no answer."""
        parts = {"text": text, "image_url": image_url}
        told = await self._do(
            "items", {"role": role, **{name: part for name, part in parts.items() if part is not None}}
        )
        return str(told["id"])

    async def retrieve_item(self, item_id: str) -> JsonObject:
        """Give an item as the model has it."""
        item: JsonObject = (await self._do("item", {"item_id": item_id}))["item"]
        return item

    async def send_event(self, event: JsonObject) -> JsonObject:
        """Send a client event of the Realtime API; give `{"event_id", "event"}`, the event that confirmed it."""
        return await self._do("events", {"event": event})

    async def pause_input(self, for_s: float | None = None) -> None:
        """Let the model hear the caller no more, `for_s` seconds or until `resume_input`."""
        await self._do("input", {"paused": True, "for_s": for_s})

    async def resume_input(self) -> None:
        await self._do("input", {"paused": False})

    async def interrupt(self) -> bool:
        """Stop the agent's speech; say whether there was any."""
        return bool((await self._do("interrupt", {}))["interrupted"])

    async def reset(self, *, history: bool = True) -> None:
        """Begin a new session with the model; without `history` the conversation begins anew."""
        await self._do("reset", {"history": history})

    async def hang_up(self) -> None:
        await self._do("hangup", {})

    async def redirect(self, verbs: Sequence[JsonObject | Verb]) -> None:
        """Let the call do this instead of what it does. Hooks in it are URLs or paths."""
        await self._do("redirect", {"verbs": [verb.to_wire() if isinstance(verb, Verb) else verb for verb in verbs]})
