"""`pause`: nothing happens for a while."""

from typing import Literal

from verbs.base import Number, Verb


class Pause(Verb):
    verb: Literal["pause"] = "pause"
    length: Number
    "In seconds."
