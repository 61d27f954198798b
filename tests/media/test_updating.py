"""A conversation that goes on is changed by its application, as far as it can be."""

from dataclasses import replace
from typing import Any

import pytest

from media import client_events
from media.bridge import Bridge
from media.changing import anew, by_event
from media.effects import Redial
from media.interruption import BargeIn
from media.options import Manners, Options
from media.platforms.jambonz.media import JambonzMedia
from media.realtime import qwen
from media.realtime.openai import CAN, Realtime
from media.realtime.updating import UpdateRefusedError, differences, merged
from tests.by_hand import METADATA, Hand, JsonObject, sent, warned
from tests.oracles import check_client
from tests.simulation import PCM24, WEATHER, llm

UPDATE = "session.update"
MCP = {"type": "mcp", "server_label": "crm", "server_url": "https://crm.example/mcp"}
CHOICE = {"type": "mcp", "server_label": "crm"}


def update(hand: Hand, type_: str, **fields: Any) -> list[JsonObject]:
    """Give what is sent to the model; all of it is what the service takes."""
    told = sent(hand.do(hand.bridge.update({"type": type_, **fields}, hand.now)))
    assert [fault for event in told for fault in check_client(event)] == []
    return told


def changed(hand: Hand, **session: Any) -> JsonObject:
    [event] = update(hand, UPDATE, session=session)
    session_told: JsonObject = event["session"]
    assert session_told.pop("type") == "realtime"
    return session_told


# Settings


@pytest.mark.parametrize(
    ("session", "told"),
    [
        ({"instructions": "Be brief."}, {"instructions": "Be brief."}),
        ({"type": "realtime", "instructions": "Be brief."}, {"instructions": "Be brief."}),
        ({"voice": "verse"}, {"audio": {"output": {"voice": "verse"}}}),
        ({"audio": {"output": {"voice": "verse"}}}, {"audio": {"output": {"voice": "verse"}}}),
        (
            {"turn_detection": {"type": "semantic_vad"}},
            {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}},
        ),
        ({"turn_detection": None}, {"audio": {"input": {"turn_detection": None}}}),
        ({"tools": []}, {"tools": []}),
    ],
)
def test_only_what_changes_is_sent_in_the_words_of_today(session: JsonObject, told: JsonObject) -> None:
    before = {"voice": "alloy", "turn_detection": {"type": "server_vad", "silence_duration_ms": 300}}
    hand = Hand(llm(session_update={**before, "instructions": "Help.", "tools": [WEATHER]})).connect()
    assert changed(hand, **session) == told


def test_what_is_so_already_is_not_sent() -> None:
    hand = Hand(llm(session_update={"instructions": "Help.", "voice": "alloy"})).connect()
    assert update(hand, UPDATE, session={"instructions": "Help.", "audio": {"output": {"voice": "alloy"}}}) == []


@pytest.mark.claim("J31")
def test_a_second_change_keeps_the_first_and_so_does_the_next_session() -> None:
    hand = Hand(llm(session_update={"instructions": "Help."})).connect()
    changed(hand, instructions="Be brief.")
    assert changed(hand, speed=1.2) == {"audio": {"output": {"speed": 1.2}}}
    hand.do(hand.bridge.model_closed(hand.now, code=1006, reason=""))
    hand.do(hand.bridge.model_opened(hand.now))
    [again] = sent(hand.model("session.created", session={}), UPDATE)
    assert again["session"]["instructions"] == "Be brief."
    assert again["session"]["audio"]["output"]["speed"] == 1.2


def test_a_tool_that_is_declared_now_can_be_called_now() -> None:
    hand = Hand(llm(session_update={})).connect()
    changed(hand, tools=[WEATHER])
    hand.starts()
    assert [effect for effect in hand.calls() if getattr(effect, "name", "") == "get_weather"]


@pytest.mark.claim("J31")
@pytest.mark.parametrize("declared", [{**WEATHER, "confirm": True}, {"type": "function", "function": WEATHER}])
def test_a_tool_that_is_declared_now_with_confirm_is_confirmed_first(declared: JsonObject) -> None:
    hand = Hand(llm(session_update={"tools": [WEATHER]})).connect()
    update(hand, UPDATE, session={"tools": [{**declared, "confirm": True}]})
    hand.starts()
    assert "tool_rejected" in warned(hand.calls())


@pytest.mark.claim("J31")
def test_tools_that_are_not_the_verbs_stay_when_the_verbs_are_replaced() -> None:
    hangup, price = ({**WEATHER, "name": name} for name in ("hangup", "price"))
    hand = Hand(llm(session_update={"tools": [WEATHER]}), besides=[hangup]).connect()
    hand.do(hand.bridge.declare([price], hand.now))
    told = [changed(hand, tools=tools)["tools"] for tools in ([{**WEATHER, "name": "own"}], [])]
    assert [[tool["name"] for tool in tools] for tools in told] == [["own", "hangup", "price"], ["hangup", "price"]]


def test_what_is_offered_besides_is_replaced_by_what_takes_its_place_and_that_stays() -> None:
    hangup, price = ({**WEATHER, "name": name} for name in ("hangup", "price"))
    hand = Hand(llm(session_update={"tools": [WEATHER]}), besides=[hangup]).connect()
    hand.do(hand.bridge.update(anew({"instructions": "0"}, lambda _: None, [price]), hand.now))
    for nth in range(1, 40):
        changed(hand, instructions=str(nth))
        hand.model("session.updated", session={})
    told = changed(hand, tools=[{**WEATHER, "name": "own"}])["tools"]
    assert [tool["name"] for tool in told] == ["own", "price"]


def test_a_tool_that_an_application_declares_goes_before_one_of_that_name_while_it_does() -> None:
    hand = Hand(llm(session_update={}), besides=[{**WEATHER, "name": "hangup"}]).connect()
    own = {**WEATHER, "name": "hangup", "description": "Go."}
    assert changed(hand, tools=[own])["tools"] == [own]
    assert changed(hand, tools=[])["tools"] == [{**WEATHER, "name": "hangup"}]


def test_turns_that_are_left_to_us_stay_so() -> None:
    options = Options(audio=PCM24, manners=Manners(barge_in=BargeIn(min_speech_ms=300)))
    hand = Hand(llm(session_update={}), options).connect()
    told = changed(hand, turn_detection={"type": "server_vad", "threshold": 0.7})
    assert told["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.7,
        "create_response": False,
        "interrupt_response": False,
    }


def test_a_setting_that_the_model_did_not_know_does_not_come_back() -> None:
    hand = Hand(llm(session_update={"instructions": "Help.", "truncation": "auto"}))
    hand.do(hand.bridge.model_opened(0.0))
    hand.model("session.created", session={})
    hand.refuses(code="unknown_parameter", param="session.truncation")
    hand.model("session.updated", session={})
    assert changed(hand, instructions="Be brief.") == {"instructions": "Be brief."}


@pytest.mark.claim("J16", "J31")
def test_the_voice_stays_as_it_is_once_the_agent_has_spoken() -> None:
    hand = Hand(llm(session_update={"voice": "alloy"})).connect()
    hand.starts()
    hand.speaks()
    with pytest.raises(UpdateRefusedError, match="voice cannot be changed any more"):
        update(hand, UPDATE, session={"voice": "verse", "instructions": "Be brief."})
    assert changed(hand, voice="alloy", instructions="Be brief.") == {"instructions": "Be brief."}


def test_another_voice_is_heard_in_a_new_session_that_is_told_what_was_said() -> None:
    hand = Hand(llm(session_update={"voice": "alloy"})).connect()
    hand.starts()
    hand.speaks(ms=200)
    hand.model("response.output_audio_transcript.done", text="Hello.", transcript="Hello.", item_id="i1")
    hand.calls()
    hand.ends()
    event = {"type": UPDATE, "session": {"voice": "verse", "instructions": "You bill."}}
    told = hand.do(hand.bridge.update(by_event({**event, "recycle": True}), hand.now))
    assert (sent(told), Redial(0) in told) == ([], True), "the old session is told nothing"
    hand.do(hand.bridge.tool_answered("c1", '{"to":"billing"}', hand.now))
    hand.do(hand.bridge.model_opened(hand.now))
    hand.model("session.created", session={})
    [configured] = [one for one in sent(hand.effects) if one["type"] == UPDATE][-1:]
    assert configured["session"]["audio"]["output"]["voice"] == "verse"
    assert configured["session"]["instructions"] == "You bill."
    before = len(hand.effects)
    hand.model("session.updated", session={})
    *history, ask = sent(hand.effects[before:])
    assert any("billing" in str(item) for item in history)
    assert ask["type"] == "response.create", "whoever takes over speaks next"


def test_the_voice_stays_as_it_is_after_an_interruption_too() -> None:
    hand = Hand(llm(session_update={"voice": "alloy"})).connect()
    hand.starts()
    hand.speaks(ms=3000)
    hand.wait(1.0)
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    with pytest.raises(UpdateRefusedError, match="voice cannot be changed any more"):
        update(hand, UPDATE, session={"voice": "verse"})


@pytest.mark.parametrize(
    ("session", "fault"),
    [({"speed": "fast"}, r"session\.speed "), ({"tools": {}}, r"session\.tools ")],
)
def test_a_setting_of_a_wrong_kind_is_refused_here(session: JsonObject, fault: str) -> None:
    hand = Hand().connect()
    with pytest.raises(UpdateRefusedError, match=fault):
        update(hand, UPDATE, session=session)


# Items and responses


def test_tools_of_servers_are_told_to_the_model_and_can_be_called() -> None:
    hand = Hand(llm(session_update={"instructions": "Help."})).connect()
    [event] = sent(hand.do(hand.bridge.declare([WEATHER], hand.now)))
    assert event["session"] == {"type": "realtime", "tools": [WEATHER]}
    assert check_client(event) == []
    hand.starts()
    assert [effect for effect in hand.calls() if getattr(effect, "name", "") == "get_weather"]


@pytest.mark.claim("J31")
def test_an_item_is_added_in_the_words_of_today() -> None:
    hand = Hand().connect()
    item = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hello."}]}
    [event] = update(hand, "conversation.item.create", item=item)
    assert event["item"]["content"] == [{"type": "output_text", "text": "Hello."}]
    assert item["content"] == [{"type": "text", "text": "Hello."}]


@pytest.mark.claim("J31")
@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"previous_item_id": "root"}, {"previous_item_id": "root", "event_id": "item-1"}),
        ({"event_id": "mine"}, {"event_id": "mine"}),
        ({"event_id": "ask-1"}, {"event_id": "item-1"}),
        ({"event_id": "bi-1", "previous_item_id": None}, {"event_id": "item-1"}),
        ({"event_id": ""}, {"event_id": "item-1"}),
    ],
)
def test_an_item_goes_where_the_application_wants_it_and_under_its_name_for_the_event(
    named: JsonObject, told: JsonObject
) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
    [event] = update(Hand().connect(), "conversation.item.create", item=item, **named)
    assert event == {"type": "conversation.item.create", "item": item, **told}


def test_a_model_that_takes_no_items_is_given_none() -> None:
    hand = Hand().connect()
    model = hand.bridge._session.model
    assert isinstance(model, Realtime)
    model.can = replace(CAN, add_text=False)
    with pytest.raises(UpdateRefusedError, match="takes no items"):
        update(hand, "conversation.item.create", item={"type": "message"})


@pytest.mark.claim("J31")
def test_an_item_is_forgotten() -> None:
    [event] = update(Hand().connect(), "conversation.item.delete", item_id="i1")
    assert (event["type"], event["item_id"]) == ("conversation.item.delete", "i1")


def test_an_item_that_was_forgotten_is_not_told_to_the_next_session() -> None:
    hand = Hand().connect()
    hand.model("input_audio_buffer.committed", item_id="u1")
    hand.model("conversation.item.input_audio_transcription.completed", item_id="u1", transcript="My secret is 42.")
    update(hand, "conversation.item.delete", item_id="u1")
    assert said(reconnected(hand)) == []


def test_an_item_that_was_added_is_told_to_the_next_session_and_is_no_line_of_the_transcript() -> None:
    hand = Hand().connect()
    for item_id, text in (("a1", "The caller is a VIP."), ("a2", "They owe 3 euros.")):
        content = [{"type": "input_text", "text": text}]
        item = {"id": item_id, "type": "message", "role": "system", "content": content}
        update(hand, "conversation.item.create", item=item)
    update(hand, "conversation.item.delete", item_id="a2")
    assert said(reconnected(hand)) == [("system", "The caller is a VIP.")]
    assert hand.bridge.record.transcript == []


@pytest.mark.parametrize("content", ["hi", [{"type": "input_image", "image_url": "data:,"}], [5], None])
def test_what_is_no_text_is_not_told_again(content: Any) -> None:
    hand = Hand().connect()
    item = {"type": "message", "role": "user", "content": content}
    hand.bridge.update({"type": "conversation.item.create", "item": item}, hand.now)
    assert said(reconnected(hand)) == []


def test_what_was_added_before_the_conversation_began_is_not_told_twice() -> None:
    hand = Hand()
    hand.do(hand.bridge.model_opened(0.0))
    hand.model("session.created", session={})
    hand.model("session.updated", session={})
    content = [{"type": "input_text", "text": "The caller is a VIP."}]
    item = {"type": "message", "role": "system", "content": content}
    told = sent(hand.do(hand.bridge.update({"type": "conversation.item.create", "item": item}, 0.0)))
    hand.do(hand.bridge.platform_opened(0.0))
    assert said(told + sent(hand.do(hand.bridge.platform_said(METADATA, 0.0)))) == [("system", "The caller is a VIP.")]


@pytest.mark.claim("J31", "fallback models")
@pytest.mark.parametrize(
    ("of", "session"),
    [
        (Realtime, {"tools": ["get_weather", "crm"], "speed": 1.2, "tool_choice": CHOICE}),
        (qwen.Realtime, {"tools": ["get_weather"], "speed": None, "tool_choice": None}),
    ],
)
def test_a_model_that_is_fallen_back_on_begins_with_what_was_changed(of: Any, session: JsonObject) -> None:
    hand = Hand()
    models = [Realtime(llm(), audio=PCM24), of(llm(), audio=PCM24)]
    hand.bridge = Bridge(JambonzMedia(24000), models, Options(audio=PCM24), now=0.0)
    hand.connect()
    changed(hand, instructions="Be brief.", tools=[WEATHER, MCP], tool_choice=CHOICE, speed=1.2)
    hand.do(hand.bridge.model_closed(hand.now, code=4000, reason=""))
    hand.do(hand.bridge.model_opened(hand.now))
    [event] = sent(hand.model("session.created", session={}), UPDATE)
    told = event["session"]
    names = [tool.get("function", tool).get("name") or tool["server_label"] for tool in told["tools"]]
    speed = told.get("audio", {}).get("output", {}).get("speed")
    assert {"tools": names, "speed": speed, "tool_choice": told.get("tool_choice")} == session
    assert (told["instructions"], "model" in told) == ("Be brief.", False)


@pytest.mark.claim("J31", "fallback models")
def test_what_is_not_changed_of_its_tools_a_fallback_is_not_told() -> None:
    hand = Hand()
    other = qwen.Realtime(llm(), audio=PCM24)
    models = [Realtime(llm(), audio=PCM24), other]
    hand.bridge = Bridge(JambonzMedia(24000), models, Options(audio=PCM24), now=0.0)
    hand.connect()
    changed(hand, instructions="Be brief.")
    assert b"Be brief." in other.configure()


def reconnected(hand: Hand) -> list[JsonObject]:
    """Lose the session; give what the next one is told."""
    hand.do(hand.bridge.model_closed(hand.now, code=1006, reason=""))
    hand.do(hand.bridge.model_opened(hand.now))
    hand.model("session.created", session={})
    return sent(hand.model("session.updated", session={}))


def said(told: list[JsonObject]) -> list[tuple[str, str]]:
    items = [event["item"] for event in told if event["type"] == "conversation.item.create"]
    return [(item["role"], item["content"][0]["text"]) for item in items]


@pytest.mark.claim("J31")
def test_a_response_that_is_cancelled_is_not_heard_any_more() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.speaks(ms=3000)
    hand.wait(1.0)
    cut = update(hand, "response.cancel")
    assert [event["type"] for event in cut] == ["conversation.item.truncate", "response.cancel"]
    hand.speaks(ms=500)
    hand.ends(status="cancelled")
    assert not hand.bridge._voice.speaking(hand.now)
    assert update(hand, "response.cancel") == []


# What cannot be


@pytest.mark.claim("J31")
@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"type": "input_audio_buffer.append"}, f"^only {', '.join(client_events.TAKEN)} are taken$"),
        ({}, r"only session\.update"),
        ({"type": UPDATE, "session": None}, r"^session\.update must have an object `session`$"),
        ({"type": "conversation.item.create"}, r"^conversation\.item\.create must have an object `item`$"),
        ({"type": "conversation.item.delete", "item_id": ""}, r"^conversation\.item\.delete must have a text"),
        ({"type": "conversation.item.create", "item": {"type": "function_call_output"}}, "each call has one"),
    ],
)
def test_what_is_no_event_to_be_sent_says_why(event: JsonObject, why: str) -> None:
    with pytest.raises(UpdateRefusedError, match=why):
        Hand().connect().bridge.update(event, 0.0)


@pytest.mark.claim("J31")
def test_an_item_that_the_model_refuses_is_not_told_to_later_sessions() -> None:
    hand = Hand(llm(session_update={})).connect()
    for text in ("One.", "Two.", "Two."):
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        [event] = update(hand, "conversation.item.create", item=item, event_id=f"mine-{text}")
    hand.refuses(code="item_create_invalid", event_id=event["event_id"])
    hand.refuses(code="something_else", event_id=None)
    hand.do(hand.bridge.model_closed(hand.now, code=1006, reason=""))
    since = len(hand.effects)
    hand.do(hand.bridge.model_opened(hand.now))
    hand.configured()
    said = [event["item"]["content"][0]["text"] for event in sent(hand.effects[since:]) if "item" in event]
    assert said == ["One.", "Two."]


def test_without_a_session_nothing_can_be_changed() -> None:
    event = {"type": UPDATE, "session": {"instructions": "x"}}
    with pytest.raises(UpdateRefusedError, match="no session"):
        Hand().bridge.update(event, 0.0)


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"tracing": {"a": 1}}, {"tracing": {"b": 2}}, {"tracing": {"b": 2}}),
        ({"audio": {"output": {"voice": "a"}}}, {"audio": {"output": {"speed": 1}}}, None),
        ({"audio": 1}, {"audio": {"output": {}}}, {"audio": {"output": {}}}),
        ({"audio": {"output": {}}}, {"audio": 1}, {"audio": 1}),
    ],
)
def test_settings_are_merged_where_they_stand_and_replaced_whole(
    before: JsonObject, change: JsonObject, after: JsonObject | None
) -> None:
    whole = merged(before, change)
    assert whole == (after or {"audio": {"output": {"voice": "a", "speed": 1}}})
    assert merged(before, differences(before, whole)) == whole
    assert differences(whole, whole) == {}


def test_a_setting_that_nobody_here_knows_is_the_models_to_judge() -> None:
    event = {"type": UPDATE, "session": {"newest": True}}
    [told] = sent(Hand().connect().bridge.update(event, 0.0))
    assert told["session"] == {"type": "realtime", "newest": True}
