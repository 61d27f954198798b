"""What an application that is written in Python imports: the call, the verbs, and what its hooks are told.

See docs/python.md.
"""

from hooks.agent import Agent, NotDoneError
from hooks.asked import Call
from hooks.messages import End, Event, ToolCall
from verbs.answer import Answer
from verbs.base import Verb
from verbs.config import Config
from verbs.dial import Dial
from verbs.gather import Gather
from verbs.hangup import Hangup
from verbs.listen import Listen
from verbs.llm import Llm
from verbs.passthrough import other
from verbs.pause import Pause
from verbs.play import Play
from verbs.redirect import Redirect
from verbs.say import Say

__all__ = [
    "Agent",
    "Answer",
    "Call",
    "Config",
    "Dial",
    "End",
    "Event",
    "Gather",
    "Hangup",
    "Listen",
    "Llm",
    "NotDoneError",
    "Pause",
    "Play",
    "Redirect",
    "Say",
    "ToolCall",
    "Verb",
    "other",
]
