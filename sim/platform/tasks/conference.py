"""The verb `conference`: calls of one platform that hear each other, until one leaves with whom it ends.

Facts: jambonz-feature-server lib/tasks/conference.js. Who was put out of one asks its actionHook, and goes on.
"""

from sim.platform.bodies import JsonObject
from sim.platform.effects import Note
from sim.platform.rooms import Rooms
from sim.platform.tasks.base import Leg, Step, Task

LOOK_S = 0.1
"How often a call looks whether the others are still there."


class Conference(Task):
    def __init__(self, verb: JsonObject, leg: Leg, rooms: Rooms) -> None:
        super().__init__(verb, leg)
        self._rooms = rooms
        self._met = False

    def start(self, now: float) -> list[Step]:
        self._room = self._rooms.join(self.verb["name"], self.leg.identity.call_sid)
        self.due_s = now
        return []

    def advance(self, now: float) -> list[Step]:
        if self._room.over:
            self._rooms.leave(self._room, self.leg.identity.call_sid, ends=False)
            self.finish({})
            return [Note("parted", "the conference is over")]
        self.due_s = now + LOOK_S
        if self._met or len(self._room.members) == 1:
            return []
        self._met = True
        return [Note("joined", "the others are in the conference, too")]

    def kill(self, now: float, *, gone: bool) -> list[Step]:
        ends = bool(self.verb.get("endConferenceOnExit"))
        self._rooms.leave(self._room, self.leg.identity.call_sid, ends=ends)
        return super().kill(now, gone=gone)
