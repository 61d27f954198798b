"""`config`: settings of the call's session, in force from here on."""

from typing import Literal

from verbs.base import Hook, JsonObject, JsonValue, Number, Verb


class Config(Verb):
    verb: Literal["config"] = "config"
    synthesizer: JsonObject | None = None
    recognizer: JsonObject | None = None
    barge_in: JsonObject | None = None
    tts_stream: JsonObject | None = None
    record: JsonObject | None = None
    listen: JsonObject | None = None
    stream: JsonObject | None = None
    transcribe: JsonObject | None = None
    amd: JsonObject | None = None
    filler_noise: JsonObject | None = None
    notify_events: bool | None = None
    notify_stt_latency: bool | None = None
    reset: str | list[JsonValue] | None = None
    on_hold_music: str | None = None
    action_hook_delay_action: JsonObject | None = None
    sip_request_within_dialog_hook: Hook | None = None
    refer_hook: Hook | None = None
    boost_audio_signal: Number | str | None = None
    vad: JsonObject | None = None
    early_media: bool | None = None
    auto_stream_tts: bool | None = None
    disable_tts_cache: bool | None = None
    track_tts_playout: bool | None = None
    noise_isolation: JsonObject | None = None
    turn_taking: JsonObject | None = None
