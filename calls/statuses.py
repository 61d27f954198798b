"""Whether a status of a call is news: webhooks overtake each other, and are repeated. Pure."""

from typing import Literal

from media.platforms.base import CallStatus, Stage


class Statuses:
    """The statuses so far, of one call and of its legs."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str, str]] = set()
        self._reached: dict[str, Stage] = {}

    @property
    def heard(self) -> bool:
        """Whether there was any: then the platform will tell the end, too."""
        return bool(self._told)

    def knows(self, call_sid: str) -> bool:
        """Tell whether there was one of this leg."""
        return call_sid in self._reached

    def fault(self, status: CallStatus) -> Literal["repeated", "late"] | None:
        """Take note of a status; say why it is no news, or None where it is."""
        told = status.call_sid, status.status, status.sip_status
        if told in self._told:
            return "repeated"
        reached = self._reached.get(status.call_sid, Stage.RINGING)
        stage = reached if status.stage is None else status.stage
        if reached is Stage.OVER or stage < reached:
            return "late"
        self._told.add(told)
        self._reached[status.call_sid] = stage
        return None
