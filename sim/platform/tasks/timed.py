"""Verbs that end by themselves after a modelled time: say, play, pause, and all that take none."""

from sim.platform.doing import modelled_s
from sim.platform.effects import Note
from sim.platform.tasks.base import Step, Task


class Timed(Task):
    def start(self, now: float) -> list[Step]:
        lasts_s = modelled_s(self.verb)
        if lasts_s is None or lasts_s <= 0:
            self.finish(None)
        else:
            self.due_s = now + lasts_s
        if lasts_s is None:
            return [Note("skipped", f"{self.verb['verb']}: this fake platform does not carry it out")]
        return []

    def advance(self, now: float) -> list[Step]:  # noqa: ARG002
        self.finish(None)
        return []
