"""`dial`: somebody else is called and joined to the call."""

from typing import Literal

from pydantic import Field

from verbs.base import Hook, JsonObject, JsonValue, Number, Verb
from verbs.listen import Listen


class Dial(Verb):
    verb: Literal["dial"] = "dial"
    target: list[JsonObject]
    "All are rung at once; the first to answer is joined."
    action_hook: Hook | None = None
    confirm_hook: Hook | None = None
    on_hold_hook: Hook | None = None
    refer_hook: Hook | None = None
    dtmf_hook: Hook | None = None
    answer_on_bridge: bool | None = None
    caller_id: str | None = None
    caller_name: str | None = None
    dial_music: str | None = None
    dtmf_capture: JsonObject | list[JsonValue] | None = None
    headers: JsonObject | None = None
    anchor_media: bool | None = None
    exit_media_path: bool | None = None
    boost_audio_signal: Number | str | None = None
    listen: JsonObject | Listen | None = None
    stream: JsonObject | None = None
    time_limit: Number | None = None
    "In seconds, of the joined call."
    timeout: Number | None = None
    "In seconds, of the ringing."
    proxy: str | None = None
    transcribe: JsonObject | None = None
    amd: JsonObject | None = None
    dub: list[JsonObject] | None = None
    tag: JsonObject | None = None
    forward_pai: bool | None = Field(default=None, alias="forwardPAI")
    srtp_encryption: str | None = None
    codecs: list[JsonValue] | None = None
