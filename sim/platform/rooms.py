"""The conferences of one platform, and who is in each: what two of its calls share. Pure."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Room:
    members: set[str] = field(default_factory=set)
    "By their call_sids."
    over: bool = False
    "Whether it has ended for all: one has left whose leaving ends it."


class Rooms:
    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}

    def join(self, name: str, call_sid: str) -> Room:
        """Enter a conference; the first one starts it."""
        room = self._rooms.get(name)
        if room is None or room.over:
            room = self._rooms[name] = Room()
        room.members.add(call_sid)
        return room

    def leave(self, room: Room, call_sid: str, *, ends: bool) -> None:
        """`ends`: with this one it is over for the others, too."""
        room.members.discard(call_sid)
        room.over = room.over or ends or not room.members
