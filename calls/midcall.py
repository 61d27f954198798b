"""What operators, tools and applications ask of a conversation that goes on: passed to it, and answered."""

import asyncio
from collections.abc import Coroutine
from copy import deepcopy
from functools import partial
from typing import Any

from calls import natively
from calls.bounds import look_at, session_in
from calls.commands import Commands
from calls.control import ControlError, NobodyTalksError
from calls.live import LiveCall
from calls.masking import masked_event, told
from calls.register import Register
from calls.requested import request_of
from config.settings import Settings
from hooks.agent import NotDoneError
from media.effects import Outcome
from media.remote import RemoteError
from media.requests import Request, SendEvent
from verbs import DocumentError
from verbs.base import JsonObject

DONE = frozenset({"done", "sent"})
COMMANDS = {"llm:input": "input", "llm:interrupt": "interrupt", "llm:reset": "reset"}
"An application's commands by websocket that are ours, beside those of jambonz."


class Midcall:
    """Asks the conversations of the register's calls."""

    def __init__(self, calls: Register, commands: Commands) -> None:
        self._calls = calls
        self._commands = commands
        self._loop = asyncio.get_running_loop()

    async def ask(self, call_sid: str, request: Request) -> Outcome:
        """Ask something of a call's conversation, and wait for what comes of it: something always does.

        :raises ControlError: there is no such conversation
        """
        try:
            live, nth = self._calls.conversation(call_sid)
        except NobodyTalksError:
            at_hand = self._calls.by_sid(call_sid)
            if at_hand is None or not natively.goes_on(at_hand):
                raise
            await _look_at(at_hand, request)
            return natively.ask(at_hand, request)
        await _look_at(live, request)
        return _shown(live, await live.legs[nth].ask(request))

    def lend(self, live: LiveCall) -> None:
        """Let the functions of a call's application steer its conversation."""
        # It asks for the call by its name, and not by `live`: what knows itself is kept until Python looks for garbage.
        live.call.agent.lend(partial(self._done, live.sid, live.settings), self._waited)

    async def _done(self, call_sid: str, settings: Settings, name: str, told_: JsonObject) -> JsonObject:
        """Do what a function asks; what the platform does of it is under way when this returns."""
        try:
            if name == "hangup":
                await self._commands.hang_up(call_sid, settings)
                return {}
            if name == "redirect":
                await self._commands.order(call_sid, told_["verbs"])
                return {}
            outcome = await self.ask(call_sid, request_of(name, deepcopy(told_)))
        except DocumentError as error:
            raise NotDoneError({"code": "bad_verbs", "message": told(error.complaints)}) from error
        except (ControlError, RemoteError) as error:
            raise NotDoneError({"code": "not_possible", "message": str(error)}) from error
        if outcome.how not in DONE:
            raise NotDoneError(outcome.told)
        return outcome.told

    def _waited(self, doing: Coroutine[Any, Any, Any]) -> Any:
        """Wait for it in another thread than the loop's."""
        if _on(self._loop):
            doing.close()
            raise RuntimeError("an async function awaits what it asks of its call's agent; `wait` is for threads")
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()


async def heed(live: LiveCall, name: str, told_: object) -> str | None:
    """Carry an application's command out, or say why not; what the model says to it is for its events to tell."""
    nth = live.talking
    if nth is None:
        return "there is no conversation to steer"
    try:
        request = request_of(name, told_)
        await _look_at(live, request)
        asked = live.legs[nth].ask(request)
    except ControlError as error:
        return str(error)
    outcome = asked.result() if asked.done() else None
    return None if outcome is None or outcome.how in DONE else str(_shown(live, outcome).told["message"])


async def _look_at(live: LiveCall, request: Request) -> None:
    """See that what is asked can be, and know the keys in it before anybody else does."""
    if isinstance(request, SendEvent):
        await look_at(session_in(request.event))
        live.keys.learn(request.event)


def _shown(live: LiveCall, outcome: Outcome) -> Outcome:
    """Give what came of it without any key."""
    return Outcome(outcome.how, live.keys.shown(masked_event(outcome.told)))


def _on(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
