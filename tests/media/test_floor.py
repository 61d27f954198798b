"""What nobody interrupts: a protected greeting, and the goodbye; and that what a call is on its way to is reached."""

import json
from typing import Any

import pytest

from media.effects import CallTool, Redial, Report
from media.ends import CALLER_SILENT, HANDOFF, HANGUP
from media.floor import Floor
from media.idle import Rung
from media.interruption import BargeIn
from media.options import Exit, Manners, Options
from media.platforms.jambonz.media import JambonzMedia
from media.realtime.protocol import SPOKEN
from tests.by_hand import APPEND, Hand, played, sent
from tests.simulation import PCM24, llm

JsonObject = dict[str, Any]
EXITS = {
    "hangup": Exit(HANGUP, "Say goodbye."),
    "transfer": Exit(HANDOFF, "Say that you connect them."),
    "leave": Exit(CALLER_SILENT, ""),
}
TOOLS = [{"type": "function", "name": name, "parameters": {"type": "object"}} for name in EXITS]
LOOK_UP = {"type": "function", "name": "look_up", "parameters": {"type": "object"}}
GOODBYE = {"instructions": "Say goodbye.", "tool_choice": "none"}
CLEAR = JambonzMedia(24000).clear()


def leaver(verb: JsonObject | None = None, **options: Any) -> Hand:
    session = {"tools": TOOLS, **(verb or {})}
    return Hand(llm(session_update=session), Options(audio=PCM24, exits=EXITS, **options)).connect()


def leaves(call: Hand, response_id: str = "r1", tool: str = "hangup") -> list[Any]:
    item = {"type": "function_call", "name": tool, "call_id": tool, "arguments": "{}"}
    return call.model("response.output_item.done", response_id=response_id, item=item)


def says(call: Hand, response_id: str = "r1", ms: float = 2000) -> None:
    item_id = f"of-{response_id}"
    call.starts(response_id)
    call.speaks(item_id, ms=ms, response_id=response_id)
    call.model("response.output_audio.done", item_id=item_id, content_index=0)


def leaving(**options: Any) -> Hand:
    """A call half a second into a goodbye of two seconds."""
    call = leaver(**options)
    says(call)
    leaves(call)
    call.ends()
    call.wait(0.5)
    return call


def turn(call: Hand, voice: bytes = b"\x00\x20" * 480) -> list[Any]:
    """Let the caller speak for half a second, by their audio and by the model's word."""
    told = len(call.effects)
    call.model("input_audio_buffer.speech_started", item_id="u1")
    for _ in range(25):
        call.wait(0.02)
        call.do(call.bridge.platform_said(voice, call.now))
    call.model("input_audio_buffer.speech_stopped", item_id="u1")
    call.model("input_audio_buffer.committed", item_id="u1")
    return call.effects[told:]


def press(call: Hand, keys: str) -> list[Any]:
    told = len(call.effects)
    for key in keys:
        call.do(call.bridge.platform_said(json.dumps({"event": "dtmf", "dtmf": key, "duration": "100"}), call.now))
    return call.effects[told:]


def cleared(effects: list[Any]) -> bool:
    return any(getattr(effect, "wire", None) == CLEAR for effect in effects)


def heard_ms(call: Hand, item_id: str = "of-r1") -> int:
    """How much of an item has been heard, which was not interrupted."""
    call.model("response.output_audio_transcript.done", item_id=item_id, content_index=0, transcript=item_id)
    [line] = [line for line in call.bridge.record.transcript if line["text"] == item_id]
    assert not line["interrupted"]
    return int(line["heard_ms"] or 0)


def over(call: Hand) -> bool:
    return call.end is not None


def end_of(call: Hand) -> str:
    assert call.end
    return call.end.reason_code


# The machine


def test_a_floor_that_nobody_keeps_is_open() -> None:
    floor = Floor()
    floor.broken_off()
    assert (floor.kept, floor.heard(), floor.left) == (False, {}, None)


def test_a_greeting_is_kept_until_it_was_heard() -> None:
    floor = Floor()
    floor.greet({"instructions": "Greet."})
    assert floor.kept
    assert floor.heard() == {}
    assert (floor.kept, floor.left) == (False, None)


@pytest.mark.parametrize(("said", "asked"), [(False, [GOODBYE, {}]), (True, [{}])])
def test_a_goodbye_is_asked_for_where_it_was_not_said(*, said: bool, asked: list[JsonObject]) -> None:
    floor = Floor()
    floor.leave(HANGUP, "Say goodbye.", said=said)
    assert [floor.heard() for _ in asked] == asked
    assert (floor.kept, floor.left) == (True, HANGUP)


def test_what_was_broken_off_is_asked_for_again_once() -> None:
    floor = Floor()
    floor.leave(HANGUP, "Say goodbye.", said=True)
    floor.broken_off()
    assert floor.heard() == GOODBYE
    floor.broken_off()
    assert floor.heard() == {}
    assert floor.left is HANGUP


# The goodbye


@pytest.mark.claim("goodbye under noise", "J31", "hangup")
@pytest.mark.parametrize("interrupts", [True, False])
def test_a_goodbye_is_heard_to_its_end_whatever_the_caller_says(*, interrupts: bool) -> None:
    detection = {"type": "server_vad", "interrupt_response": interrupts}
    call = leaving(verb={"turn_detection": detection})
    told = turn(call)  # the model's word is of audio from before the goodbye: none is passed on since
    assert sent(told, APPEND) == sent(told) == []
    assert not cleared(told)
    call.wait(3)
    assert call.end is HANGUP
    assert heard_ms(call) == 2000
    assert sent(call.effects, "response.create")[1:] == []
    [used] = call.bridge.record.tools
    assert used["name"] == "hangup"


def looks_up(call: Hand, response_id: str = "r1") -> list[Any]:
    item = {"type": "function_call", "name": "look_up", "call_id": "l1", "arguments": "{}"}
    return call.model("response.output_item.done", response_id=response_id, item=item)


@pytest.mark.parametrize("first", ["look_up", "hangup"])
@pytest.mark.parametrize("answers", ["at once", "in the goodbye", "never"])
def test_a_goodbye_waits_for_no_other_tool_and_nothing_is_said_after_it(first: str, answers: str) -> None:
    call = leaver(verb={"tools": [*TOOLS, LOOK_UP]}, tool_timeout_s=20)
    says(call)
    acts = [looks_up, leaves]
    told: list[Any] = []
    for act in acts if first == "look_up" else reversed(acts):
        told += act(call)
    assert [effect.name for effect in told if isinstance(effect, CallTool)] == ["look_up"]
    if answers == "at once":
        call.do(call.bridge.tool_answered("l1", "{}", call.now))
    call.ends()
    call.wait(1.8)
    if answers == "in the goodbye":
        call.do(call.bridge.tool_answered("l1", "{}", call.now))
    call.wait(1)
    assert call.end == HANGUP
    assert len(sent(call.effects, "response.create")) == 1


def test_the_result_of_an_earlier_tool_that_waited_for_the_goodbyes_end_is_not_talked_about() -> None:
    call = leaver(verb={"tools": [*TOOLS, LOOK_UP]})
    call.starts()
    looks_up(call)
    call.ends()
    says(call, "r2")
    call.do(call.bridge.tool_answered("l1", "{}", call.now))
    leaves(call, "r2")
    assert sent(call.ends("r2"), "response.create") == []
    call.wait(3)
    assert call.end == HANGUP


def test_a_caller_is_not_told_of_a_wait_for_a_tool_in_a_goodbye() -> None:
    call = leaver(verb={"tools": [*TOOLS, LOOK_UP]})
    call.starts()
    looks_up(call)
    leaves(call)
    [ask] = sent(call.ends(), "response.create")
    assert ask["response"]["instructions"] == "Say goodbye."
    says(call, "r2", ms=4000)
    call.ends("r2")
    call.wait(5)
    assert call.end == HANGUP
    assert len(sent(call.effects, "response.create")) == 2


@pytest.mark.claim("goodbye under noise", "J31")
@pytest.mark.parametrize("resume", [True, False])
def test_our_own_judgement_of_what_interrupts_is_not_asked_in_a_goodbye(*, resume: bool) -> None:
    call = leaving(manners=Manners(barge_in=BargeIn(min_speech_ms=100, resume=resume)))
    told = turn(call)
    assert sent(told) == []
    assert not cleared(told)
    call.wait(3)
    assert call.end is HANGUP
    assert heard_ms(call) == 2000


def test_an_agent_that_was_held_as_it_takes_leave_says_its_goodbye() -> None:
    call = leaver(manners=Manners(barge_in=BargeIn(resume=True)))
    says(call)
    call.wait(0.5)
    assert cleared(call.model("input_audio_buffer.speech_started", item_id="u1"))
    leaves(call)
    call.ends()
    call.wait(3)
    assert call.end is HANGUP
    assert heard_ms(call) == 2000


@pytest.mark.claim("J31")
@pytest.mark.parametrize(("tool", "reason_code"), [("hangup", "agent_hung_up"), ("transfer", "handoff")])
def test_a_caller_who_speaks_as_the_agent_leaves_without_a_word_hears_the_goodbye(tool: str, reason_code: str) -> None:
    call = leaver()
    call.starts()
    call.model("input_audio_buffer.speech_started", item_id="u1")
    leaves(call, "r1", tool)
    [goodbye] = sent(call.ends("r1", "cancelled"), "response.create")
    assert goodbye["response"] == {**SPOKEN, "instructions": EXITS[tool].words, "tool_choice": "none"}
    says(call, "r2")
    call.ends("r2")
    call.wait(1)
    assert not over(call)
    call.wait(3)
    assert end_of(call) == reason_code
    assert heard_ms(call, "of-r2") == 2000


def test_a_goodbye_that_the_caller_cut_before_the_agent_left_is_said_again() -> None:
    call = leaver()
    call.starts()
    call.speaks(ms=2000)
    call.wait(0.5)
    assert cleared(call.model("input_audio_buffer.speech_started", item_id="u1"))
    leaves(call)
    [goodbye] = sent(call.ends("r1", "cancelled"), "response.create")
    assert goodbye["response"] == {**SPOKEN, **GOODBYE}


def test_a_goodbye_that_the_model_breaks_off_by_itself_is_said_again_once() -> None:
    call = leaver()
    call.starts()
    call.speaks("of-r1", ms=1000)
    leaves(call)
    assert not cleared(call.model("input_audio_buffer.speech_started", item_id="u1"))
    call.ends("r1", "cancelled")
    [again] = sent(call.wait(2), "response.create")
    assert again["response"] == {**SPOKEN, **GOODBYE}
    call.starts("r2")
    call.ends("r2", "cancelled")
    call.wait(1)
    assert call.end is HANGUP
    assert heard_ms(call) == 1000
    assert len(sent(call.effects, "response.create")) == 2


def test_a_goodbye_that_was_whole_when_the_model_broke_off_is_not_said_again() -> None:
    call = leaver()
    says(call)
    leaves(call)
    call.ends("r1", "cancelled")
    call.wait(3)
    assert call.end is HANGUP
    assert len(sent(call.effects, "response.create")) == 1


def test_what_the_model_answers_to_the_callers_last_words_is_not_heard_in_a_goodbye() -> None:
    call = leaving()
    turn(call)
    assert [event["type"] for event in sent(call.starts("r2"))] == ["response.cancel"]
    call.speaks("of-r2", response_id="r2")
    call.ends("r2", "cancelled")
    call.wait(3)
    assert call.end is HANGUP
    assert len(sent(call.effects, "response.create")) == 1
    assert heard_ms(call) == 2000


def test_a_turn_that_ends_in_a_goodbye_is_recorded_and_not_answered() -> None:
    call = leaver(
        verb={"input_audio_transcription": {"model": "whisper-1"}}, manners=Manners(barge_in=BargeIn(min_speech_ms=300))
    )
    call.starts()
    call.model("input_audio_buffer.speech_started", item_id="u1")
    says(call)
    leaves(call)
    call.ends()
    call.model("input_audio_buffer.speech_stopped", item_id="u1")
    assert sent(call.model("input_audio_buffer.committed", item_id="u1")) == []
    call.model("conversation.item.input_audio_transcription.completed", item_id="u1", transcript="Wait!")
    assert call.bridge.record.transcript[-1]["text"] == "Wait!"


@pytest.mark.claim("keypad entry")
@pytest.mark.parametrize("before", ["", "5"])
def test_what_is_typed_in_a_goodbye_is_told_and_recorded_and_nothing_else(before: str) -> None:
    call = leaver()
    press(call, before)
    says(call, ms=4000)
    leaves(call)
    call.ends()
    told = [*press(call, "12"), *call.wait(3)]
    assert [effect.event["event"] for effect in told if isinstance(effect, Report) and "event" in effect.event] == [
        *"12"
    ]
    assert sent(told) == []
    assert not cleared(told)
    assert call.bridge.record.transcript[-1]["text"] == f"(typed on the keypad) {before}12"
    call.wait(3)
    assert call.end is HANGUP
    assert heard_ms(call) == 4000


def test_the_warning_before_the_calls_end_is_not_given_in_a_goodbye() -> None:
    call = leaving(max_call_s=60, manners=Manners(warn_before_s=59))
    assert sent(call.wait(1.2)) == []


@pytest.mark.claim("hangup")
def test_an_agent_that_hangs_up_without_a_word_is_asked_for_one() -> None:
    call = leaver()
    call.starts()
    leaves(call)
    [goodbye] = sent(call.ends(), "response.create")
    assert goodbye["response"] == {**SPOKEN, **GOODBYE}
    says(call, "r2", ms=500)
    call.ends("r2")
    call.wait(2)
    assert call.end is HANGUP


def test_a_goodbye_that_is_refused_is_asked_for_in_another_way() -> None:
    call = leaver()
    call.starts()
    leaves(call)
    call.ends()
    first = sent(call.effects, "response.create")[-1]
    told, again = sent(call.refuses(code="invalid_value", event_id=first["event_id"]))
    assert told["item"]["content"][0]["text"] == "Say goodbye."
    assert again["response"]["tool_choice"] == "none"
    assert "instructions" not in again["response"]
    [bare] = sent(call.refuses(code="invalid_value", event_id=again["event_id"]))
    assert "response" not in bare
    says(call, "r2")
    call.ends("r2")
    call.wait(3)
    assert call.end == HANGUP


def test_an_agent_that_cannot_say_goodbye_leaves_all_the_same() -> None:
    call = leaver()
    call.starts()
    leaves(call)
    call.ends()
    call.wait(30)
    assert call.end is HANGUP


def test_the_first_way_out_is_the_one_that_is_taken() -> None:
    call = leaver()
    says(call)
    leaves(call, tool="leave")
    leaves(call, tool="hangup")
    call.ends()
    call.wait(3)
    assert call.end is CALLER_SILENT


# The model goes first


@pytest.mark.claim("J31")
@pytest.mark.parametrize(("tool", "reason_code"), [("hangup", "agent_hung_up"), ("transfer", "handoff")])
@pytest.mark.parametrize("code", [None, 1000, 1006, 1008, 1012, 3000])
def test_a_call_on_its_way_out_goes_its_way_when_the_model_is_lost(
    tool: str, reason_code: str, code: int | None
) -> None:
    call = leaver()
    says(call)
    leaves(call, tool=tool)
    call.ends()
    call.wait(0.5)
    call.do(call.bridge.model_closed(call.now, code=code, reason="invalid_request_error.invalid_api_key"))
    call.wait(1)
    assert not over(call)
    call.wait(1)
    assert end_of(call) == reason_code
    assert heard_ms(call) == 2000
    assert not any(isinstance(effect, Redial) for effect in call.effects)


def test_keys_are_recorded_also_when_the_model_is_lost_in_the_goodbye() -> None:
    call = leaving()
    call.do(call.bridge.model_closed(call.now, code=1006, reason=""))
    assert sent(press(call, "1#")) == []
    assert call.bridge.record.transcript[-1]["text"] == "(typed on the keypad) 1"


@pytest.mark.parametrize("fault", ["error", "failure", "silence", "noise"])
def test_a_call_on_its_way_out_goes_its_way_when_the_model_fails(fault: str) -> None:
    call = leaver()
    says(call)
    leaves(call)
    failure = {"error": {"code": "insufficient_quota", "message": "no"}}
    match fault:
        case "error":
            call.ends()
            call.refuses(code="session_expired")
        case "failure":
            call.ends(status="failed", status_details=failure)
        case "noise":
            for _ in range(100):
                call.do(call.bridge.model_said(b"{", call.now))
    call.wait(1)
    assert not over(call)
    call.wait(30)
    assert call.end is HANGUP
    assert heard_ms(call) == 2000


@pytest.mark.claim("L24")
def test_l24_a_session_is_not_renewed_in_a_goodbye() -> None:
    call = leaving(max_session_s=2)
    call.wait(3)
    assert call.end is HANGUP
    assert not any(isinstance(effect, Redial) for effect in call.effects)


def test_a_silent_caller_is_taken_leave_of_also_by_a_model_that_is_lost() -> None:
    call = leaver(manners=Manners(idle=(Rung(5, "Say goodbye.", end=True),)))
    says(call)
    call.ends()
    assert len(sent(call.wait(8), "response.create")) == 1
    call.do(call.bridge.model_closed(call.now, code=1006, reason=""))
    assert call.end is CALLER_SILENT


# A protected greeting


def greeted(**manners: Any) -> Hand:
    """A call half a second into a protected greeting of two seconds."""
    call = leaver(manners=Manners(protect_greeting=True, **manners))
    says(call)
    call.ends()
    call.wait(0.5)
    return call


@pytest.mark.claim("protected greeting")
@pytest.mark.parametrize("barge_in", [BargeIn(), BargeIn(min_speech_ms=100), BargeIn(resume=True)])
def test_no_voice_interrupts_a_protected_greeting_whatever_the_model_says(barge_in: BargeIn) -> None:
    call = greeted(barge_in=barge_in)
    told = turn(call)
    assert sent(told, "conversation.item.truncate", "response.cancel") == []
    assert not cleared(told)
    call.wait(3)
    assert heard_ms(call) == 2000


@pytest.mark.claim("protected greeting", "keypad entry")
def test_what_is_typed_in_a_protected_greeting_counts_after_it() -> None:
    call = greeted()
    told = press(call, "1#")
    assert sent(told) == []
    assert not cleared(told)
    read = sent(call.wait(2))
    assert [event["type"] for event in read] == ["conversation.item.create", "response.create"]
    assert read[0]["item"]["content"][0]["text"] == "(typed on the keypad) 1"
    assert heard_ms(call) == 2000
    assert [line["text"] for line in call.bridge.record.transcript].count("(typed on the keypad) 1") == 1


@pytest.mark.claim("protected greeting")
def test_a_protected_greeting_that_the_model_breaks_off_is_asked_for_again() -> None:
    call = leaver(manners=Manners(protect_greeting=True), opening={"instructions": "Greet the caller."})
    call.starts()
    call.speaks("of-r1", ms=500)
    call.ends("r1", "cancelled")
    [again] = sent(call.wait(2), "response.create")
    assert again["response"] == {**SPOKEN, "instructions": "Greet the caller."}
    says(call, "r2")
    call.ends("r2", "cancelled")
    assert sent(call.wait(4), "response.create") == []
    assert played(call.effects)


@pytest.mark.claim("protected greeting")
def test_a_protected_greeting_is_protected_also_from_what_the_next_session_could_hear() -> None:
    call = greeted()
    call.do(call.bridge.model_closed(call.now, code=1006, reason=""))
    call.do(call.bridge.model_opened(call.now))
    call.model("session.created", session={})
    call.model("session.updated", session={})
    assert sent(turn(call), APPEND) == []
    call.wait(1.5)
    assert sent(turn(call), APPEND)
    assert heard_ms(call) == 2000
