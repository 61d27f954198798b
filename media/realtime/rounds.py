"""Tool-call rounds, and the one owner of `response.create`.

Theory of operation
    A realtime model never goes on by itself after a tool call: it wants every output, then one request to
    answer. And it refuses a request while a response is active, also one that it started itself because the
    caller spoke. So all requests pass through here:

        idle ──ask──▶ asked ──response started──▶ active ──response ended──▶ idle
                        └──refused (one is active)──▶ the request waits for that one's end

    * A request goes out only when idle, and not while the caller's own turn is about to start a response.
      One that waits is merged with the next one that waits.
    * Outputs go out only after the end of the response that made the calls: earlier, the model does not know
      the call id (`invalid_tool_call_id`). All outputs of one response, in the order of the calls, then one
      request.
    * `follow_up` is what that request says: a session that *requires* a tool would call one for ever.
    * What is said in passing, a word about a wait (`fill`) or the warning before the call's end (`mention`), is never
      merged with a request. A request does not wait for one that has not begun, but replaces it. A filler that is
      lost is nothing; a mention that was replaced is made when nothing else is to be asked.
    * A follow-up whose outputs went out while the caller spoke falls away when the model answers their turn:
      that answer knows the outputs. What goes out later crosses the beginning of that answer, and is asked for.
    * Once the conversation takes its leave (`close`), tools are neither waited for nor answered about.
    * One output for a call id, ever. What comes later is a note to the conversation, not an output.

    openai-agents-python `_ResponseCreateSequencer`; its issues #3405 and #1168 are what happens without.
"""

from math import inf

from media.newest import Newest
from media.realtime.steps import Answer, Ask, Cancel, JsonObject, Kind, Note, Round, Step

HOLD_S = 2.0
"How long the caller's finished turn may take to start a response before our own request goes out anyway."


class Rounds:
    """See the theory above. Every method that returns steps wants them done, in order."""

    def __init__(self, *, tool_timeout_s: float, follow_up: JsonObject | None = None) -> None:
        self._tool_timeout_s = tool_timeout_s
        self.follow_up = follow_up or {}
        self._kind = Kind.REQUEST
        "Of the request that is on its way, or of the response that came of it."
        self._mention: JsonObject | None = None
        self._replaced = False
        "Whether a request was taken back, and the first response to begin may still be its."
        self._adrift: dict[str, float] = {}
        "Calls of a session that is gone, and their deadlines: their outputs can only be told."
        self._over: Newest[str] = Newest(32)
        self._active: str | None = None
        self._asked: JsonObject | None = None
        self._last_asked: JsonObject = {}
        self._waiting: JsonObject | None = None
        self._rounds: dict[str, Round] = {}
        self._response_of: dict[str, str] = {}
        self._open: dict[str, float] = {}
        self._held_until: float | None = None
        self._retried = False
        "Whether the newest request is the second of its kind."
        self._closed = False
        self._covered = False
        "Whether what waits is known to the answer that the caller's turn will start."

    @property
    def active(self) -> str | None:
        """The response that the model is making, if any."""
        return self._active

    @property
    def asked(self) -> bool:
        """Whether a request is on its way."""
        return self._asked is not None

    @property
    def passing(self) -> bool:
        """Whether what is asked or made is only said in passing."""
        return self._kind is not Kind.REQUEST

    @property
    def at_work(self) -> bool:
        """Whether the caller may expect to hear something without speaking."""
        tools = not self._closed and (self._open or self._adrift)
        asked = self.asked and not self.discarded
        return bool(self._active or asked or self._waiting is not None or self._mention is not None or tools)

    @property
    def owes(self) -> bool:
        """The same, without what is said in passing."""
        request = bool(self._active or self.asked) and not self.passing
        return request or self._waiting is not None or bool(self._open or self._adrift)

    @property
    def owes_results_alone(self) -> bool:
        """Whether what is owed is what tools under way will lead to: each of them asks for its response."""
        called = self._active is None or self._active in self._rounds
        return called and not self.asked and self._waiting is None and bool(self._open or self._adrift)

    def ask(self, response: JsonObject) -> list[Step]:
        """Request a response, now or as soon as the model can take it."""
        self._waiting = response if not self._waiting else {**self._waiting, **response}
        self._covered = False
        return self._go()

    def ask_again(self, response: JsonObject) -> list[Step]:
        """Request once more what nothing came of; where that was only late, this is not to lead to a second answer."""
        self.failed()
        self._retried = self._active is None
        self._held_until = None
        return self.ask(response)

    def fill(self, response: JsonObject) -> list[Step]:
        """Request what only fills a wait: now, or not at all."""
        if self._closed or self._busy or self.asked or self._waiting is not None:
            return []
        return [self._send(response, Kind.FILLER)]

    def mention(self, response: JsonObject) -> list[Step]:
        """Request what can wait until nothing else is to be asked."""
        self._mention = response
        return self._go()

    def lost(self, *, unheard: bool = True) -> None:
        """The session is gone, and with it what was asked and called in it; `unheard`: not a word of it came."""
        self._adrift.update(self._open)
        self._open.clear()
        self._rounds.clear()
        if unheard and self._kind is Kind.MENTION:
            self._mention = self._last_asked
        self._active = self._asked = self._waiting = self._held_until = None
        self._kind, self._replaced, self._retried = Kind.REQUEST, False, False

    def close(self) -> None:
        """The conversation takes its leave: what waits is not asked any more, and no tool leads to a request."""
        self._closed, self._waiting, self._mention, self._held_until = True, None, None, None
        self._rounds.clear()

    def start_over(self) -> None:
        """The conversation begins anew: what tools under way bring can be told, and leads to nothing."""
        self._open.clear()
        self._adrift.clear()
        self._rounds.clear()

    def forget(self, call_id: str) -> None:
        """Its output was told otherwise."""
        self._adrift.pop(call_id, None)

    def caller_started(self) -> None:
        """Hold requests: the caller's turn will start a response."""
        self._held_until, self._replaced = inf, False

    def caller_stopped(self, now: float) -> None:
        self._held_until = now + HOLD_S

    def released(self) -> list[Step]:
        """The caller's turn will start nothing by itself."""
        self._held_until = None
        return self._go()

    def started(self, response_id: str) -> list[Step]:
        if not self.asked:
            self._kind = Kind.REQUEST
            if self._covered:
                self._waiting, self._covered = None, False
        self._active, self._asked, self._held_until = response_id, None, None
        return []

    def called(self, response_id: str, call_id: str, now: float, timeout_s: float | None = None) -> bool:
        """Open a tool call; False for one that is known already: it must not be run again."""
        if call_id in self._response_of:
            return False
        self._response_of[call_id] = response_id
        self._open[call_id] = now + (timeout_s or self._tool_timeout_s)
        if not self._closed:
            round_ = self._rounds.setdefault(response_id, Round(ended=response_id in self._over))
            round_.outputs[call_id] = None
        return True

    def answered(self, call_id: str, output: str) -> list[Step]:
        """Take a tool's output. An unknown call id is nobody's answer."""
        response_id = self._response_of.get(call_id)
        if response_id is None:
            return []
        if self._closed:
            self._open.pop(call_id, None)
            self._adrift.pop(call_id, None)
            return []
        if self._adrift.pop(call_id, None) is not None:
            return [Note(call_id, output), *([] if self._adrift else self.ask(self.follow_up))]
        if self._open.pop(call_id, None) is None:
            return [Note(call_id, output)]
        self._rounds[response_id].outputs[call_id] = output
        return self._settle(response_id)

    def ended(self, response_id: str, *, cancelled: bool = False) -> list[Step]:
        """A response is over, however: its tool outputs may go out, and the next request."""
        if response_id == self._active or self._active is None:
            # A response that was interrupted early can end without having been seen to start.
            if response_id == self._active and not self.asked:
                self._kind = Kind.REQUEST
                if self._replaced and cancelled:
                    self._asked = self._last_asked  # that was the one that was taken back
                self._replaced = self._retried = False
            self._active = None
        self._over.append(response_id)
        if round_ := self._rounds.get(response_id):
            round_.ended = True
            return self._settle(response_id)
        return self._go()

    def refused(self) -> list[Step]:
        """The model had a response under way: the request waits for its end."""
        if self._asked is not None or self._active:
            self._asked = None
            if self._retried and not self._closed:
                pass  # the answer to the first try is under way
            elif self._kind is Kind.REQUEST:
                self._waiting = {**self._last_asked, **(self._waiting or {})}
            elif self._kind is Kind.MENTION:
                self._mention = self._last_asked
        self._kind, self._replaced, self._retried = Kind.REQUEST, False, False
        return []

    def failed(self) -> None:
        """Take back a request that the model refused for good."""
        self._asked, self._kind = None, Kind.REQUEST

    def discard(self) -> None:
        """Nobody wants any more what was asked and has not begun."""
        if self.asked:
            self._kind = Kind.DISCARDED

    @property
    def discarded(self) -> bool:
        """Whether nobody wants what is asked or made."""
        return self._kind is Kind.DISCARDED

    def abandon(self) -> list[Step]:
        """Wait no more for what was asked, or is made, in passing."""
        self.failed()
        self._active = None
        return self._go()

    def overdue(self, now: float) -> list[str]:
        """Give the calls whose tool has had its time."""
        deadlines = {**self._open, **self._adrift}
        return [call_id for call_id, deadline in deadlines.items() if deadline <= now]

    def tick(self, now: float) -> list[Step]:
        """Let go what was held for the caller's turn when no response came of it."""
        return self.released() if self._held_until is not None and now >= self._held_until else []

    def next_due(self) -> float:
        """When `overdue` or `tick` has something to say."""
        held_until = inf if self._held_until is None else self._held_until
        return min([held_until, *self._open.values(), *self._adrift.values()])

    def _settle(self, response_id: str) -> list[Step]:
        round_ = self._rounds[response_id]
        if not round_.complete:
            return self._go()
        del self._rounds[response_id]
        answers: list[Step] = [Answer(call_id, output or "") for call_id, output in round_.outputs.items()]
        alone = self._waiting is None or self._covered
        steps = [*answers, *self.ask(self.follow_up)]
        self._covered = alone and self._held_until == inf
        return steps

    @property
    def _busy(self) -> bool:
        """Whether the model would refuse any request, or is about to answer the caller by itself."""
        return bool(self._active) or self._held_until is not None

    def _go(self) -> list[Step]:
        if self._busy or (self.asked and not self.passing):
            return []
        if self._waiting is not None:
            return [*self._replace(), self._send(self._waiting, Kind.REQUEST)]
        if self._mention is not None and not self.asked:
            return [self._send(self._mention, Kind.MENTION)]
        return []

    def _replace(self) -> list[Step]:
        """Take back what was asked in passing and has not begun."""
        if not self.asked:
            return []
        if self._kind is Kind.MENTION:
            self._mention = self._asked
        self._replaced = True
        return [Cancel()]

    def _send(self, response: JsonObject, kind: Kind) -> Ask:
        self._asked = self._last_asked = response
        self._kind = kind
        if kind is Kind.REQUEST:
            self._waiting = None
        elif kind is Kind.MENTION:
            self._mention = None
        return Ask(response, kind)
