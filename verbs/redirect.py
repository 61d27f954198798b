"""`redirect`: another application takes the call."""

from typing import Literal

from verbs.base import Hook, Verb


class Redirect(Verb):
    verb: Literal["redirect"] = "redirect"
    action_hook: Hook
    status_hook: Hook | None = None
