"""The tool by which one agent of a call hands the caller over to another; who may, and to whom, is `agents.py`'s."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from structlog.typing import FilteringBoundLogger

from calls import carrying
from calls.agents import Roster
from calls.live import LiveCall
from config.agents import Agent
from hooks.asked import Asked
from hooks.courier import Answer, Courier
from hooks.replies import error_output
from media.bridge import Bridge
from media.changing import Change, by_event
from media.effects import Outcome
from media.realtime.base import Realtime
from media.realtime.updating import UpdateRefusedError
from verbs.base import JsonObject
from verbs.llm import Llm

HANDED_OVER = "agent.handed_over"
"What the eventHook is told of it."
ANEW = frozenset({"model", "voice"})
"What a session that goes on keeps."
Update = Callable[[JsonObject | Change], None]
"Changes the conversation. It raises UpdateRefusedError where that cannot be."


def nothing_to_change(_: JsonObject | Change) -> None:
    raise UpdateRefusedError("the conversation is over, or has not begun")


@dataclass(slots=True)
class Handover:
    """The tool by which one agent hands the caller over to another, in one conversation."""

    roster: Roster
    llm: Llm
    of_route: Mapping[str, JsonObject | None]
    log: FilteringBoundLogger
    answered: Callable[[float], bool] = lambda _: False
    "Whether the caller has said something since a time; this and what follows is set when the conversation is made."
    change: Update = nothing_to_change
    heard: Callable[[], JsonObject | None] = lambda: None
    "The `model` and the `voice` of the session; None where the conversation has fallen back on another model."
    report: Callable[[str, JsonObject], None] = lambda *_: None
    handed_at: float | None = None
    declaration: JsonObject | None = None
    confirm: bool = False
    target: str = "an agent"

    def spoken(self) -> Llm:
        """Give the verb as the agent who has the caller now speaks it."""
        return self.roster.spoken(self.llm, self.of_route)

    def begin(self, courier: Courier, asked: Asked, answer: Answer) -> None:
        courier.soon(answer, self._output(asked.arguments, courier.now()))

    def over(self) -> None:
        """Know nothing of the conversation any more, whose tool this was: else it would know itself."""
        self._listen()
        self.answered, self.report = lambda _: False, lambda *_: None
        self.change, self.heard = nothing_to_change, lambda: None

    def _output(self, arguments: JsonObject, now: float) -> str:
        roster, to = self.roster, arguments.get("to")
        answered = self.handed_at is None or self.answered(self.handed_at)
        if objection := roster.objection(to, answered=answered):
            self.log.info("handover_refused", message=objection)
            return error_output(objection)
        before, agent = roster.current, roster.agent(str(to))
        session = self._session(agent)
        anew = not ANEW.isdisjoint(session)
        if refusal := self._changed({"type": "session.update", "session": session}, anew=anew):
            self.log.warning("handover_refused", message=refusal)
            return error_output(refusal)
        roster.took_over(agent)
        self.handed_at = now
        told = {"from": before.name, "to": agent.name}
        self.log.info("agent_handed_over", from_agent=before.name, to_agent=agent.name, anew=anew)
        self.report(HANDED_OVER, {"type": HANDED_OVER, **told, "reason": arguments.get("reason")})
        return json.dumps({**told, "message": f"You are {agent.name} now; go on with the caller."})

    def _session(self, agent: Agent) -> JsonObject:
        """Give the settings that are an agent's; a model that was fallen back on stays, and so does its voice."""
        own = self._listen()
        session = self.roster.session(agent, self.llm, self.of_route)
        return session if own else {name: value for name, value in session.items() if name not in ANEW}

    def _listen(self) -> bool:
        """Learn what an operator has changed; tell whether the verb's own model is still the one that speaks."""
        heard = self.heard()
        if heard is not None:
            self.roster.learn(heard)
        return heard is not None

    def _changed(self, event: JsonObject, *, anew: bool) -> str | None:
        """Change the session, or begin another; say why neither can be."""
        try:
            self.change(by_event({**event, "recycle": anew}, partial(self._came_of, self.roster.current)))
        except UpdateRefusedError as refusal:
            return str(refusal)
        self.roster.left(self.heard())
        return None

    def _came_of(self, before: Agent, outcome: Outcome) -> None:
        """Let the caller stay with the agent from before where the session of the next one did not come about."""
        if outcome.how != "done":
            self.roster.stays(before)
            self.roster.left(self.heard())
            self.log.warning("handover_undone", to_agent=before.name, message=outcome.told.get("message"))


def handover(live: LiveCall, llm: Llm) -> Handover | None:
    """Make the tool of a call that has several agents."""
    if live.roster is None:
        return None
    declared = {name: tool.declaration for name, tool in carrying.route_tools(live.route, live.settings).items()}
    return Handover(live.roster, llm, declared, live.log)


def begin(tool: Handover, live: LiveCall, bridge: Bridge, own: Realtime) -> None:
    """Let the tool hear its conversation; `own` is the model that the verb asks for, and none to fall back on.

    :raises ModelError: the verb cannot be carried out, which was looked at before its document left
    """
    tool.answered, tool.heard = bridge.record.answered, partial(bridge.changing.heard, own)
    tool.roster.begin(tool.heard() or {}, carrying.candidate(tool.llm, live.route, live.settings).model.name)
