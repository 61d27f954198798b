"""Several agents on one call, who hand the caller over to each other, in virtual time."""

import json
from copy import copy
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from calls.agents import ENOUGH, STILL, Roster, handovers, misnamed
from calls.carrying import oddities
from calls.handover import HANDED_OVER, UNDER_WAY
from config.agents import Agent
from media.changing import Change, by_event
from media.effects import Outcome
from media.ends import HANDOFF, HUNG_UP
from media.options import ModelLeg
from media.realtime.dial import Dial
from media.realtime.telling import Told
from media.settings import read
from tests.calls.exchange import (
    LLM,
    Exchange,
    JsonObject,
    StillLine,
    in_virtual_time,
    settings_of,
    settled,
)
from verbs.llm import Llm

FRONT = {"name": "front", "instructions": "You greet.", "tools": ["crm"], "description": "the front desk"}
BILLING = {"name": "billing", "instructions": "You bill.", "description": "invoices"}
NIGHT = {"name": "night", "instructions": "You watch.", "voice": "cedar", "hands_over_to": ["front"]}
CRM = {"crm": {"url": "/crm", "description": "Look.", "parameters": {"type": "object", "properties": {}}}}


class Desk(Exchange):
    """A call whose caller is with the first of its agents, in a session that is ready."""

    line: StillLine

    def __init__(self, *agents: JsonObject, verb: JsonObject | None = None, **route: Any) -> None:
        verbs = [LLM | {"hangup": {}, "events": ["agent.*"]} | (verb or {})]
        whole = {"verbs": verbs, "agents": list(agents) or [FRONT, BILLING, NIGHT], "tools": CRM, **route}
        super().__init__(settings_of(whole | {"media": {"open_timeout_s": 900}}))
        self.outputs: list[JsonObject] = []
        self.dialled: list[int] = []
        "The models that were reached anew."
        self.urls: list[str] = []
        "And where, if not where they were."
        self.told: list[JsonObject] = []
        "What the models were told."

    async def begin(self) -> "Desk":
        self.verbs = await self.ring()
        line = await self.open(self.verbs)
        assert line
        self.line = line
        line._redial = self._redialled  # type: ignore[method-assign]
        line._model = self  # type: ignore[assignment]
        self.configured()
        return self

    def _redialled(self, nth: int, dial: Dial | None = None) -> None:
        self.dialled.append(nth)
        self.urls += [dial.url] if dial else []

    def send(self, wire: bytes) -> None:
        self.told.append(json.loads(wire))

    def configured(self) -> None:
        """Let the session that was dialled come about."""
        bridge = self.line._bridge
        self.line.tell(bridge.model_opened)
        for type_ in ("session.created", "session.updated"):
            self.line.tell(bridge.model_said, json.dumps({"type": type_, "session": {}}))

    @property
    def session(self) -> JsonObject:
        """What a session with the model begins with."""
        asked = copy(self.line._bridge._session.model)
        asked._told = Told()  # type: ignore[attr-defined]  # what the model itself has been told stays as it is
        told: JsonObject = json.loads(asked.configure())["session"]
        return told

    @property
    def current(self) -> str:
        live = self.switchboard._calls.by_sid("c-1")
        assert live
        assert live.roster
        return live.roster.current.name

    @property
    def tools(self) -> list[str]:
        return sorted(tool["name"] for tool in self.session["tools"])

    @property
    def instructions(self) -> str:
        return str(self.session["instructions"])

    async def ask_for(self, to: object, **arguments: Any) -> None:
        """Let the model call the tool."""
        answer = lambda output: self.outputs.append(json.loads(output))  # noqa: E731
        self.line._hooks.call_tool(f"t-{len(self.outputs)}", "hand_over", {"to": to, **arguments}, answer)
        await settled()

    async def hand_over(self, to: str, **arguments: Any) -> JsonObject:
        """Let the model call the tool, and agree to what it is told."""
        told = len(self.outputs)
        await self.ask_for(to, **arguments)
        if len(self.outputs) == told:
            await self.says({"type": "session.updated", "session": {}})
        return self.outputs[-1]

    async def changes(self, wanted: JsonObject) -> None:
        """Let an operator change settings, or the application, and the model agree."""
        event = wanted if "type" in wanted else Change(read(wanted), lambda _: None)
        self.line.tell(self.line._bridge.update, event if isinstance(event, Change) else by_event(event))
        await self.says({"type": "session.updated", "session": {}})

    async def says(self, event: JsonObject) -> None:
        """Let the model say something."""
        self.line.tell(self.line._bridge.model_said, json.dumps(event))
        await settled()

    def caller_answers(self) -> None:
        """Let the caller hear the agent, and say something."""
        for tool in self.line._hooks._tools.values():  # type: ignore[attr-defined]
            if tool.target == "an agent":
                tool.answered = lambda _: True


@pytest.mark.claim("L19")
@in_virtual_time
async def test_l19_a_handover_changes_instructions_and_tools_within_the_session() -> None:
    desk = await Desk().begin()
    assert (desk.instructions, desk.tools) == ("You greet.", ["crm", "hand_over"])
    before = desk.line._bridge._session.model
    with capture_logs() as logged:
        output = await desk.hand_over("billing", reason="an invoice")
    assert (output["from"], output["to"]) == ("front", "billing")
    assert (desk.instructions, desk.tools) == ("You bill.", ["crm", "hand_over", "hangup"])
    assert desk.line._bridge._session.ready, "it is the same session"
    assert desk.line._bridge._session.model is before
    [told] = [line for line in logged if line["event"] == "agent_handed_over"]
    assert (told["from_agent"], told["to_agent"], told["anew"]) == ("front", "billing", False)
    await settled()
    [event] = desk.applications.bodies("/event")
    assert event == {"type": HANDED_OVER, "from": "front", "to": "billing", "reason": "an invoice", "call_sid": "c-1"}


@in_virtual_time
async def test_an_agent_with_another_voice_begins_a_new_session_that_knows_what_was_said() -> None:
    desk = await Desk(verb={"llmOptions": {"session_update": {"voice": "marin"}}}).begin()
    desk.line._bridge._talk.speaking.has_spoken = True
    desk.line._bridge.record.caller_turn("u1", transcribed=True, now=0)
    desk.line._bridge.record.caller_text("u1", "The night watch, please.", 0)
    assert desk.session["audio"]["output"]["voice"] == "marin"
    await desk.hand_over("night")
    assert desk.dialled == [0], "a new session is on its way"
    assert (desk.outputs[-1]["to"], desk.current) == ("night", "front"), "and is told whose it is, before it is so"
    assert desk.session["audio"]["output"]["voice"] == "cedar"
    assert ("user", "The night watch, please.") in desk.line._bridge.record.history()
    desk.configured()
    desk.caller_answers()
    await desk.hand_over("front")
    assert desk.session["audio"]["output"]["voice"] == "marin", "and back"


@in_virtual_time
async def test_a_caller_stays_with_the_agent_whom_they_have_where_the_next_ones_session_does_not_come_about() -> None:
    desk = await Desk(verb={"llmOptions": {"session_update": {"voice": "marin"}}}).begin()
    desk.line._bridge._talk.speaking.has_spoken = True
    assert (await desk.hand_over("night"))["to"] == "night", "the session that is tried is told so"
    assert desk.instructions == "You watch."
    with capture_logs() as logged:
        desk.line.tell(partial(desk.line._bridge.model_failed, reason_code="model_unreachable", message="no"))
    assert "handover_undone" in [line["event"] for line in logged]
    assert (desk.instructions, desk.session["audio"]["output"]["voice"]) == ("You greet.", "marin")
    assert desk.dialled == [0, 0]
    await settled()
    assert "night cannot take over" in desk.outputs[-1]["error"], "and the model is told why"
    assert "you are front still" in desk.outputs[-1]["error"]
    assert (desk.current, desk.applications.bodies("/event")) == ("front", []), "nobody was handed over"
    desk.configured()
    assert (await desk.hand_over("billing"))["from"] == "front", "so it counts for nothing"


@in_virtual_time
async def test_a_caller_stays_with_the_agent_whom_they_have_where_the_model_refuses_the_next_ones_settings() -> None:
    desk = await Desk(max_handovers=1).begin()
    await desk.ask_for("billing")
    assert desk.outputs == [], "the model has not agreed yet"
    update = desk.told[-1]
    assert update["session"]["instructions"] == "You bill."
    error = {"type": "invalid_request_error", "code": "invalid_value", "message": "too long", "param": "session.tools"}
    with capture_logs() as logged:
        await desk.says({"type": "error", "error": error | {"event_id": update["event_id"]}})
    assert "billing cannot take over (too long): you are front still" in desk.outputs[-1]["error"]
    assert (desk.current, desk.instructions, desk.tools) == ("front", "You greet.", ["crm", "hand_over"])
    assert "agent_handed_over" not in [line["event"] for line in logged]
    assert desk.applications.bodies("/event") == []
    assert (await desk.hand_over("billing"))["to"] == "billing", "it counts for nothing, and may be tried again"
    assert (desk.current, desk.instructions) == ("billing", "You bill.")


@in_virtual_time
async def test_a_caller_is_handed_to_one_agent_at_a_time() -> None:
    desk = await Desk().begin()
    await desk.ask_for("billing")
    await desk.ask_for("night")
    assert desk.outputs == [{"error": UNDER_WAY}]
    await desk.says({"type": "session.updated", "session": {}})
    assert desk.outputs[-1]["to"] == desk.current == "billing"


@in_virtual_time
async def test_a_handover_that_is_under_way_when_the_conversation_ends_is_none() -> None:
    desk = await Desk(NIGHT | {"hands_over_to": None}, FRONT).begin()
    await desk.ask_for("front")
    [change, _] = desk.line._bridge._session.agreements._waiting[1]
    desk.line.finish(HUNG_UP)
    await settled()
    change(Outcome("done", {}))
    await settled()
    assert desk.outputs == []


@in_virtual_time
async def test_nobody_is_handed_over_when_the_conversation_is_over() -> None:
    desk = await Desk().begin()
    desk.line.finish(HUNG_UP)
    await settled()
    assert "the conversation is over" in (await desk.hand_over("billing"))["error"]


@in_virtual_time
async def test_a_caller_is_not_handed_on_before_they_have_said_something() -> None:
    desk = await Desk().begin()
    await desk.hand_over("billing")
    assert await desk.hand_over("front") == {"error": STILL}
    assert desk.instructions == "You bill."
    desk.caller_answers()
    assert (await desk.hand_over("front"))["to"] == "front"


@in_virtual_time
async def test_a_call_has_so_many_handovers_and_no_more() -> None:
    desk = await Desk(max_handovers=1).begin()
    await desk.hand_over("billing")
    desk.caller_answers()
    assert await desk.hand_over("front") == {"error": ENOUGH}


@in_virtual_time
async def test_nobody_is_handed_to_who_is_not_there() -> None:
    desk = await Desk().begin()
    for to in ("front", "nobody"):
        assert "only: billing, night" in (await desk.hand_over(to))["error"]
    desk.line._hooks.call_tool("x", "hand_over", {"to": ["front"]}, lambda told: desk.outputs.append(json.loads(told)))
    await settled()
    assert "only: billing, night" in desk.outputs[-1]["error"]


EXPERT = {"name": "expert", "instructions": "You know.", "model": "openai/gpt-realtime-2.1-pro"}


@in_virtual_time
async def test_an_agent_with_another_model_begins_a_new_session_and_who_has_none_goes_back_to_the_verbs() -> None:
    desk = await Desk(FRONT, EXPERT).begin()
    model = desk.line._bridge._session.model
    before = model.name
    assert (await desk.hand_over("expert"))["to"] == "expert"
    assert (desk.dialled, model.name, desk.instructions) == ([0], "gpt-realtime-2.1-pro", "You know.")
    assert desk.urls[-1].endswith("model=gpt-realtime-2.1-pro")
    desk.configured()
    desk.caller_answers()
    await desk.hand_over("front")
    assert (desk.dialled, model.name) == ([0, 0], before)
    assert desk.urls[-1].endswith(f"model={before}")


@in_virtual_time
async def test_the_first_agents_model_is_that_of_the_first_session_and_the_verbs_comes_after_it() -> None:
    desk = await Desk(EXPERT, BILLING).begin()
    model = desk.line._bridge._session.model
    assert model.name == "gpt-realtime-2.1-pro"
    await desk.hand_over("billing")
    assert model.name == "gpt-realtime-2.1"


@in_virtual_time
async def test_who_comes_back_from_a_transfer_is_with_the_agents_model() -> None:
    handoff = {"mode": "blind", "blindMethod": "dial", "target": [{"type": "phone", "number": "+1"}]}
    desk = await Desk(FRONT, EXPERT, verb={"handoff": handoff}).begin()
    await desk.hand_over("expert")
    desk.configured()
    desk.line.finish(HANDOFF)
    [dial, _] = await desk.ended(desk.verbs, call_status="in-progress")
    line = await desk.open(await desk.hook(dial["actionHook"], call_status="in-progress", dial_call_status="busy"))
    assert line
    assert line._bridge._session.model.name == "gpt-realtime-2.1-pro"


@in_virtual_time
async def test_a_model_that_the_verbs_own_was_left_for_stays_whatever_agents_have() -> None:
    others = [{"vendor": "openai", "model": "gpt-realtime-mini"}]
    desk = await Desk(FRONT, EXPERT | {"voice": "cedar"}, llm_fallback=others).begin()
    session = desk.line._bridge._session
    session._nth, session.model = 1, session._models[1]
    assert session.model.name == "gpt-realtime-mini"
    assert (await desk.hand_over("expert"))["to"] == "expert"
    assert (session.model.name, desk.dialled, desk.instructions) == ("gpt-realtime-mini", [], "You know.")


@in_virtual_time
async def test_what_an_operator_has_changed_takes_the_place_of_the_verbs_and_not_of_an_agents() -> None:
    named = {"name": "named", "instructions": "You are named.", "voice": "marin"}
    desk = await Desk(FRONT, BILLING, named, verb={"llmOptions": {"session_update": {"voice": "marin"}}}).begin()
    bridge = desk.line._bridge
    bridge._talk.speaking.has_spoken = True
    desk.line.tell(bridge.update, Change(read({"voice": "cedar", "model": "gpt-realtime-mini"}), print, recycle=True))
    desk.configured()
    await desk.hand_over("billing")
    assert (desk.session["audio"]["output"]["voice"], bridge._session.model.name) == ("cedar", "gpt-realtime-mini")
    assert desk.dialled == [0], "the same session goes on"
    desk.caller_answers()
    await desk.hand_over("named")
    assert (desk.session["audio"]["output"]["voice"], bridge._session.model.name) == ("marin", "gpt-realtime-mini")
    assert desk.dialled == [0, 0]


WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
REFUND = WEATHER | {"name": "refund"}


@pytest.mark.parametrize(
    "wanted",
    [
        {"tools": [WEATHER]},
        {"session_properties": {"tools": [WEATHER]}},
        {"type": "session.update", "session": {"tools": [WEATHER]}},
        {"type": "session.update", "session": {"tools": [WEATHER]}, "recycle": True},
    ],
)
def test_other_tools_leave_an_agent_those_of_the_route_and_its_own(wanted: JsonObject) -> None:
    @in_virtual_time
    async def story() -> None:
        desk = await Desk(verb={"llmOptions": {"session_update": {"tools": [REFUND]}}}).begin()
        await desk.hand_over("billing")
        assert desk.tools == ["crm", "hand_over", "hangup", "refund"]
        await desk.changes(wanted)
        assert desk.tools == ["crm", "hand_over", "hangup", "weather"]
        await desk.changes(json.loads(json.dumps(wanted).replace(json.dumps([WEATHER]), "[]")))
        assert desk.tools == ["crm", "hand_over", "hangup"]
        desk.caller_answers()
        assert (await desk.hand_over("front"))["to"] == "front"
        assert desk.tools == ["crm", "hand_over"], "and the next agent has those that are its own"

    story()


@in_virtual_time
async def test_settings_without_tools_leave_an_agent_those_of_the_route_and_its_own() -> None:
    desk = await Desk().begin()
    for wanted in ({"tools": None}, {"session_properties": {"instructions": "x"}}):
        await desk.changes(wanted)
        assert desk.tools == ["crm", "hand_over"]


@in_virtual_time
async def test_a_model_that_is_fallen_back_on_is_offered_what_the_agent_may_call() -> None:
    others = [{"vendor": "openai", "model": "gpt-realtime-mini"}]
    desk = await Desk(llm_fallback=others).begin()
    await desk.hand_over("billing")
    session = desk.line._bridge._session
    session._nth, session.model = 1, session._models[1]
    assert (desk.instructions, desk.tools) == ("You bill.", ["crm", "hand_over", "hangup"])


@pytest.mark.parametrize("to", ["billing", "night"])
def test_a_handover_that_the_session_cannot_take_is_told_to_the_model(to: str) -> None:
    @in_virtual_time
    async def story() -> None:
        desk = await Desk().begin()
        desk.line._bridge._session.leg = ModelLeg.DIALLED
        assert "no session" in (await desk.hand_over(to))["error"]
        assert desk.instructions == "You greet."

    story()


@in_virtual_time
async def test_who_comes_back_from_a_transfer_is_with_the_agent_who_had_them() -> None:
    handoff = {"mode": "blind", "blindMethod": "dial", "target": [{"type": "phone", "number": "+1"}]}
    desk = await Desk(verb={"handoff": handoff}).begin()
    await desk.hand_over("billing")
    desk.line.finish(HANDOFF)
    [dial, _] = await desk.ended(desk.verbs, call_status="in-progress")
    back = await desk.hook(dial["actionHook"], call_status="in-progress", dial_call_status="busy")
    line = await desk.open(back)
    assert line
    desk.line = line
    assert desk.instructions == "You bill."


def agents_of(*names: str) -> list[Agent]:
    return [Agent(name=name, instructions="x") for name in names]


@given(st.lists(st.tuples(st.sampled_from("abcx"), st.booleans()), max_size=30), st.integers(1, 5))
def test_whatever_agents_want_there_is_one_of_them_and_an_end_to_handing_over(
    wanted: list[tuple[str, bool]], most: int
) -> None:
    roster, handed = Roster(agents_of("a", "b", "c"), most=most), 0
    for to, answered in wanted:
        if roster.objection(to, answered=answered) is None:
            roster.took_over(roster.agent(to))
            handed += 1
        assert roster.current.name in "abc"
        assert roster.objection(roster.current.name, answered=True)
    assert handed <= most


def test_the_record_tells_who_took_over_when() -> None:
    used = {"name": "hand_over", "at": 3.5, "output": '{"from": "front", "to": "billing"}'}
    others = [
        used | {"output": '{"error": "no"}'},
        used | {"output": "no JSON"},
        used | {"output": None},
        used | {"output": "[]"},
        used | {"name": "crm"},
    ]
    assert handovers([*others, used]) == [{"from": "front", "to": "billing", "at": 3.5}]


@given(st.none() | st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_whatever_a_tool_of_that_name_has_answered_the_record_is_made(output: str | None) -> None:
    assert handovers([{"name": "hand_over", "output": output}, {"name": "hand_over", "output": "[" * 99_999}]) == []


def test_tools_that_agents_may_call_and_nobody_has_are_told() -> None:
    [route] = (settings := settings_of({"verbs": [LLM], "agents": [FRONT | {"tools": ["cmr"]}, BILLING]})).routes
    told = "the agent front may call the tool 'cmr', which neither the verb nor the route has"
    assert told in list(oddities(settings, route))
    [hidden] = misnamed(route.agents[1:], Llm.model_validate(LLM), ["hand_over"])
    assert "the agents' own" in hidden
    [foreign] = misnamed([Agent(name="x", instructions="x", model="xai/grok-4")], Llm.model_validate(LLM), ())
    assert "of one vendor, openai" in foreign
    assert list(misnamed((), Llm.model_validate(LLM), ["hand_over"])) == []
    assert list(misnamed(route.agents, Llm.model_validate(LLM), ["cmr"])) == []
