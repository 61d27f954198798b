"""`gather`: the caller's speech or digits are collected."""

from typing import Literal

from verbs.base import Hook, JsonObject, JsonValue, Number, Verb
from verbs.play import Play
from verbs.say import Say


class Gather(Verb):
    verb: Literal["gather"] = "gather"
    action_hook: Hook | None = None
    partial_result_hook: Hook | None = None
    input: list[JsonValue] | None = None
    "`speech`, `digits` or both."
    finish_on_key: str | None = None
    num_digits: Number | None = None
    min_digits: Number | None = None
    max_digits: Number | None = None
    inter_digit_timeout: Number | None = None
    "In seconds, as the other two."
    speech_timeout: Number | None = None
    timeout: Number | None = None
    listen_during_prompt: bool | None = None
    dtmf_bargein: bool | None = None
    bargein: bool | None = None
    min_bargein_word_count: Number | None = None
    recognizer: JsonObject | None = None
    play: JsonObject | Play | None = None
    say: JsonObject | Say | None = None
    "The properties of these verbs."
    filler_noise: JsonObject | None = None
    action_hook_delay_action: JsonObject | None = None
