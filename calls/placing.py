"""Calls that the platform places for us: the order, and what it says of them before anybody has one."""

from calls.arriving import Arriving
from calls.commands import Commands
from calls.consults import Consults
from calls.control import CallRefusedError
from calls.document import NOTHING, Place
from calls.outbound import Placed
from calls.register import Register
from calls.remotely import Remotely, Wanted
from config.settings import Settings
from verbs.base import JsonObject


class Placing:
    """They come back as any other, when they are answered."""

    def __init__(
        self, calls: Register, arriving: Arriving, commands: Commands, remotely: Remotely, consults: Consults
    ) -> None:
        self._calls = calls
        self._arriving = arriving
        self._commands = commands
        self._remotely = remotely
        self._consults = consults

    async def place(self, wanted: Wanted, settings: Settings, place: Place) -> str:
        """Place a call, and give its sid.

        :raises ControlError: it cannot be placed
        :raises RemoteError: the platform has not placed it
        """
        route = next((route for route in settings.routes if route.name == wanted.route), None)
        if refusal := self._arriving.refusal_of_ours(route, settings):
            raise CallRefusedError(refusal)
        return await self._remotely.place(wanted, settings, place)

    async def machine(self, placed: Placed, body: JsonObject) -> bytes:
        """Pass on what has answered a call that we have placed, and the verbs that this is answered with."""
        if placed.consult:
            self._consults.machine(placed, body)
            return NOTHING
        live = self._calls.by_sid(body.get("call_sid"))
        if live is None or live.over or live.gone:
            return NOTHING
        return await self._commands.machine(live, placed.amd_hook or live.route.amd_hook, body)
