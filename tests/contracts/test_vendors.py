"""What holds for every vendor there is: a new one is tested here before its author has written a test.

`said.jsonl` is what its model says, each event with what it means to the bridge; `told.jsonl` is what the documented
verb becomes when it is said to that model. Some of it holds for those that speak OpenAI's protocol
(`media/realtime/protocol.py`), and is asked of no other.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import Any, cast, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.bridge import Bridge
from media.interruption import BargeIn
from media.options import Manners, Options
from media.platforms.jambonz.media import JambonzMedia
from media.playout import Speech
from media.realtime import VENDORS, protocol
from media.realtime.base import (
    ModelError,
    ModelEvent,
    ModelRefused,
    Realtime,
    ResponseEnded,
    ResponseStarted,
    Said,
    SessionReady,
    SpeechComplete,
    SpeechReceived,
    SpokenText,
    ToolCalled,
)
from media.realtime.dialect import MISSING, OPENAI, TURN_DETECTION, find
from media.realtime.updating import UpdateRefusedError
from tests.contracts import under_test
from tests.contracts.under_test import names, samples_of
from tests.oracles import check_client
from tests.properties import NEARLY_JSON, changed, json_values, tries
from tests.simulation import PCM24
from tests.verbs.seed import SEED
from verbs.llm import Llm
from verbs.vendors import VENDORS as KNOWN

JsonObject = dict[str, Any]
EVERY = names(VENDORS)
OF_THE_PROTOCOL = [
    name for name in EVERY if isinstance(kind := VENDORS[name].realtime, type) and issubclass(kind, protocol.Realtime)
]
RATES_HZ = (8000, 16000, 24000)
ODD: list[Any] = [None, True, 0, -1, 1.5, 10**400, float("nan"), "", "x", [], ["x"], {}, {"x": 1}]
SPEAK_AS_OPENAI = [name for name in EVERY if name in {"openai", "microsoft"}]


def lines(vendor: str, name: str) -> list[JsonObject]:
    return under_test.lines(samples_of(vendor) / f"{name}.jsonl")


def said(vendor: str) -> Iterator[tuple[str | None, JsonObject]]:
    return ((line["means"], line["event"]) for line in lines(vendor, "said")[1:])


def verb(vendor: str, **changes: Any) -> Llm:
    model = SEED["model"] if vendor == "openai" else "m"
    return Llm.model_validate({**SEED, "vendor": vendor, "model": model, **changes})


def model_of(vendor: str, rate_hz: int = 24000, *, wants_audio_events: bool = False, **changes: Any) -> Realtime:
    one = VENDORS[vendor]
    audio = one.audio_at(rate_hz)
    return one.realtime(verb(vendor, **changes), audio=audio, wants_audio_events=wants_audio_events)


TELLING: dict[str, Callable[[Realtime], bytes | None]] = {
    "configure": lambda model: model.configure(),
    "greet": lambda model: model.ask(model.greeting, "ask-1"),
    "follow_up": lambda model: model.ask(model.follow_up, "ask-2"),
    "hear": lambda model: model.hear(bytes(6)),
    "cancel": lambda model: model.cancel("r1", "bi-1"),
    "truncate": lambda model: model.truncate(Speech("i1", 0), 350, "bi-2"),
    "forget": lambda model: model.forget("i1", "bi-3"),
    "answer_tool": lambda model: model.answer_tool("c1", '{"ok":true}', "tool-1"),
    "say": lambda model: model.say("assistant", "Good day.", "say-1"),
}

every_vendor = pytest.mark.parametrize("vendor", EVERY)
every_one_of_the_protocol = pytest.mark.parametrize("vendor", OF_THE_PROTOCOL)


def test_a_vendor_is_known_on_every_floor() -> None:
    assert VENDORS.keys() == KNOWN.keys()
    assert {"openai", "microsoft", "xai", "inworld", "qwen", "localai", "speaches"} <= VENDORS.keys()


@every_vendor
def test_every_vendor_has_samples_that_say_where_they_are_from(vendor: str) -> None:
    for name in ("said", "told"):
        assert {"origin", "date"} <= lines(vendor, name)[0].keys()


@every_vendor
@pytest.mark.parametrize("wants_audio_events", [False, True])
def test_what_a_model_says_means_one_thing(vendor: str, *, wants_audio_events: bool) -> None:
    model = model_of(vendor, wants_audio_events=wants_audio_events)
    for means, event in said(vendor):
        told = model.receive(json.dumps(event))
        assert (type(told.meaning).__name__ if told.meaning else None) == means, event
        assert told.event in ([event] if wants_audio_events else [event, {}])
        assert not isinstance(told.meaning, SessionReady) or told.meaning.mismatch is None


@every_vendor
def test_speech_that_is_read_alone_is_what_the_whole_message_means(vendor: str) -> None:
    alone, whole = model_of(vendor), model_of(vendor)
    for _, event in said(vendor):
        wire = json.dumps(event, separators=(",", ":")).encode()
        speech, told = alone.speech(wire), whole.receive(wire)
        assert speech is None or told == Said(told.type, {}, speech)
        if speech is None:
            alone.receive(wire)


@pytest.mark.claim("P1")
@every_vendor
def test_a_conversation_is_opened_once_and_another_session_again(vendor: str) -> None:
    model = model_of(vendor)
    for _ in range(2):
        meanings = [model.receive(json.dumps(event)).meaning for _, event in said(vendor)]
        assert [type(meaning).__name__ for meaning in meanings].count("SessionOpened") == 1


@pytest.mark.claim("P1")
@every_vendor
def test_a_sample_has_every_part_of_a_call(vendor: str) -> None:
    needed = {"SessionOpened", "SessionReady", "SpeechReceived", "SpeechComplete", "SpokenText", "CallerStarted"}
    needed |= {"CallerStopped", "CallerCommitted", "CallerText", "ResponseStarted", "ResponseEnded", "ToolCalled"}
    assert needed | {"ModelRefused"} <= {means for means, _ in said(vendor)}


@pytest.mark.claim("L22")
@every_vendor
def test_l22_the_documented_verb_is_said_in_the_vendors_words(vendor: str) -> None:
    model = model_of(vendor)
    told = {name: tell(model) for name, tell in TELLING.items()}
    assert [{"by": name, "message": wire and json.loads(wire)} for name, wire in told.items()] == lines(vendor, "told")[
        1:
    ]


@pytest.mark.parametrize("vendor", SPEAK_AS_OPENAI)
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_openais_own_package_finds_no_fault_with_what_is_said(vendor: str, rate_hz: int) -> None:
    model = model_of(vendor, rate_hz)
    wires = [tell(model) for tell in TELLING.values()]
    assert [check_client(json.loads(wire or b"")) for wire in wires] == [[]] * len(wires)


@pytest.mark.claim("P27")
@every_vendor
def test_a_message_is_sent_just_where_the_vendor_can_be_told_it(vendor: str) -> None:
    model, can = model_of(vendor), VENDORS[vendor].can
    assert model.can is can
    told = {name: TELLING[name](model) is not None for name in ("cancel", "truncate", "forget", "say")}
    assert told == {"cancel": can.cancel, "truncate": can.truncate, "forget": can.delete, "say": can.add_text}


@every_one_of_the_protocol
def test_a_tool_is_not_forced_where_it_would_be_for_ever(vendor: str) -> None:
    model = model_of(
        vendor, llmOptions={"session_update": {**SEED["llmOptions"]["session_update"], "tool_choice": "required"}}
    )
    forced = json.loads(model.configure())["session"].get("tool_choice")
    asked = json.loads(model.ask(model.follow_up, "ask-1")).get("response", {}).get("tool_choice")
    assert (forced, asked) == (("required", "auto") if VENDORS[vendor].can.choose_tools else (None, None))


@every_vendor
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_model_hears_and_speaks_what_its_vendor_can(vendor: str, rate_hz: int) -> None:
    model, can = model_of(vendor, rate_hz), VENDORS[vendor].can
    assert (model.hears, model.speaks) == VENDORS[vendor].audio_at(rate_hz)
    assert model.hears in can.hears
    assert model.speaks in can.speaks


@every_one_of_the_protocol
def test_turns_can_be_left_to_us_where_the_vendor_leaves_them(vendor: str) -> None:
    model, leaves = model_of(vendor), VENDORS[vendor].can.leave_turns
    model.leave_turns()
    session = json.loads(model.configure())["session"]
    turns = session.get("turn_detection") or session["audio"]["input"]["turn_detection"]
    assert turns["threshold"] == 0.8
    assert (turns.get("create_response") is False) is leaves
    assert (model.answers_itself, model.interrupts_itself) == (not leaves, not leaves)


@every_one_of_the_protocol
@pytest.mark.parametrize("barge_in", [BargeIn(), BargeIn(min_speech_ms=300), BargeIn(resume=True)], ids=str)
@pytest.mark.parametrize("options", [SEED["llmOptions"], {}], ids=["documented", "no turn_detection"])
def test_whatever_we_change_of_a_session_is_said_in_the_vendors_words(
    vendor: str, barge_in: BargeIn, options: JsonObject
) -> None:
    model = model_of(vendor, llmOptions=options)
    Bridge(JambonzMedia(24000), [model], Options(audio=PCM24, manners=Manners(barge_in=barge_in)), now=0.0)
    message = json.loads(model.configure())
    session, dialect = message["session"], cast("protocol.Realtime", model).dialect
    turns = session.get("turn_detection") or find(session, TURN_DETECTION)
    if turns is not MISSING:
        assert turns["type"] == "server_vad" or dialect.semantic_vad
        assert turns.keys() >= ((dialect.server_vad or {}).keys() if turns["type"] == "server_vad" else set())
        ours = barge_in.judged and VENDORS[vendor].can.leave_turns
        assert (turns.get("create_response") is False) is ours
        assert model.answers_itself is not ours
    assert find(session, TURN_DETECTION) is MISSING or TURN_DETECTION not in dialect.moved
    assert [name for name in dialect.unknown if find(session, tuple(name.split("."))) is not MISSING] == []
    if vendor in SPEAK_AS_OPENAI:
        assert check_client(message) == []


@every_one_of_the_protocol
def test_a_verb_that_says_nothing_gets_a_session_that_takes_turns(vendor: str) -> None:
    model = model_of(vendor, llmOptions={})
    assert json.loads(model.configure())["type"] == "session.update"
    assert json.loads(TELLING["greet"](model) or b"") == {"type": "response.create", "event_id": "ask-1"}
    assert model.answers_itself
    assert (model.warnings == []) is (vendor != "openai")  # whose model of the sample is gone


@every_one_of_the_protocol
def test_the_tools_are_those_of_the_verb_however_they_are_declared(vendor: str) -> None:
    nested = [{"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}} for tool in TOOLS]
    for tools in (TOOLS, nested):
        model = model_of(vendor, llmOptions={"session_update": {"tools": tools}})
        assert model.tools == {"get_weather": TOOLS[0]["parameters"]}
    assert json.loads(model.configure())["session"]["tools"] == lines(vendor, "told")[1]["message"]["session"]["tools"]


TOOLS = SEED["llmOptions"]["session_update"]["tools"]


@every_one_of_the_protocol
def test_extra_goes_out_as_it_is(vendor: str) -> None:
    extra = {"session_update": {"mood": "sunny"}, "response_create": {"mood": "kind"}}
    model = model_of(vendor, llmOptions={"extra": extra})
    assert json.loads(model.configure())["session"]["mood"] == "sunny"
    assert json.loads(TELLING["greet"](model) or b"")["response"].items() >= {"mood": "kind"}.items()
    assert model.without("session.mood")
    assert "mood" not in json.loads(model.configure())["session"]


@every_one_of_the_protocol
def test_half_a_sample_waits_for_its_other_half(vendor: str) -> None:
    events = [event for means, event in said(vendor) if means == "SpeechReceived"]
    model, whole = model_of(vendor), b""
    for event in events:
        for delta in ("AQID", "BAUG"):
            meaning = model.receive(json.dumps({**event, "delta": delta})).meaning
            assert isinstance(meaning, SpeechReceived)
            assert len(meaning.audio) % 2 == 0
            whole += meaning.audio
    assert whole == b"\1\2\3\4\5\6" * len(events)


def broken(event: Any, rng: Random) -> Any:
    """Return an event with something in it gone, or of another kind."""
    copy = dict(event)
    key = rng.choice(list(copy))
    if isinstance(copy[key], dict) and copy[key] and rng.random() < 0.7:
        copy[key] = broken(copy[key], rng)
    elif rng.random() < 0.3:
        del copy[key]
    else:
        copy[key] = rng.choice(ODD)
    return copy


@every_vendor
@pytest.mark.parametrize("wants_audio_events", [False, True])
def test_a_malformed_event_is_refused_or_says_nothing_wrong(vendor: str, *, wants_audio_events: bool) -> None:
    rng = Random(1)  # noqa: S311  # the same events every time
    model = model_of(vendor, wants_audio_events=wants_audio_events)
    for _, event in said(vendor):
        for _ in range(60):
            with suppress(ModelError):
                meaning = model.receive(json.dumps(broken(event, rng))).meaning
                hash((getattr(meaning, "response_id", None), getattr(meaning, "item_id", None)))


@every_vendor
@given(data=st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_no_bytes_raise_anything_else(vendor: str, data: bytes) -> None:
    with suppress(ModelError):
        model_of(vendor).receive(data)


ODD_TEXTS = ["\ud800", "AA=", "A A=", "-_8=", "AAA", "AAAA\n"]
ODD_VALUES = json_values() | st.sampled_from([10**400, float("nan"), float("inf"), *ODD_TEXTS])
RECORDED = {vendor: [event for _, event in said(vendor)] for vendor in EVERY}


@every_vendor
@settings(max_examples=tries(30), deadline=None)
@given(data=st.data())
def test_events_in_any_order_with_anything_in_them_mean_what_can_be_worked_with(
    vendor: str, data: st.DataObject
) -> None:
    model = model_of(vendor)
    for event in data.draw(st.lists(changed(RECORDED[vendor], ODD_VALUES), max_size=8)):
        try:
            meaning = model.receive(json.dumps(event)).meaning
        except ModelError as error:
            fault = str(error)
            assert len(fault) < 200
            continue
        if meaning is None:
            continue
        for name, kind in get_type_hints(type(meaning)).items():
            assert kind is not str or isinstance(getattr(meaning, name), str), name
        for tell in answers_to(model, meaning):
            json.loads(tell or b"{}")


def answers_to(model: Realtime, meaning: ModelEvent) -> list[bytes | None]:
    match meaning:
        case SpeechReceived(_, speech) | SpeechComplete(speech) | SpokenText(speech):
            return [model.truncate(speech, 20, "bi-1"), model.forget(speech.item_id, "bi-2")]
        case ResponseStarted(response_id) | ResponseEnded(response_id):
            return [model.cancel(response_id, "bi-1")]
        case ToolCalled(_, call_id):
            return [model.answer_tool(call_id, "{}", "tool-1")]
        case _:
            return []


@pytest.mark.parametrize("wire", NEARLY_JSON, ids=lambda wire: repr(wire[:12]))
@every_vendor
def test_what_is_almost_json_is_of_no_protocol(vendor: str, wire: bytes) -> None:
    with pytest.raises(ModelError) as refused:
        model_of(vendor).receive(wire)
    assert len(str(refused.value)) < 120


@every_vendor
def test_errors_of_no_consequence_are_known(vendor: str) -> None:
    model = model_of(vendor)
    refusals = [model.receive(json.dumps(event)).meaning for means, event in said(vendor) if means == "ModelRefused"]
    harmless = [refusal.harmless for refusal in refusals if isinstance(refusal, ModelRefused)]
    told = [line.get("harmless", False) for line in lines(vendor, "said")[1:] if line["means"] == "ModelRefused"]
    assert harmless == told


@every_vendor
def test_a_model_is_reached_under_the_vendors_address_with_its_key(vendor: str) -> None:
    url = KNOWN[vendor].url or "wss://r.openai.azure.com/openai/v1/realtime"
    dialled = VENDORS[vendor].dial(verb(vendor, auth=None), url=url, api_key="k-1")
    assert dialled.url.partition("?")[0] == url
    assert [value.rpartition(" ")[2] for value in dialled.headers.values()] == ["k-1"]
    assert "k-1" not in dialled.url + repr(dialled)


@every_vendor
def test_our_key_never_goes_to_another_host_than_ours(vendor: str) -> None:
    elsewhere = verb(vendor, auth=None, connectOptions={"host": "evil.example"})
    dial = VENDORS[vendor].dial
    if not KNOWN[vendor].keyless:
        with pytest.raises(ModelError, match=rf"no key for evil.example: set .*vendors\.{vendor}\.api_key"):
            dial(elsewhere, url="wss://ours.example/x", api_key="k-1")
    else:
        assert dial(elsewhere, url="wss://ours.example/x", api_key="k-1").headers == {}
    theirs = dial(verb(vendor, auth={"apiKey": "k-2"}, connectOptions={"host": "h.example"}), url="", api_key="k-1")
    assert [value.rpartition(" ")[2] for value in theirs.headers.values()] == ["k-2"]


@every_vendor
def test_a_verb_that_brings_its_own_header_needs_no_key(vendor: str) -> None:
    own = verb(vendor, auth=None, connectOptions={"host": "h.example", "headers": {"authorization": "Bearer k-2"}})
    assert VENDORS[vendor].dial(own, url="wss://h.example/x", api_key="k-1").headers == {"authorization": "Bearer k-2"}


@every_vendor
def test_the_betas_header_is_never_sent(vendor: str) -> None:
    old = verb(vendor, connectOptions={"host": "h.example", "headers": {"OpenAI-Beta": "realtime=v1", "X-A": "1"}})
    assert VENDORS[vendor].dial(old, url="", api_key="").headers.keys() & {"OpenAI-Beta", "X-A"} == {"X-A"}


def test_where_nothing_is_declared_all_is_said_as_openai_says_it() -> None:
    session = json.loads(model_of("openai").configure())["session"]
    assert OPENAI.place(session) == session


@every_one_of_the_protocol
def test_settings_that_are_changed_are_as_if_they_had_been_so_at_first(vendor: str) -> None:
    model = model_of(vendor)
    change = {"instructions": "Be brief.", "turn_detection": {"type": "server_vad", "silence_duration_ms": 700}}
    wire = model.update(change, spoken=True)
    assert wire
    assert json.loads(wire)["type"] == "session.update"
    assert model.update(change, spoken=True) is None

    options = SEED["llmOptions"]
    changed = {**options, "session_update": {**options["session_update"], **change}}
    at_first = model_of(vendor, llmOptions=changed)
    assert json.loads(model.configure())["session"] == json.loads(at_first.configure())["session"]
    assert (model.pause_ms, model.tools) == (at_first.pause_ms, at_first.tools)
    with pytest.raises(UpdateRefusedError):
        model.update({"voice": "another"}, spoken=True)
