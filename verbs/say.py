"""`say`: text is spoken."""

from typing import Literal

from verbs.base import JsonObject, JsonValue, Number, Verb


class Say(Verb):
    verb: Literal["say"] = "say"
    text: str | list[JsonValue] | None = None
    "Of a list one is picked. Text that begins with <speak> is SSML."
    instructions: str | None = None
    stream: bool | None = None
    loop: Number | str | None = None
    "How often; 0 or `forever`: until something ends it."
    synthesizer: JsonObject | None = None
    early_media: bool | None = None
    disable_tts_cache: bool | None = None
    close_stream_on_empty: bool | None = None
