"""An operator changes the settings of a conversation: told when the model has agreed, and not made where it has not."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.agreements import MOST_OPEN, PATIENCE_S
from media.bridge import Bridge
from media.changing import LEFT_OUT, Change, by_event
from media.effects import Outcome, Redial
from media.ends import HUNG_UP
from media.options import Manners, ModelLeg, Options
from media.platforms.jambonz.media import JambonzMedia
from media.realtime import inworld, qwen
from media.realtime.base import Realtime
from media.realtime.dial import Dial
from media.realtime.openai import Realtime as OpenAI
from media.realtime.updating import AwayError, BusyError, FixedError, UpdateRefusedError, merged
from media.settings import read
from media.updating import MOST_SETTINGS
from tests.by_hand import Hand, JsonObject, sent, warned
from tests.oracles import check_client
from tests.properties import changed, tries
from tests.simulation import PCM24, WEATHER, llm

UPDATE = "session.update"
CHOICE: JsonObject = {"type": "function", "name": "get_weather"}
ELSEWHERE = Dial("wss://elsewhere", {})
HOME = Dial("wss://home", {})


class Operator(Hand):
    """One who changes settings, and has what was answered."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.answers: list[Outcome] = []

    def change(self, *, deep: bool = False, recycle: bool = False, **settings: Any) -> list[JsonObject]:
        """Give what the model is told."""
        wanted = Change(read(settings), self.answers.append, deep, recycle)
        told = sent(self.do(self.bridge.update(wanted, self.now)), UPDATE)
        assert [fault for event in told for fault in check_client(event)] == []
        return told

    def agrees(self) -> None:
        self.model("session.updated", session={})

    def another_session(self, **session: Any) -> JsonObject:
        """The socket that was dialled opens; give what the session begins with."""
        self.do(self.bridge.model_opened(self.now))
        [event] = sent(self.model("session.created", session={}), UPDATE)
        asked: JsonObject = event["session"]
        return asked

    def speaks_once(self) -> "Operator":
        self.starts()
        self.speaks()
        self.ends()
        return self


def talking(**session: Any) -> Operator:
    hand = Operator(llm(session_update={"instructions": "Help.", "voice": "alloy", **session}))
    hand.bridge.changing.dial_of = dials
    hand.connect()
    return hand


def dials(_: Realtime, name: str) -> Dial:
    if name == "gpt-nowhere":
        raise UpdateRefusedError("there is no key for it")
    return HOME if name == "gpt-realtime-2.1" else ELSEWHERE


def agreed(changed: JsonObject | None = None, ignored: JsonObject | None = None, *, recycled: bool = False) -> Outcome:
    more = {**({"ignored": ignored} if ignored else {}), **({"recycled": True} if recycled else {})}
    return Outcome("done", {"changed": changed or {}, **more})


def redialled(hand: Hand) -> list[Redial]:
    return [effect for effect in hand.effects if isinstance(effect, Redial)]


# In the session that goes on


@pytest.mark.claim("P12", "P21")
def test_p12_a_change_is_answered_when_the_model_has_agreed() -> None:
    hand = talking()
    [event] = hand.change(instructions="Be brief.", tool_choice="none")
    assert event["session"] == {"type": "realtime", "instructions": "Be brief.", "tool_choice": "none"}
    assert hand.answers == []
    hand.agrees()
    changed = {"instructions": {"old": "Help.", "new": "Be brief."}, "tool_choice": {"old": None, "new": "none"}}
    assert hand.answers == [agreed(changed)]


@pytest.mark.claim("P10", "P12")
@pytest.mark.parametrize("settings", [{}, {"instructions": "Help."}, {"voice": "alloy", "model": "gpt-realtime-2.1"}])
def test_p12_where_nothing_changes_nothing_is_sent_and_it_is_answered_at_once(settings: JsonObject) -> None:
    hand = talking()
    assert hand.change(**settings) == []
    assert hand.answers == [agreed()]


@pytest.mark.claim("P12")
def test_changes_are_agreed_to_in_their_order() -> None:
    hand = talking()
    hand.change(instructions="One.")
    hand.change(instructions="Two.")
    hand.agrees()
    assert [answer.told["changed"]["instructions"]["new"] for answer in hand.answers] == ["One."]
    hand.agrees()
    hand.agrees()  # a session.updated that nobody asked for
    assert len(hand.answers) == 2


@pytest.mark.claim("P12", "P36")
def test_what_the_model_refuses_comes_back_in_its_own_words_and_was_not_made() -> None:
    hand = talking()
    [first] = hand.change(instructions="One.", foo=1)
    hand.change(tool_choice="none")
    error = {"code": "unknown_parameter", "param": "session.instructions", "event_id": first["event_id"]}
    assert sent(hand.refuses(**error), UPDATE) == []  # and is not mended: who waits for it wants it whole
    [answer] = hand.answers
    assert (answer.how, answer.told["code"]) == ("refused", "unknown_parameter")
    hand.agrees()
    assert hand.answers[1:] == [agreed({"tool_choice": {"old": None, "new": "none"}})]
    assert hand.change(instructions="Help.") == []
    hand.change(foo=1)
    [*_, last] = hand.answers
    assert last.told["changed"] == {"foo": {"old": None, "new": 1}}


@pytest.mark.claim("P12")
def test_of_any_number_of_changes_in_flight_the_first_can_be_undone() -> None:
    hand = talking()
    [first] = hand.change(session_properties={"prompt": {"id": "p"}, "instructions": "FIRST"})
    for n in range(1, MOST_OPEN):
        hand.change(max_tokens=n)
    error = {"code": "unknown_parameter", "param": "session.prompt", "event_id": first["event_id"]}
    assert sent(hand.refuses(**error), UPDATE) == []
    for _ in range(1, MOST_OPEN):
        hand.agrees()
    assert [answer.how for answer in hand.answers] == ["refused", *["done"] * (MOST_OPEN - 1)]
    assert hand.change(instructions="FIRST")[0]["session"] == {"type": "realtime", "instructions": "FIRST"}


@pytest.mark.claim("P12")
def test_what_was_left_unsaid_for_a_change_that_is_then_refused_is_told() -> None:
    hand = talking()
    [first] = hand.change(instructions="One.", foo=1, tool_choice="none")
    assert hand.change(instructions="One.") == []
    assert hand.answers == []  # it is not sure yet
    [again] = sent(hand.refuses(code="invalid_value", event_id=first["event_id"]), UPDATE)
    assert again["session"] == {"type": "realtime", "instructions": "One."}
    hand.agrees()
    assert [answer.how for answer in hand.answers] == ["refused", "done"]
    assert hand.change(instructions="One.") == []
    assert hand.answers[2:] == [agreed()]


@pytest.mark.claim("P12")
def test_a_model_that_leaves_many_changes_unanswered_is_told_no_more_of_them_for_a_while() -> None:
    hand = talking()
    for n in range(MOST_OPEN):
        hand.change(max_tokens=n + 1)
    for _ in range(2):
        with pytest.raises(BusyError, match=f"has not answered {MOST_OPEN} changes"):
            hand.change(max_tokens=100)
        hand.now += PATIENCE_S / 3
    assert hand.answers == []
    hand.now += PATIENCE_S / 3
    assert len(hand.change(max_tokens=100)) == 1  # it answers nothing, and is believed
    assert [answer.how for answer in hand.answers] == ["done"] * MOST_OPEN
    hand.agrees()
    assert len(hand.answers) == MOST_OPEN + 1


def test_what_has_room_again_is_told_at_once() -> None:
    hand = talking()
    for n in range(MOST_OPEN):
        hand.change(max_tokens=n + 1)
    with pytest.raises(BusyError):
        hand.change(max_tokens=100)
    hand.agrees()
    assert len(hand.change(max_tokens=100)) == 1


def test_a_refusal_of_what_nobody_waits_for_is_mended_as_ever() -> None:
    hand = talking()
    hand.change(instructions="One.")
    [event] = sent(hand.do(hand.bridge.update({"type": UPDATE, "session": {"foo": 1, "speed": 1.2}}, hand.now)), UPDATE)
    [again] = sent(hand.refuses(code="unknown_parameter", param="session.foo", event_id=event["event_id"]), UPDATE)
    assert again["session"]["audio"] == {"output": {"speed": 1.2}}
    hand.agrees()
    assert len(hand.answers) == 1


@pytest.mark.claim("P7")
def test_p7_what_the_vendors_model_has_not_is_left_out_and_told() -> None:
    hand = talking()
    assert hand.change(temperature=0.5, top_p=0.1, seed=1, instructions="Be brief.")[0]["session"].keys() == {
        "type",
        "instructions",
    }
    hand.agrees()
    [answer] = hand.answers
    assert answer.told["ignored"] == dict.fromkeys(("seed", "temperature", "top_p"), LEFT_OUT)
    assert answer.told["changed"].keys() == {"instructions"}


OF_VENDORS: list[tuple[Any, JsonObject]] = [
    (OpenAI, {"max_output_tokens": 9}),
    (qwen.Realtime, {"temperature": 0.5, "max_tokens": 9}),
    (inworld.Realtime, {"temperature": 0.5, "max_output_tokens": 9}),
]


@pytest.mark.claim("P7")
@pytest.mark.parametrize(("of", "told"), OF_VENDORS)
def test_p7_each_vendor_is_told_what_its_models_have_in_its_words(of: Any, told: JsonObject) -> None:
    hand = Operator()
    hand.bridge = Bridge(JambonzMedia(24000), [of(llm(), audio=PCM24)], Options(audio=PCM24), now=0.0)
    hand.connect()
    wanted = Change(read({"temperature": 0.5, "max_tokens": 9, "top_p": 0.1}), hand.answers.append)
    [event] = sent(hand.do(hand.bridge.update(wanted, hand.now)), UPDATE)
    assert {name: value for name, value in event["session"].items() if name != "type"} == told


def test_what_the_verbs_extra_overrules_is_told_as_not_done() -> None:
    hand = Operator(llm(extra={"session_update": {"instructions": "Always."}})).connect()
    assert isinstance(hand, Operator)
    assert hand.change(instructions="Now.") == []
    assert hand.answers == [agreed({}, {"instructions": LEFT_OUT})]


@pytest.mark.claim("P9")
@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"max_tokens": 5000}, "max_tokens must be from 1 to 4096"),
        ({"temperature": "x"}, "temperature must be"),
        ({"session_properties": {"turn_detection": {"type": "server_vad", "threshold": 3}}}, r"threshold must be"),
        ({"tools": [{**WEATHER, "name": "has blanks"}]}, r"session\.tools\.0\.name"),
    ],
)
def test_what_no_check_would_let_pass_is_refused(settings: JsonObject, fault: str) -> None:
    hand = talking()
    with pytest.raises(UpdateRefusedError, match=fault):
        hand.change(**settings)
    assert hand.change(instructions="Help.") == []


# By a new session


@pytest.mark.claim("P4", "P18")
def test_p4_another_model_needs_another_connection_and_takes_it_where_that_is_wanted() -> None:
    hand = talking().speaks_once()
    with pytest.raises(FixedError, match=r"the model is gpt-realtime-2\.1 .*; with `recycle: true` a new session"):
        hand.change(model="gpt-realtime-2")
    assert redialled(hand) == []
    assert hand.change(recycle=True, model="gpt-realtime-2", instructions="Be brief.") == []
    assert redialled(hand) == [Redial(0, ELSEWHERE)]
    assert hand.another_session()["instructions"] == "Be brief."
    assert hand.answers == []
    hand.agrees()
    assert hand.answers == [
        agreed(
            {
                "model": {"old": "gpt-realtime-2.1", "new": "gpt-realtime-2"},
                "instructions": {"old": "Help.", "new": "Be brief."},
            },
            recycled=True,
        )
    ]
    assert hand.end is None


@pytest.mark.claim("P4")
def test_p4_the_new_session_is_told_what_was_said() -> None:
    hand = talking()
    hand.model("input_audio_buffer.committed", item_id="u1")
    hand.model("conversation.item.input_audio_transcription.completed", item_id="u1", transcript="I am Ada.")
    hand.change(recycle=True, model="gpt-realtime-2")
    hand.another_session()
    told = sent(hand.model("session.updated", session={}), "conversation.item.create")
    assert [item["item"]["content"][0]["text"] for item in told] == ["I am Ada."]


@pytest.mark.claim("P4")
def test_the_voice_is_fixed_once_it_was_heard_and_another_one_comes_with_a_new_session() -> None:
    hand = talking()
    [event] = hand.change(voice="verse")
    assert event["session"]["audio"] == {"output": {"voice": "verse"}}
    hand.speaks_once()
    with pytest.raises(FixedError, match="the voice cannot be changed any more"):
        hand.change(voice="ash")
    hand.change(recycle=True, voice="ash")
    assert redialled(hand) == [Redial(0)]
    assert hand.another_session()["audio"]["output"]["voice"] == "ash"


def test_what_can_be_changed_in_the_session_is_not_done_by_a_new_one() -> None:
    hand = talking()
    assert len(hand.change(recycle=True, instructions="Be brief.")) == 1
    assert redialled(hand) == []


@pytest.mark.claim("P10")
def test_what_no_word_can_clear_is_left_unsaid_in_a_new_session() -> None:
    hand = talking(prompt={"id": "p"})
    with pytest.raises(FixedError, match=r"voice, prompt cannot be cleared"):
        hand.change(prompt=None, voice=None)
    hand.change(recycle=True, prompt=None, voice=None)
    session = hand.another_session()
    assert ("prompt" in session, "voice" in session["audio"]["output"]) == (False, False)


def test_a_setting_can_be_left_unsaid_where_the_verb_says_nothing_of_a_first_response() -> None:
    hand = Operator(llm(session_update={"prompt": {"id": "p"}}, response_create=None)).connect()
    assert isinstance(hand, Operator)
    hand.change(recycle=True, prompt=None)
    assert "prompt" not in hand.another_session()


def test_a_setting_that_the_model_did_not_know_is_none_of_its_settings() -> None:
    hand = Operator(llm(session_update={"truncation": "disabled"}))
    hand.do(hand.bridge.model_opened(0.0))
    hand.model("session.created", session={})
    hand.refuses(code="unknown_parameter", param="session.truncation")
    hand.agrees()
    assert hand.change(truncation="disabled") == []
    assert hand.answers == [agreed({}, {"truncation": LEFT_OUT})]


def test_an_error_that_is_of_no_consequence_takes_no_change_back() -> None:
    hand = talking()
    [event] = hand.change(instructions="Be brief.")
    hand.refuses(code="conversation_already_has_active_response", event_id=event["event_id"])
    hand.agrees()
    assert [answer.how for answer in hand.answers] == ["done"]


def test_a_voice_of_the_first_response_can_be_left_unsaid_too() -> None:
    hand = Operator(llm(response_create={"voice": "alloy", "instructions": "Greet."})).connect()
    assert isinstance(hand, Operator)
    hand.change(recycle=True, voice=None)
    assert "voice" not in hand.another_session()["audio"]["output"]


def went_wrong() -> list[Callable[[Operator], Any]]:
    return [
        lambda hand: hand.refuses(code="invalid_model"),
        lambda hand: hand.do(hand.bridge.model_closed(hand.now, code=1006, reason="")),
        lambda hand: hand.do(hand.bridge.model_failed(hand.now, reason_code="connect_failed", message="down")),
        lambda hand: hand.wait(4.0),
    ]


@pytest.mark.claim("P4")
@pytest.mark.parametrize("fails", went_wrong())
def test_a_new_session_that_does_not_come_about_is_given_up_for_one_as_before(fails: Callable[[Operator], Any]) -> None:
    hand = talking().speaks_once()
    hand.change(recycle=True, model="gpt-realtime-2", instructions="Be brief.", voice="ash")
    hand.another_session()
    fails(hand)
    [answer] = hand.answers
    assert answer.how == "refused"
    assert redialled(hand) == [Redial(0, ELSEWHERE), Redial(0, HOME)]
    assert "session_not_replaced" in warned(hand.effects)
    session = hand.another_session()
    assert (session["instructions"], session["audio"]["output"]["voice"]) == ("Help.", "alloy")
    hand.agrees()
    assert (hand.change(model="gpt-realtime-2.1", instructions="Help."), hand.end) == ([], None)


def test_a_new_session_of_the_same_model_is_given_up_without_another_address() -> None:
    hand = talking().speaks_once()
    hand.change(recycle=True, voice="ash")
    hand.another_session()
    hand.refuses(code="invalid_value")
    assert redialled(hand) == [Redial(0), Redial(0)]


def test_a_model_that_cannot_be_reached_is_refused_before_anything_changes() -> None:
    hand = talking()
    with pytest.raises(UpdateRefusedError, match="no key"):
        hand.change(recycle=True, model="gpt-nowhere", instructions="Be brief.")
    hand.bridge.changing.dial_of = None
    with pytest.raises(UpdateRefusedError, match="no other model"):
        hand.change(recycle=True, model="gpt-realtime-2", instructions="Be brief.")
    assert hand.change(instructions="Help.") == []


def test_a_model_that_its_session_names_is_named_anew_there() -> None:
    hand = talking(model="gpt-realtime-2.1")
    hand.change(recycle=True, model="gpt-realtime-2")
    assert hand.another_session()["model"] == "gpt-realtime-2"


# When there is nobody to ask


def test_a_change_that_the_model_has_not_answered_when_it_drops_is_what_the_next_session_begins_with() -> None:
    hand = talking()
    hand.change(instructions="Be brief.")
    hand.do(hand.bridge.model_closed(hand.now, code=1006, reason=""))
    with pytest.raises(AwayError):
        hand.change(instructions="Not now.")
    assert hand.another_session()["instructions"] == "Be brief."
    hand.agrees()
    assert hand.answers == [agreed({"instructions": {"old": "Help.", "new": "Be brief."}}, recycled=True)]


def test_no_new_session_begins_for_a_conversation_that_takes_its_leave() -> None:
    hand = talking()
    hand.bridge._talk._floor.leave(HUNG_UP, "Bye.", said=False)
    with pytest.raises(AwayError, match="takes its leave"):
        hand.change(recycle=True, model="gpt-realtime-2")


# By an application


@pytest.mark.claim("P4", "J31")
def test_an_application_is_refused_another_model_or_gets_it_by_a_new_session() -> None:
    hand = talking()
    event = {"type": UPDATE, "session": {"model": "gpt-realtime-2", "instructions": "Be brief."}}
    with pytest.raises(FixedError):
        hand.bridge.update(event, hand.now)
    hand.do(hand.bridge.update(by_event({**event, "recycle": True}), hand.now))
    assert redialled(hand) == [Redial(0, ELSEWHERE)]
    assert hand.another_session()["instructions"] == "Be brief."
    assert by_event(event) == event


def test_the_manners_of_the_call_stay_in_the_new_session() -> None:
    hand = Operator(llm(), Options(audio=PCM24, manners=Manners(caller_speaks_first=True)))
    hand.bridge.changing.dial_of = dials
    hand.connect()
    hand.change(recycle=True, model="gpt-realtime-2")
    hand.another_session()
    hand.agrees()
    assert sent(hand.effects, "response.create") == []


# Whatever comes in whatever order


class Service:
    """A model that keeps its session as OpenAI does: answers one update after the other, and merges those it takes."""

    def __init__(self) -> None:
        self.hand = talking()
        self.session: JsonObject = dict(self.hand.bridge._session.model._session)  # type: ignore[attr-defined]  # OpenAI's
        self.asked: list[JsonObject] = []
        self.requests = 0

    def wants(self, settings: JsonObject, *, recycle: bool) -> None:
        self.requests += 1
        try:
            self.asked += self.hand.change(recycle=recycle, **settings)
        except UpdateRefusedError:
            self.requests -= 1
        self.redialled()

    def agrees(self) -> None:
        if self.asked:
            self.session = merged(self.session, self.asked.pop(0)["session"])
            self.hand.agrees()

    def refuses(self) -> None:
        if self.asked:
            self.asked += sent(self.hand.refuses(code="invalid_value", event_id=self.asked.pop(0)["event_id"]), UPDATE)
            self.redialled()

    def drops(self) -> None:
        self.hand.wait(30.0)
        self.hand.do(self.hand.bridge.model_closed(self.hand.now, code=1006, reason=""))
        self.redialled()

    def redialled(self) -> None:
        """Open the session that was dialled, if one was."""
        if self.hand.bridge._session.leg is ModelLeg.DIALLED and not self.hand.end:
            self.hand.do(self.hand.bridge.model_opened(self.hand.now))
            self.session, self.asked = {}, sent(self.hand.model("session.created", session={}), UPDATE)


SETTINGS = st.sampled_from(
    [
        *({"instructions": text} for text in ("One.", "Two.", None)),
        *({"voice": voice} for voice in ("ash", "verse")),
        *({"model": model} for model in ("gpt-realtime-2", "gpt-realtime-2.1")),
        {"tools": [WEATHER], "tool_choice": "none"},
        {"session_properties": {"max_output_tokens": 9}},
        {"session_properties": {"turn_detection": None, "model": "gpt-realtime-2"}, "instructions": "Three."},
    ]
)
STEPS = st.one_of(
    st.tuples(st.just("wants"), SETTINGS, st.booleans()),
    st.tuples(st.sampled_from(["agrees", "agrees", "refuses", "drops", "speaks"])),
)


@pytest.mark.claim("P11", "P12")
@hypothesis.settings(max_examples=tries(60), deadline=None)
@given(st.lists(STEPS, max_size=16))
def test_p12_whatever_comes_the_model_has_the_session_that_we_think_it_has_and_each_request_one_answer(
    steps: list[tuple[Any, ...]],
) -> None:
    service = Service()
    for name, *more in steps:
        if name == "wants":
            service.wants(more[0], recycle=more[1])
        elif name == "speaks":
            service.hand.speaks_once()
        else:
            getattr(service, name)()
    while service.asked:
        service.agrees()
    model: Any = service.hand.bridge._session.model
    if service.hand.bridge._session.ready:
        assert service.session == model._session
        assert len(service.hand.answers) == service.requests


GIVEN: list[JsonObject] = [
    {"instructions": "Hi.", "temperature": 0.5, "max_tokens": 9, "model": "gpt-realtime-2", "extra": {"a": 1}},
    {"session_properties": {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}, "tools": [WEATHER]}},
    {"voice": "ash", "tools": [WEATHER], "turn_detection": None, "prompt": {"id": "p"}, "audio": {"output": {}}},
    {"type": "realtime", "modalities": ["audio"], "input_audio_format": "pcm16", "tool_choice": CHOICE},
]


@hypothesis.settings(max_examples=tries(100), deadline=None)
@given(settings=changed(GIVEN), deep=st.booleans(), recycle=st.booleans())
def test_whatever_is_given_as_settings_is_done_or_refused_and_the_call_goes_on(
    settings: JsonObject, *, deep: bool, recycle: bool
) -> None:
    hand = talking(prompt={"id": "p"})
    with suppress(UpdateRefusedError):
        hand.do(hand.bridge.update(Change(read(settings), hand.answers.append, deep, recycle), hand.now))
    if hand.bridge._session.leg is ModelLeg.DIALLED:
        hand.another_session()
    hand.agrees()
    assert hand.end is None
    assert hand.change(instructions="Still here.") or hand.answers


@pytest.mark.claim("P12")
def test_a_change_costs_the_same_however_many_were_before_it() -> None:
    hand = talking()
    changes: Any = hand.bridge._session.model._changes  # type: ignore[attr-defined]  # OpenAI's
    merges: list[JsonObject] = []
    merge = changes._merge

    def counted(options: JsonObject, session: JsonObject) -> Any:
        merges.append(session)
        return merge(options, session)

    changes._merge = counted
    for n in range(50):
        hand.change(instructions=f"Be brief {n}.", tools=[WEATHER])
        hand.agrees()
        assert len(merges) == n + 1
    assert changes._open == {}
    assert hand.bridge._session.model.settings["instructions"] == "Be brief 49."


def test_a_session_has_so_many_settings_that_nobody_knows() -> None:
    hand = talking()
    unknown: Any = {f"x-{n}": n for n in range(MOST_SETTINGS)}
    with pytest.raises(UpdateRefusedError, match=f"{MOST_SETTINGS} settings at most"):
        hand.change(**unknown)
    event = {"type": UPDATE, "session": {f"x-{n}": n for n in range(MOST_SETTINGS + 1)}}
    with pytest.raises(UpdateRefusedError, match=f"{MOST_SETTINGS} settings at most"):
        hand.bridge.update(event, hand.now)


@pytest.mark.claim("P4", "P12")
def test_p4_a_model_that_is_gone_is_the_one_that_has_taken_its_place() -> None:
    hand = talking()
    gone = "gpt-4o-realtime-preview-2024-12-17"
    why = {"model": f"the model {gone} is gone; gpt-realtime-2.1 is used in its place"}
    assert hand.change(model=gone) == []
    assert hand.change(model=gone, recycle=True) == []
    assert hand.answers == [agreed(ignored=why)] * 2
    hand.change(model="gpt-realtime-2", recycle=True)
    hand.another_session()
    hand.agrees()
    hand.change(model=gone, recycle=True)
    hand.another_session()
    hand.agrees()
    told = {"model": {"old": "gpt-realtime-2", "new": "gpt-realtime-2.1"}}
    assert hand.answers[3:] == [agreed(told, why, recycled=True)]
    assert hand.do(hand.bridge.update({"type": UPDATE, "session": {"model": gone}}, hand.now)) == []


@pytest.mark.claim("P5")
def test_p5_extra_is_cleared_by_null() -> None:
    hand = talking()
    hand.change(foo=1)
    hand.change(extra=None)
    assert hand.answers[-1] == agreed({"extra": {"old": {"foo": 1}, "new": {}}})
    hand.change(extra=None)
    assert hand.answers[-1] == agreed()


def test_what_is_fixed_is_told_by_the_name_that_was_written() -> None:
    with pytest.raises(FixedError, match=r"^voice cannot be cleared"):
        talking().change(voice=None)
