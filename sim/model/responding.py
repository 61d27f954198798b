"""From a `response.create` and the session's settings to a response that can be sent."""

from dataclasses import replace

from sim.model.answers import Answer, Cue, answer
from sim.model.audio import wire_format
from sim.model.checks import JsonObject, RequestError
from sim.model.conversation import Conversation, typed_entry
from sim.model.generation import Generation, Pace
from sim.model.ids import Ids
from sim.model.plan import CHARS_PER_TOKEN, plan
from sim.model.script import Reply, Script, Turn

HEARD_TOKENS_PER_S = 10


def effective(session: JsonObject, options: JsonObject) -> JsonObject:
    """Return the settings of one response: the session's, where the response does not bring its own."""
    names = ("instructions", "output_modalities", "max_output_tokens", "tools", "tool_choice")
    output = session["audio"]["output"] | options.get("audio", {}).get("output", {})
    return {**{name: options.get(name, session[name]) for name in names}, "output": output}


def check_voice(session: JsonObject, options: JsonObject, *, spoken: bool) -> None:
    """Refuse another voice once the model has spoken."""
    voice = session["audio"]["output"]["voice"]
    if spoken and effective(session, options)["output"]["voice"] != voice:
        message = "Cannot update a conversation's voice if assistant audio is present."
        raise RequestError("cannot_update_voice", message, "response.audio.output.voice")


def generation(
    script: Script, session: JsonObject, options: JsonObject, conversation: Conversation, ids: Ids, *, now: float
) -> Generation:
    """Make the response; one outside the conversation reads it but adds nothing to it."""
    settings = effective(session, options)
    aside = options.get("conversation") == "none"
    form = wire_format(settings["output"]["format"]) if settings["output_modalities"] == ["audio"] else None
    cue = replace(_cue(conversation, options), asked=options.get("instructions") or "")
    said = answer(script, cue, settings["tools"], settings["tool_choice"], conversation.used)
    failure = script.faults.response_failed
    if failure:
        said = Answer(Reply(fail=failure), (), ())
    what = plan(said, ids.many("call"), form, settings["output"]["speed"], settings["max_output_tokens"])
    taken = None if aside or said.reply.no_response else conversation.answered()
    return Generation(
        _response(ids, settings, None if aside else conversation.id, options.get("metadata")),
        what,
        Pace(script.thinking_s, script.delta_rate),
        ids,
        conversation=None if aside else conversation,
        leaves=taken if isinstance(said.reply, Turn) and said.reply.times else None,
        read=_read(conversation),
        now=now,
    )


def _cue(conversation: Conversation, options: JsonObject) -> Cue:
    """Answer to the conversation, or to the items that the response brings along."""
    if "input" not in options:
        return conversation.cue()
    references = [item["id"] for item in options["input"] if item["type"] == "item_reference"]
    written = [typed_entry(item) for item in options["input"] if item["type"] != "item_reference"]
    return conversation.cue([*(conversation.find(item_id, "retrieve") for item_id in references), *written])


def _response(ids: Ids, settings: JsonObject, conversation_id: str | None, metadata: JsonObject | None) -> JsonObject:
    output = settings["output"]
    return {
        "object": "realtime.response",
        "id": ids.new("resp"),
        "status": "in_progress",
        "status_details": None,
        "output": [],
        "conversation_id": conversation_id,
        "output_modalities": settings["output_modalities"],
        "max_output_tokens": settings["max_output_tokens"],
        "audio": {"output": {"format": output["format"], "voice": output["voice"]}},
        "usage": None,
        "metadata": metadata,
    }


def _read(conversation: Conversation) -> JsonObject:
    """Count the tokens of all items so far, roughly."""
    heard_ms = sum(entry.sound.ms for entry in conversation.entries if entry.sound)
    chars = sum(len(entry.words) + len(entry.item.get("output", "")) for entry in conversation.entries)
    return {
        "text_tokens": -(-chars // CHARS_PER_TOKEN),
        "audio_tokens": heard_ms * HEARD_TOKENS_PER_S // 1000,
    }
