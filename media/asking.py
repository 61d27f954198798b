"""The steps of `rounds` on their way to the model: each as the message that it takes, and awaited where it must be."""

from itertools import count
from typing import assert_never

from media.awaited import Awaited
from media.effects import Effect, ToModel
from media.realtime.base import ModelRefused, Realtime
from media.realtime.steps import Answer, Ask, Cancel, Kind, Note, Step
from media.record import Record
from media.speaking import Speaking


class Asking:
    """Effects go to `out`; `use` says which model is told."""

    def __init__(self, awaited: Awaited, speaking: Speaking, record: Record, out: list[Effect]) -> None:
        self._awaited = awaited
        self._speaking = speaking
        self._record = record
        self._out = out
        self._ids = count(1)
        self.asked_as = ""
        "The event that made the newest request."

    def use(self, model: Realtime) -> None:
        self._model = model

    def do(self, steps: list[Step], now: float) -> None:
        for step in steps:
            match step:
                case Answer(call_id, output):
                    self._to_the_model(self._model.answer_tool(call_id, output, self._id("tool")))
                case Note(call_id, output):
                    name = self._record.tool_name(call_id)
                    self.say("system", f"The result of {name} ({call_id}) came late: {output}")
                case Ask(response, kind):
                    if kind is Kind.REQUEST:
                        self._awaited.asked(response, now)
                    else:
                        self._awaited.watched(now)
                    self.asked_as = self._id("ask")
                    self._to_the_model(self._model.ask(response, self.asked_as))
                case Cancel():
                    self._speaking.cancel()
                case _:
                    assert_never(step)

    def say(self, role: str, text: str) -> None:
        """Add an item to the conversation, unspoken."""
        self._to_the_model(self._model.say(role, text, self._id("say")))

    def meant(self, refusal: ModelRefused) -> bool:
        """Whether it is the newest request that was refused, and none that was taken back meanwhile."""
        return refusal.event_id in {None, self.asked_as}

    def _to_the_model(self, wire: bytes | None) -> None:
        """Send, where the model can be told at all."""
        if wire:
            self._out.append(ToModel(wire))

    def _id(self, kind: str) -> str:
        return f"{kind}-{next(self._ids)}"
