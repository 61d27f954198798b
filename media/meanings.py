"""What each event of a model that is ready means to the conversation."""

from media.conversation import Conversation
from media.realtime.base import (
    CallerStarted,
    CallerStopped,
    ItemAnnounced,
    ModelEvent,
    ModelRefused,
    ResponseEnded,
    ResponseStarted,
    SpeechComplete,
    ToolCalled,
)


def tell(talk: Conversation, meaning: ModelEvent, now: float) -> None:
    """Tell the conversation what the model said; what only concerns the record or the session is not for it."""
    match meaning:
        case ItemAnnounced(response_id, item_id):
            talk.speaking.announced(response_id, item_id, now)
        case SpeechComplete(speech):
            talk.speaking.complete(speech)
        case CallerStarted():
            talk.caller_started(now)
        case CallerStopped():
            talk.caller_stopped(now)
        case ResponseStarted(response_id):
            talk.response_started(response_id, now)
        case ResponseEnded():
            talk.responses.ended(meaning, now)
        case ToolCalled():
            talk.tool_called(meaning, now)
        case ModelRefused():
            talk.responses.refused(meaning, now)
        case _:
            pass
