"""What pipecat's OpenAI Realtime service is documented to do, and is done here by what has tests of its own elsewhere.

The lines are those of `tests/claims_of_pipecat.py`; each of these tests shows one in the small.
"""

import asyncio
from base64 import b64decode
from typing import Any, get_type_hints
from urllib.parse import urlsplit

import pytest

from config.complaints import ConfigError
from media.bridge import Bridge
from media.effects import Redial
from media.options import Manners, Options
from media.platforms.jambonz.media import JambonzMedia
from media.playout import Speech
from media.realtime import VENDORS
from media.realtime.capabilities import Capabilities
from media.realtime.legacy import translate
from media.realtime.models import LAST_DAYS, resolve_model
from tests.by_hand import APPEND, METADATA, Hand, JsonObject, played, sent
from tests.calls.exchange import LLM, Exchange, in_virtual_time, settings_of, settled
from tests.simulation import PCM24, Call, llm
from verbs.vendors import VENDORS as KNOWN

STARTED = "input_audio_buffer.speech_started"
TRUNCATE = "conversation.item.truncate"


def spoken(hand: Hand, **items_ms: float) -> None:
    """Let the model say these items in one response, once what a platform keeps back of a stream has been filled."""
    hand.wait(1.0)
    hand.starts()
    for item_id, ms in items_ms.items():
        hand.speaks(item_id, ms)
        hand.model("response.output_audio.done", response_id="r1", item_id=item_id, content_index=0)


def truncated(hand: Hand) -> list[tuple[str, int]]:
    told = sent(hand.model(STARTED, item_id="u1"), TRUNCATE)
    return [(event["item_id"], event["audio_end_ms"]) for event in told]


@pytest.mark.claim("P1")
def test_p1_a_call_is_held_over_a_websocket_with_a_model_of_any_vendor() -> None:
    call = Call().run(6)
    assert [event["type"] for event in call.sent[:2]] == ["session.update", "response.create"]
    assert any(event["type"] == "response.output_audio.delta" for _, event in call.from_model)


@pytest.mark.claim("P1")
@pytest.mark.parametrize("name", list(VENDORS))
def test_p1_a_model_of_any_vendor_is_configured_asked_heard_and_hears(name: str) -> None:
    vendor = VENDORS[name]
    verb = llm().model_copy(update={"vendor": name, "model": "m"})
    url = KNOWN[name].url or "wss://own.example/v1"
    dialled = urlsplit(vendor.dial(verb, url=url, api_key="k").url)
    assert dialled.scheme == ("ws" if "localhost" in url else "wss")
    assert dialled.netloc == urlsplit(url).netloc
    hand = Hand()
    model = vendor.realtime(verb, audio=vendor.audio_at(24_000))
    hand.bridge = Bridge(JambonzMedia(24_000), [model], Options(audio=PCM24), now=0.0)
    hand.connect()
    assert [event["type"] for event in sent(hand.effects)][:2] == ["session.update", "response.create"]
    spoken(hand, i1=1000)
    hand.wait(1.5)
    assert any(any(pcm) for pcm in played(hand.effects))
    before = len(hand.effects)
    hand.do(hand.bridge.platform_said(bytes(960), hand.now))
    [heard] = sent(hand.effects[before:], APPEND)
    assert b64decode(heard["audio"])
    hand.do(hand.bridge.platform_closed(hand.now, clean=True))
    hand.wait(3.0)
    assert hand.end
    assert hand.end.reason_code == "caller_hung_up"


@pytest.mark.claim("P2", "barge-in in the middle")
@pytest.mark.parametrize("said_ms", [100, 740, 2900])
def test_p2_an_interruption_tells_how_much_was_heard_within_twenty_milliseconds(said_ms: int) -> None:
    hand = Hand().connect()
    spoken(hand, i1=3000)
    hand.wait(said_ms / 1000)
    [(item_id, heard_ms)] = truncated(hand)
    assert item_id == "i1"
    assert abs(heard_ms - said_ms) <= 20


@pytest.mark.claim("P2", "P39")
def test_p2_no_more_is_told_to_be_heard_than_was_received() -> None:
    hand = Hand().connect()
    spoken(hand, i1=500)
    hand.wait(5.0)  # the model says nothing more, and does not say that this was all
    assert all(heard_ms <= 500 for _, heard_ms in truncated(hand))


@pytest.mark.claim("P3")
def test_p3_of_two_items_in_one_response_each_is_measured_for_itself() -> None:
    hand = Hand().connect()
    spoken(hand, i1=1000, i2=2000)
    hand.wait(1.5)
    [(item_id, heard_ms)] = truncated(hand)
    assert item_id == "i2"
    assert abs(heard_ms - 500) <= 20


@pytest.mark.claim("P17", "J7")
def test_p17_the_key_is_said_to_the_model_and_not_in_what_may_be_printed_of_where_it_is() -> None:
    dial = VENDORS["openai"].dial(llm(), url=KNOWN["openai"].url, api_key="sk-secret")
    assert dial.headers["Authorization"] == "Bearer sk-secret"
    assert "sk-secret" not in repr(dial)


@pytest.mark.claim("P18", "J6")
def test_p18_what_was_written_in_old_words_works_and_is_told_once_with_the_new_ones() -> None:
    successor, told = resolve_model("gpt-4o-realtime-preview-2024-12-17")
    assert (successor, str(told)) == (
        "gpt-realtime-2.1",
        "the model gpt-4o-realtime-preview-2024-12-17 is gone; gpt-realtime-2.1 is used in its place",
    )
    [(going, last_day), *_] = LAST_DAYS.items()
    assert last_day in str(resolve_model(going)[1])
    translated = translate({"session_update": {"temperature": 0.8, "voice": "alloy"}}, audio=PCM24)
    assert translated.session["audio"]["output"]["voice"] == "alloy"
    assert len(translated.warnings) == 1


@pytest.mark.claim("P19")
@pytest.mark.parametrize(
    ("url", "used", "told"),
    [
        (None, "wss://api.openai.com/v1/realtime", []),
        ("wss://own.example/v1", "wss://own.example/v1", []),
        ("ws://127.0.0.1:8080/v1/realtime", "ws://127.0.0.1:8080/v1/realtime", []),
        ("https://own.example/v1", "wss://own.example/v1", ["https:// is read as wss://; write that"]),
        ("HTTPS://own.example/v1", "wss://own.example/v1", ["HTTPS:// is read as wss://; write that"]),
        ("http://127.0.0.1:8080/v1", "ws://127.0.0.1:8080/v1", ["http:// is read as ws://; write that"]),
    ],
)
def test_p19_the_address_is_openais_unless_another_is_said_and_the_webs_scheme_is_put_right_and_told(
    url: str | None, used: str, told: list[str]
) -> None:
    vendor = {"api_key": "k"} | ({"url": url} if url else {})
    settings = settings_of({"verbs": [LLM]}, vendors={"openai": vendor})
    assert settings.vendors["openai"].url == used
    assert [line for line in settings.warnings if "://" in line] == [f"vendors.openai.url: {one}" for one in told]


@pytest.mark.claim("P19")
@pytest.mark.parametrize("url", ["http://own.example/v1", "ftp://own.example/v1", "own.example/v1"])
def test_p19_an_address_that_no_correction_makes_a_safe_socket_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"vendors\.openai\.url: must begin with '?wss://"):
        settings_of({"verbs": [LLM]}, vendors={"openai": {"api_key": "k", "url": url}})


def says_while_the_model_is_reached(hand: Hand) -> bytes:
    """Let the caller say something, and then the model be there."""
    said = [bytes([n, 0]) * 480 for n in range(1, 6)]
    for pcm in said:
        assert hand.do(hand.bridge.platform_said(pcm, hand.now)) == []
    hand.do(hand.bridge.model_opened(hand.now))
    hand.configured()
    return b"".join(said)


def heard_since(hand: Hand, since: int) -> bytes:
    return b"".join(b64decode(event["audio"]) for event in sent(hand.effects[since:], APPEND))


@pytest.mark.claim("P25")
@pytest.mark.parametrize("first", [True, False])
def test_p25_what_the_caller_says_while_the_model_is_reached_is_heard_by_it_unless_the_agent_greets(
    *, first: bool
) -> None:
    hand = Hand(options=Options(audio=PCM24, manners=Manners(caller_speaks_first=first)))
    hand.do(hand.bridge.platform_opened(0.0))
    hand.do(hand.bridge.platform_said(METADATA, 0.0))
    said = says_while_the_model_is_reached(hand)
    assert heard_since(hand, 0) == (said if first else b""), "a greeting that was asked for is not cut short"
    assert bool(sent(hand.effects, "response.create")) is not first


@pytest.mark.claim("P25")
def test_p25_what_the_caller_says_while_the_model_is_reached_again_is_heard_by_it() -> None:
    hand = Hand().connect()
    hand.starts()
    hand.ends()
    hand.do(hand.bridge.model_closed(hand.now, code=1006, reason=""))
    since = len(hand.effects)
    assert says_while_the_model_is_reached(hand) == heard_since(hand, since)


@pytest.mark.claim("P27")
def test_p27_what_a_vendor_can_do_is_said_by_flags_that_are_all_there() -> None:
    flags = {name for name, kind in get_type_hints(Capabilities).items() if kind is bool}
    assert flags == {
        *("truncate", "cancel", "delete", "add_text", "leave_turns", "choose_tools", "echo_metadata"),
        *("speak_first", "pace_itself"),
    }
    assert all(isinstance(getattr(vendor.can, flag), bool) for vendor in VENDORS.values() for flag in flags)


@pytest.mark.claim("P27")
@pytest.mark.parametrize("name", list(VENDORS))
def test_p27_what_a_vendor_cannot_do_by_its_flags_is_not_asked_of_it(name: str) -> None:
    vendor = VENDORS[name]
    verb = llm().model_copy(update={"vendor": name, "model": "m"})
    model, can = vendor.realtime(verb, audio=vendor.audio_at(24_000)), vendor.can
    asked = {
        "truncate": model.truncate(Speech("i1", 0), 100, "bi-1"),
        "cancel": model.cancel("r1", "bi-2"),
        "delete": model.forget("i1", "bi-3"),
        "add_text": model.say("user", "Hello.", "say-1"),
    }
    assert {flag: wire is not None for flag, wire in asked.items()} == {flag: getattr(can, flag) for flag in asked}
    answers_itself = model.answers_itself
    model.leave_turns()
    assert model.answers_itself == (answers_itself and not can.leave_turns)


@pytest.mark.claim("P32")
@in_virtual_time
async def test_p32_the_model_is_being_reached_before_the_media_socket_comes() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM]}))
    await exchange.ring()
    await settled()
    assert len(exchange.lines.made) == 1


@pytest.mark.claim("P33", "goodbye under noise")
def test_p33_what_was_said_is_heard_to_its_end_before_the_call_goes_on() -> None:
    hand = Hand().connect()
    spoken(hand, i1=1000)
    hand.ends()
    hand.do(hand.bridge.model_closed(hand.now, code=1000, reason=""))
    ends = [hand.wait(seconds) and hand.end for seconds in (0.5, 1.0)]
    assert [bool(end) for end in ends] == [False, True]
    assert sum(map(len, played(hand.effects))) >= 24 * 2 * 1000


@pytest.mark.claim("P34", "J8")
@in_virtual_time
async def test_p34_a_caller_who_hangs_up_is_one_end_and_leaves_nothing_running() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM]}))
    await settled()
    before = asyncio.all_tasks()
    line = await exchange.open(await exchange.ring())
    assert line
    line.tell(line._bridge.platform_opened)
    assert asyncio.all_tasks() > before, "a call has tasks"
    line.tell(lambda now: line._bridge.platform_closed(now, clean=True))
    await asyncio.sleep(10)
    assert [body["reason_code"] for body in exchange.applications.bodies("/final")] == ["caller_hung_up"]
    assert asyncio.all_tasks() == before


@pytest.mark.claim("P37")
def test_p37_words_that_are_written_down_late_stand_where_they_were_said() -> None:
    hand = Hand().connect()
    hand.model("input_audio_buffer.committed", item_id="u1")
    spoken(hand, i1=1000)
    about = {"response_id": "r1", "item_id": "i1", "content_index": 0}
    hand.model("response.output_audio_transcript.done", transcript="Good day.", **about)
    hand.wait(2.0)
    hand.model("conversation.item.input_audio_transcription.completed", item_id="u1", transcript="Hello?")
    assert [(line["role"], line["text"]) for line in hand.bridge.record.transcript] == [
        ("user", "Hello?"),
        ("assistant", "Good day."),
    ]


@pytest.mark.claim("P39", "J20")
def test_p39_the_session_is_asked_for_first_and_a_response_when_it_is_agreed_to() -> None:
    hand = Hand()
    hand.do(hand.bridge.platform_opened(0.0))
    hand.do(hand.bridge.platform_said(METADATA, 0.0))
    hand.do(hand.bridge.model_opened(0.0))
    assert sent(hand.effects) == []
    assert [event["type"] for event in sent(hand.model("session.created", session={}))] == ["session.update"]
    assert [event["type"] for event in sent(hand.model("session.updated", session={}))] == ["response.create"]


@pytest.mark.claim("P39", "L24")
@pytest.mark.parametrize("code", ["response_cancel_not_active", "conversation_already_has_active_response"])
def test_p39_errors_that_a_correct_client_can_meet_end_nothing(code: str) -> None:
    hand = Hand().connect()
    hand.refuses(code=code)
    hand.wait(1.0)
    assert hand.end is None


@pytest.mark.claim("P39")
@pytest.mark.parametrize(("model", "told"), [("gpt-realtime-2.1", True), ("gpt-realtime-1.5", False)])
def test_p39_reasoning_is_for_models_that_reason(model: str, *, told: bool) -> None:
    options = {"session_update": {"reasoning": {"effort": "low"}}}
    translated = translate(options, audio=PCM24, model=model)
    assert ("reasoning" in translated.session, len(translated.warnings)) == (told, int(not told))


@pytest.mark.claim("P39")
def test_p39_usage_is_summed_with_what_of_it_was_cached() -> None:
    usage: JsonObject = {"input_tokens": 10, "input_token_details": {"cached_tokens_details": {"audio_tokens": 4}}}
    hand = Hand().connect()
    for response_id in ("r1", "r2"):
        hand.starts(response_id)
        hand.ends(response_id, usage=usage)
    summed: Any = hand.bridge.record.usage
    assert summed["input_tokens"] == 20
    assert summed["input_token_details"]["cached_tokens_details"]["audio_tokens"] == 8


@pytest.mark.claim("P39")
def test_p39_a_drop_is_followed_by_another_session_as_pipecat_does_not() -> None:
    hand = Hand().connect()
    hand.do(hand.bridge.model_closed(hand.now, code=1006, reason=""))
    assert (hand.end, [effect for effect in hand.effects if isinstance(effect, Redial)]) == (None, [Redial(0)])
