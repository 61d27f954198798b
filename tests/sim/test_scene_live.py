"""Scenes on a whole stage: a stand-in for the server, the rehearsal model and the hook receiver, over loopback."""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from standardwebhooks import Webhook

from sim import demo, scene_runner
from sim.__main__ import main
from sim.children import ChildError, child
from sim.happening import Happening
from sim.hooks import HookReceiver
from sim.portal import portal
from sim.scene import Applications
from sim.stage import Stage, whole_stage

STAND_IN = (str(Path(__file__).parent / "stand_in.py"),)
SECRET = "whsec_" + "c2VjcmV0" * 4
SCENE: dict[str, Any] = {
    "name": "short",
    "model": {
        "greeting": "One moment, please.",
        "turns": [
            {"when": {"heard": "weather"}, "tool": {"name": "get_weather", "arguments": {"location": "Boston"}}},
            {"when": {"tool_result": "get_weather"}, "say": "I am open all day, every day. How can I help you?"},
            {"when": {"heard": "stop"}, "say": "yes"},
        ],
    },
    "turns": [
        {"expect": [{"event": "response", "text_contains": "moment", "within_ms": 5000}]},
        {
            "user": "What is the weather in Boston?",
            "expect": [
                {"event": "function_call", "calls": [{"name": "get_weather", "args": {"location": "Boston"}}]},
                {"event": "agent_started_speaking"},
                {"event": "interrupted", "absent": True, "within_ms": 100},
            ],
        },
        {
            "user": "Stop, please.",
            "send_after": {"event": "agent_started_speaking", "delay_ms": 700},
            "expect": [{"event": "interrupted", "within_ms": 900, "truncated_within_ms": 60}],
        },
        {"dtmf": "1", "send_after": {"delay_ms": 10}, "expect": [{"event": "dtmf"}]},
        {"noise": {"ms": 200}, "send_after": {"delay_ms": 10}, "expect": [{"event": "user_stopped_speaking"}]},
        {"hangup": True, "send_after": {"delay_ms": 50}},
    ],
    "expect": [{"event": "function_call", "times": 1}, {"event": "action_hook"}],
    "heard": [{"text_contains": "One moment"}],
    "delivered": ["event", "tool", "action"],
}


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (demo, scene_runner):
        monkeypatch.setattr(module, "whole_stage", partial(whole_stage, server=STAND_IN))


def write(path: Path, scene: dict[str, Any]) -> str:
    path.write_text(yaml.safe_dump(scene), encoding="utf-8")
    return str(path)


def test_a_whole_scene_is_played_recorded_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["demo", "--scene", write(tmp_path / "s.yaml", SCENE), "--out", str(tmp_path / "out")])
    out = capsys.readouterr().out
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert code == 0, out
    assert "every expectation held" in out
    assert report["passed"]
    assert [item["truncated_ms"] is not None for item in report["agent"]][:2] == [False, True]
    assert {hook["signed"] for hook in report["hooks"]} == {True}
    assert (tmp_path / "out" / "call.wav").stat().st_size > 24000


def test_failed_expectations_are_explained_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failing = {
        "name": "failing",
        "model": {"greeting": "yes"},
        "hooks": {"faults": [{"kind": "action", "status": 500}]},
        "turns": [
            {
                "expect": [
                    {"event": "response", "absent": True, "within_ms": 1500},
                    {"event": "response", "text_contains": "no", "within_ms": 200},
                    {"event": "agent_started_speaking", "within_ms": 0},
                    {"event": "media_open", "times": 2},
                    {"event": "answered", "at_least": 2},
                ]
            },
            {"user": "never said"},
        ],
        "expect": [{"event": "dtmf", "within_ms": 10}],
    }
    code = main(["scene", "-v", "--logs", str(tmp_path / "logs"), write(tmp_path / "f.yaml", failing)])
    out = capsys.readouterr().out
    assert code == 1
    for part in (
        "it came after",
        "1 of response came, but: yes",
        "ms too late",
        "it came 1 times",
        "no dtmf came",
        "0 passed, 1 failed",
    ):
        assert part in out
    assert "never said" not in out


def test_several_scenes_are_played_at_once_and_each_leaves_its_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = [{"expect": [{"event": "agent_started_speaking"}]}, {"hangup": True}]
    brief = {"name": "brief", "model": {"greeting": "yes"}, "turns": turns}
    files = [write(tmp_path / f"{name}.yaml", brief) for name in ("one", "two")]
    code = main(["scene", "-v", "--jobs", "2", "--logs", str(tmp_path / "logs"), *files])
    out = capsys.readouterr().out
    assert (code, "2 passed, 0 failed" in out) == (0, True)
    assert all(any(shown.startswith(name) for shown in out.splitlines()) for name in ("one", "two"))
    assert all(json.loads((tmp_path / "logs" / name / "report.json").read_text())["passed"] for name in ("one", "two"))


def test_no_scene_at_a_time_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["scene", "--jobs", "0", "x.yaml"])
    assert "at least 1" in capsys.readouterr().err


def test_a_server_that_does_not_come_up_is_an_error_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = ("-c", "print('about to fail'); raise SystemExit(3)")
    for module in (demo, scene_runner):
        monkeypatch.setattr(module, "whole_stage", partial(whole_stage, server=broken))
    scene = write(tmp_path / "s.yaml", SCENE)
    assert main(["scene", scene]) == 1
    assert main(["demo", "--scene", scene, "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr()
    assert "the server ended with exit code 3 before it listened:\nabout to fail" in told.out
    assert "about to fail" in told.err


def test_a_bad_scene_is_refused_before_anything_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = write(tmp_path / "s.yaml", {"name": "x"})
    assert main(["scene", bad]) == 2
    assert main(["demo", "--scene", bad]) == 1
    assert main(["model", "--scene", write(tmp_path / "m.yaml", {"model": {"greting": "x"}})]) == 2
    assert capsys.readouterr().err.count("error:") == 3


def test_a_scene_is_played_against_a_running_server_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = {"name": "x", "turns": [{"expect": [{"event": "hook_failed"}]}], "delivered": ["event"]}
    code = main(["scene", "--url", "http://127.0.0.1:9", write(tmp_path / "s.yaml", scene)])
    assert (code, "1 passed, 0 failed" in capsys.readouterr().out) == (0, True)


# --- children ---


async def test_a_child_that_never_listens_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.children.START_TIMEOUT_S", 0.2)
    with pytest.raises(ChildError, match="did not listen within"):
        async with child("sleeper", ["-c", "import time; time.sleep(60)"], None):
            pass


async def test_a_child_that_will_not_end_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sim.children.END_TIMEOUT_S", 0.2)
    stays = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('listening on x', flush=True)"
    async with child("stubborn", ["-c", f"{stays}\nwhile True: time.sleep(1)"], tmp_path / "log") as started:
        assert started.url == "x"
    assert started.exit_code == -signal.SIGKILL


async def test_a_child_that_has_ended_by_itself_needs_no_end() -> None:
    async with child("brief", ["-c", "print('listening on y', flush=True)"], None) as started:
        assert await started.wait() == 0


# --- the hook receiver ---


async def test_hooks_are_answered_checked_and_spoiled_as_the_scene_wants() -> None:
    faults = [
        {"kind": "tool", "status": 500, "times": 1},
        {"kind": "action", "body": "<html>", "content_type": "text/html"},
        {"kind": "status", "drop": True},
    ]
    seen: list[Happening] = []
    receiver = HookReceiver(Applications.model_validate({"faults": faults, "tools": {"f": 7}}), seen.append, SECRET)
    async with receiver.serving() as url, aiohttp.ClientSession() as session:

        async def post(body: Any, headers: dict[str, str] | None = None) -> tuple[int, str, str]:
            async with session.post(f"{url}/x", data=json.dumps(body), headers=headers) as reply:
                return reply.status, reply.content_type, await reply.text()

        assert await post({"tool_call_id": "c", "name": "f", "args": {}}) == (500, "application/json", "7")
        assert await post({"tool_call_id": "c", "name": "f", "args": {}}) == (200, "application/json", "7")
        assert (await post({"tool_call_id": "c", "name": "g", "args": {"a": 1}}))[2] == '{"a": 1, "ok": true}'
        assert await post({"completion_reason": "x"}) == (200, "text/html", "<html>")
        assert (await post(["no object"]))[0] == 204
        with pytest.raises(aiohttp.ClientError):
            await post({"call_status": "completed"})
        async with session.post(url, data=b"no json") as reply:
            assert reply.status == 204
    assert [hook.status for hook in receiver.received] == [500, 200, 200, 200, 200, 0, 200]
    assert {hook.signed for hook in receiver.received} == {False}
    assert len(seen) == 7


async def test_a_right_signature_is_known() -> None:
    receiver = HookReceiver(Applications(), lambda _: None, SECRET)
    async with receiver.serving() as url, aiohttp.ClientSession() as session:
        now = datetime.now(tz=UTC)
        headers = {"webhook-id": "m1", "webhook-timestamp": str(int(now.timestamp()))}
        headers["webhook-signature"] = Webhook(SECRET).sign("m1", now, "{}")
        async with session.post(url, data=b"{}", headers=headers):
            pass
    unchecked = HookReceiver(Applications(), lambda _: None)
    async with unchecked.serving() as url, aiohttp.ClientSession() as session, session.post(url, data=b"{}"):
        pass
    assert [receiver.received[0].signed, unchecked.received[0].signed] == [True, None]


# --- sim run ---


async def ran(
    tmp_path: Path, server: str, environ: dict[str, str], end: signal.Signals | None = None
) -> tuple[int, str]:
    """Run `sim run` with a few lines in place of app.py."""
    (tmp_path / "app.py").write_text(server, encoding="utf-8")
    program = (
        "import sys, sim.run, sim.__main__\n"
        f"sim.run.SERVER = ({str(tmp_path / 'app.py')!r}, 'serve')\n"
        f"sys.exit(sim.__main__.main(['run', '--config', {str(tmp_path / 'config.yaml')!r}]))"
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith("OPENAI_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, env={**clean, **environ}
    )
    assert process.stdout is not None
    out = ""
    while line := (await process.stdout.readline()).decode():
        out += line
        if end and "up" in line.split():
            process.send_signal(end)
    return await process.wait(), out


SAYS = "import os, sys; print(sys.argv[1:], os.environ.get('OPENAI_REALTIME_URL'), 'up', flush=True)\n"


async def test_run_without_a_key_starts_the_rehearsal_model_and_says_so_in_one_line(tmp_path: Path) -> None:
    code, out = await ran(tmp_path, SAYS + "sys.exit(7)", {"OPENAI_API_KEY": ""})
    notice, served = out.splitlines()
    assert "not an AI" in notice
    assert "OPENAI_API_KEY" in notice
    assert "ws://127.0.0.1:" in served
    assert "--config" in served
    assert code == 7


async def test_run_with_a_key_in_dotenv_serves_only(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-x\n", encoding="utf-8")
    code, out = await ran(tmp_path, SAYS, {})
    assert (code, out.count("\n"), "None" in out) == (0, 1, True)


async def test_run_passes_signals_on_and_ends_with_the_servers_exit_code(tmp_path: Path) -> None:
    waits = SAYS + "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_DFL)\nsignal.pause()"
    code, _ = await ran(tmp_path, waits, {"OPENAI_API_KEY": "sk"}, end=signal.SIGTERM)
    assert code == 128 + signal.SIGTERM


def test_a_stage_may_be_a_running_server_alone() -> None:
    assert Stage(portal("http://x/call", "webhook", "s")).receiver is None
