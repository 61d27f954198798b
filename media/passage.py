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
        self._talk = talk
        self._voice = voice
        self._open = False
        self._plain, self._fits, self._pass_on = platform.plain, intake.fits, talk.ear.passed_on

    def look(self, *, works: bool) -> None:
        """See whether the caller's audio can pass; `works`: there is a model, and the conversation goes on.

        Whatever changes that is followed by another look.
        """
        self._open = works and self._talk.ear.passes and not self._talk.turns.judges

    def to_model(self, wire: bytes, now: float) -> bytes | None:
        """Take a binary message of the platform's; give the message to the model that it makes."""
        if not self._open or not self._plain(wire) or not self._fits(len(wire)):
            return None
        return self._pass_on(wire, now)

    def to_caller(self, speech: SpeechReceived) -> bool:
        """Queue a piece of the agent's voice, where it is the next of what is being said."""
        return self._talk.speaking.goes_on(speech)

    def flows(self, now: float) -> bool:
        """Send what is due of the agent's voice, where it goes on."""
        if not self._voice.flow(now):
            return False
        self._talk.sent(now)
        return True
