"""`listen`: the call's audio goes to a websocket, and comes back from it. Also written `stream`."""

from typing import Literal

from verbs.base import Hook, JsonObject, Number, Verb


class Listen(Verb):
    verb: Literal["listen"] = "listen"
    url: str
    action_hook: Hook | None = None
    auth: JsonObject | None = None
    ws_auth: JsonObject | None = None
    "`username` and `password`: 88 bytes together, or the platform sends neither (mod_audio_fork)."
    mix_type: str | None = None
    metadata: JsonObject | None = None
    sample_rate: Number | None = None
    "In Hz."
    finish_on_key: str | None = None
    max_length: Number | None = None
    "In seconds."
    pass_dtmf: bool | None = None
    play_beep: bool | None = None
    disable_bidirectional_audio: bool | None = None
    bidirectional_audio: JsonObject | None = None
    timeout: Number | None = None
    transcribe: JsonObject | None = None
    early_media: bool | None = None
    channel: Number | None = None
