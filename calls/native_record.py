"""What we keep of a conversation that the platform carries out: the words and the usage that its events tell. Pure.

Which events these are: `verbs.native.RECORDED`. How much of the agent's voice was heard is not told.
"""

from media.playout import Speech
from media.record import Record
from verbs.base import JsonObject

SAID = frozenset({"response.audio_transcript.done", "response.output_audio_transcript.done"})
HEARD = "conversation.item.input_audio_transcription.completed"


def keep_event(record: Record, event: JsonObject, now: float) -> None:
    """Take in an event, whatever it is. `now`: monotonic seconds."""
    match event:
        case {"type": "response.done", "response": {"usage": dict(usage)}}:
            record.used(usage)
        case {"type": kind, "item_id": str(item_id), "transcript": str(text)} if kind == HEARD:
            record.caller_text(item_id, text, now)
        case {"type": str(kind), "item_id": str(item_id), "transcript": str(text)} if kind in SAID:
            record.spoken(Speech(item_id, 0), text, final=True, now=now)
