"""Who talks on a call: several agents, one at a time, who hand the caller over to each other. Pure.

    reception ──hand_over {to: billing}──▶ billing ──hand_over {to: reception}──▶ …

They are one conversation with one model: who takes over has instructions and tools of their own, said by a
`session.update`, and knows all that was said. A voice cannot be changed any more in a session in which it was heard
(OpenAI guide "Realtime conversations"), so an agent with another voice begins a new session, which is told the history.

Two agents who hand somebody to and fro, and nobody answers, are stopped: a caller who was handed over must have said
something before they are again, and a call has so many handovers.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from structlog.typing import FilteringBoundLogger

from config.agents import Agent
from hooks.asked import Asked
from hooks.courier import Answer, Courier
from hooks.replies import error_output
from media.changing import Change, by_event
from media.effects import Outcome
from media.realtime.updating import UpdateRefusedError
from verbs.agents import HANDOVER_TOOL, hidden_tool, spoken_by, tools_of, unknown_tools, voice_of
from verbs.base import JsonObject
from verbs.llm import Llm

HANDED_OVER = "agent.handed_over"
"What the eventHook is told of it."
STILL = "this caller has just been handed to you and has said nothing since: answer them yourself"
ENOUGH = "this caller has been handed over too often: help them yourself"
Update = Callable[[JsonObject | Change], None]
"Changes the conversation. It raises UpdateRefusedError where that cannot be."


def nothing_to_change(_: JsonObject | Change) -> None:
    raise UpdateRefusedError("the conversation is over, or has not begun")


class Roster:
    """One call's agents. Times are monotonic seconds."""

    def __init__(self, agents: Sequence[Agent], *, most: int) -> None:
        self._agents = {agent.name: agent for agent in agents}
        self._left = most
        self._current = agents[0]
        self.voice: str | None = None
        "That of whoever speaks, where it is known."

    @property
    def current(self) -> Agent:
        return self._current

    def others(self, agent: Agent) -> dict[str, str]:
        """Give to whom an agent may hand over, and what those are there for."""
        names = [name for name in self._agents if name != agent.name]
        known = [name for name in names if agent.hands_over_to is None or name in agent.hands_over_to]
        return {name: self._agents[name].description or "" for name in known}

    def objection(self, to: object, *, answered: bool) -> str | None:
        """Say why the caller cannot be handed over; `answered`: they have said something since they were last."""
        others = self.others(self._current)
        if not isinstance(to, str) or to not in others:
            known = ", ".join(others) or "nobody"
            return f"there is nobody of that name to hand over to, only: {known}"
        if not self._left:
            return ENOUGH
        return None if answered else STILL

    def agent(self, name: str) -> Agent:
        return self._agents[name]

    def took_over(self, agent: Agent) -> None:
        self._left -= 1
        self._current = agent

    def stays(self, agent: Agent, voice: str | None) -> None:
        """Go on with an agent as if nobody had taken over."""
        self._current, self.voice = agent, voice

    def session(self, agent: Agent, llm: Llm, of_route: Mapping[str, JsonObject | None]) -> JsonObject:
        """Give the settings of the session that are this agent's, in a verb's words; a voice only if it is another."""
        tools = tools_of(llm, of_route, only=agent.tools, others=self.others(agent))
        voice = agent.voice or voice_of(llm)
        another = {"voice": voice} if voice and voice != self.voice else {}
        return {"instructions": agent.instructions, "tools": tools, **another}

    def spoken(self, llm: Llm, of_route: Mapping[str, JsonObject | None]) -> Llm:
        """Give a verb as the agent who has the caller now speaks it."""
        self.voice = None
        session = self.session(self._current, llm, of_route)
        self.voice = session.get("voice")
        return spoken_by(llm, session)


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
        self.answered, self.report = lambda _: False, lambda *_: None
        self.change = nothing_to_change

    def _output(self, arguments: JsonObject, now: float) -> str:
        roster, to = self.roster, arguments.get("to")
        answered = self.handed_at is None or self.answered(self.handed_at)
        if objection := roster.objection(to, answered=answered):
            self.log.info("handover_refused", message=objection)
            return error_output(objection)
        before, agent = roster.current, roster.agent(str(to))
        session = roster.session(agent, self.llm, self.of_route)
        if refusal := self._changed({"type": "session.update", "session": session}, anew="voice" in session):
            self.log.warning("handover_refused", message=refusal)
            return error_output(refusal)
        roster.took_over(agent)
        roster.voice = session.get("voice", roster.voice)
        self.handed_at = now
        told = {"from": before.name, "to": agent.name}
        self.log.info("agent_handed_over", from_agent=before.name, to_agent=agent.name, anew="voice" in session)
        self.report(HANDED_OVER, {"type": HANDED_OVER, **told, "reason": arguments.get("reason")})
        return json.dumps({**told, "message": f"You are {agent.name} now; go on with the caller."})

    def _changed(self, event: JsonObject, *, anew: bool) -> str | None:
        """Change the session, or begin another; say why neither can be."""
        came_of = partial(self._came_of, self.roster.current, self.roster.voice)
        try:
            self.change(by_event({**event, "recycle": anew}, came_of))
        except UpdateRefusedError as refusal:
            return str(refusal)
        return None

    def _came_of(self, before: Agent, voice: str | None, outcome: Outcome) -> None:
        """Let the caller stay with the agent from before where the session of the next one did not come about."""
        if outcome.how != "done":
            self.roster.stays(before, voice)
            self.log.warning("handover_undone", to_agent=before.name, message=outcome.told.get("message"))


def handovers(tools: Iterable[JsonObject]) -> list[JsonObject]:
    """Tell from a conversation's tool calls which agent has taken over when."""
    taken: list[JsonObject] = []
    for tool in tools:
        told = _told(tool)
        if told:
            taken.append({"from": told["from"], "to": told["to"], "at": tool.get("at")})
    return taken


def _told(tool: JsonObject) -> dict[str, Any]:
    try:
        told = json.loads(tool.get("output") or "") if tool.get("name") == HANDOVER_TOOL else None
    except (ValueError, RecursionError):  # where a route has no agents, such a tool may be anybody's
        return {}
    return told if isinstance(told, dict) and told.keys() >= {"from", "to"} else {}


def misnamed(agents: Sequence[Agent], llm: Llm, of_route: Collection[str]) -> Iterator[str]:
    """Say which tools agents may call that nobody has, and that one which nobody may."""
    if agents and hidden_tool(llm, of_route):
        yield f"the tool {HANDOVER_TOOL!r} is the agents' own, to hand over by: the other of that name is never called"
    for agent in agents:
        for name in unknown_tools(llm, of_route, agent.tools or ()):
            yield f"the agent {agent.name} may call the tool {name!r}, which neither the verb nor the route has"
