"""What Tavus tells a model of what is seen (docs.tavus.io, persona/llm, "Perception").

With raven-0 it is a system message of tags, `<user_appearance>…</user_appearance>`; with the basic model a user's
message, `USER_SPEECH: … VISUAL_SCENE: …`. A model that is not told so takes the one for instructions and the other for
speech.
"""

import re
from typing import NamedTuple

from brains.context import ChatContext, text_of
from verbs.base import JsonObject

_TAG = re.compile(r"<(?P<name>user_[a-z_]+)>(?P<text>.*?)</(?P=name)>", re.DOTALL)
_SPEECH = re.compile(r"\A\s*USER_SPEECH:(?P<speech>.*?)(?:VISUAL_SCENE:(?P<scene>.*))?\Z", re.DOTALL)
_SCENE = re.compile(r"\A\s*VISUAL_SCENE:(?P<scene>.*)\Z", re.DOTALL)
SEEN = "What is seen of the user at this moment, which they have not said: {scene}"


class Perceived(NamedTuple):
    context: ChatContext
    "The conversation, with speech as speech and the rest as what is seen."
    facts: dict[str, str]
    "`user_appearance`, `user_emotions`, `user_screenshare`, `visual_scene`: the newest of each."


def perceived(context: ChatContext) -> Perceived:
    """Read perception out of a conversation; one without any comes back as it is."""
    facts: dict[str, str] = {}
    messages: list[JsonObject] = []
    for message in context.messages:
        messages += _read(message, facts)
    return Perceived(ChatContext(messages) if facts else context, facts)


def _read(message: JsonObject, facts: dict[str, str]) -> list[JsonObject]:
    text = text_of(message)
    if message.get("role") == "system":
        facts.update({found["name"]: found["text"].strip() for found in _TAG.finditer(text)})
        return [message]
    if message.get("role") != "user":
        return [message]
    found = _SPEECH.match(text) or _SCENE.match(text)
    if not found:
        return [message]
    parts = found.groupdict()
    speech, scene = (parts.get("speech") or "").strip(), (parts.get("scene") or "").strip()
    facts["visual_scene"] = scene
    seen = [{"role": "system", "content": SEEN.format(scene=scene)}] if scene else []
    return [*seen, {**message, "content": speech}]
