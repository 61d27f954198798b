"""The bridge told by hand what its legs say, where no simulated call gets to."""

import base64
import json
from typing import Any

import pytest

from media.audio import AudioFormat
from media.bridge import MAX_QUEUED_MS, Bridge
from media.effects import CallTool, Effect, End, Finish, Report, ToModel, ToPlatform, Warn
from media.options import Options
from media.platforms.jambonz.media import JambonzMedia
from media.realtime.openai import Realtime
from tests.simulation import PCM24, WEATHER, llm
from verbs.llm import Llm

JsonObject = dict[str, Any]
METADATA = '{"callSid":"CS1","sampleRate":24000,"mixType":"mono"}'
MANUAL: JsonObject = {"turn_detection": {"type": "server_vad", "create_response": False, "interrupt_response": False}}
HANGUP = End("normal conversation end", "caller_hung_up", "caller")


class Hand:
    """Tells the bridge what the test wants; `effects` is everything that it answered."""

    def __init__(self, verb: Llm | None = None, options: Options | None = None) -> None:
        self.now = 0.0
        self.effects: list[Effect] = []
        options = options or Options(audio=PCM24)
        model = Realtime(verb or llm(session_update={"tools": [WEATHER]}), audio=PCM24)
        self.bridge = Bridge(JambonzMedia(options.audio.rate_hz), model, options, now=0.0)

    def do(self, effects: list[Effect]) -> list[Effect]:
        self.effects += effects
        return effects

    def connect(self) -> "Hand":
        self.do(self.bridge.model_opened(self.now))
        self.do(self.bridge.platform_opened(self.now))
        rate_hz = self.bridge._options.audio.rate_hz
        self.do(self.bridge.platform_said(METADATA.replace("24000", str(rate_hz)), self.now))
        self.model("session.created", session={})
        self.model("session.updated", session={})
        return self

    def model(self, type_: str, **fields: Any) -> list[Effect]:
        return self.do(self.bridge.model_said(json.dumps({"type": type_, **fields}).encode(), self.now))

    def starts(self, response_id: str = "r1") -> list[Effect]:
        return self.model("response.created", response={"id": response_id})

    def ends(self, response_id: str = "r1", status: str = "completed", **more: Any) -> list[Effect]:
        return self.model("response.done", response={"id": response_id, "status": status, **more})

    def speaks(self, item_id: str = "i1", ms: float = 1000, response_id: str = "r1") -> list[Effect]:
        delta = base64.b64encode(b"\1\1" * int(24 * ms)).decode()
        about = {"item_id": item_id, "content_index": 0, "response_id": response_id}
        return self.model("response.output_audio.delta", delta=delta, **about)

    def calls(self, call_id: str = "c1", response_id: str = "r1") -> list[Effect]:
        item = {"type": "function_call", "name": "get_weather", "call_id": call_id, "arguments": "{}"}
        return self.model("response.output_item.done", response_id=response_id, item=item)

    def refuses(self, **error: Any) -> list[Effect]:
        return self.model("error", error={"type": "invalid_request_error", "message": "no", **error})

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass, and the bridge do what is due in it."""
        until, told = self.now + seconds, len(self.effects)
        while (due := self.bridge.next_due()) is not None and due <= until:
            self.now = max(self.now, due)
            self.do(self.bridge.tick(self.now))
        self.now = until
        return self.effects[told:]

    @property
    def end(self) -> End | None:
        ends = [effect.end for effect in self.effects if isinstance(effect, Finish)]
        assert len(ends) <= 1
        return ends[0] if ends else None


def sent(effects: list[Effect], *types: str) -> list[JsonObject]:
    """What of these effects goes to the model."""
    events = [json.loads(effect.wire) for effect in effects if isinstance(effect, ToModel)]
    return [event for event in events if not types or event["type"] in types]


def played(effects: list[Effect]) -> list[bytes]:
    return [effect.wire for effect in effects if isinstance(effect, ToPlatform) and isinstance(effect.wire, bytes)]


def warned(effects: list[Effect]) -> list[str]:
    return [effect.event for effect in effects if isinstance(effect, Warn)]


# The legs


def test_a_platform_that_opens_and_does_not_name_its_call_is_an_end() -> None:
    hand = Hand()
    hand.do(hand.bridge.platform_opened(0.0))
    hand.wait(6)
    assert hand.end == End("connection failure", "media_lost", "platform", {"message": "no metadata in time"})


def test_a_platform_that_speaks_another_protocol_is_an_end() -> None:
    hand = Hand()
    hand.do(hand.bridge.platform_opened(0.0))
    hand.do(hand.bridge.platform_said(b"\0\0", 0.0))
    assert hand.end
    assert hand.end.reason_code == "media_lost"


def test_what_the_platform_says_besides_is_passed_over() -> None:
    hand = Hand().connect()
    assert hand.do(hand.bridge.platform_said('{"type":"playDone"}', 0.0)) == []


def test_a_model_that_cannot_be_reached_is_an_end() -> None:
    hand = Hand()
    hand.do(hand.bridge.model_failed(1.0, reason_code="connect_failed", message="the model answered HTTP 500"))
    assert hand.end == End("connection failure", "connect_failed", "model", {"message": "the model answered HTTP 500"})


def test_a_session_in_another_format_than_asked_for_is_an_end() -> None:
    hand = Hand()
    hand.model("session.created", session={})
    hand.model("session.updated", session={"audio": {"output": {"format": {"type": "audio/pcmu"}}}})
    assert hand.end
    assert (hand.end.completion_reason, hand.end.reason_code) == ("server error", "session_mismatch")
    assert played(hand.effects) == []


def test_a_hundred_messages_that_cannot_be_read_end_the_call_with_one_warning() -> None:
    hand = Hand().connect()
    for _ in range(99):
        hand.do(hand.bridge.model_said(b"{", 0.0))
    assert hand.end is None
    hand.do(hand.bridge.model_said(b"{", 0.0))
    assert hand.end
    assert hand.end.reason_code == "model_bad_events"
    assert warned(hand.effects) == ["model_bad_event"]


def test_events_that_mean_nothing_to_the_bridge_are_reported_all_the_same() -> None:
    hand = Hand().connect()
    assert hand.model("session.updated", session={}) == [
        Report("session.updated", {"type": "session.updated", "session": {}})
    ]
    assert hand.model("rate_limits.updated") == [Report("rate_limits.updated", {"type": "rate_limits.updated"})]


def test_a_model_far_ahead_of_what_can_be_spoken_is_not_read() -> None:
    hand = Hand().connect()
    hand.starts()
    assert not hand.bridge.backlogged
    for _ in range(11):
        hand.speaks(ms=MAX_QUEUED_MS / 10)
    assert hand.bridge.backlogged


def test_a_platform_that_comes_after_the_end_begins_nothing() -> None:
    hand = Hand()
    hand.do(hand.bridge.platform_opened(0.0))
    hand.do(hand.bridge.end(HANGUP, 0.0))
    assert hand.end == HANGUP
    assert hand.do(hand.bridge.platform_said(METADATA, 0.0)) == []
    assert hand.bridge.next_due() is None


# The end


def test_nothing_is_said_after_the_end() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.speaks()
    hand.do(hand.bridge.end(HANGUP, 1.0))
    while_ending = [*hand.speaks(), *hand.calls(), *hand.model("response.output_audio.done", item_id="i1")]
    assert {type(effect) for effect in while_ending} <= {Report}
    assert hand.do(hand.bridge.platform_said(b"\0\0", 1.0)) == []
    hand.ends(status="cancelled", usage={"total_tokens": 7})
    assert hand.end == HANGUP
    assert hand.bridge.record.usage == {"total_tokens": 7}
    after = [*hand.starts("r2"), *hand.do(hand.bridge.platform_closed(2.0, clean=True))]
    after += hand.do(hand.bridge.model_closed(2.0, code=1000, reason=""))
    assert after == []


def test_the_first_reason_to_end_wins() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.do(hand.bridge.end(HANGUP, 1.0))
    hand.do(hand.bridge.model_closed(1.1, code=4000, reason="invalid_request_error.x"))
    assert hand.end == HANGUP


def test_the_end_does_not_wait_longer_than_a_second() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.do(hand.bridge.end(HANGUP, hand.now))
    hand.wait(0.99)
    assert hand.end is None
    hand.wait(0.02)
    assert hand.end == HANGUP


def test_a_caller_who_hangs_up_while_the_models_last_words_play_has_hung_up() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.speaks()
    hand.do(hand.bridge.model_closed(0.1, code=1001, reason=""))
    hand.wait(0.3)
    assert hand.end is None
    hand.do(hand.bridge.platform_closed(hand.now, clean=True))
    assert hand.end == HANGUP


# Barge-in


def test_a_second_onset_of_speech_cuts_and_cancels_nothing() -> None:
    hand = Hand(llm(session_update=MANUAL)).connect()
    hand.starts()
    hand.speaks()
    hand.wait(0.5)
    first = hand.model("input_audio_buffer.speech_started", item_id="u1")
    second = hand.model("input_audio_buffer.speech_started", item_id="u1")
    assert [event["type"] for event in sent(first)] == ["conversation.item.truncate", "response.cancel"]
    assert sent(second) == []
    assert played(second) == []


def test_what_still_comes_of_a_response_that_was_cut_is_dropped_and_its_new_items_deleted_once() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.speaks("i1")
    hand.wait(0.5)
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    assert sent(hand.speaks("i1")) == []
    assert [event["item_id"] for event in sent(hand.speaks("i2"))] == ["i2"]
    assert sent(hand.speaks("i2")) == []
    assert played(hand.wait(3)) == []


def test_text_that_was_never_heard_is_not_in_the_transcript() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.speaks("i1")
    hand.wait(0.5)
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    hand.model("response.output_audio_transcript.delta", item_id="i2", content_index=0, delta="Never heard.")
    hand.speaks("i2")
    hand.model("response.output_audio_transcript.done", item_id="i2", content_index=0, transcript="Never heard.")
    assert hand.bridge.record.transcript == []


@pytest.mark.parametrize("rate_hz", [16000, 24000])
def test_the_end_of_a_piece_of_speech_that_was_cut_brings_none_of_it_back(rate_hz: int) -> None:
    hand = Hand(options=Options(audio=AudioFormat("pcm16", rate_hz))).connect()
    hand.starts()
    hand.speaks("i1")
    hand.wait(0.5)
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    hand.model("response.output_audio.done", item_id="i1", content_index=0)
    assert played(hand.wait(1)) == []
    assert len(sent(hand.effects, "conversation.item.truncate")) == 1


def test_the_tail_that_the_resampler_holds_is_played() -> None:
    hand = Hand(options=Options(audio=AudioFormat("pcm16", 16000))).connect()
    hand.starts()
    hand.speaks("i1", ms=200)
    hand.model("response.output_audio.done", item_id="i1", content_index=0)
    hand.wait(1)
    hand.model("response.output_audio_transcript.done", item_id="i1", content_index=0, transcript="Hello.")
    [line] = hand.bridge.record.transcript
    assert (line["text"], line["heard_ms"]) == ("Hello.", 200)


# Requests


def test_a_request_that_met_the_models_own_response_follows_it() -> None:
    hand = Hand().connect()
    assert len(sent(hand.effects, "response.create")) == 1
    hand.starts("theirs")
    hand.refuses(code="conversation_already_has_active_response", event_id="ask-1")
    assert len(sent(hand.ends("theirs"), "response.create")) == 1


def test_a_model_that_answers_nothing_at_all_is_given_up() -> None:
    hand = Hand(options=Options(audio=PCM24, response_timeout_s=2)).connect()
    hand.starts()
    hand.wait(30)
    assert hand.end
    assert hand.end.reason_code == "response_timeout"


def test_a_request_refused_for_good_is_made_plainly_and_then_given_up() -> None:
    hand = Hand(llm(response_create={"instructions": "Be kind."})).connect()
    [first] = sent(hand.effects, "response.create")
    [plain] = sent(hand.refuses(code="invalid_value", event_id=first["event_id"]), "response.create")
    assert "response" not in plain
    hand.refuses(code="invalid_value", event_id=plain["event_id"])
    assert hand.end
    assert (hand.end.completion_reason, hand.end.reason_code) == ("server error", "invalid_value")


def test_a_refusal_of_something_else_is_a_warning() -> None:
    hand = Hand().connect()
    effects = hand.refuses(code="invalid_value", event_id="tool-9")
    assert warned(effects) == ["model_error"]
    assert hand.end is None


def test_a_harmless_refusal_before_the_session_is_ready_is_passed_over() -> None:
    hand = Hand()
    hand.model("session.created", session={})
    hand.refuses(code="input_audio_buffer_commit_empty")
    assert hand.end is None
    hand.model("session.updated", session={})
    assert hand.bridge._session.ready


def test_an_answer_to_no_configuration_of_ours_begins_nothing() -> None:
    hand = Hand()
    hand.model("session.updated", session={})
    assert not hand.bridge._session.ready


def test_a_failed_response_and_a_waiting_request_are_one_request() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.calls("c1", "r0")
    hand.ends("r0")
    hand.do(hand.bridge.tool_answered("c1", "{}", 0.0))
    again = hand.ends("r1", "failed")
    assert len(sent(again, "response.create")) == 1
    hand.starts("r2")
    assert sent(hand.ends("r2"), "response.create") == []


def test_a_response_that_fails_twice_without_saying_why_ends_the_call() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.ends("r1", "failed")
    hand.starts("r2")
    hand.ends("r2", "failed")
    assert hand.end
    assert (hand.end.reason_code, hand.end.error) == ("response_failed", {"message": "the response failed"})


def test_every_response_that_was_completed_gives_back_the_second_try() -> None:
    hand = Hand().connect()
    for number, status in enumerate(["failed", "completed", "failed", "incomplete", "failed"]):
        assert hand.end is None
        hand.starts(f"r{number}")
        hand.ends(f"r{number}", status)
    assert hand.end


def test_a_request_does_not_wait_for_a_caller_whom_the_model_will_not_answer_by_itself() -> None:
    hand = Hand(llm(session_update={**MANUAL, "tools": [WEATHER]})).connect()
    hand.starts()
    hand.calls()
    hand.ends()
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    hand.model("input_audio_buffer.speech_stopped", item_id="u1")
    answered = hand.do(hand.bridge.tool_answered("c1", "{}", hand.now))
    assert [event["type"] for event in sent(answered)] == ["conversation.item.create", "response.create"]


def test_a_request_held_for_the_callers_turn_goes_out_when_no_answer_came_of_it() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.calls()
    hand.ends()
    hand.model("input_audio_buffer.speech_started", item_id="u1")
    hand.model("input_audio_buffer.speech_stopped", item_id="u1")
    assert sent(hand.do(hand.bridge.tool_answered("c1", "{}", hand.now)), "response.create") == []
    assert len(sent(hand.wait(3), "response.create")) == 1


def test_a_tool_of_nobody_is_answered_to_nobody() -> None:
    hand = Hand().connect()
    assert hand.do(hand.bridge.tool_answered("c9", "{}", 0.0)) == []


def test_a_tool_call_before_its_answer_is_asked_of_the_application() -> None:
    hand = Hand().connect()
    hand.starts()
    assert CallTool("c1", "get_weather", {}) in hand.calls()
