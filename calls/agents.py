"""Who talks on a call: several agents, one at a time, who hand the caller over to each other. Pure.

    reception ──hand_over {to: billing}──▶ billing ──hand_over {to: reception}──▶ …

They are one conversation with one model: who takes over has instructions and tools of their own, said by a
`session.update`, and knows all that was said. A voice cannot be changed any more in a session in which it was heard
(OpenAI guide "Realtime conversations"), nor a model while a connection lasts, so an agent with another voice or model
begins a new session, which is told the history. What an operator has changed of either takes the place of what the
verb says, and not of what an agent is said to have.

Two agents who hand somebody to and fro, and nobody answers, are stopped: a caller who was handed over must have said
something before they are again, and a call has so many handovers.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from calls.dialling import with_model
from config.agents import Agent
from verbs.agents import (
    HANDOVER_TOOL,
    hidden_tool,
    model_of,
    of_another_vendor,
    own_tools,
    spoken_by,
    tools_besides,
    unknown_tools,
    voice_of,
)
from verbs.base import JsonObject
from verbs.llm import Llm

STILL = "this caller has just been handed to you and has said nothing since: answer them yourself"
ENOUGH = "this caller has been handed over too often: help them yourself"


class Roster:
    """One call's agents. Times are monotonic seconds."""

    def __init__(self, agents: Sequence[Agent], *, most: int) -> None:
        self._agents = {agent.name: agent for agent in agents}
        self._left = most
        self._current = agents[0]
        self._heard: JsonObject = {}
        "The `model` and the `voice` of the session, as they were left."
        self._by_operator: JsonObject = {}
        self._verbs_model: str | None = None

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

    def begin(self, heard: JsonObject, verbs_model: str) -> None:
        """A conversation begins, with this model and voice; `verbs_model`: the one that the verb itself asks for."""
        self._heard, self._verbs_model = heard, verbs_model

    def learn(self, heard: JsonObject) -> None:
        """Hear with which model and voice it goes on: what is not as it was left, an operator has changed."""
        changed = {name: value for name, value in heard.items() if value != self._heard.get(name)}
        self._by_operator |= {name: value for name, value in changed.items() if value is not None}
        self._heard = heard

    def left(self, heard: JsonObject | None) -> None:
        """Hear with which model and voice it goes on now that it was changed for an agent, where that can be heard."""
        self._heard = self._heard if heard is None else heard

    def besides(self, agent: Agent, llm: Llm, of_route: Mapping[str, JsonObject | None]) -> list[JsonObject]:
        """Give the functions that this agent may call besides the verb's."""
        return tools_besides(llm, of_route, only=agent.tools, others=self.others(agent))

    def session(self, agent: Agent, llm: Llm) -> JsonObject:
        """Give the settings of the session that are this agent's, in a verb's words; model and voice only if others."""
        by_verb = {"model": self._verbs_model, "voice": voice_of(llm)}
        own = {"model": model_of(agent.model, llm), "voice": agent.voice}
        wanted = {name: own[name] or self._by_operator.get(name) or by_verb[name] for name in own}
        another = {name: value for name, value in wanted.items() if value and value != self._heard.get(name)}
        return {"instructions": agent.instructions, "tools": own_tools(llm, only=agent.tools), **another}

    def spoken(self, llm: Llm) -> Llm:
        """Give a verb as the agent who has the caller now speaks it."""
        self._heard, self._verbs_model = {}, None
        session = self.session(self._current, llm)
        model = session.pop("model", None)
        spoken = spoken_by(llm, session)
        return with_model(spoken, model) if model else spoken


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
        if agent.model and of_another_vendor(agent.model, llm):
            whose = f"all agents of a call are of one vendor, {llm.vendor}"
            yield f"the agent {agent.name} has the model {agent.model!r}: {whose}"
