"""Audio on its way through, while nothing else is to be done: of a hundred messages a second and call, ninety.

Each of these asks whether a message, or a moment, is one of those from which nothing follows but audio, and if so does
just that. If not it has no effect, and the long way is taken, which knows all that can follow (`bridge.py`). So what a
frame costs is written here, and what it means stands there.
"""

from media.conversation import Conversation
from media.intake import Intake
from media.platforms.base import MediaDialect
from media.realtime.base import SpeechReceived
from media.voice import Voice


class Passage:
    """Of one call whose conversation goes on, and has a model that is ready. Times are monotonic seconds."""

    def __init__(self, platform: MediaDialect, intake: Intake, talk: Conversation, voice: Voice) -> None:
        # Objects, whose methods are asked for when they are called: a bound method that is kept costs more than that.
        self._platform, self._pace, self._ear, self._speaking = platform, intake.pace, talk.ear, talk.speaking
        self._talk = talk
        self._voice = voice
        self._hears = self._speaks = False

    def look(self, *, works: bool, leaving: bool) -> None:
        """See who can be passed on. `works`: there is a model, and the conversation goes on; `leaving`: not for long.

        Whatever changes that is followed by another look.
        """
        self._hears = works and self._ear.passes and not self._talk.turns.judges
        self._speaks = works and not leaving

    def to_model(self, wire: bytes, now: float) -> bytes | None:
        """Take a binary message of the platform's; give the message to the model that it makes."""
        if not self._hears or not self._platform.plain(wire) or not self._pace.fits(len(wire)):
            return None
        return self._ear.passed_on(wire, now)

    def to_caller(self, speech: SpeechReceived) -> bool:
        """Queue a piece of the agent's voice, where it is the next of what is being said."""
        return self._speaks and self._speaking.goes_on(speech)

    def flows(self, now: float) -> bool:
        """Send what is due of the agent's voice, where it goes on."""
        if not self._voice.flow(now):
            return False
        self._talk.sent(now)
        return True
