"""What of a media socket's messages is taken in: audio at the pace of speech; the rest that is odd is told of.

The ticket in the socket's URL says whose audio it is. The `callSid` in its first message may be another where the agent
talks with a leg that the call has dialled (jambonz-feature-server lib/utils/place-outdial.js, `confirmHook`), so that
is only told.
"""

from media.effects import Count, Effect, Warn
from media.options import Options
from media.pace import Pace
from media.platforms.base import PlatformEvent, PlatformOther

ODD = frozenset({"malformed", "unknown"})
MAX_SHOWN_CHARS = 64


class Intake:
    """Warnings and counts go to `out`; times are monotonic seconds."""

    def __init__(self, options: Options, out: list[Effect], now: float) -> None:
        self._call_sid = options.call_sid
        self._out = out
        self._told: set[str] = set()
        self.pace = Pace(options.audio, out, now)

    def named(self, call_sid: str) -> None:
        """Take note of the call that the platform says it is."""
        if self._call_sid not in {"", call_sid}:
            self._out.append(Warn("media_of_another_call", {"named": call_sid[:MAX_SHOWN_CHARS]}))

    def passed_over(self, event: PlatformEvent) -> None:
        """Count what nobody has use for and no platform should say; the first of each kind is told."""
        if not isinstance(event, PlatformOther) or event.kind not in ODD:
            return
        self._out.append(Count(event.kind))
        if event.kind not in self._told:
            self._told.add(event.kind)
            self._out.append(Warn("media_text_ignored", {"kind": event.kind}))
