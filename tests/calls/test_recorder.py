"""Recordings as calls bring them about, with real files and threads: in lots, whatever the disk does."""

import asyncio
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from calls import recorder
from calls.live import LiveCall
from calls.recorder import Recorder
from media.tape import MAX_WAITING_BYTES, Tape
from store.recordings import Recordings
from tests.calls.exchange import LLM, Exchange, settings_of

FRAME = b"\1\0" * 480


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "WRITE_EVERY_S", 0.02)


async def a_live_call(folder: Path, *, record: bool = True, call_sid: str = "c-1") -> tuple[Exchange, LiveCall]:
    settings = settings_of({"verbs": [LLM], "media": {"record": record}}, server={"recordings_dir": str(folder)})
    exchange = Exchange(settings)
    await exchange.ring(call_sid)
    live = exchange.switchboard._calls.by_sid(call_sid)
    assert live
    return exchange, live


def speak(tape: Tape, seconds: float, from_s: float = 0.0) -> None:
    for n in range(round(seconds * 50)):
        tape.said(FRAME, from_s + (n + 1) * 0.02)


def lasts_s(path: Path) -> float:
    with wave.open(str(path)) as wav:
        return float(wav.getnframes() / wav.getframerate())


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110  # a thread brings it about
            await asyncio.sleep(0.005)


async def test_a_call_is_written_while_it_goes_on_and_to_its_last_sample_when_it_is_over(tmp_path: Path) -> None:
    exchange, live = await a_live_call(tmp_path)
    tape, path = live.tape, Recordings(tmp_path).path(live.row_id)
    assert tape
    speak(tape, 10)
    await until(path.exists)
    await exchange.switchboard.records.written(live.row_id)
    assert lasts_s(path) == pytest.approx(7.0, abs=0.01)
    speak(tape, 2, from_s=10.0)
    await exchange.switchboard.records.written(live.row_id)
    assert lasts_s(path) == pytest.approx(9.0, abs=0.01)
    exchange.status("completed")
    await until(lambda: tape.over)
    await exchange.switchboard.records.written(live.row_id)
    assert lasts_s(path) == pytest.approx(12.0, abs=0.01)
    tape.said(FRAME, 13.0)
    await exchange.switchboard.records.written(live.row_id)  # nothing more is to be written of it
    assert tape.take() == []
    await exchange.switchboard.close()


async def test_all_conversations_of_a_call_are_on_one_tape(tmp_path: Path) -> None:
    exchange, live = await a_live_call(tmp_path)
    of = exchange.switchboard._course.legs.recorder
    assert of.tape(live) is of.tape(live) is live.tape
    live.over = True
    assert of.tape(live) is None
    await exchange.switchboard.close()
    assert not Recordings(tmp_path).path(live.row_id).exists()  # nobody has said anything


async def test_what_is_not_to_be_recorded_has_no_tape_and_no_folder(tmp_path: Path) -> None:
    exchange, live = await a_live_call(tmp_path / "recordings", record=False)
    assert live.tape is None
    assert exchange.lines.made
    await exchange.switchboard.close()
    assert not (tmp_path / "recordings").exists()


async def test_a_server_that_stops_writes_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "WRITE_EVERY_S", 60.0)
    exchange, live = await a_live_call(tmp_path)
    assert live.tape
    speak(live.tape, 2)
    await exchange.switchboard.close()
    assert lasts_s(Recordings(tmp_path).path(live.row_id)) == pytest.approx(2.0, abs=0.01)


async def test_a_disk_that_takes_nothing_more_ends_the_recording_and_not_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange, live = await a_live_call(tmp_path)
    tape, path = live.tape, Recordings(tmp_path).path(live.row_id)
    assert tape
    speak(tape, 5)
    await until(path.exists)
    await exchange.switchboard.records.written(live.row_id)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with capture_logs() as logs:
        monkeypatch.setattr("store.recordings.Recording._put", full)
        speak(tape, 5, from_s=5.0)
        await until(lambda: tape.over)
        await exchange.switchboard.records.written(live.row_id)
    assert [entry["message"] for entry in logs if entry["event"] == "recording_stopped"] == ["No space left on device"]
    speak(tape, 5, from_s=10.0)
    assert tape.take() == []
    assert lasts_s(path) == pytest.approx(2.0, abs=0.01)
    assert not exchange.lines.made[0].over.is_set()
    await exchange.switchboard.close()


async def test_a_folder_that_cannot_be_made_is_told_of_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with capture_logs() as logs:
        exchange, live = await a_live_call(tmp_path / "file" / "recordings")
        tape = live.tape
        assert tape
        speak(tape, 5)
        await until(lambda: tape.over)
        await exchange.switchboard.close()
    assert [entry["message"] for entry in logs if entry["event"] == "recording_stopped"] == ["Not a directory"]


async def test_what_came_faster_than_it_could_be_written_is_told_at_the_end(tmp_path: Path) -> None:
    exchange, live = await a_live_call(tmp_path)
    assert live.tape
    with capture_logs() as logs:
        for n in range(MAX_WAITING_BYTES // len(FRAME) + 1):
            live.tape.said(FRAME, n * 0.02)
        await exchange.switchboard.close()
    [gaps] = [entry["frames"] for entry in logs if entry["event"] == "recording_gaps"]
    assert gaps > 0


async def test_no_task_is_left_when_no_call_is_recorded_any_more(tmp_path: Path) -> None:
    exchange, live = await a_live_call(tmp_path)
    of = exchange.switchboard._course.legs.recorder
    assert isinstance(of, Recorder)
    assert live.tape
    live.tape.over = True
    await until(lambda: of._rounds and of._rounds.done())
    await exchange.switchboard.close()
