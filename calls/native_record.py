"""What we keep of a conversation that the platform carries out: the words and the usage that its events tell. Pure.

Which events these are: `verbs.native.RECORDED`. How much of the agent's voice was heard is not told.
"""

from media.playout import Speech
from media.record import Record
from verbs.base import JsonObject
from verbs.llm import Llm
from verbs.vendors import VENDORS

SAID = frozenset({"response.audio_transcript.done", "response.output_audio_transcript.done"})
HEARD = "conversation.item.input_audio_transcription.completed"


def billed_by(llm: Llm) -> tuple[str, str]:
    """Say whom a verb's responses are billed by, and the words of its caller, each as `vendor/model`."""
    known = VENDORS.get(llm.vendor)
    model = llm.model or (known.model if known else None) or "unnamed"
    session = _object(llm.llm_options.get("session_update"))
    heard = _object(_object(session.get("audio")).get("input"))
    told = (_object(session.get("input_audio_transcription")), _object(heard.get("transcription")))
    named = next((each["model"] for each in told if each.get("model")), "transcription")
    return f"{llm.vendor}/{model}", f"{llm.vendor}/{named}"


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def keep_event(record: Record, event: JsonObject, now: float, *, model: str, transcriber: str) -> None:
    """Take in an event, whatever it is. `now`: monotonic seconds; whom it is billed by, as `vendor/model`."""
    match event:
        case {"type": "response.done", "response": {"usage": dict(usage)}}:
            record.used(usage, model, now)
        case {"type": kind, "item_id": str(item_id), "transcript": str(text)} if kind == HEARD:
            record.caller_text(item_id, text, now)
            record.used(_object(event.get("usage")), transcriber, now, of="transcription")
        case {"type": str(kind), "item_id": str(item_id), "transcript": str(text)} if kind in SAID:
            record.spoken(Speech(item_id, 0), text, final=True, now=now)
