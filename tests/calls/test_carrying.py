"""From a verb, a route and a vendor to what carries the verb out."""

import json
import wave
from pathlib import Path

import pytest

from calls import carrying, dialling
from calls.leaving import Again
from calls.manners import manners
from config.settings import Media, Route
from hooks.mcp.server import INSTALL
from hooks.options import HookUrls
from media.ends import NO_SHOW, TOO_LONG
from media.idle import Rung
from media.interruption import BargeIn
from media.keypad import Digits
from media.options import Manners, Options
from media.realtime.base import ModelError
from tests.calls.exchange import LLM, JsonObject, settings_of
from verbs.llm import Llm


def llm_of(**changes: object) -> Llm:
    return Llm.model_validate(LLM | changes)


@pytest.mark.claim("J17")
@pytest.mark.parametrize(
    ("vendor", "rate_hz", "hears", "speaks"),
    [
        ("openai", 8000, ("ulaw", 8000), ("ulaw", 8000)),
        ("openai", 16000, ("pcm16", 24000), ("pcm16", 24000)),
        ("openai", 24000, ("pcm16", 24000), ("pcm16", 24000)),
        ("xai", 8000, ("pcm16", 8000), ("pcm16", 8000)),
        ("qwen", 24000, ("pcm16", 16000), ("pcm16", 24000)),
        ("qwen", 8000, ("pcm16", 16000), ("pcm16", 24000)),
    ],
)
def test_j17_the_model_hears_and_speaks_what_needs_the_least_conversion(
    vendor: str, rate_hz: int, hears: tuple[str, int], speaks: tuple[str, int]
) -> None:
    verb = LLM | {"vendor": vendor, "model": "m"}
    [route] = settings_of({"verbs": [{"verb": "answer"}, verb], "media": {"sample_rate_hz": rate_hz}}).routes
    model = carrying.make_model(llm_of(vendor=vendor), route)
    assert (model.hears.encoding, model.hears.rate_hz) == hears
    assert (model.speaks.encoding, model.speaks.rate_hz) == speaks
    assert carrying.changes_rate(route, "0.9") is ({hears[1], speaks[1]} != {rate_hz})


def test_a_route_without_a_model_changes_no_rate() -> None:
    [route] = settings_of({"verbs": [{"verb": "hangup"}], "media": {"sample_rate_hz": 16000}}).routes
    assert not carrying.changes_rate(route, "0.9")


def test_a_model_that_is_fallen_back_on_may_want_another_rate() -> None:
    conditions = {"verbs": [LLM], "media": {"sample_rate_hz": 24000}}
    [alone] = settings_of(conditions).routes
    [spare] = settings_of({**conditions, "llm_fallback": ["qwen"]}).routes
    assert [carrying.changes_rate(route, "0.9") for route in (alone, spare)] == [False, True]


@pytest.mark.claim("J6")
@pytest.mark.parametrize(
    ("model", "asked"),
    [("gpt-4o-realtime-preview", "gpt-realtime-1.5"), ("house-model", "house-model"), (None, "gpt-realtime-2.1")],
)
def test_j6_the_configuration_may_have_another_model_for_a_name(model: str | None, asked: str) -> None:
    settings = settings_of({"verbs": [LLM]})
    vendor = settings.vendors["openai"].model_copy(update={"aliases": {"gpt-4o-realtime-preview": "gpt-realtime-1.5"}})
    configured = settings.model_copy(update={"vendors": {"openai": vendor}})
    found = carrying.candidate(llm_of(model=model), settings.routes[0], configured)
    assert found.dial.url.endswith(f"?model={asked}")


@pytest.mark.claim("J9", "eventHook", "events")
@pytest.mark.parametrize(
    ("changes", "delivered"),
    [
        ({"events": ["response.audio_transcript.done"]}, "response.audio_transcript.done"),
        (
            {"events": ["response.*"], "llmOptions": {"session_update": {"type": "realtime"}}},
            "response.output_audio_transcript.done",
        ),
        (
            {"events": ["response.*"], "llmOptions": {"session_update": {"voice": "alloy"}}},
            "response.audio_transcript.done",
        ),
        ({"events": []}, None),
        ({"events": ["all"], "eventHook": None}, None),
    ],
)
def test_events_are_delivered_as_asked_and_only_to_an_event_hook(changes: JsonObject, delivered: str | None) -> None:
    [route] = settings_of({"verbs": [LLM]}).routes
    wanted = carrying.event_filter(llm_of(**changes), route)
    assert wanted.name_for("response.output_audio_transcript.done") == delivered


@pytest.mark.claim("J28", "events")
@pytest.mark.parametrize(
    ("changes", "delivered"),
    [
        ({"events": []}, "response.output_audio_transcript.done"),
        ({"events": ["response.audio_transcript.done"]}, None),
        ({"events": None}, None),
        ({"events": [], "eventHook": None}, None),
    ],
)
def test_a_route_may_have_events_read_as_jambonz_reads_them(changes: JsonObject, delivered: str | None) -> None:
    [route] = settings_of({"verbs": [LLM], "hooks": {"filter": "jambonz-oss"}}).routes
    wanted = carrying.event_filter(llm_of(**changes), route)
    assert wanted.name_for("response.output_audio_transcript.done") == delivered
    assert wanted.name_for("response.output_audio.delta") is None


def test_calls_that_want_the_same_events_share_what_is_known_of_their_names() -> None:
    [plain] = settings_of({"verbs": [LLM]}).routes
    [jambonz] = settings_of({"verbs": [LLM], "hooks": {"filter": "jambonz-oss"}}).routes
    wishes: list[tuple[Route, JsonObject]] = [
        (plain, {"events": ["response.*"]}),
        (plain, {"events": ["all"]}),
        (plain, {"events": None}),
    ]
    wishes += [(plain, {"eventHook": None}), (jambonz, {"events": ["all"]})]
    first, again = ([carrying.event_filter(llm_of(**changes), route) for route, changes in wishes] for _ in range(2))
    assert list(map(id, first)) == list(map(id, again))
    assert len(set(map(id, first))) == len(wishes)


@pytest.mark.parametrize(("events", "whole"), [(["response.output_audio.delta"], True), (["all"], False)])
def test_audio_is_parsed_as_an_event_only_where_it_was_asked_for(events: list[str], whole: bool) -> None:  # noqa: FBT001
    [route] = settings_of({"verbs": [LLM]}).routes
    delta = {"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "content_index": 0, "delta": ""}
    said = carrying.make_model(llm_of(events=events), route).receive(json.dumps(delta))
    assert bool(said.event) is whole


@pytest.mark.parametrize(("left_s", "end"), [(5.0, TOO_LONG), (50.0, NO_SHOW)])
def test_a_bridge_has_the_routes_patience_and_the_time_that_is_left(left_s: float, end: object) -> None:
    settings = settings_of({"verbs": [LLM]})
    [route] = settings.routes
    model = carrying.make_model(llm_of(), route)
    vendor = settings.vendors["openai"]
    bridge = carrying.make_bridge([model], llm_of(), route, settings, vendor, now=100.0, left_s=left_s, unix_s=0.0)
    due = bridge.next_due()
    assert due == 100 + min(left_s, 10)
    [finish] = bridge.tick(due)
    assert getattr(finish, "end", None) == end


def bridge_options(verb: Llm, route: JsonObject | None = None, back: Again | None = None) -> Options:
    settings = settings_of({"verbs": [LLM], **(route or {})})
    [found] = settings.routes
    model = carrying.make_model(verb, found)
    bridge = carrying.make_bridge(
        [model], verb, found, settings, settings.vendors["openai"], now=0.0, left_s=5.0, unix_s=0.0, again=back
    )
    return bridge._options


@pytest.mark.claim("J31", "responseTimeoutMs", "cancelOnResponseTimeout", "cancelOnBargeIn")
def test_what_a_verb_says_of_waiting_goes_before_the_vendors() -> None:
    plain = bridge_options(llm_of())
    assert (plain.watch_s, plain.cancel_stalled, plain.cancel_on_barge_in) == (None, False, False)
    options = bridge_options(llm_of(responseTimeoutMs=1500, cancelOnResponseTimeout=True, cancelOnBargeIn=True))
    assert (options.watch_s, options.response_timeout_s) == (1.5, 8.0)
    assert (options.cancel_stalled, options.cancel_on_barge_in) == (True, True)


def test_a_tool_is_confirmed_where_the_verb_or_the_route_says_so() -> None:
    own = [
        {"type": "function", "name": "cancel", "confirm": True},
        {"type": "function", "function": {"name": "refund", "confirm": True}},
        {"type": "function", "name": "look"},
    ]
    url = "https://app.example/x"
    tools = {"pay": {"url": url, "confirm": True}, "list": {"url": url}, "find": {"url": url, "confirm": False}}
    verb = llm_of(llmOptions={"session_update": {"tools": own}})
    assert bridge_options(verb, {"tools": tools}).confirmed == {"cancel", "refund", "pay"}
    [route] = settings_of({"verbs": [LLM]}).routes
    model = carrying.make_model(verb, route)
    assert b"confirm" not in model.configure()
    assert model.warnings == []


def test_a_conversation_that_goes_on_is_begun_by_the_agent() -> None:
    route = {"conversation": {"first_speaker": "caller"}}
    back = Again((("user", "Hi."),), "Say that it failed.")
    options = bridge_options(llm_of(hangup={}), route, back)
    assert (options.history, options.opening) == (back.history, {"instructions": "Say that it failed."})
    assert not options.manners.caller_speaks_first
    assert list(options.exits) == ["hangup"]
    assert bridge_options(llm_of(), route).manners.caller_speaks_first


@pytest.mark.claim("J7", "auth.apiKey")
def test_our_key_goes_to_our_vendors_host_only() -> None:
    vendor = settings_of({"verbs": [LLM]}).vendors["openai"]
    assert dialling.model_dial(llm_of(), vendor).headers["Authorization"] == "Bearer sk-of-the-server"
    with pytest.raises(ModelError):
        dialling.model_dial(llm_of(connectOptions={"host": "other.example.com"}), vendor)


@pytest.mark.claim("actionHook", "eventHook", "toolHook")
def test_a_verbs_hooks_are_found_by_their_names() -> None:
    urls = carrying.hook_urls(llm_of(toolHook=None), lambda hook: f"https://app.example.com{hook}" if hook else None)
    assert urls == HookUrls("https://app.example.com/event", None, "https://app.example.com/final")


def test_a_route_without_a_usable_clip_has_the_soft_tone(tmp_path: Path) -> None:
    broken = tmp_path / "hold.wav"
    broken.write_bytes(b"RIFF")
    assert carrying.wait_sound(Media()) == b""
    assert carrying.wait_sound(Media(hold_clip=str(broken))) == b""


def test_a_routes_clip_fills_the_wait(tmp_path: Path) -> None:
    path = tmp_path / "hold.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24000)
        file.writeframes(bytes(960))
    assert carrying.wait_sound(Media(hold_clip=str(path))) == bytes(960)


def test_the_agents_manners_are_the_routes() -> None:
    conversation = {
        "first_speaker": "caller",
        "protect_greeting": True,
        "barge_in": {"min_speech_ms": 250, "resume": True},
        "digits": {"finish": "*", "pause_s": 3, "max_digits": 4, "sensitive": True},
        "idle": [{"after_s": 5, "say": "Ask."}, {"after_s": 6, "end": True}],
        "warn_before_end_s": 30,
        "warning": "Warn.",
        "tool_fillers_s": [2],
        "filler": "Fill.",
    }
    budget = {"wind_down": "Come to the end.", "goodbye": "Say goodbye."}
    [route] = settings_of({"verbs": [LLM], "conversation": conversation, "budget": budget}).routes
    assert manners(route.conversation, route.budget) == Manners(
        caller_speaks_first=True,
        protect_greeting=True,
        barge_in=BargeIn(250, resume=True),
        digits=Digits("*", 3, 4, sensitive=True),
        idle=(Rung(5, "Ask."), Rung(6, "", end=True)),
        warn_before_s=30,
        warning="Warn.",
        wind_down="Come to the end.",
        goodbye="Say goodbye.",
        fillers_s=(2.0,),
        filler="Fill.",
    )
    [route] = settings_of({"verbs": [LLM], "conversation": {"digits": {"collect": False}}}).routes
    assert manners(route.conversation, route.budget).digits is None


@pytest.mark.claim("fallback models")
def test_another_vendors_model_is_not_asked_for_what_only_the_verbs_own_has() -> None:
    told = {
        "response_create": {"voice": "alloy", "instructions": "Be kind."},
        "session_update": {
            "input_audio_transcription": {"model": "gpt-4o-transcribe"},
            "turn_detection": {"type": "semantic_vad", "eagerness": "low"},
        },
    }
    for own, voice in (({}, None), ({"session_update": {"voice": "ara"}}, "ara")):
        entry = {"vendor": "xai", "llmOptions": own, "auth": {"apiKey": "xai-key"}}
        settings = settings_of({"verbs": [LLM | {"llmOptions": told}], "llm_fallback": [entry]})
        [(spare, _)] = carrying.others(llm_of(llmOptions=told), settings.routes[0])
        message = carrying.candidate(spare, settings.routes[0], settings).model.configure()
        session = json.loads(message)["session"]
        assert (session["instructions"], session.get("voice")) == ("Be kind.", voice)
        assert session["turn_detection"] == {"type": "server_vad"}
        assert b"transcri" not in message
        [odd] = [line for line in carrying.oddities(settings, settings.routes[0]) if "openai only" in line]
        assert ("response_create.voice" in odd) is (voice is None)


@pytest.mark.claim("J12")
def test_what_will_not_be_done_as_written_is_known_before_a_call() -> None:
    verb = LLM | {"model": "gpt-4o-realtime-preview", "llmOptions": {"session_update": {"temperature": 1}}}
    route = {"verbs": [{"verb": "answer"}, verb], "llm_fallback": ["speaches/llama"]}
    settings = settings_of(route)
    assert list(carrying.oddities(settings, settings.routes[0])) == [
        "temperature is no longer known to the Realtime API; it was left out",
        "the model gpt-4o-realtime-preview is gone; gpt-realtime-2.1 is used in its place",
    ]
    settings = settings_of({**route, "llm_fallback": ["openai/gpt-4o-mini-realtime-preview"]})
    assert list(carrying.oddities(settings, settings.routes[0]))[2:] == [
        "said to openai: the model gpt-4o-mini-realtime-preview is gone; gpt-realtime-2.1-mini is used in its place"
    ]
    noisy = LLM | {"llmOptions": {"session_update": {"input_audio_noise_reduction": {"type": "near_field"}}}}
    settings = settings_of({**route, "verbs": [noisy]})
    assert list(carrying.oddities(settings, settings.routes[0])) == [
        "said to speaches: session_update.audio.input.noise_reduction is not known to this vendor; it was left out"
    ]


def test_what_the_platform_carries_out_is_not_measured_by_our_models() -> None:
    verb = {"verb": "llm", "vendor": "ultravox", "auth": {"apiKey": "k"}, "llmOptions": {"systemPrompt": "Be kind."}}
    settings = settings_of({"verbs": [verb], "llm_mode": "native"})
    assert list(carrying.oddities(settings, settings.routes[0])) == []


@pytest.mark.parametrize(
    ("conversation", "warned"),
    [({}, False), ({"digits": {"collect": False}}, False), ({"digits": {"max_digits": 4}}, True)],
)
def test_keypad_entries_that_no_model_reads_are_warned_of(conversation: JsonObject, *, warned: bool) -> None:
    settings = settings_of({"verbs": [LLM], "llm_fallback": ["qwen"], "conversation": conversation})
    told = [line for line in carrying.oddities(settings, settings.routes[0]) if "conversation.digits" in line]
    text = "conversation.digits: qwen takes no text, so what is typed is told to the eventHook alone"
    assert told == ([f"said to qwen: {text}"] if warned else [])


@pytest.mark.parametrize("vendor", ["xai", "localai"])
@pytest.mark.parametrize(
    ("barge_in", "keys"),
    [
        ({}, []),
        ({"min_speech_ms": 0, "resume": False}, []),
        ({"min_speech_ms": 300}, ["min_speech_ms"]),
        ({"resume": True, "min_speech_ms": 300}, ["min_speech_ms", "resume"]),
    ],
)
def test_who_interrupts_whom_is_not_ours_to_say_where_the_model_decides(
    vendor: str, barge_in: JsonObject, keys: list[str]
) -> None:
    route = {"verbs": [LLM], "llm_fallback": [f"{vendor}/m"], "conversation": {"barge_in": barge_in}}
    settings = settings_of(route)
    told = [line for line in carrying.oddities(settings, settings.routes[0]) if "barge_in" in line]
    assert told == [
        f"said to {vendor}: conversation.barge_in.{key}: {vendor} answers and falls silent by itself, whatever it is "
        "told: all that it takes for speech interrupts at once"
        for key in keys
    ]
    model = carrying.offered_model(llm_of(vendor=vendor), settings.routes[0], settings)
    in_a_call = [line for line in model.warnings if "barge_in" in line]
    assert told == [f"said to {vendor}: {line}" for line in in_a_call], "an application may name this vendor, too"


@pytest.mark.claim("J31", "mcpServers")
def test_what_servers_of_tools_need_is_known_before_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    verbs = [{"verb": "answer"}, LLM | {"mcpServers": [{"url": "https://tools.example.com/mcp"}]}]
    settings = settings_of({"verbs": verbs})
    [route] = settings.routes
    assert list(carrying.oddities(settings, route)) == []
    monkeypatch.setattr(carrying, "installed", lambda: False)
    assert list(carrying.oddities(settings, route)) == [INSTALL]
    assert carrying.asks_servers(route, "0.9")
    there = [verb | {"connectOptions": {"host": "beta.example.com"}} if "vendor" in verb else verb for verb in verbs]
    assert not carrying.asks_servers(settings_of({"verbs": there, "llm_mode": "native"}).routes[0], "0.9")
    assert not carrying.asks_servers(settings_of({"verbs": [LLM]}).routes[0], "0.9")
    assert not carrying.asks_servers(settings_of({"url": "http://application.example.com/call"}).routes[0], "0.9")


def test_options_that_nobody_can_read_are_the_checks_own_business(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ModelError("no")

    monkeypatch.setattr(carrying, "make_model", fails)
    settings = settings_of({"verbs": [LLM]})
    assert list(carrying.oddities(settings, settings.routes[0])) == []


@pytest.mark.claim("fallback models")
def test_a_verb_falls_back_on_the_routes_other_models_with_its_own_options() -> None:
    [route] = settings_of({"verbs": [LLM], "llm_fallback": ["openai/gpt-realtime-mini", {"vendor": "openai"}]}).routes
    llm = llm_of(connectOptions={"host": "eu.example.com"}, auth={"apiKey": "k"})
    (first, lost), (second, _) = carrying.others(llm, route)
    assert lost == []
    assert (first.vendor, first.model, first.connect_options, first.auth) == ("openai", "gpt-realtime-mini", None, {})
    assert (second.model, second.llm_options) == (None, llm.llm_options)
