"""A change of the conversation that the model refuses: it was not made, neither here nor in any later session."""

from typing import Any

import pytest

from media.agreements import MOST_OPEN
from media.effects import Warn
from media.realtime.updating import UpdateRefusedError
from tests.by_hand import Hand, JsonObject, sent, warned
from tests.simulation import WEATHER, llm

UPDATE = "session.update"
PRICE = {**WEATHER, "name": "price"}


def conversation(fallbacks: int = 0, **session: Any) -> Hand:
    return Hand(llm(session_update={"instructions": "Help.", **session}), fallbacks=fallbacks).connect()


def told(hand: Hand, **session: Any) -> JsonObject:
    [event] = sent(hand.do(hand.bridge.update({"type": UPDATE, "session": session}, hand.now)), UPDATE)
    return event


def refused(hand: Hand, event: JsonObject, code: str = "integer_above_max_value", **more: Any) -> list[JsonObject]:
    return sent(hand.refuses(code=code, event_id=event["event_id"], **more), UPDATE)


def in_the_next_session(hand: Hand, code: int = 1006) -> JsonObject:
    hand.do(hand.bridge.model_closed(hand.now, code=code, reason=""))
    hand.do(hand.bridge.model_opened(hand.now))
    [event] = sent(hand.model("session.created", session={}), UPDATE)
    session: JsonObject = event["session"]
    return session


@pytest.mark.claim("J31")
def test_a_change_that_the_model_refuses_is_not_said_again_in_the_next_session() -> None:
    hand = conversation()
    assert refused(hand, told(hand, max_output_tokens=4000, instructions="Be brief.")) == []
    assert "session_update_refused" in warned(hand.effects)
    again = in_the_next_session(hand)
    assert (again["instructions"], "max_output_tokens" in again) == ("Help.", False)
    assert hand.end is None


@pytest.mark.claim("J31")
def test_a_change_after_one_that_is_refused_stays() -> None:
    hand = conversation()
    first, _ = told(hand, max_output_tokens=4000), told(hand, instructions="Be brief.")
    refused(hand, first)
    again = in_the_next_session(hand)
    assert (again["instructions"], "max_output_tokens" in again) == ("Be brief.", False)


def test_tools_and_voice_and_manners_that_are_refused_are_as_they_were() -> None:
    hand = conversation(voice="alloy", tools=[WEATHER])
    model = hand.bridge._session.model
    refused(hand, told(hand, voice="verse", tools=[PRICE], turn_detection=None))
    assert (list(model.tools), model.answers_itself) == (["get_weather"], True)
    assert told(hand, voice="verse")["session"]["audio"] == {"output": {"voice": "verse"}}


@pytest.mark.claim("J31", "fallback models")
def test_what_one_model_refuses_is_not_said_to_the_next() -> None:
    hand = conversation(fallbacks=1)
    refused(hand, told(hand, instructions="Be brief."))
    assert in_the_next_session(hand, code=1000)["instructions"] == "Help."


@pytest.mark.claim("J31", "fallback models")
def test_what_one_model_takes_is_said_to_the_next() -> None:
    hand = conversation(fallbacks=1)
    told(hand, instructions="Be brief.", tools=[PRICE])
    again = in_the_next_session(hand, code=1000)
    assert (again["instructions"], [tool["name"] for tool in again["tools"]]) == ("Be brief.", ["price"])


@pytest.mark.claim("J31", "unknown parameter")
def test_a_setting_that_the_model_does_not_know_is_left_out_and_the_rest_told_again() -> None:
    hand = conversation()
    event = told(hand, foo=1, instructions="Be brief.")
    [again] = refused(hand, event, "unknown_parameter", param="session.foo")
    assert again["session"] == {"type": "realtime", "instructions": "Be brief."}
    assert again["event_id"] != event["event_id"]
    assert Warn("session_setting_dropped", {"param": "session.foo"}) in hand.effects
    assert in_the_next_session(hand)["instructions"] == "Be brief."


def test_a_change_of_which_nothing_is_left_is_not_told_again() -> None:
    hand = conversation()
    assert refused(hand, told(hand, foo=1), "unknown_parameter", param="session.foo") == []
    assert warned(hand.effects)[0] == "session_setting_dropped"
    assert "foo" not in in_the_next_session(hand)


def test_a_change_that_is_refused_without_what_was_not_known_is_taken_back() -> None:
    hand = conversation()
    [again] = refused(hand, told(hand, foo=1, instructions="Brief."), "unknown_parameter", param="session.foo")
    assert refused(hand, again) == []
    assert in_the_next_session(hand)["instructions"] == "Help."


def test_a_parameter_that_cannot_be_left_out_takes_the_change_with_it() -> None:
    hand = conversation()
    assert refused(hand, told(hand, instructions="Brief."), "unknown_parameter", param="session.nowhere") == []
    assert in_the_next_session(hand)["instructions"] == "Help."


@pytest.mark.claim("unknown parameter")
def test_a_parameter_that_is_known_and_refused_is_not_left_out() -> None:
    hand = conversation()
    event = told(hand, instructions="Brief.", speed=1.2)
    assert refused(hand, event, "invalid_value", param="session.audio.output.speed") == []
    again = in_the_next_session(hand)
    assert (again["instructions"], "speed" in again["audio"]["output"]) == ("Help.", False)


def test_a_refusal_that_names_no_event_is_of_the_newest_change() -> None:
    hand = conversation()
    told(hand, max_output_tokens=4000)
    hand.refuses(code="integer_above_max_value", param="session.max_output_tokens")
    assert "max_output_tokens" not in in_the_next_session(hand)


@pytest.mark.parametrize("about", [{"event_id": "tool-1"}, {"param": "response.tools"}, {}])
def test_a_refusal_of_something_else_takes_no_change_back(about: JsonObject) -> None:
    hand = conversation()
    told(hand, instructions="Be brief.")
    hand.refuses(code="invalid_value", **about)
    assert in_the_next_session(hand)["instructions"] == "Be brief."


@pytest.mark.claim("J31", "mcpServers")
def test_tools_that_came_late_and_are_refused_are_taken_back() -> None:
    hand = conversation(fallbacks=1, tools=[WEATHER])
    [event] = sent(hand.do(hand.bridge.declare([PRICE], hand.now)), UPDATE)
    assert list(hand.bridge._session.model.tools) == ["get_weather", "price"]
    refused(hand, event, "invalid_value")
    assert list(hand.bridge._session.model.tools) == ["get_weather"]
    assert [tool["name"] for tool in in_the_next_session(hand, code=1000)["tools"]] == ["get_weather"]


def test_of_many_changes_each_can_be_refused_and_there_are_no_more() -> None:
    hand = conversation()
    first, *others = [told(hand, speed=1 + n / 100, instructions=f"Be brief {n}.") for n in range(MOST_OPEN)]
    with pytest.raises(UpdateRefusedError, match="ask again in a moment"):
        told(hand, instructions="Be long.")
    assert refused(hand, first) == []
    for event in others:
        assert refused(hand, event) == []
    again = in_the_next_session(hand)
    assert (again["instructions"], again["audio"]["output"].get("speed")) == ("Help.", None)


@pytest.mark.claim("J31", "J19")
@pytest.mark.parametrize(
    ("session", "fault"),
    [
        ({"max_output_tokens": 5000}, r"session\.max_output_tokens must be from 1 to 4096"),
        ({"turn_detection": {"type": "server_vad", "threshold": 3}}, r"session\.turn_detection\.threshold "),
        ({"tools": [{**WEATHER, "name": "has blanks"}]}, r"session\.tools\.0\.name "),
        ({"tool_choice": "always"}, r"session\.tool_choice "),
    ],
)
def test_what_no_check_would_let_pass_is_refused_here(session: JsonObject, fault: str) -> None:
    hand = conversation()
    with pytest.raises(UpdateRefusedError, match=fault):
        told(hand, **session)


@pytest.mark.claim("J12", "J31")
@pytest.mark.parametrize("session", [{"mood": "sunny"}, {"tools": [{"type": "web_search"}]}])
def test_what_only_the_model_may_know_is_for_it_to_say(session: JsonObject) -> None:
    assert told(conversation(), **session)["session"] == {"type": "realtime", **session}


def test_tools_that_were_taken_long_ago_stay() -> None:
    hand = conversation()
    hand.do(hand.bridge.declare([PRICE], hand.now))
    for n in range(2):
        hand.model("session.updated", session={})
        told(hand, instructions=f"Be brief {n}.")
    assert [tool["name"] for tool in in_the_next_session(hand)["tools"]] == ["price"]
