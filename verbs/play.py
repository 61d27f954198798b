"""`play`: audio files are played."""

from typing import Literal

from verbs.base import Hook, JsonValue, Number, Verb


class Play(Verb):
    verb: Literal["play"] = "play"
    url: str | list[JsonValue]
    loop: Number | str | None = None
    "How often; 0 or `forever`: until something ends it."
    early_media: bool | None = None
    seek_offset: Number | str | None = None
    "Where to begin, in samples at 8 kHz."
    timeout_secs: Number | str | None = None
    action_hook: Hook | None = None
