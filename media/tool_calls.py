"""The model's tool calls, from the call to the answer: `tooling` says which may run, `responses` tells the model."""

from math import inf

from media.arguments import RefusalError
from media.effects import CallTool, Effect, Warn
from media.ends import TOOL_LOOP
from media.options import Options
from media.realtime.base import Realtime, ToolCalled
from media.record import Record
from media.responses import Responses
from media.tooling import Tooling, failure


class ToolCalls:
    """One conversation's. Effects go to `out`; times are monotonic seconds."""

    def __init__(self, responses: Responses, record: Record, out: list[Effect], options: Options) -> None:
        """`use` says with which model."""
        self._responses = responses
        self._record = record
        self._out = out
        self._manners = options.manners
        self._patience_s = options.patience_s
        self.confirmed = set(options.confirmed)
        "The tools that the caller must have agreed to; an application may declare more of them at any time."
        self._called_at = -inf
        "When the newest tool was called."

    def use(self, model: Realtime) -> None:
        self._model = model
        fillers_s = self._manners.fillers_s if model.can.choose_tools else ()
        self._tooling = Tooling(model.tools, fillers_s, self.confirmed)

    def called(self, call: ToolCalled, now: float, *, heard: bool) -> None:
        """Run a tool once, if it may be run; else tell the model at once. `heard`: the caller hears the agent now."""
        if not self._responses.called(call.response_id, call.call_id, now, self._patience_s.get(call.name)):
            self._out.append(Warn("tool_duplicate", {"call_id": call.call_id}))
            return
        self._record.tool_called(call.call_id, call.name, call.arguments, now)
        stirred = heard or self._record.stirred_at > self._called_at
        self._called_at = now
        try:
            arguments = self._tooling.begin(call, now, self._record.answered, stirred=stirred)
        except RefusalError as error:
            self._out.append(Warn("tool_rejected", {"call_id": call.call_id, "tool": call.name, "reason": error.shown}))
            self._go_on()
            self.answered(call.call_id, failure(str(error)), now)
        else:
            self._go_on()
            self._out.append(CallTool(call.call_id, call.name, arguments))

    def _go_on(self) -> None:
        """See that a model which has called all the tools that it may speaks next, or is given up."""
        spent = self._tooling.allowance.spent and self._model.can.choose_tools
        self._responses.use(self._model, {"tool_choice": "none"} if spent else self._model.follow_up)
        if self._tooling.allowance.in_a_loop:
            self._responses.over = TOOL_LOOP

    def answered(self, call_id: str, output: str, now: float) -> None:
        self._record.tool_answered(call_id, output, now)
        self._tooling.ended(call_id)
        self._responses.answer(call_id, output, now)

    def answered_to_nobody(self, call_id: str, output: str, now: float) -> None:
        """Take an output while the model is away: it is part of the history that the next session gets."""
        self._record.tool_answered(call_id, output, now)
        self._tooling.ended(call_id)
        self._responses.forget_call(call_id)

    def start_over(self) -> None:
        """The conversation begins anew: nobody waits for what is under way."""
        self._tooling.start_over()
        self._responses.start_over()

    def tick(self, now: float, *, silent: bool) -> None:
        """Give up what has had its time, and tell a caller who waits, where all are `silent`, that it goes on."""
        for call_id in self._responses.overdue(now):
            self._out.append(Warn("tool_timeout", {"call_id": call_id}))
            self.answered(call_id, failure("the tool did not answer in time"), now)
        if not self._tooling.filler_due(now):
            return
        filler = {"instructions": self._manners.filler, "tool_choice": "none"}
        if silent and self._responses.fill(filler, now):
            self._tooling.filled(now)
        else:
            self._tooling.not_filled(now)

    def next_due(self) -> float:
        return self._tooling.next_due()
