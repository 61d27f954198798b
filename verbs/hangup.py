"""`hangup`: the call ends."""

from typing import Literal

from verbs.base import JsonObject, Verb


class Hangup(Verb):
    verb: Literal["hangup"] = "hangup"
    headers: JsonObject | None = None
    "For the BYE."
