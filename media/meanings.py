"""What each event of a model that is ready means to the conversation."""

from media.conversation import Conversation
from media.realtime.base import (
    AsideEnded,
    CallerStarted,
    CallerStopped,
    CallerText,
    ItemAnnounced,
    ModelEvent,
    ModelRefused,
    Realtime,
    ResponseEnded,
    ResponseStarted,
    SpeechComplete,
    SpokenText,
    TextWritten,
    ToolCalled,
)
from media.record import Record

SAY_IT = "Say to the caller, in speech, what you have just answered in text: it was not heard."


def is_told_only(meaning: ModelEvent | None) -> bool:
    """Whether nothing follows from an event but that it is told of, and written down."""
    return meaning is None or (isinstance(meaning, SpokenText) and not meaning.final)


def note(record: Record, meaning: ModelEvent, model: Realtime, now: float) -> None:
    """Write down what is worth it whatever the conversation does about it; of what `model` has said."""
    match meaning:
        case CallerText(item_id, text, usage):
            record.caller_text(item_id, text, now)
            record.used(usage, model.transcriber, now, of="transcription")
        case SpokenText(speech, text, final):
            record.spoken(speech, text, final=final, now=now)
        case AsideEnded(usage):
            record.used(usage, model.model, now)


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
        case TextWritten(response_id, text):
            talk.speaking.wrote(response_id, text)
        case ResponseEnded(response_id):
            talk.response_ended(meaning, now)
            unsaid = talk.speaking.must_speak(response_id, now)
            if unsaid and not (talk.leaving or talk.responses.at_work):
                talk.responses.ask({"instructions": SAY_IT}, now)
        case ToolCalled():
            talk.tool_called(meaning, now)
        case ModelRefused():
            talk.responses.refused(meaning, now)
        case _:
            pass
