"""The tool by which one agent of a call hands the caller over to another; who may, and to whom, is `agents.py`'s."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
from media.changing import Change, anew
from media.effects import Outcome
from media.realtime.base import Realtime
from media.realtime.updating import UpdateRefusedError
from verbs.base import JsonObject
from verbs.llm import Llm

HANDED_OVER = "agent.handed_over"
"What the eventHook is told of it."
ANEW = frozenset({"model", "voice"})
"What a session that goes on keeps."
UNDER_WAY = "you are handing this caller over already; you are told how that goes"
Update = Callable[[Change], None]
"Changes the conversation. It raises UpdateRefusedError where that cannot be."


def nothing_to_change(_: Change) -> None:
    raise UpdateRefusedError("the conversation is over, or has not begun")


@dataclass(slots=True)
class Passing:
    """One handover on its way: it is done when the model has agreed to it."""

    before: Agent
    agent: Agent
    reason: object
    courier: Courier
    answer: Answer
    told: bool = False
    "Whether the model has the tool's output."

    @property
    def names(self) -> JsonObject:
        return {"from": self.before.name, "to": self.agent.name}

    def succeed(self) -> None:
        if not self.told:
            message = f"You are {self.agent.name} now; go on with the caller."
            self.say(json.dumps({**self.names, "message": message}))

    def fail(self, why: str) -> None:
        """Tell the model; where it was told of the next agent already, this is in the output's place."""
        self.say(error_output(why))

    def say(self, output: str) -> None:
        self.told = True
        self.courier.soon(self.answer, output)


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
    anew: Callable[[], bool] = lambda: False
    "Whether another session is on its way."
    report: Callable[[str, JsonObject], None] = lambda *_: None
    handed_at: float | None = None
    declaration: JsonObject | None = None
    confirm: bool = False
    target: str = "an agent"
    _passing: Passing | None = field(default=None, init=False)

    def spoken(self) -> Llm:
        """Give the verb as the agent who has the caller now speaks it."""
        return self.roster.spoken(self.llm)

    def besides(self) -> list[JsonObject]:
        """Give the functions that this agent may call besides the verb's."""
        return self.roster.besides(self.roster.current, self.llm, self.of_route)

    def begin(self, courier: Courier, asked: Asked, answer: Answer) -> None:
        roster, to = self.roster, asked.arguments.get("to")
        answered = self.handed_at is None or self.answered(self.handed_at)
        if objection := UNDER_WAY if self._passing else roster.objection(to, answered=answered):
            self.log.info("handover_refused", message=objection)
            courier.soon(answer, error_output(objection))
            return
        self._pass(Passing(roster.current, roster.agent(str(to)), asked.arguments.get("reason"), courier, answer))

    def over(self) -> None:
        """Know nothing of the conversation any more, whose tool this was: else it would know itself."""
        self._listen()
        self._passing = None
        self.answered, self.report = lambda _: False, lambda *_: None
        self.change, self.heard, self.anew = nothing_to_change, lambda: None, lambda: False

    def _pass(self, passing: Passing) -> None:
        """Change the session, or begin another one: what comes of it, the model's own word tells."""
        besides = self.roster.besides(passing.agent, self.llm, self.of_route)
        self._passing = passing
        try:
            self.change(anew(self._session(passing.agent), partial(self._came_of, passing), besides))
        except UpdateRefusedError as refusal:
            self._passing = None
            self.log.warning("handover_refused", message=str(refusal))
            passing.fail(str(refusal))
            return
        self.roster.left(self.heard())
        if self.anew():  # the next session is told of it as it begins, with all that was said
            passing.succeed()

    def _came_of(self, passing: Passing, outcome: Outcome) -> None:
        """The model has agreed, or the caller stays with the agent whom they had."""
        if passing is not self._passing:
            return  # the conversation is over
        self._passing, agent = None, passing.agent
        if outcome.how != "done":
            self.roster.left(self.heard())
            why = outcome.told.get("message")
            self.log.warning("handover_undone", to_agent=passing.before.name, message=why)
            stays = f"you are {passing.before.name} still, go on with the caller"
            passing.fail(f"{agent.name} cannot take over ({why}): {stays}")
            return
        self.roster.took_over(agent)
        self.handed_at = passing.courier.now()
        self.log.info("agent_handed_over", from_agent=passing.before.name, to_agent=agent.name, anew=passing.told)
        self.report(HANDED_OVER, {"type": HANDED_OVER, **passing.names, "reason": passing.reason})
        passing.succeed()

    def _session(self, agent: Agent) -> JsonObject:
        """Give the settings that are an agent's; a model that was fallen back on stays, and so does its voice."""
        own = self._listen()
        session = self.roster.session(agent, self.llm)
        return session if own else {name: value for name, value in session.items() if name not in ANEW}

    def _listen(self) -> bool:
        """Learn what an operator has changed; tell whether the verb's own model is still the one that speaks."""
        heard = self.heard()
        if heard is not None:
            self.roster.learn(heard)
        return heard is not None


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
    tool.anew = bridge.changing.anew
    tool.roster.begin(tool.heard() or {}, carrying.candidate(tool.llm, live.route, live.settings).model.name)
