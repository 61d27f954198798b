"""What a scene may say, and how a call is judged by it. No network, no clock."""

import base64
import json
import struct
import tempfile
import wave
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings

from sim.agent_items import Account, accounts, hearing_fault, truncation_fault
from sim.alignment import find
from sim.director import Verdict
from sim.expecting import met, nearest
from sim.happening import Happening
from sim.hooks import Received, happening, kind_of, telling, undelivered
from sim.model import Script, ScriptError
from sim.model import load as load_script
from sim.model_log import Diary, DiarySession, Item, keeping_diary
from sim.platform.heard import Heard
from sim.platform.recording import channels
from sim.platform.sound import read_wav, resampled, write_stereo
from sim.platform.stream import MediaStream
from sim.report import report, summary
from sim.run import needs_rehearsal
from sim.scene import Expectation, Hearing, Scene, SceneError, load
from sim.server_log import ServerLog
from sim.show import line
from sim.stage import Secrets, configuration, laid_over, new_secrets
from tests.properties import edited, tried_with, tries

RATE_HZ = 24000
SCENES = Path(__file__).parents[2] / "sim" / "scenes"
OURS = [path.read_text("utf-8") for path in sorted(SCENES.glob("*.yaml"))]


def expected(**fields: Any) -> Expectation:
    return Expectation.model_validate(fields)


# --- scene files ---


def test_a_native_scene_points_the_verb_at_the_rehearsal_model() -> None:
    scene = Scene(name="x", turns=(), wire="beta", llm={"connectOptions": {"path": "v1/realtime?model=m"}})
    [route] = configuration(scene, "http://h", Secrets("w", "whsec_h"), "ws://127.0.0.1:7/v1/realtime")["routes"]
    [verb] = [verb for verb in route["verbs"] if verb["verb"] == "llm"]
    assert verb["connectOptions"] == {"host": "127.0.0.1:7", "path": "v1/realtime?model=m"}


def test_a_control_socket_is_let_in_by_its_password() -> None:
    platform = configuration(Scene(name="x", turns=()), "http://h", Secrets("w", "whsec_h", "p"))["platform"]
    assert platform["basic_auth"] == {"username": "rehearsal", "password": "p"}
    assert (new_secrets("ws").password == "", new_secrets("webhook").password == "") == (False, True)


@pytest.mark.parametrize("path", sorted(SCENES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_scene_of_ours_can_be_read_by_both_ends(path: Path) -> None:
    scene = load(path)
    assert scene.turns
    script = Script.of(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert [line for line in script.caller if line] == [turn.user for turn in scene.turns if turn.user]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name: x\nturns: [{user: a, dtmf: '1'}]", "one of them"),
        ("name: x\nturns: [{dtmf: 'x'}]", "turns.0.dtmf"),
        ("name: x\nturns: [{expect: [{evnt: response}]}]", "turns.0.expect.0.evnt"),
        ("name: x\nturns: [{user: a, noise: {}}]", "one of them"),
        ("name: x\nturns: [{noise: {ms: 0}}]", "turns.0.noise.ms"),
        ("name: [", "scene.yaml"),
    ],
)
def test_a_bad_scene_says_where_it_is_bad(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "scene.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SceneError, match=complaint):
        load(path)


PIECES = ["[", "]", "{", "}", ":", ": ", "- ", "? ", "\n", "\n  ", "\t", "'", '"', "\\", "&a ", "*a", "<<: "]
PIECES += ["!!int ", "!!timestamp "]
PIECES += ["2026-99-99", "0x", "1:99", "=", "~", "é", "\0", "user", "dtmf", "turns", "expect", "within_ms", "[" * 400]
BROKE_IT = [
    *(
        'name: "\\UFFFFFFFF"',
        "a: 2026-99-99",
        "a: !!int x",
        "a: !!int",
        "a: !!float",
        "a: !!bool x",
        "a: !!timestamp x",
    ),
    *("a: " + "9" * 5000, "[" * 1000, "- &a [*a]", "? [a]\n: 1", "<<: 1", "1: 2", "\udcff"),
]


@tried_with("text", BROKE_IT)
@settings(max_examples=tries(40), deadline=None)
@given(text=edited(OURS, PIECES))
def test_any_file_is_a_scene_and_a_script_or_says_why_it_is_none(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.yaml"
        path.write_bytes(text.encode(errors="surrogateescape"))
        with suppress(SceneError):
            load(path)
        with suppress(ScriptError):
            load_script(path)


def test_a_missing_scene_says_so(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"none\.yaml"):
        load(tmp_path / "none.yaml")


def test_digits_may_be_written_without_quotes() -> None:
    assert Scene.model_validate({"name": "x", "turns": [{"dtmf": 12}]}).turns[0].dtmf == "12"


def test_the_servers_configuration_is_the_base_with_the_scene_laid_over_it() -> None:
    scene = Scene.model_validate({"name": "x", "turns": [], "server": {"hooks": {"tool_timeout_s": 0.5}}})
    whole = configuration(scene, "http://127.0.0.1:9", Secrets("w", "whsec_h"))
    assert whole["hooks"] == {"base_url": "http://127.0.0.1:9", "secrets": ["whsec_h"], "tool_timeout_s": 0.5}
    assert whole["platform"] == {"kind": "jambonz", "version": "0.9", "webhook_secrets": ["w"]}
    assert [verb["verb"] for verb in whole["routes"][0]["verbs"]] == ["answer", "llm", "hangup"]


def test_a_scene_may_change_the_route_and_its_verb_alone() -> None:
    changes = {"llm": {"auth": None, "llmOptions": {"session_update": {"tools": []}}}, "route": {"max_call_s": 9}}
    scene = Scene.model_validate({"name": "x", "turns": [], **changes})
    [route] = configuration(scene, "http://127.0.0.1:9", Secrets("w", "whsec_h"))["routes"]
    session = route["verbs"][1]["llmOptions"]["session_update"]
    assert (route["max_call_s"], route["name"]) == (9, "rehearsal")
    assert (route["verbs"][1]["auth"], session["tools"], session["tool_choice"]) == (None, [], "auto")


def test_laying_over_merges_mappings_and_replaces_the_rest() -> None:
    assert laid_over({"a": {"b": 1}, "c": [1]}, {"a": {"d": 2}, "c": [2]}) == {"a": {"b": 1, "d": 2}, "c": [2]}


# --- expectations ---

CALL = Happening(1.0, "function_call", "get_weather", {"name": "get_weather", "args": {"city": "Boston", "x": 1}})
EVENT = Happening(2.0, "response", "It is Sunny.", {"type": "response.audio_transcript.done"})


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ({"event": "response"}, True),
        ({"event": "response.audio_transcript.done"}, True),
        ({"event": "response", "text_contains": "sunny"}, True),
        ({"event": "response", "text_contains": "rain"}, False),
        ({"event": "function_call", "calls": [{"name": "get_weather", "args": {"city": "Boston"}}]}, True),
        ({"event": "function_call", "calls": [{"name": "get_weather", "args": {"city": "Paris"}}]}, False),
        ({"event": "function_call", "calls": [{"name": "get_weather"}, {"name": "get_weather"}]}, False),
        ({"event": "response", "calls": [{"name": "get_weather"}]}, False),
        ({"event": "dtmf"}, False),
        ({"event": "function_call", "fields": {"name": "get_weather"}}, True),
        ({"event": "function_call", "fields": {"name": "get_time"}}, False),
        ({"event": "function_call", "fields": {"nothing": None}}, False),
    ],
)
def test_an_expectation_is_met_by_what_fits_it(wanted: dict[str, Any], *, holds: bool) -> None:
    assert (met(expected(**wanted), [CALL, EVENT]) is not None) == holds


def test_an_unmet_expectation_says_what_came_instead() -> None:
    assert nearest(expected(event="dtmf"), [EVENT]) == "no dtmf came"
    assert nearest(expected(event="response", text_contains="rain"), [EVENT]).endswith("but: It is Sunny.")
    silent = Happening(1.0, "function_call", "", {"name": "f", "args": {}})
    assert "'name': 'f'" in nearest(expected(event="function_call"), [silent])
    told = Happening(1.0, "action_hook", "server error", {"reason_code": "invalid_value"})
    missed = nearest(expected(event="action_hook", fields={"reason_code": "x"}), [told])
    assert missed.endswith("server error {'reason_code': 'invalid_value'}")


def test_an_expectation_is_shown_by_what_was_written() -> None:
    assert str(expected(event="response", within_ms=5)) == "event='response' within_ms=5"


# --- the agent's audio found again ---


def noise(ms: int, seed: int) -> bytes:
    made = np.random.default_rng(seed).integers(-8000, 8000, RATE_HZ * ms // 1000)
    return bytes(made.astype("<i2").tobytes())


def heard_of(sound: bytes, played_ms: int) -> Heard:
    heard = Heard(RATE_HZ)
    heard.received += sound
    heard.play(0, 0, RATE_HZ * played_ms // 1000)
    return heard


def test_an_item_is_found_behind_padding_and_counted_as_far_as_it_was_played() -> None:
    item = noise(500, 1)
    found = find(item, heard_of(bytes(4800) + item, 300), 0)
    assert found is not None
    assert (found.received_ms, found.played_ms, found.end) == (500, 200, 2400 + 12000)


def test_an_item_is_found_around_what_was_put_into_it_and_with_a_sample_changed_by_one() -> None:
    item = noise(200, 2)
    samples = np.frombuffer(item, "<i2").copy()
    samples[1000] -= 1
    changed = bytes(samples.tobytes())
    found = find(item, heard_of(changed[:4800] + bytes(960) + changed[4800:], 220), 0)
    assert found is not None
    assert (found.received_ms, found.played_ms) == (200, 200)


def test_an_item_of_which_only_a_beginning_came_is_found_as_far_as_that() -> None:
    item = noise(500, 3)
    found = find(item, heard_of(item[: RATE_HZ // 1000 * 123 * 2], 500), 0)
    assert found is not None
    assert found.received_ms == 123


def test_an_item_that_never_came_is_not_found() -> None:
    assert find(noise(100, 4), heard_of(noise(100, 5), 100), 0) is None
    assert find(bytes(9600), heard_of(bytes(9600), 100), 0) is None


def test_bytes_that_fit_at_an_odd_place_are_no_samples() -> None:
    item = noise(20, 6)
    assert find(item, heard_of(b"\1" + item + b"\1", 20), 0) is None


def stream_of(sound: bytes, played_ms: int, flushed_at_s: float | None = None) -> MediaStream:
    stream = MediaStream(RATE_HZ, RATE_HZ, opened_s=100.0)
    stream.heard.received += sound
    stream.heard.play(0, 0, RATE_HZ * played_ms // 1000)
    if flushed_at_s is not None:
        tick = round((flushed_at_s - 100) * 50)
        stream.heard.flush(tick, RATE_HZ * played_ms // 1000, len(sound) // 2)
    return stream


def test_items_are_accounted_for_in_order_and_a_cut_one_is_not_sought_beyond_its_cut() -> None:
    word = noise(100, 7)
    cut = Item("one", bytearray(noise(300, 8) + word), "story", truncated_ms=195, truncated_at_s=101.0)
    later = Item("two", bytearray(noise(300, 9) + word))
    stream = stream_of(bytes(cut.audio[: RATE_HZ // 1000 * 250 * 2]), 200, 101.02)
    stream.heard.received += later.audio
    one, two, three = accounts([cut, later, Item("three", bytearray(noise(50, 10)))], stream)
    assert (one.sent_ms, one.received_ms, one.played_ms, one.off_by_ms) == (400, 250, 200, -5)
    assert (two.received_ms, two.off_by_ms) == (400, None)
    assert (three.received_ms, three.played_ms) == (None, None)


def test_a_truncation_without_a_flush_bounds_no_search() -> None:
    item = Item("one", bytearray(noise(100, 11)), truncated_ms=50, truncated_at_s=150.0)
    assert accounts([item], stream_of(bytes(item.audio), 100))[0].off_by_ms == -50


def test_at_another_rate_or_without_a_stream_nothing_is_found() -> None:
    item = Item("one", bytearray(noise(100, 12)))
    assert accounts([item], MediaStream(8000, 8000, 0.0))[0].received_ms is None
    assert accounts([item], None)[0].received_ms is None


def account(truncated_ms: int | None, played_ms: int | None, at_s: float | None = 10.0) -> Account:
    return Account("item", "", 900, 900, played_ms, truncated_ms, at_s)


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ([account(500, 510)], ""),
        ([account(500, 530)], "truncated to 500 ms, but 530 ms were heard"),
        ([account(500, None)], "not found"),
        ([account(500, 510, at_s=20.0), account(None, 5, at_s=None)], "no conversation.item.truncate came"),
    ],
)
def test_a_truncation_is_measured_by_what_was_heard(told: list[Account], fault: str) -> None:
    said = truncation_fault(Happening(10.5, "interrupted"), told, 20)
    assert (fault in said) if fault else (said == "")


# --- the model's diary ---


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ({"text_contains": "LONG story"}, "900 ms of 1500 ms were heard"),
        ({"text_contains": "short"}, ""),
        ({"text_contains": "nearly"}, ""),
        ({"text_contains": "unheard", "at_most_ms": 0}, ""),
        ({"text_contains": "unheard", "at_least_ms": 1}, "0 ms of 500 ms were heard"),
        ({"text_contains": "long story", "at_least_ms": 800, "at_most_ms": 1000}, ""),
        ({"text_contains": "long story", "at_most_ms": 800}, "900 ms of 1500 ms were heard"),
        ({"text_contains": "never"}, "the model never said it"),
    ],
)
def test_what_was_heard_is_judged_by_the_words(wanted: dict[str, Any], fault: str) -> None:
    heard = {"A long story": (1500, 900), "Short.": (300, 300), "Nearly": (300, 285), "Unheard": (500, None)}
    told = [Account(text, text, sent, 0, played, None, None) for text, (sent, played) in heard.items()]
    assert hearing_fault(Hearing.model_validate(wanted), told) == fault


def test_the_servers_log_is_read_while_it_grows(tmp_path: Path) -> None:
    log = ServerLog(tmp_path / "server.log")
    assert list(log.read_on()) == []
    lines = ['{"event": "tool_timeout", "level": "warning"}', "Traceback", "[]", '{"event": 1}', '{"event": "half']
    (tmp_path / "server.log").write_text("\n".join(lines), encoding="utf-8")
    [told] = log.read_on()
    assert (told.name, told.fields["level"]) == ("log:tool_timeout", "warning")
    assert list(log.read_on()) == []


def test_the_diary_is_read_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "diary"
    diary = Diary(path)
    assert list(diary.read_on()) == []

    def entry(side: str, **event: Any) -> str:
        return json.dumps({"at_s": 1.0, "session": "s", "from": side, "event": event}) + "\n"

    audio = base64.b64encode(b"\1\2").decode()
    lines = entry("model", type="response.output_audio.delta", item_id="i", delta=audio)
    lines += entry("model", type="response.output_audio_transcript.done", item_id="i", transcript="Hi.")
    lines += entry("model", type="response.output_audio_transcript.done", item_id="other", transcript="?")
    half = entry("client", type="conversation.item.truncate", item_id="i", audio_end_ms=7)
    path.write_text(lines + half[:20], encoding="utf-8")
    assert list(diary.read_on()) == []
    assert diary.items["i"] == Item("i", bytearray(b"\1\2"), "Hi.")
    path.write_text(lines + half + entry("client", type="response.create"), encoding="utf-8")
    told = list(diary.read_on())
    assert [one.name for one in told] == ["to_model:conversation.item.truncate", "to_model:response.create"]
    assert (diary.items["i"].truncated_ms, diary.items["i"].truncated_at_s) == (7, 1.0)


def test_a_session_writes_down_what_it_is_told_and_says_but_not_the_callers_audio() -> None:
    written: list[dict[str, Any]] = []
    session = DiarySession(written.append, Script(), 0.0, nonce="n1")
    session.tick(0.0)
    session.receive('{"type":"input_audio_buffer.append","audio":""}', 0.1)
    session.receive("no json", 0.2)
    session.receive('{"type":"session.update","session":{"type":"realtime"}}', 0.3)
    assert [(entry["from"], entry["event"]["type"]) for entry in written] == [
        ("model", "session.created"),
        ("client", "(no event)"),
        ("model", "error"),
        ("client", "session.update"),
        ("model", "session.updated"),
    ]
    assert {entry["session"] for entry in written} == {"n1"}
    assert (session.closing, session.next_due()) == (None, 3600)


def test_a_session_that_keeps_a_diary_writes_what_passes(tmp_path: Path) -> None:
    with keeping_diary(tmp_path / "new" / "diary") as opens:
        opens(Script(), 0.0).tick(0.0)
    assert "session.created" in (tmp_path / "new" / "diary").read_text(encoding="utf-8")


# --- hooks ---


@pytest.mark.parametrize(
    ("body", "kind", "name", "text"),
    [
        ({"tool_call_id": "c", "name": "f", "args": {"a": 1}}, "tool", "function_call", 'f {"a": 1}'),
        ({"completion_reason": "server error", "call_status": "x"}, "action", "action_hook", "server error"),
        ({"type": "response.audio_transcript.done", "transcript": "Hi"}, "event", "response", "Hi"),
        ({"type": "response.done"}, "event", "response.done", ""),
        ({"call_status": "completed"}, "status", "status_hook", "/x"),
        ({}, "other", "other_hook", "/x"),
    ],
)
def test_a_hook_is_known_by_its_body(body: dict[str, Any], kind: str, name: str, text: str) -> None:
    assert kind_of(body) == kind
    came = happening(Received(1.0, kind, "/x", {}, body, 200, None))
    assert (came.name, came.text) == (name, text)


def hook(seq: int | None, kind: str = "event", status: int = 200, *, signed: bool | None = True) -> Received:
    headers = {} if seq is None else {"x-hook-seq": str(seq)}
    return Received(0.0, kind, "/", headers, {}, status, signed)


@pytest.mark.parametrize(
    ("received", "missing"),
    [
        ([hook(1), hook(3, "action"), hook(2)], None),
        ([hook(1, status=500), hook(1), hook(2, "action"), hook(None)], None),
        ([hook(1), hook(3, "action")], "hooks number 2 never arrived"),
        ([hook(1), hook(1), hook(2, "action")], "a hook that had been answered came again"),
        ([hook(1)], "no action hook was delivered"),
        ([hook(1, signed=False)], "a hook was wrongly signed"),
        ([hook(1, status=0), hook(2, "action")], "no event hook was delivered"),
    ],
)
def test_hooks_are_delivered_when_their_numbers_have_no_gap(received: list[Received], missing: str | None) -> None:
    assert undelivered(received, ("event", "action")) == missing


def test_what_is_to_stand_nowhere_is_looked_for_in_the_log_and_in_every_hook_but_the_tools() -> None:
    bodies: list[Any] = [{"type": "x.done", "item": {"a": "my 4711."}}, {"completion_reason": "4711"}, {"type": "y"}]
    hooks = [Received(0.0, kind_of(body), "/", {}, body, 200, signed=True) for body in bodies]
    tool = Received(0.0, "tool", "/", {}, {"tool_call_id": "c", "args": "4711"}, 200, signed=True)
    logged = [Happening(0.0, "log:a", '{"message": "no 4711"}'), Happening(0.0, "log:b", "{}")]
    assert telling([*hooks, tool], logged, "4711") == "x.done, action, log:a"
    assert telling([tool], logged[1:], "4711") == ""


# --- what is told about a call ---


def happened(*named: tuple[float, str]) -> list[Happening]:
    return [Happening(at_s, name, name) for at_s, name in named]


STORY = happened(
    (10.0, "dialling"),
    (10.1, "media_open"),
    (10.4, "agent_started_speaking"),
    (11.0, "user_started_speaking"),
    (11.5, "user_stopped_speaking"),
    (11.8, "agent_started_speaking"),
    (12.0, "user_started_speaking"),
    (12.2, "interrupted"),
    (12.5, "user_stopped_speaking"),
    (12.6, "user_started_speaking"),
    (12.7, "user_stopped_speaking"),
)


def test_the_report_tells_turns_latencies_items_hooks_and_verdicts() -> None:
    verdicts = [Verdict("turns[0]", "a", passed=True), Verdict("turns[1]", "b", passed=False, detail="no")]
    told = report("demo", STORY, [account(500, 510)], [hook(1)], verdicts)
    assert (told["passed"], told["first_audio_ms"], told["barge_in_ms"]) == (False, 300, [200])
    assert [turn["latency_ms"] for turn in told["turns"]] == [300, None, None]
    assert (told["agent"][0]["off_by_ms"], told["hooks"][0]["seq"]) == (-10, "1")
    text = summary(told)
    assert "3 of the caller, 2 of the agent" in text
    for part in ("median 300 ms", "500 ms, the caller heard 510 ms", "1 event", "1 held, 1 failed", "turns[1]: b: no"):
        assert part in text


def test_the_agent_has_one_turn_however_often_it_pauses_until_the_caller_speaks_again() -> None:
    pauses = happened((9.0, "agent_started_speaking"), (9.5, "agent_stopped_speaking"))
    told = report("x", [*pauses, *pauses, *STORY[3:], *pauses, *pauses], [], [], [])
    assert told["agent_turns"] == 3


def test_an_agent_who_is_interrupted_by_nobody_on_the_call_is_no_barge_in() -> None:
    told = report("x", [*happened((10.5, "interrupted")), *STORY], [], [], [])
    assert told["barge_in_ms"] == [200]


def test_the_report_of_a_call_without_media_is_short() -> None:
    told = report("x", [], [], [], [])
    assert (told["first_audio_ms"], told["turns"], told["passed"]) == (None, [], True)
    assert "latency" not in summary(told)


@pytest.mark.parametrize(
    ("one", "sounds", "shown"),
    [
        (Happening(11.5, "response", "Hi."), False, '   1.50  agent     "Hi."'),
        (Happening(11.5, "call_ended", "over"), False, "   1.50  call      over"),
        (Happening(11.5, "agent_started_speaking"), True, "   1.50  agent     (speaks)"),
        (Happening(11.5, "agent_started_speaking"), False, None),
        (Happening(11.5, "webhook", "POST"), True, None),
    ],
)
def test_a_happening_is_shown_in_a_line_or_not_at_all(one: Happening, *, sounds: bool, shown: str | None) -> None:
    assert line(one, 10.0, sounds=sounds) == shown


# --- sound files ---


def test_a_recording_holds_both_sides_where_they_were_in_time(tmp_path: Path) -> None:
    first, second = MediaStream(RATE_HZ, RATE_HZ, 5.0), MediaStream(RATE_HZ, RATE_HZ, 5.1)
    first.line.say("a", struct.pack("<h", 9) * 480)
    first.advance(5.0401)
    second.received(struct.pack("<h", 7) * 3840)
    second.advance(5.1401)
    left, right = channels([first, second])
    write_stereo(tmp_path / "new" / "call.wav", left, right, RATE_HZ)
    with wave.open(str(tmp_path / "new" / "call.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, RATE_HZ, 2400 + 960)
        frames = np.frombuffer(file.readframes(4000), "<i2").reshape(-1, 2)
    assert frames[0].tolist() == [9, 0]
    assert frames[2400].tolist() == [0, 7]
    assert read_wav(tmp_path / "new" / "call.wav", RATE_HZ) == left


def test_a_recording_of_a_call_without_media_is_empty() -> None:
    assert channels([]) == (b"", b"")


def test_only_16_bit_wav_files_are_read(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "x.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\1")
    with pytest.raises(ValueError, match="16-bit"):
        read_wav(tmp_path / "x.wav", 8000)


def test_another_rate_means_another_length() -> None:
    assert len(resampled(bytes(1600), 8000, RATE_HZ)) == pytest.approx(4800, abs=200)


# --- small decisions of the commands ---


@pytest.mark.parametrize(
    ("environ", "dotenv", "needs"),
    [
        ({}, {}, True),
        ({"OPENAI_API_KEY": ""}, {"OPENAI_API_KEY": None}, True),
        ({"OPENAI_API_KEY": "sk"}, {}, False),
        ({}, {"OPENAI_API_KEY": "sk"}, False),
        ({"OPENAI_REALTIME_URL": "ws://x"}, {}, False),
    ],
)
def test_the_rehearsal_model_runs_only_without_key_and_address(
    environ: dict[str, str], dotenv: dict[str, str | None], *, needs: bool
) -> None:
    assert needs_rehearsal(environ, dotenv) == needs
