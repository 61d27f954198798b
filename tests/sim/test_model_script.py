"""The script: what fits which turn, how it is filled, and what goes wrong when the script wants it to."""

import json
from pathlib import Path
from typing import Any

import pytest

from sim.model import Close, RehearsalSession, Script, ScriptError, load
from sim.model.arguments import sample
from sim.model.faults import Failure
from sim.model.script import LONG_STORY
from sim.model.sittings import Sittings
from tests.sim.model_client import Client, errors, of_type, one, said, types

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def typed(client: Client, text: str) -> list[dict[str, Any]]:
    content = [{"type": "input_text", "text": text}]
    client.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    return client.ask()


def result(client: Client, events: list[dict[str, Any]], output: str) -> list[dict[str, Any]]:
    for call in of_type(events, "response.function_call_arguments.done"):
        item = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
        assert not errors(client.send("conversation.item.create", item=item))
    return client.ask()


def test_the_default_script_says_what_it_is_and_calls_the_first_tool_on_the_second_turn() -> None:
    client = Client()
    client.update(tools=[{"type": "mcp", "server_label": "s", "server_url": "https://example.com"}, WEATHER])
    assert "I am not an AI" in said(client.ask())
    assert said(client.ask()) == "I heard you. Please go on."
    assert said(typed(client, "?")) == "I heard you. You can ask me about the weather in a city."
    events = typed(client, "?")
    call = one(events, "response.function_call_arguments.done")
    assert json.loads(call["arguments"]) == {"city": "Boston"}
    assert said(result(client, events, "12")) == "Here is the answer. 12"
    assert said(typed(client, "?")) == "I heard you. Please go on."


@pytest.mark.parametrize("choice", ["declared", "none"])
def test_no_tool_is_called_that_may_not_be(choice: str) -> None:
    client = Client({"greeting": {"say": "Yes.", "tool": {}}, "otherwise": {"say": "No.", "tool": {"name": "f"}}})
    if choice == "none":
        client.update(tools=[WEATHER], tool_choice="none")
    assert types(client.ask()).count("response.output_item.done") == 1
    assert not of_type(typed(client, "What is the weather in Rome?"), "response.function_call_arguments.done") or (
        choice == "declared"
    )


def test_named_groups_become_arguments_and_words() -> None:
    client = Client(
        {
            "turns": [
                {
                    "when": {"heard": r"book (?P<what>\w+)(?: for (?P<who>\w+))?"},
                    "say": "Booking {what} for {who}.",
                    "tool": {"name": "book", "arguments": {"list": ["{what}", 3], "deep": {"who": "{who}"}}},
                }
            ]
        }
    )
    events = typed(client, "Please BOOK flights for Ann")
    assert said(events) == "Booking flights for Ann."
    call = one(events, "response.function_call_arguments.done")
    assert json.loads(call["arguments"]) == {"list": ["flights", 3], "deep": {"who": "Ann"}}


def test_a_line_about_what_nobody_knows_is_left_out_of_the_choice() -> None:
    turns = [{"when": {"turn": 1}, "say": "It is {a.b}."}, {"say": "Yes."}]
    assert said(typed(Client({"turns": turns}), "?")) == "Yes."
    assert said(Client({"greeting": "It is {a.b}."}).ask()) == "It is unknown."


def test_a_city_may_be_called_a_location() -> None:
    client = Client()
    properties = {"location": {"type": "string"}, "scale": {"enum": ["fahrenheit", "celsius"]}}
    client.update(tools=[{**WEATHER, "parameters": {"type": "object", "properties": properties}}])
    events = typed(client, "What is the weather in Paris?")
    call = one(events, "response.function_call_arguments.done")
    assert json.loads(call["arguments"]) == {"location": "Paris", "scale": "fahrenheit"}
    answer = result(client, events, '{"temperature": 9, "conditions": "foggy"}')
    assert said(answer) == "It is 9 degrees and foggy in Paris."


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ('{"error": "timeout"}', "Sorry, that did not work."),
        ("sunny", "Here is the answer. sunny"),
        ('{"result": {"a": [1, 2.5], "b": true, "c": false}}', "Here is the answer. a 1, 2.5, b yes, c no"),
        ('{"open": 7.0}', "Here is the answer. open 7"),
    ],
)
def test_any_result_is_spoken(output: str, words: str) -> None:
    client = Client()
    client.update(tools=[{"type": "function", "name": "look"}])
    events = typed(client, "What is the weather in Rome?")
    assert one(events, "response.function_call_arguments.done")["arguments"] == "{}"
    assert said(result(client, events, output)) == words


def test_a_result_is_named_with_the_arguments_it_answers() -> None:
    client = Client({"turns": [{"when": {"tool_result": "f"}, "say": "{n}: {result} {of.it}"}], "greeting": {}})
    call = {"type": "function_call", "name": "f", "arguments": '{"n": 5}', "call_id": "call_1"}
    client.send("conversation.item.create", item=call)
    item = {"type": "function_call_output", "call_id": "call_1", "output": '{"of": {"it": "x"}}'}
    client.send("conversation.item.create", item=item)
    assert said(client.ask()) == "5: of it x x"


def test_several_calls_and_a_call_sent_twice() -> None:
    script = {"greeting": {"tools": [{"name": "f"}, {"name": "f"}, {"name": "g", "arguments": "{bad"}]}}
    calls = of_type(Client(script).ask(), "response.function_call_arguments.done")
    assert len({call["call_id"] for call in calls}) == len(calls) == 3
    assert calls[2]["arguments"] == "{bad"
    twice = {**script, "faults": {"duplicate_tool_call": True}}
    calls = of_type(Client(twice).ask(), "response.function_call_arguments.done")
    assert len({call["call_id"] for call in calls}) == 3
    assert len(calls) == 6


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object", "properties": {"a": {"default": 3}, "b": {"const": "c"}}}, {"a": 3, "b": "c"}),
        ({"properties": {"a": {"enum": ["x", "y"]}, "z": {}}, "required": ["a"]}, {"a": "x"}),
        ({"examples": ["e"]}, "e"),
        ({"$ref": "#/$defs/t", "$defs": {"t": {"type": "boolean"}}}, True),
        ({"$ref": "#/$defs/none/x"}, "example"),
        ({"$ref": "elsewhere", "type": "null"}, None),
        ({"anyOf": [{"type": "integer", "minimum": 4}, {"type": "string"}]}, 4),
        ({"type": ["number", "null"], "exclusiveMinimum": 2}, 3),
        ({"type": "number", "maximum": 0.5}, 0.5),
        ({"type": "array", "items": {"type": "string", "format": "date"}, "minItems": 2}, ["2030-01-31"] * 2),
        ({"type": "string", "minLength": 9, "maxLength": 10}, "examplexx"),
        ({"type": "string", "maxLength": 3}, "exa"),
        (True, None),
        ({"$ref": "#"}, "example"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, None),
    ],
)
def test_sample_arguments_fit_their_schema(schema: Any, value: Any) -> None:
    assert sample(schema) == value


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"greetin": "x"}, "greetin: Extra inputs"),
        ({"turns": [{"when": {"heard": "("}}]}, "turns[0].when.heard"),
        ({"turns": [{"when": {"heard": "[[a]"}}]}, "a later Python"),
        ({"faults": {"close_after_s": -1}}, "faults.close_after_s"),
        ({"delta_rate": 0}, "delta_rate"),
        ("hello", "script: "),
        ({"model": 5}, "script: "),
    ],
)
def test_a_script_that_cannot_be_followed_names_the_place(document: Any, complaint: str) -> None:
    with pytest.raises(ScriptError, match=complaint.replace("[", r"\[").replace(".", r"\.")):
        Script.of(document)


def test_a_scene_tells_the_model_what_its_caller_says() -> None:
    turns = [{"user": "Hello?"}, {"dtmf": "1"}, {"user": "Stop, please."}]
    assert Script.of({"turns": turns}).caller == ("Hello?", "Stop, please.")
    assert Script.of({"turns": turns, "model": {"greeting": "Yes."}}).greeting.say == ("Yes.",)
    assert Script.of({"turns": turns, "model": {"caller": ["No."]}}).caller == ("No.",)
    assert Script.of({"turns": turns, "model": None}).caller == ("Hello?", "Stop, please.")
    assert Script.of({"name": "brief", "turns": [{"hangup": True}, {"user": None}]}) == Script()
    assert Script.of({"turns": [{"when": {"turn": 1}, "say": "a"}]}).turns[0].say == ("a",)


def test_a_script_is_read_from_yaml(tmp_path: Path) -> None:
    file = tmp_path / "script.yaml"
    file.write_text("greeting: Yes.\n", encoding="utf-8")
    assert load(file).greeting.say == ("Yes.",)
    file.write_text("", encoding="utf-8")
    assert load(file) == Script()
    file.write_text("greeting: [", encoding="utf-8")
    with pytest.raises(ScriptError, match=r"script\.yaml"):
        load(file)


# --- faults ---


def test_the_first_event_may_be_missing() -> None:
    client = Client({"faults": {"no_session_created": True}})
    assert client.events == []
    assert types(client.update()) == ["session.updated"]


def test_the_answer_to_an_update_may_be_late_or_missing() -> None:
    client = Client({"faults": {"session_updated_delay_s": 2}})
    assert client.update() == client.wait(1.9) == []
    assert types(client.wait(0.2)) == ["session.updated"]
    client = Client({"faults": {"no_session_updated": True}})
    assert client.update() == client.wait(60) == []


def test_errors_come_at_their_time() -> None:
    client = Client({"faults": {"errors": [{"after_s": 1, "code": "insufficient_quota", "message": "No."}]}})
    assert client.wait(0.9) == []
    assert errors(client.wait(0.2)) == [("insufficient_quota", None)]


@pytest.mark.parametrize(
    ("faults", "closing"),
    [
        ({"close_after_s": 1, "close_code": 4000, "close_reason": "no"}, Close(4000, "no")),
        ({"close_after_s": 1}, Close(1011)),
        ({"drop_after_s": 1}, Close(None)),
    ],
)
def test_the_connection_may_end_at_a_time(faults: dict[str, Any], closing: Close) -> None:
    client = Client({"faults": faults})
    assert client.session.next_due() == client.now + 1
    client.wait(1)
    assert client.session.closing == closing
    assert client.wait(9999) == []


def test_nothing_is_taken_once_the_connection_is_ending() -> None:
    client = Client({"faults": {"close_after_s": 1}})
    client.now += 1
    assert client.update() == []
    assert client.session.closing == Close(1011)


def test_the_connection_may_close_in_place_of_the_end_of_a_response() -> None:
    client = Client({"greeting": {"say": "Yes.", "close_code": 1012}})
    events = client.ask()
    assert types(events)[-1] == "response.output_item.done"
    assert client.session.closing is not None
    assert client.session.closing.code == 1012


def test_a_response_may_fail_after_it_has_spoken_or_at_once() -> None:
    events = Client({"greeting": {"say": "Yes.", "fail": {"code": "rate_limit_exceeded"}}}).ask()
    response = one(events, "response.done")["response"]
    assert (response["status"], response["status_details"]["error"]["code"]) == ("failed", "rate_limit_exceeded")
    assert said(events) == "Yes."
    events = Client({"faults": {"response_failed": {"message": "x"}}}).ask()
    assert types(events) == ["response.created", "rate_limits.updated", "response.done"]


def test_a_response_may_never_come_or_never_speak() -> None:
    assert Client({"faults": {"no_response": True}}).ask() == []
    client = Client({"greeting": {"silent": True}, "session_s": 3600})
    assert types(client.ask()) == ["response.created"]
    assert types(client.send("response.cancel")) == ["response.done"]


def test_the_supply_of_audio_may_stall() -> None:
    client = Client({"greeting": {"say": "Please go on.", "stall_s": 2, "thinking_s": 0}})
    client.send("response.create")
    client.wait(1.9)
    before = len(of_type(client.events, "response.output_audio.delta"))
    client.wait(1)
    assert 0 < before < len(of_type(client.events, "response.output_audio.delta"))
    assert of_type(client.events, "response.done")


def test_a_transcription_may_fail() -> None:
    client = Client({"faults": {"transcription_failed": True}})
    client.update(audio={"input": {"transcription": {"model": "whisper-1"}}})
    events = client.say("Hello?") + client.until_quiet()
    assert of_type(events, "conversation.item.input_audio_transcription.failed")


def test_what_cannot_be_said_is_still_written() -> None:
    events = Client({"greeting": "…"}).ask()
    assert one(events, "response.output_audio_transcript.done")["transcript"] == "…"
    assert not of_type(events, "response.output_audio.delta")


def test_a_turn_of_the_callers_may_bring_no_response_at_all() -> None:
    client = Client({"turns": [{"when": {"heard": "hello"}, "no_response": True}], "caller": ["Hello?"]})
    client.ask()
    assert types(client.say("Hello?") + client.until_quiet()) == [
        *("input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed"),
        *("conversation.item.added", "conversation.item.done"),
    ]
    assert client.ask() == []


def test_a_turn_of_the_script_answers_so_often_and_leaves_what_it_did_not_answer_to_the_next() -> None:
    for reply in ({"no_response": True}, {"fail": "rate_limit_exceeded"}):
        turns = [{"when": {"heard": "hello"}, "times": 1, **reply}, {"when": {"heard": "hello"}, "say": "Yes."}]
        client = Client({"turns": turns, "caller": ["Hello?", "Hello?"]})
        client.ask()
        assert said(client.say("Hello?") + client.until_quiet()) == ""
        assert said(client.ask()) == "Yes."
        assert said(client.say("Hello?") + client.until_quiet()) == "Yes."


def test_what_a_turn_said_before_it_failed_is_not_said_again() -> None:
    turns = [{"when": {"turn": 1}, "say": "Yes.", "fail": "server_error", "times": 1}, {"say": "No."}]
    client = Client({"turns": turns})
    assert said(typed(client, "?")) == "Yes."
    assert said(client.ask()) == "No."


def test_the_first_answer_may_be_a_turn_of_the_script() -> None:
    turns = [{"when": {"greeting": True}, "fail": "server_error", "times": 1}]
    client = Client({"greeting": "Yes.", "turns": turns})
    assert one(client.ask(), "response.done")["response"]["status"] == "failed"
    assert said(client.ask()) == "Yes."
    assert said(client.ask()) == "I heard you. Please go on."


def test_the_model_may_fall_silent_in_mid_response() -> None:
    client = Client({"greeting": {"say": "Please go on.", "stall_s": float("inf")}})
    events = client.ask()
    assert types(events)[-1] == "response.output_audio.delta"
    assert client.wait(600) == []
    done = one(client.send("response.cancel"), "response.done")
    assert done["response"]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("code", "closing"), [(1001, Close(1001, "Bye.")), (1006, Close(None, "Bye.")), (4000, Close(4000, "Bye."))]
)
@pytest.mark.parametrize("after", ["words", "nothing"])
def test_the_connection_may_close_at_a_turn(code: int, closing: Close, after: str) -> None:
    reply = {"say": "Yes."} if after == "words" else {"no_response": True}
    client = Client({"turns": [{"when": {"turn": 2}, "close_code": code, "close_reason": "Bye.", **reply}]})
    told = [(said(typed(client, "?")), client.session.closing) for _ in range(2)]
    assert told == [("I heard you. Please go on.", None), ("Yes." if after == "words" else "", closing)]
    assert len(of_type(client.events, "response.done")) == 1


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1015, 2999, 5000])
def test_a_close_code_that_no_server_can_send_is_refused(code: int) -> None:
    with pytest.raises(ScriptError, match="close_code"):
        Script.of({"faults": {"close_code": code}})


def test_an_abnormal_close_at_a_time_is_a_connection_broken_off() -> None:
    client = Client({"faults": {"close_after_s": 1, "close_code": 1006}})
    client.wait(1)
    assert client.session.closing == Close(None)


def test_a_setting_may_be_unknown_to_this_model() -> None:
    names = ["session.truncation", "session.audio.input.noise_reduction"]
    client = Client({"faults": {"unknown_parameters": names}})
    audio = {"input": {"noise_reduction": {"type": "near_field"}}}
    assert errors(client.update(truncation="auto", audio=audio)) == [("unknown_parameter", "session.truncation")]
    assert errors(client.update(audio=audio)) == [("unknown_parameter", names[1])]
    assert types(client.update(audio={"input": {}})) == ["session.updated"]


def test_an_error_is_told_in_openais_words_by_its_code() -> None:
    client = Client({"greeting": {"fail": "insufficient_quota"}, "faults": {"errors": [{"code": "session_expired"}]}})
    expired = one(client.events, "error")["error"]
    assert (expired["type"], expired["code"]) == ("invalid_request_error", "session_expired")
    assert "maximum duration of 60 minutes" in expired["message"]
    error = one(client.ask(), "response.done")["response"]["status_details"]["error"]
    assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
    assert "exceeded your current quota" in error["message"]


def test_an_error_of_ones_own_has_ones_own_words() -> None:
    script = {"greeting": {"fail": {"code": "rate_limit_exceeded", "message": "Try again in 2s."}}}
    error = one(Client(script).ask(), "response.done")["response"]["status_details"]["error"]
    assert error == {"type": "tokens", "code": "rate_limit_exceeded", "message": "Try again in 2s."}
    assert Script.of({"greeting": {"fail": "a_new_one"}}).greeting.fail == Failure(code="a_new_one")


def test_noise_is_taken_for_speech_and_nothing_comes_of_it() -> None:
    client = Client({"faults": {"noise": [1]}, "caller": ["Stop, please.", "Hello?"], "greeting": LONG_STORY})
    client.update(audio={"input": {"transcription": {"model": "gpt-transcribe"}}})
    client.send("response.create")
    client.wait(0.5)
    events = client.say("Stop, please.") + client.wait(2)
    heard = [name for name in types(events) if name.startswith("input_audio_buffer.")]
    assert heard == ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"]
    assert one(events, "response.done")["response"]["status"] == "cancelled"
    events = client.say("Hello?") + client.until_quiet()
    assert of_type(events, "input_audio_buffer.committed")
    transcribed = one(events, "conversation.item.input_audio_transcription.completed")
    assert transcribed["transcript"] == "Hello?"
    assert said(events) == "I heard you. You can ask me about the weather in a city."


def test_a_session_may_differ_from_the_others_by_its_number_and_its_model() -> None:
    script = Script.of(
        {
            "greeting": "Hello.",
            "faults": {"no_response": True},
            "sessions": [{"faults": {"close_after_s": 4}}, {}],
            "models": {"other": {"greeting": "Hi.", "session_s": 9}},
        }
    )
    first, second, third = (script.for_session(nth, "rehearsal") for nth in range(3))
    assert (first.faults.close_after_s, first.faults.no_response, first.greeting.say) == (4, False, ("Hello.",))
    assert second.faults == third.faults == script.faults
    other = script.for_session(0, "other")
    assert (other.greeting.say, other.session_s, other.faults.close_after_s) == (("Hi.",), 9, 4)


def test_a_session_that_differs_wrongly_names_the_place() -> None:
    with pytest.raises(ScriptError, match=r"sessions\[0\].greting"):
        Script.of({"sessions": [{"greting": "x"}]})


def test_the_sessions_of_one_call_hear_one_caller_and_those_of_several_calls_each_its_own() -> None:
    sittings = Sittings(Script.of({"caller": ["One.", "Two."], "sessions": [{}]}))
    first, second = sittings.next("m"), sittings.next("m")
    assert first.caller is second.caller
    assert RehearsalSession(second.script, 0.0, caller=second.caller)._conversation.next_line() == "One."
    assert first.caller
    assert list(first.caller) == ["Two."]
    assert Sittings(Script.of({"caller": ["One."]})).next("m").caller is None


def test_noise_in_a_scene_is_no_words() -> None:
    scene = {"name": "x", "turns": [{"user": "a"}, {"noise": {"ms": 200, "times": 2}}, {"noise": {}}, {"user": "b"}]}
    assert Script.of(scene).caller == ("a", "", "", "", "b")


def test_what_a_request_asks_for_may_choose_the_answer() -> None:
    client = Client({"turns": [{"when": {"asked": "say GOODBYE"}, "say": "Goodbye."}], "otherwise": "Yes."})
    client.ask()
    assert said(client.ask(instructions="Say goodbye.")) == "Goodbye."
    assert said(client.ask(instructions="Say hello.")) == "Yes."
    assert said(client.ask()) == "Yes."


def test_what_a_session_heard_in_vain_is_heard_by_the_next() -> None:
    lines = ["What is the weather in Boston?", "Stop, please."]
    script = {"caller": lines, "turns": [{"when": {"turn": 1}, "no_response": True}], "sessions": [{}]}
    sittings = Sittings(Script.of(script))
    client = Client(script)
    client.until_quiet()
    assert client.session.lost_line is None
    client.say(lines[0])
    sitting = sittings.next("m")
    sitting.take_back(client.session.lost_line)
    assert sitting.caller
    assert list(sitting.caller) == [lines[0], *lines]
    client.say(lines[1])
    client.until_quiet()
    assert client.session.lost_line is None


def test_words_that_were_transcribed_were_not_heard_in_vain() -> None:
    client = Client({"caller": ["Hello?"], "turns": [{"no_response": True}]})
    client.update(audio={"input": {"transcription": {"model": "gpt-transcribe"}}})
    client.say("Hello?")
    client.wait(0.3)
    assert client.session.lost_line is None


def test_what_an_assistant_said_in_an_earlier_session_has_answered_what_stands_before_it() -> None:
    client = Client(
        {"turns": [{"when": {"heard": "story"}, "say": "Once."}, {"when": {"heard": "bye"}, "say": "Bye."}]}
    )
    for role, kind, text in (("user", "input_text", "A story."), ("assistant", "output_text", "Once.")):
        client.send(
            "conversation.item.create",
            item={"type": "message", "role": role, "content": [{"type": kind, "text": text}]},
        )
    assert said(typed(client, "Goodbye.")) == "Bye."
