"""`answer`: the call is answered, which most verbs do by themselves."""

from typing import Literal

from verbs.base import Verb


class Answer(Verb):
    verb: Literal["answer"] = "answer"
