"""A conversation that is steered from outside: what is asked is done, and every request is answered."""

from dataclasses import replace
from typing import Any

import pytest

from media.agreements import MOST_OPEN
from media.effects import End, Outcome, Redial
from media.ends import HANGUP
from media.idle import Rung
from media.options import Exit, Manners, Options
from media.realtime.openai import CAN
from media.record import STILL_AT_WORK
from media.requests import (
    BUSY,
    MAX_OPEN,
    NOTHING_TOLD,
    AddItem,
    Interrupt,
    PauseInput,
    Request,
    Reset,
    RetrieveItem,
    SendEvent,
)
from media.steering import IMAGE, OBJECTION_S
from tests.by_hand import APPEND, Hand, JsonObject, sent
from tests.oracles import check_client
from tests.simulation import PCM24, WEATHER, llm

FRAME = bytes(960)
HELLO: JsonObject = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "My name is Ann."}]}
PIXEL = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}
PICTURE: JsonObject = {"type": "message", "role": "user", "content": [PIXEL]}
GREETS = {"response_create": {"instructions": "Greet."}, "session_update": {"tools": [WEATHER]}}


def a_hand(options: Options | None = None, **session: Any) -> Hand:
    """Give a call in which the greeting has been heard."""
    hand = Hand(llm(**GREETS | {"session_update": {"tools": [WEATHER], **session}}), options).connect()
    hand.starts("r0")
    hand.ends("r0")
    return hand


def told(hand: Hand, since: int) -> list[JsonObject]:
    """Give what the model was sent since; all of it is what the service takes."""
    events = sent(hand.effects[since:])
    assert [fault for event in events for fault in check_client(event)] == []
    return events


def asked(hand: Hand, request: Request) -> tuple[list[Outcome], list[JsonObject]]:
    since = len(hand.effects)
    return hand.ask(request), told(hand, since)


def code(outcomes: list[Outcome]) -> tuple[str, Any]:
    [outcome] = outcomes
    return outcome.how, outcome.told["code"]


def drop(hand: Hand) -> None:
    hand.do(hand.bridge.model_closed(hand.now, code=1006, reason=""))


def comes_back(hand: Hand) -> list[JsonObject]:
    """Let the model's next session begin; give what it is told when it is ready."""
    since = len(hand.effects)
    hand.do(hand.bridge.model_opened(hand.now))
    hand.configured()
    return [event for event in told(hand, since) if event["type"] != "session.update"]


def texts(events: list[JsonObject]) -> list[str]:
    return [part["text"] for event in events for part in event.get("item", {}).get("content", ()) if "text" in part]


# Items


@pytest.mark.parametrize("confirmation", ["conversation.item.added", "conversation.item.created"])
def test_an_item_is_told_by_its_id_when_the_model_has_confirmed_it(confirmation: str) -> None:
    hand = a_hand()
    outcomes, [event] = asked(hand, AddItem(HELLO, "root"))
    assert (event["item"], event["previous_item_id"]) == ({**HELLO, "id": event["event_id"]}, "root")
    hand.model(confirmation, item={**event["item"], "id": "another"})
    assert outcomes == []
    hand.model(confirmation, item=event["item"])
    id_ = event["event_id"]
    assert outcomes == [Outcome("done", {"id": id_, "event_id": id_, "item": event["item"]})]
    hand.model("conversation.item.done", item=event["item"])
    assert len(outcomes) == 1


def test_what_was_added_is_told_to_the_next_session_and_what_was_refused_is_not() -> None:
    hand = a_hand()
    for item in (HELLO, PICTURE, {**HELLO, "content": [{"type": "input_text", "text": "refused"}]}):
        outcomes, [event] = asked(hand, AddItem(item))
        if "refused" in texts([event]):
            hand.refuses(code="item_create_duplicate_item_id", event_id=event["event_id"])
            assert code(outcomes) == ("refused", "item_create_duplicate_item_id")
        else:
            hand.model("conversation.item.added", item=event["item"])
    drop(hand)
    assert texts(comes_back(hand)) == ["My name is Ann.", IMAGE]


def test_an_item_without_words_or_without_a_role_is_no_part_of_what_is_told_later() -> None:
    hand = a_hand()
    for item in ({**HELLO, "content": "odd"}, {**HELLO, "content": []}, {"type": "message"}):
        hand.ask(AddItem(item))
        hand.model("conversation.item.added", item={"id": sent(hand.effects)[-1]["item"]["id"]})
    drop(hand)
    assert texts(comes_back(hand)) == []


@pytest.mark.parametrize("id_", ["", "x" * 33, 5, None])
def test_an_items_own_id_must_be_one(id_: object) -> None:
    assert code(a_hand().ask(AddItem({**HELLO, "id": id_}))) == ("refused", "bad_item_id")


@pytest.mark.claim("P31")
def test_p31_an_item_that_the_model_never_confirms_is_late() -> None:
    hand = a_hand()
    outcomes, _ = asked(hand, AddItem(HELLO))
    hand.wait(4.9)
    assert outcomes == []
    hand.wait(0.2)
    assert code(outcomes) == ("late", "model_silent")
    assert hand.bridge.next_due() is not None


@pytest.mark.claim("P31")
def test_p31_two_who_ask_for_one_item_ask_the_model_once() -> None:
    hand = a_hand()
    first, [event] = asked(hand, RetrieveItem("i1"))
    second, nothing = asked(hand, RetrieveItem("i1"))
    other, [_] = asked(hand, RetrieveItem("i2"))
    assert (event["type"], nothing) == ("conversation.item.retrieve", [])
    hand.model("conversation.item.retrieved", item={"id": "i1", "type": "message"})
    assert first == second == [Outcome("done", {"item": {"id": "i1", "type": "message"}})]
    assert other == []


@pytest.mark.claim("P31")
def test_p31_an_item_that_the_model_does_not_know_is_unknown() -> None:
    hand = a_hand()
    outcomes, [event] = asked(hand, RetrieveItem("nobody"))
    hand.refuses(code="item_retrieve_invalid_item_id", event_id=event["event_id"])
    assert code(outcomes) == ("unknown", "item_retrieve_invalid_item_id")


def test_what_was_typed_in_confidence_is_masked_in_what_is_told() -> None:
    hand = a_hand()
    hand.bridge.record.confidential.remember("4711")
    outcomes, _ = asked(hand, RetrieveItem("i1"))
    hand.model("conversation.item.retrieved", item={"id": "i1", "content": [{"text": "it is 4711"}]})
    assert outcomes[0].told == {"item": {"id": "i1", "content": [{"text": "it is ••••"}]}}


# Events


MINE = {"item_id": "mine"}


@pytest.mark.claim("P36")
@pytest.mark.parametrize(
    ("event", "confirmation", "fields"),
    [
        (
            {"type": "conversation.item.create", "item": {**HELLO, "id": "mine"}},
            "conversation.item.added",
            {"item": {"id": "mine"}},
        ),
        ({"type": "conversation.item.retrieve", **MINE}, "conversation.item.retrieved", {"item": {"id": "mine"}}),
        ({"type": "conversation.item.delete", **MINE}, "conversation.item.deleted", MINE),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer.committed", MINE),
        ({"type": "input_audio_buffer.clear"}, "input_audio_buffer.cleared", {}),
        ({"type": "session.update", "session": {"instructions": "Be brief."}}, "session.updated", {"session": {}}),
        ({"type": "response.create"}, "response.created", {"response": {"id": "r1"}}),
    ],
)
def test_p36_an_event_is_answered_by_what_confirms_it_or_by_its_error(
    event: JsonObject, confirmation: str, fields: JsonObject
) -> None:
    hand = a_hand()
    outcomes, [wire] = asked(hand, SendEvent(event))
    assert (wire["type"], outcomes) == (event["type"], [])
    hand.refuses(code="odd", event_id="another")
    hand.model(confirmation, **fields)
    [outcome] = outcomes
    assert (outcome.how, outcome.told["event_id"]) == ("done", wire["event_id"])

    hand = a_hand()
    outcomes, [wire] = asked(hand, SendEvent(event))
    hand.refuses(code="invalid_value", param="x", event_id=wire["event_id"])
    [outcome] = outcomes
    assert (outcome.how, outcome.told["code"], outcome.told["param"]) == ("refused", "invalid_value", "x")
    assert outcome.told["event_id"] == wire["event_id"]


@pytest.mark.parametrize("error", ["odd", {"message": "no"}, {"code": None, "type": "server_error"}])
def test_an_error_of_any_shape_is_nobodys_or_somebodys(error: Any) -> None:
    hand = a_hand()
    outcomes, [wire] = asked(hand, SendEvent({"type": "input_audio_buffer.commit"}))
    hand.model("error", error=error)
    assert outcomes == []
    if isinstance(error, dict):
        hand.model("error", error={**error, "event_id": wire["event_id"]})
        assert code(outcomes) == ("refused", error.get("type", "refused"))


def test_an_event_to_which_the_model_says_nothing_was_sent() -> None:
    hand = a_hand()
    aside = {"conversation": "none", "output_modalities": ["text"], "instructions": "Sum up."}
    outcomes, [wire] = asked(hand, SendEvent({"type": "response.create", "response": aside, "event_id": "mine-1"}))
    assert wire == {"type": "response.create", "event_id": "mine-1", "response": aside}
    hand.wait(OBJECTION_S)
    assert outcomes == [Outcome("sent", {"event_id": "mine-1"})]
    outcomes, [wire] = asked(hand, SendEvent({"type": "input_audio_buffer.commit", "event_id": "mine-2"}))
    hand.wait(5.1)
    assert outcomes == [Outcome("sent", {"event_id": "mine-2"})]


@pytest.mark.claim("P36")
def test_p36_a_response_beside_the_conversation_is_told_when_it_begins() -> None:
    hand = a_hand()
    spoken, _ = asked(hand, SendEvent({"type": "response.create", "response": {"instructions": "Sing."}}))
    beside, _ = asked(hand, SendEvent({"type": "response.create", "response": {"conversation": "none"}}))
    hand.model("response.created", response={"id": "r8", "conversation_id": None})
    assert ([outcome.how for outcome in beside], spoken) == (["done"], [])
    hand.model("response.created", response={"id": "r9", "conversation_id": "c"})
    assert [outcome.how for outcome in spoken] == ["done"]


@pytest.mark.claim("P36")
@pytest.mark.parametrize("event_id", ["ask-1", "op-1", "", 5, "x" * 33])
def test_an_events_own_id_is_replaced_where_it_could_be_anothers(event_id: object) -> None:
    _, [wire] = asked(a_hand(), SendEvent({"type": "input_audio_buffer.commit", "event_id": event_id}))
    assert wire["event_id"] == "op-1"


def test_a_response_is_asked_for_by_the_one_who_asks_for_all() -> None:
    hand = a_hand()
    hand.starts("r1")
    outcomes, nothing = asked(hand, SendEvent({"type": "response.create", "response": {"instructions": "Sing."}}))
    assert (outcomes, nothing) == ([Outcome("sent", {"event_id": None})], [])
    [wire] = sent(hand.ends("r1"))
    assert (wire["type"], wire["response"]["instructions"]) == ("response.create", "Sing.")


def test_a_setting_that_is_so_already_needs_no_answer_and_one_that_cannot_be_has_the_reason() -> None:
    hand = a_hand(instructions="Help.")
    outcomes, nothing = asked(hand, SendEvent({"type": "session.update", "session": {"instructions": "Help."}}))
    assert (outcomes[0].how, nothing) == ("done", [])
    assert code(hand.ask(SendEvent({"type": "session.update"}))) == ("refused", "update_refused")


@pytest.mark.claim("P36")
@pytest.mark.parametrize(
    ("event", "word"),
    [
        ({}, "event_not_allowed"),
        ({"type": ["response.create"]}, "event_not_allowed"),
        ({"type": APPEND, "audio": ""}, "event_not_allowed"),
        ({"type": "conversation.item.truncate", "item_id": "i1", "audio_end_ms": 1}, "event_not_allowed"),
        (
            {"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "c1"}},
            "event_not_allowed",
        ),
        ({"type": "conversation.item.create"}, "bad_event"),
        ({"type": "conversation.item.create", "item": HELLO, "previous_item_id": 5}, "bad_event"),
        ({"type": "conversation.item.retrieve"}, "bad_event"),
        ({"type": "conversation.item.delete", "item_id": ""}, "bad_event"),
        ({"type": "response.create", "response": []}, "bad_event"),
    ],
)
def test_p36_an_event_that_is_not_taken_says_so_and_nothing_is_sent(event: JsonObject, word: str) -> None:
    outcomes, nothing = asked(a_hand(), SendEvent(event))
    assert (code(outcomes), nothing) == (("refused", word), [])


def test_a_deleted_item_is_forgotten_by_the_next_session_too() -> None:
    hand = a_hand()
    _, [event] = asked(hand, AddItem(HELLO))
    hand.model("conversation.item.added", item=event["item"])
    hand.ask(SendEvent({"type": "conversation.item.delete", "item_id": event["item"]["id"]}))
    drop(hand)
    assert texts(comes_back(hand)) == []


def test_a_vendor_that_takes_and_forgets_no_items_is_not_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    hand = a_hand()
    monkeypatch.setattr(hand.bridge._session.model, "can", replace(CAN, add_text=False, delete=False))
    for request in (AddItem(HELLO), SendEvent({"type": "conversation.item.delete", "item_id": "i1"})):
        outcomes, nothing = asked(hand, request)
        assert (code(outcomes), nothing) == (("refused", "vendor_cannot"), [])


# The caller's audio


def hears(hand: Hand, seconds: float = 0.1) -> int:
    """Let the caller speak; count the frames that the model hears."""
    since = len(hand.effects)
    for _ in range(round(seconds / 0.02)):
        hand.wait(0.02)
        hand.do(hand.bridge.platform_said(FRAME, hand.now))
    return len(sent(hand.effects[since:], APPEND))


@pytest.mark.claim("P28")
def test_p28_what_the_caller_says_in_a_pause_is_heard_by_nobody_then_or_later() -> None:
    hand = a_hand()
    assert hears(hand) == 5
    outcomes, [clear] = asked(hand, PauseInput(paused=True))
    assert (clear["type"], outcomes) == ("input_audio_buffer.clear", [Outcome("done", {"paused": True})])
    assert asked(hand, PauseInput(paused=True))[1] == []
    assert hears(hand, 10.0) == 0
    assert asked(hand, PauseInput(paused=False)) == ([Outcome("done", {"paused": False})], [])
    assert asked(hand, PauseInput(paused=False)) == ([Outcome("done", {"paused": False})], [])
    assert hears(hand) == 5


@pytest.mark.claim("P28")
def test_p28_a_pause_ends_by_itself_where_it_is_asked_to() -> None:
    hand = a_hand()
    hand.ask(PauseInput(paused=True, for_s=2.0))
    assert hears(hand, 1.9) == 0
    hand.wait(0.2)
    assert hears(hand) == 5


@pytest.mark.claim("P28")
def test_p28_a_pause_outlives_the_session_and_its_end_is_for_the_session_that_there_is() -> None:
    hand = a_hand()
    hand.ask(PauseInput(paused=True))
    drop(hand)
    assert hears(hand) == 0
    comes_back(hand)
    assert hears(hand) == 0
    drop(hand)
    hand.ask(PauseInput(paused=False))
    hears(hand)  # kept, for the next session
    since = len(hand.effects)
    comes_back(hand)
    assert len(sent(hand.effects[since:], APPEND)) == 1
    assert hears(hand) == 5


@pytest.mark.claim("P28")
def test_p28_a_turn_that_a_pause_cuts_is_none_and_nothing_waits_for_its_end() -> None:
    hand = a_hand()
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    assert sent(hand.do(hand.bridge.update({"type": "response.cancel"}, hand.now))) == []
    hand.ask(SendEvent({"type": "response.create", "response": {"instructions": "Wait for it."}}))
    _, events = asked(hand, PauseInput(paused=True))
    assert [event["type"] for event in events] == ["input_audio_buffer.clear", "response.create"]
    hand.model("input_audio_buffer.speech_started", item_id="u2")  # heard before the pause, and told after it
    hand.model("input_audio_buffer.speech_stopped", item_id="u2")
    assert not hand.bridge._talk.caller_speaks


def test_an_application_that_clears_the_buffer_ends_the_turn_in_it() -> None:
    hand = a_hand()
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    hand.ask(SendEvent({"type": "input_audio_buffer.clear"}))
    assert not hand.bridge._talk.caller_speaks


def test_where_nobody_finds_turns_what_was_heard_is_still_to_be_committed() -> None:
    hand = a_hand(turn_detection=None)
    assert asked(hand, PauseInput(paused=True))[1] == []


@pytest.mark.claim("P28")
def test_p28_a_caller_whom_nobody_hears_is_not_asked_whether_they_are_there() -> None:
    hand = a_hand(Options(audio=PCM24, manners=Manners(idle=(Rung(5.0, "Ask whether they are there."),))))
    hand.ask(PauseInput(paused=True))
    assert sent(hand.wait(30.0), "response.create") == []
    hand.ask(PauseInput(paused=False))
    assert len(sent(hand.wait(6.0), "response.create")) == 1


@pytest.mark.claim("P22")
def test_p22_a_route_can_begin_paused() -> None:
    hand = a_hand(Options(audio=PCM24, manners=Manners(start_paused=True)))
    assert hears(hand, 1.0) == 0
    hand.ask(PauseInput(paused=False))
    assert hears(hand) == 5


# The agent's speech


def test_interrupted_speech_is_cut_as_by_the_caller() -> None:
    hand, interrupted = a_hand(), a_hand()
    for each in (hand, interrupted):
        each.starts("r1")
        each.speaks(ms=3000)
        each.wait(1.0)
    outcomes, events = asked(hand, Interrupt())
    assert outcomes == [Outcome("done", {"interrupted": True})]
    cut = sent(interrupted.model("input_audio_buffer.speech_started", item_id="u1"), "conversation.item.truncate")
    assert cut[0]["audio_end_ms"] > 0
    assert [events[0], events[1]["type"]] == [*cut, "response.cancel"]
    hand.ends("r1", "cancelled")
    cancel = SendEvent({"type": "response.cancel"})
    assert asked(hand, cancel) == ([Outcome("done", {"interrupted": False})], [])
    assert asked(hand, Interrupt()) == ([Outcome("done", {"interrupted": False})], [])


def test_speech_that_plays_on_while_the_model_is_away_can_be_cut_too() -> None:
    hand = a_hand()
    hand.starts("r1")
    hand.speaks(ms=3000)
    hand.model("response.output_audio_transcript.done", item_id="i1", transcript="One two three four five six.")
    hand.wait(1.0)
    drop(hand)
    assert asked(hand, Interrupt()) == ([Outcome("done", {"interrupted": True})], [])
    assert hand.bridge.record.transcript[-1]["interrupted"]
    assert asked(hand, Interrupt()) == ([Outcome("done", {"interrupted": False})], [])


# A new session


@pytest.mark.claim("P38")
def test_p38_a_reset_is_done_when_the_new_session_is_there_and_knows_what_was_said() -> None:
    hand = a_hand()
    hand.model("input_audio_buffer.committed", item_id="u1")
    hand.model("conversation.item.input_audio_transcription.completed", item_id="u1", transcript="I am Ann.")
    outcomes = hand.ask(Reset())
    assert (outcomes, hand.effects[-1]) == ([], Redial(0))
    assert texts(comes_back(hand)) == ["I am Ann."]
    assert outcomes == [Outcome("done", {"history": "kept"})]


@pytest.mark.claim("P38")
def test_p38_a_reset_without_history_begins_the_conversation_anew() -> None:
    hand = a_hand(Options(audio=PCM24, history=(("user", "Earlier."),), opening={"instructions": "Go on."}))
    hand.model("input_audio_buffer.committed", item_id="u1")
    hand.model("conversation.item.input_audio_transcription.completed", item_id="u1", transcript="I am Ann.")
    hand.starts("r1")
    hand.speaks(ms=3000)
    hand.wait(1.0)
    outcomes, cut = asked(hand, Reset(history=False))
    assert [event["type"] for event in cut] == ["conversation.item.truncate", "response.cancel"]
    hand.wait(0.1)
    [greets] = comes_back(hand)
    assert greets["response"]["instructions"] == "Greet."
    assert outcomes == [Outcome("done", {"history": "dropped"})]
    assert "I am Ann." in [line["text"] for line in hand.bridge.record.transcript]
    assert hand.bridge.record.history() == ()


@pytest.mark.claim("P38")
def test_p38_a_reset_from_a_tool_lets_the_tool_answer_the_new_session() -> None:
    hand = a_hand()
    hand.starts("r1")
    hand.calls("c1")
    hand.ends("r1")
    outcomes = hand.ask(Reset())
    begun = comes_back(hand)
    assert len(outcomes) == 1
    assert STILL_AT_WORK in texts(begun)[-1]
    since = len(hand.effects)
    hand.do(hand.bridge.tool_answered("c1", '"sunny"', hand.now))
    note, asks = told(hand, since)
    assert "sunny" in texts([note])[0]
    hand.starts("r2")
    hand.ends("r2")
    assert [event for event in told(hand, 0) if event["type"] == "response.create"][1:] == [asks], "one answer to it"


@pytest.mark.claim("P38")
def test_p38_a_reset_from_a_tool_whose_response_has_not_ended_leads_to_one_answer() -> None:
    hand = a_hand()
    hand.starts("r1")
    hand.calls("c1")
    hand.ask(Reset())
    assert [event["type"] for event in comes_back(hand)] == ["conversation.item.create"]
    since = len(hand.effects)
    hand.do(hand.bridge.tool_answered("c1", '"sunny"', hand.now))
    assert [event["type"] for event in told(hand, since)] == ["conversation.item.create", "response.create"]


@pytest.mark.claim("P38")
def test_p38_a_reset_without_history_from_a_tool_greets_and_says_nothing_else() -> None:
    hand = a_hand()
    hand.starts("r1")
    hand.calls("c1")
    hand.ends("r1")
    hand.ask(Reset(history=False))
    [greets] = comes_back(hand)
    assert greets["response"]["instructions"] == "Greet."
    since = len(hand.effects)
    hand.do(hand.bridge.tool_answered("c1", '"sunny"', hand.now))
    hand.starts("r2")
    hand.ends("r2")
    hand.wait(30)
    assert [event["type"] for event in told(hand, since)] == ["conversation.item.create"]


@pytest.mark.claim("P38")
def test_p38_a_caller_who_is_owed_more_than_a_tools_result_is_answered_at_once() -> None:
    hand = a_hand()
    hand.starts("r1")
    hand.calls("c1")
    hand.ends("r1")
    hand.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0)
    hand.model("input_audio_buffer.speech_stopped", item_id="u1", audio_end_ms=900)
    hand.model("input_audio_buffer.committed", item_id="u1")
    hand.model("conversation.item.input_audio_transcription.completed", item_id="u1", transcript="Are you there?")
    hand.ask(Reset())
    assert [event["type"] for event in comes_back(hand)][-1] == "response.create"


def test_a_reset_whose_session_does_not_come_in_time_is_still_under_way() -> None:
    hand = a_hand(Options(audio=PCM24, request_timeout_s=0.1, session_timeout_s=0.1))
    outcomes = hand.ask(Reset())
    hand.wait(0.5)
    assert outcomes == [Outcome("sent", {"state": "resetting"})]


# No request without an answer


WAITING: list[Request] = [AddItem(HELLO), RetrieveItem("i1"), SendEvent({"type": "input_audio_buffer.commit"})]


@pytest.mark.parametrize("request_", WAITING)
def test_who_waits_when_the_session_is_lost_or_renewed_hears_that(request_: Request) -> None:
    hand = a_hand()
    outcomes = hand.ask(request_)
    drop(hand)
    assert code(outcomes) == ("lost", "session_lost")
    assert code(hand.ask(request_)) == ("away", "no_session")
    comes_back(hand)
    outcomes = hand.ask(request_)
    hand.ask(Reset())
    assert code(outcomes) == ("lost", "session_lost")
    assert code(hand.ask(Reset())) == ("away", "no_session")


@pytest.mark.parametrize("request_", [*WAITING, Reset(), Reset(history=False)])
def test_who_waits_when_the_conversation_ends_hears_that_and_so_does_who_comes_later(request_: Request) -> None:
    hand = a_hand()
    outcomes = hand.ask(request_)
    hand.do(hand.bridge.end(End("connection failure", "server_restart", "server"), hand.now))
    assert code(outcomes) == ("over", "conversation_over")
    hand.wait(2.0)
    assert hand.end
    for request in (*WAITING, Reset(), Interrupt(), PauseInput(paused=True)):
        assert code(hand.ask(request)) == ("over", "conversation_over")


def test_who_asks_too_much_at_once_is_told_so() -> None:
    hand = a_hand()
    waiting = [hand.ask(RetrieveItem(f"i{n}")) for n in range(MAX_OPEN)]
    assert code(hand.ask(RetrieveItem("one more"))) == ("busy", "too_many_requests")
    assert hand.ask(RetrieveItem("i0")) == []
    assert waiting == [[]] * MAX_OPEN


@pytest.mark.parametrize("request_", [AddItem(HELLO), SendEvent({"type": "response.create"})])
def test_nothing_is_added_to_a_conversation_that_has_not_begun(request_: Request) -> None:
    hand = Hand()
    hand.do(hand.bridge.model_opened(0.0))
    hand.configured()
    assert code(hand.ask(request_)) == ("away", "not_begun")


@pytest.mark.parametrize("request_", [Reset(), SendEvent({"type": "response.create"})])
def test_nothing_is_begun_while_the_agent_takes_its_leave(request_: Request) -> None:
    hand = a_hand(Options(audio=PCM24, exits={"get_weather": Exit(HANGUP, "Say goodbye.")}))
    hand.starts("r1")
    hand.speaks()
    hand.calls()
    assert code(hand.ask(request_)) == ("away", "leaving")


# Changes of the session by an event


SESSION = "session.update"


def change(**session: Any) -> SendEvent:
    return SendEvent({"type": SESSION, "session": session})


@pytest.mark.claim("P36")
def test_p36_a_session_update_is_made_whole_or_not_at_all() -> None:
    hand = a_hand()
    outcomes, [event] = asked(hand, change(prompt={"id": "p"}, instructions="ZZZ"))
    since = len(hand.effects)
    hand.refuses(code="unknown_parameter", param="session.prompt", event_id=event["event_id"])
    assert code(outcomes) == ("refused", "unknown_parameter")
    assert told(hand, since) == []
    again, [event] = asked(hand, change(instructions="ZZZ"))
    hand.model("session.updated", session={})
    assert [outcome.how for outcome in again] == ["done"]


@pytest.mark.claim("P36")
def test_p36_a_session_updated_answers_the_update_that_it_is_for() -> None:
    hand = a_hand()
    hand.do(hand.bridge.update({"type": SESSION, "session": {"instructions": "good"}}, hand.now))
    outcomes, [event] = asked(hand, change(turn_detection={"type": "server_vad", "threshold": 0.9}))
    hand.model("session.updated", session={})
    assert outcomes == []
    hand.refuses(code="invalid_value", param="session.audio", event_id=event["event_id"])
    assert code(outcomes) == ("refused", "invalid_value")


@pytest.mark.claim("P36")
def test_p36_a_refusal_that_names_no_event_is_told_to_whoever_changed_the_session_last() -> None:
    hand = a_hand()
    outcomes, _ = asked(hand, change(instructions="ZZZ"))
    hand.refuses(code="invalid_value", param="session.instructions")
    assert code(outcomes) == ("refused", "invalid_value")


def test_what_is_so_already_is_sure_when_what_made_it_so_is() -> None:
    hand = a_hand()
    first, [event] = asked(hand, change(instructions="One."))
    second, told_ = asked(hand, change(instructions="One."))
    assert (second, told_) == ([], [])
    since = len(hand.effects)
    hand.refuses(code="invalid_value", event_id=event["event_id"])
    [again] = told(hand, since)
    assert code(first) == ("refused", "invalid_value")
    assert second == []
    hand.model("session.updated", session={})
    assert second == [NOTHING_TOLD]
    third, _ = asked(hand, change(instructions="One."))
    assert third == [NOTHING_TOLD]
    assert again["session"]["instructions"] == "One."


def test_what_is_so_whatever_the_model_says_to_another_change_is_told_then() -> None:
    hand = a_hand()
    _, [event] = asked(hand, change(tool_choice="none"))
    second, _ = asked(hand, change(instructions="Greet."))
    assert second == []
    hand.refuses(code="invalid_value", event_id=event["event_id"])
    assert second == [NOTHING_TOLD]


def test_a_session_that_is_told_many_changes_at_once_takes_no_more() -> None:
    hand = a_hand()
    for n in range(MOST_OPEN):
        hand.do(hand.bridge.update({"type": SESSION, "session": {"max_output_tokens": n + 1}}, hand.now))
    assert hand.ask(change(instructions="x")) == [BUSY]


@pytest.mark.claim("P36")
def test_p36_an_items_event_may_have_an_id_of_its_own_twice() -> None:
    hand = a_hand()
    ids = []
    for _ in range(2):
        event = {"type": "conversation.item.create", "event_id": "mine-7", "item": HELLO}
        outcomes, [told_] = asked(hand, SendEvent(event))
        hand.model("conversation.item.added", item=told_["item"])
        assert (outcomes[0].how, outcomes[0].told["event_id"]) == ("done", "mine-7")
        ids.append(told_["item"]["id"])
    assert len({*ids, "mine-7"}) == 3


def test_what_a_session_cannot_change_is_told_with_what_can() -> None:
    outcomes, told_ = asked(a_hand(), change(model="gpt-realtime-2"))
    assert (code(outcomes), told_) == (("refused", "update_refused"), [])
    assert "PATCH /api/calls/{sid}/llm with `recycle: true`" in outcomes[0].told["message"]
