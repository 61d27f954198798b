"""Whoever is called by the platform's REST API while a scene is played: answers or does not, presses a key, leaves."""

import asyncio
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict

from sim.caller import Story
from sim.happening import Happening, Watcher
from sim.platform.amd import Found
from sim.platform.client import Answering, LiveCall
from sim.platform.rest import Behaviour

CALLEES = {
    "human": Answering(),
    "machine": Answering(),
    "busy": Answering(sip_status=486, reason="Busy Here"),
    "declines": Answering(sip_status=603, reason="Decline"),
    "no-answer": Answering(sip_status=487, reason="Request Terminated"),
}
Callee = Literal["human", "machine", "busy", "declines", "no-answer"]
PREFIX = "human:"
"What the happenings of their leg begin with, in a scene."


class Human(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    callee: Callee = "human"
    "A machine is told by amd; the last three do not answer."
    after_s: float = 0.5
    "When they answer, or do not."
    presses: str = ""
    "A key, for the gather that they hear."
    talks_s: float = 2.0
    "How long they stay in the conference; after that they hang up."

    def behaviour(self) -> Behaviour:
        found: Found = "machine" if self.callee == "machine" else "human"
        return Behaviour(replace(CALLEES[self.callee], after_s=self.after_s), found, self.attend)

    async def attend(self, live: LiveCall) -> None:
        """Be this person, on a call that was placed to them."""
        story = Story(lambda _: None)
        live.watch(story.add)
        if self.presses:
            await _seen(story, "verb", "gather")
            live.press(self.presses)
        await _seen(story, "joined", "")
        await asyncio.sleep(self.talks_s)
        live.hang_up()


def named(watch: Watcher) -> Watcher:
    """Tell of a human's leg what it is that tells."""
    return lambda happening: watch(replace(happening, name=f"{PREFIX}{happening.name}"))


async def _seen(story: Story, name: str, verb: str) -> Happening:
    while True:
        for one in story.happenings:
            if one.name == name and (not verb or one.fields.get("verb") == verb):
                return one
        await story.more(asyncio.get_running_loop().time() + 1)
