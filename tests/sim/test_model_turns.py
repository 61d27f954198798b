"""Turns of a conversation with the rehearsal model, in OpenAI's order of events."""

import json
from typing import Any

import pytest

from sim import voice
from sim.model import Close
from sim.model.script import GREETING
from tests.sim.model_client import Client, audio_ms, errors, of_type, one, said, types

GREETING_MS = voice.duration_ms(voice.speech(GREETING))
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SPOKEN_ANSWER = [
    "response.created",
    "rate_limits.updated",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]
SPOKEN_QUESTION = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]
PATIENT = {"type": "server_vad", "silence_duration_ms": 500}


def vad(**settings: Any) -> dict[str, Any]:
    return {"input": {"turn_detection": {**PATIENT, **settings}}}


def test_the_session_is_shown_first_and_its_end_is_told() -> None:
    client = Client(model="gpt-realtime-2.1")
    [created] = client.events
    assert created["type"] == "session.created"
    assert created["session"]["model"] == "gpt-realtime-2.1"
    assert created["session"]["expires_at"] == 1_900_003_600


def test_the_greeting_comes_in_the_order_openai_sends_it() -> None:
    events = Client().ask()
    assert types(events) == SPOKEN_ANSWER
    assert said(events).startswith("Hello, this is the Hookswitch rehearsal voice. I am not an AI")
    assert audio_ms(events) == voice.duration_ms(voice.speech(said(events)))


def test_a_spoken_turn_comes_in_the_order_openai_sends_it() -> None:
    client = Client()
    client.update(audio=vad())
    events = client.say("Hello, who are you?") + client.until_quiet()
    assert types(events) == SPOKEN_QUESTION + SPOKEN_ANSWER
    assert len({event.get("item_id", event.get("item", {}).get("id")) for event in events[:5]}) == 1


def test_offsets_count_the_audio_written() -> None:
    client = Client()
    client.update(audio=vad(prefix_padding_ms=300, silence_duration_ms=500))
    client.hear(voice.silence(1000))
    line = voice.caller_line("Tell me a long story.")
    events = client.hear(line + voice.silence(1000))
    started = one(events, "input_audio_buffer.speech_started")["audio_start_ms"]
    stopped = one(events, "input_audio_buffer.speech_stopped")["audio_end_ms"]
    assert 700 <= started <= 760
    assert abs(stopped - (1000 + voice.duration_ms(line) + 500)) <= 60


def test_the_prefix_does_not_reach_into_the_turn_before() -> None:
    client = Client()
    client.update(audio=vad(prefix_padding_ms=3000, silence_duration_ms=300))
    first = client.say("Paris", 400)
    second = client.say("London", 400)
    ended = one(first, "input_audio_buffer.speech_stopped")["audio_end_ms"]
    assert one(second, "input_audio_buffer.speech_started")["audio_start_ms"] == ended


@pytest.mark.parametrize(("threshold", "heard"), [(0.5, True), (0.9, False)])
def test_the_threshold_is_honoured(threshold: float, heard: bool) -> None:  # noqa: FBT001  # a row of the table
    client = Client()
    client.update(audio=vad(threshold=threshold))
    soft = b"".join(((-1) ** n * 500).to_bytes(2, "little", signed=True) for n in range(24000))
    assert bool(of_type(client.hear(soft), "input_audio_buffer.speech_started")) == heard


def test_a_click_is_no_speech() -> None:
    client = Client()
    click = b"\x00\x40" * 960
    assert client.hear(voice.silence(200) + click + voice.silence(400)) == []


def test_audio_may_come_in_any_pieces() -> None:
    whole, split = Client(), Client()
    line = voice.caller_line("What is the weather in Boston?") + voice.silence(400)
    whole.hear(line)
    for at in range(0, len(line), 1234):
        split.hear(line[at : at + 1234])
    keys = ("input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped")
    offsets = [[event for event in client.events if event["type"] in keys] for client in (whole, split)]
    names = ("audio_start_ms", "audio_end_ms")
    first, second = ([[event.get(name) for name in names] for event in events] for events in offsets)
    assert first == second != []


@pytest.mark.parametrize(("eagerness", "wait_ms"), [("high", 300), ("auto", 500), ("low", 800)])
def test_semantic_vad_waits_by_eagerness(eagerness: str, wait_ms: int) -> None:
    client = Client()
    client.update(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": eagerness}}})
    line = voice.caller_line("Paris")
    events = client.hear(line + voice.silence(1000))
    stopped = one(events, "input_audio_buffer.speech_stopped")["audio_end_ms"]
    assert abs(stopped - voice.duration_ms(line) - wait_ms) <= 60


def test_a_whole_conversation_with_a_tool() -> None:
    client = Client({"caller": ["Hello, who are you?", "What is the weather in Boston?"]})
    client.update(tools=[WEATHER], audio=vad())
    client.ask()
    assert "only follow a script" in said(client.say("Hello, who are you?") + client.until_quiet())
    events = client.say("What is the weather in Boston?") + client.until_quiet()
    assert said(events) == "Let me check the weather in Boston."
    call = one(events, "response.function_call_arguments.done")
    assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"city": "Boston"})
    item = {
        "type": "function_call_output",
        "call_id": call["call_id"],
        "output": '{"temperature": 21.0, "conditions": "sunny"}',
    }
    assert types(client.send("conversation.item.create", item=item)) == [
        "conversation.item.added",
        "conversation.item.done",
    ]
    assert said(client.ask()) == "It is 21 degrees and sunny in Boston."


def test_a_function_call_is_an_output_item_of_its_own() -> None:
    client = Client({"greeting": {"tool": {"name": "look", "arguments": {"at": "the sky"}}}})
    events = client.ask()
    assert types(events) == [
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    deltas = of_type(events, "response.function_call_arguments.delta")
    assert "".join(event["delta"] for event in deltas) == '{"at": "the sky"}'
    [item] = one(events, "response.done")["response"]["output"]
    assert item["status"] == "completed"


def test_several_texts_are_several_items_of_one_response() -> None:
    events = Client({"greeting": {"say": ["Here is the answer.", "Please go on."], "tool": {"name": "x"}}}).ask()
    kinds = [event["item"]["type"] for event in of_type(events, "response.output_item.done")]
    assert kinds == ["message", "message", "function_call"]
    assert [event["output_index"] for event in of_type(events, "response.output_item.done")] == [0, 1, 2]


def test_a_text_session_answers_in_text() -> None:
    client = Client()
    client.update(output_modalities=["text"])
    events = client.ask()
    assert types(events)[5:8] == [
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
    ]
    text = one(events, "response.output_text.done")["text"]
    assert "".join(event["delta"] for event in of_type(events, "response.output_text.delta")) == text
    assert one(events, "response.done")["response"]["usage"]["output_token_details"]["audio_tokens"] == 0


def test_audio_comes_faster_than_real_time_in_uneven_pieces() -> None:
    client = Client({"thinking_s": 0, "delta_rate": 10})
    began = client.now
    client.send("response.create")
    while not of_type(client.events, "response.done"):
        due = client.session.next_due()
        assert due is not None
        client.wait(due - client.now)
    events = client.events
    assert 0.9 < audio_ms(events) / 1000 / (client.now - began) / 10 < 1.1
    sizes = [len(event["delta"]) * 3 // 4 for event in of_type(events, "response.output_audio.delta")]
    assert len(set(sizes)) > 4
    assert all(size % 960 for size in sizes[:-1])


def test_the_transcript_runs_ahead_of_the_audio() -> None:
    names = [event["type"] for event in Client().ask()]
    first, last = "response.output_audio_transcript.delta", "response.output_audio.delta"
    assert names.index(first) < names.index(last)
    assert names[::-1].index(last) < names[::-1].index(first)


@pytest.mark.parametrize(("name", "bytes_per_s"), [("audio/pcmu", 8000), ("audio/pcma", 8000)])
def test_g711_works_in_both_directions(name: str, bytes_per_s: int) -> None:
    import audioop
    import base64

    client = Client()
    client.update(audio={side: {"format": {"type": name}} for side in ("input", "output")})
    assert audio_ms(client.ask(), bytes_per_s) == pytest.approx(GREETING_MS, abs=3)
    narrow, _ = audioop.ratecv(voice.caller_line("Paris") + voice.silence(500), 2, 1, 24000, 8000, None)
    wire = (audioop.lin2ulaw if name == "audio/pcmu" else audioop.lin2alaw)(narrow, 2)
    for at in range(0, len(wire), 160):
        audio = base64.b64encode(wire[at : at + 160]).decode()
        client.send("input_audio_buffer.append", audio=audio)
    assert of_type(client.events, "input_audio_buffer.speech_stopped")


def test_speed_changes_how_long_the_answer_takes() -> None:
    client = Client()
    client.update(audio={"output": {"speed": 1.5}})
    assert audio_ms(client.ask()) == pytest.approx(GREETING_MS / 1.5, abs=5)


def test_speech_cancels_the_answer_that_is_being_sent() -> None:
    client = Client({"greeting": "Tell me. " * 30, "delta_rate": 1})
    client.update(audio=vad())
    client.send("response.create")
    client.wait(1)
    events = client.say("Stop, please.", 0)
    assert types(events[[event["type"] for event in events].index("input_audio_buffer.speech_started") :]) == [
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    ]
    response = one(events, "response.done")["response"]
    assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert response["output"][0]["status"] == "incomplete"
    assert response["output"][0]["content"][0]["transcript"] == said(client.events)
    assert 0 < response["usage"]["output_token_details"]["audio_tokens"] == audio_ms(client.events) * 20 // 1000


def test_speech_after_all_is_sent_cancels_nothing() -> None:
    client = Client()
    client.update(audio=vad())
    client.send("response.create")
    client.wait(2)
    assert types(client.say("Stop, please.", 0)) == ["input_audio_buffer.speech_started"]


def test_without_interrupt_response_the_answer_goes_on_and_the_next_follows_it() -> None:
    client = Client({"greeting": "Tell me. " * 30, "delta_rate": 1, "caller": ["Stop, please."]})
    client.update(audio=vad(interrupt_response=False))
    client.send("response.create")
    client.wait(1)
    assert not of_type(client.say("Stop, please."), "response.done")
    events = client.until_quiet()
    assert [event["response"]["status"] for event in of_type(events, "response.done")] == ["completed"] * 2
    assert said(events).endswith("Sure, I will stop.")


def test_without_create_response_a_turn_is_only_noted() -> None:
    client = Client()
    client.update(audio=vad(create_response=False))
    assert types(client.say("Hello?") + client.until_quiet()) == SPOKEN_QUESTION


def test_turns_by_hand() -> None:
    client = Client({"caller": ["Thank you, goodbye."]})
    client.update(audio={"input": {"turn_detection": None}})
    assert client.say("Thank you, goodbye.") == []
    assert types(client.send("input_audio_buffer.commit")) == SPOKEN_QUESTION[2:]
    assert said(client.ask()) == "Goodbye, and thank you for calling."


def test_a_cleared_buffer_holds_nothing() -> None:
    client = Client()
    client.update(audio={"input": {"turn_detection": None}})
    client.hear(voice.silence(500))
    assert types(client.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert errors(client.send("input_audio_buffer.commit")) == [("input_audio_buffer_commit_empty", None)]


def test_a_changed_input_format_drops_what_was_held_in_the_old_one() -> None:
    client = Client()
    client.update(audio={"input": {"turn_detection": None}})
    client.hear(voice.silence(500))
    client.update(audio={"input": {"format": {"type": "audio/pcmu"}}})
    assert errors(client.send("input_audio_buffer.commit")) == [("input_audio_buffer_commit_empty", None)]


@pytest.mark.parametrize(
    ("caller", "transcript"), [(["Hello, who are you?"], "Hello, who are you?"), ([], "(speech of ")]
)
def test_the_callers_words_are_transcribed_on_request(caller: list[str], transcript: str) -> None:
    client = Client({"caller": caller})
    client.update(audio={"input": {"transcription": {"model": "gpt-transcribe"}, **vad()["input"]}})
    events = client.say("Hello, who are you?") + client.until_quiet()
    done = one(events, "conversation.item.input_audio_transcription.completed")
    assert done["transcript"].startswith(transcript)
    assert done["item_id"] == one(events, "input_audio_buffer.committed")["item_id"]
    assert done["usage"]["seconds"] > 1
    names = [event["type"] for event in events]
    assert names.index(done["type"]) > names.index("response.created")


def test_typed_words_are_heard_too() -> None:
    client = Client()
    content = [{"type": "input_text", "text": "Tell me a long story."}]
    client.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    assert said(client.ask()).startswith("Once upon a time")


def test_a_silent_caller_is_asked_after_the_idle_time() -> None:
    client = Client()
    client.update(audio=vad(idle_timeout_ms=5000))
    client.send("response.create")
    events = client.wait(GREETING_MS / 1000 + 4.9)
    assert not of_type(events, "input_audio_buffer.timeout_triggered")
    client.hear(voice.silence(400))
    events = client.wait(2)
    triggered = one(client.events, "input_audio_buffer.timeout_triggered")
    assert triggered["audio_end_ms"] >= triggered["audio_start_ms"]
    assert said(client.events).endswith("Are you still there?")
    assert not of_type(client.events, "input_audio_buffer.speech_started")


def test_speech_ends_the_idle_time() -> None:
    client = Client()
    client.update(audio=vad(idle_timeout_ms=5000, create_response=False))
    client.send("response.create")
    client.wait(3)
    client.say("Hello?")
    assert not of_type(client.wait(60), "input_audio_buffer.timeout_triggered")


def test_a_response_beside_the_conversation_leaves_no_trace_in_it() -> None:
    client = Client({"greeting": "Tell me. " * 10})
    client.send("response.create")
    events = client.send("response.create", response={"conversation": "none", "input": [], "metadata": {"n": "2"}})
    aside = one(events, "response.created")["response"]
    assert (aside["conversation_id"], aside["metadata"]) == (None, {"n": "2"})
    events += client.until_quiet()
    assert len(of_type(events, "response.done")) == 2
    assert len(of_type(client.events, "conversation.item.added")) == 1


def test_a_response_may_bring_its_own_input() -> None:
    client = Client()
    content = [{"type": "input_text", "text": "bye"}]
    item = {"type": "message", "role": "user", "id": "item_bye", "content": content}
    client.send("conversation.item.create", item={**item, "content": [{"type": "input_text", "text": "story"}]})
    written = {"type": "message", "role": "user", "content": content}
    assert said(client.ask(input=[written], conversation="none")).startswith("Goodbye")
    reference = {"type": "item_reference", "id": "item_bye"}
    assert said(client.ask(input=[reference], conversation="none")).startswith("Once upon")


def test_max_output_tokens_cut_an_answer_short() -> None:
    client = Client({"greeting": {"say": ["Here is the answer.", "Please go on. " * 20], "tool": {"name": "x"}}})
    events = client.ask(max_output_tokens=60)
    response = one(events, "response.done")["response"]
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert response["usage"]["output_tokens"] <= 60
    assert [item["type"] for item in response["output"]] == ["message", "message"]


def test_max_output_tokens_cut_a_text_short_too() -> None:
    response = one(Client().ask(max_output_tokens=5, output_modalities=["text"]), "response.done")["response"]
    assert response["status"] == "incomplete"
    assert response["output"][0]["content"][0]["text"] == "Hello, this is the"


def test_a_session_ends_after_its_time() -> None:
    client = Client({"session_s": 1800})
    client.wait(1799)
    endings = [client.session.closing]
    client.wait(1)
    endings.append(client.session.closing)
    assert endings == [None, Close(1001, "Your session hit the maximum duration of 30 minutes.")]
    assert client.session.next_due() is None
