"""Files of recordings: whole at every moment, nobody else's to read, and gone when it is time."""

import os
import stat
import time
import wave
from pathlib import Path

import pytest

from store import recordings
from store.base import ROW_ID_BYTES
from store.recordings import Recording, Recordings, header

ROW = b"a random id."
LOT = b"\1\0\2\0" * 100


def heard(path: Path) -> tuple[int, bytes]:
    with wave.open(str(path)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth()) == (2, 2)
        return wav.getframerate(), wav.readframes(wav.getnframes())


def test_a_file_plays_at_every_moment_and_its_name_tells_nothing(tmp_path: Path) -> None:
    kept = Recordings(tmp_path / "deep" / "recordings")
    assert kept.find(ROW) is None
    recording = Recording(kept.path(ROW), 8000)
    recording.write([])
    recording.write([LOT])
    assert heard(kept.path(ROW)) == (8000, LOT)
    recording.write([50, LOT])
    recording.write([100])
    assert heard(kept.path(ROW)) == (8000, LOT + bytes(200) + LOT + bytes(400))
    with kept.path(ROW).open("ab") as file:
        file.write(b"what was written when the process was killed")
    assert heard(kept.path(ROW)) == (8000, LOT + bytes(200) + LOT + bytes(400))
    recording.close()
    assert kept.find(ROW) == kept.path(ROW)
    assert kept.path(ROW).name == f"{ROW.hex()}.wav"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (kept.path(ROW), kept.folder)]
    assert modes == [0o600, 0o700]


def test_a_recording_goes_on_after_a_restart_where_it_would_be_by_now(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    first = Recording(path, 8000)
    first.write([LOT])
    first.close()
    os.utime(path, (time.time() - 2, time.time() - 2))
    second = Recording(path, 8000)
    second.write([LOT])
    second.close()
    _, sound = heard(path)
    assert sound.startswith(LOT)
    assert sound.endswith(LOT)
    assert abs(len(sound) - 2 * len(LOT) - 2 * 8000 * 4) < 8000
    with pytest.raises(OSError, match="has another format"):
        Recording(path, 16000)
    path.write_bytes(b"RIFF")
    begun_only = Recording(path, 8000)
    begun_only.write([LOT])
    begun_only.close()
    assert heard(path) == (8000, LOT)


def test_a_file_is_no_longer_than_its_header_can_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MAX_DATA_BYTES", 3 * len(LOT))
    recording = Recording(tmp_path / "a.wav", 8000)
    recording.write([LOT, LOT])
    for more in ([LOT, LOT], [10_000]):
        with pytest.raises(OSError, match="four gigabytes at most"):
            recording.write(more)
    recording.close()
    assert heard(tmp_path / "a.wav") == (8000, LOT + LOT)


def test_recordings_go_with_their_calls_and_what_nobody_knows_goes_with_its_age(tmp_path: Path) -> None:
    kept = Recordings(tmp_path)
    now = time.time()
    ids = [bytes([n]) * ROW_ID_BYTES for n in range(4)]
    for row_id, age_s in zip(ids, (0, 100, 300, 300), strict=True):
        Recording(kept.path(row_id), 8000).close()
        os.utime(kept.path(row_id), (now - age_s, now - age_s))
    os.truncate(kept.path(ids[3]), 0)  # killed before its header was written
    os.utime(kept.path(ids[3]), (now - 300, now - 300))
    kept.forget([ids[0], b"never recorded"], now - 200)
    assert list(tmp_path.iterdir()) == [kept.path(ids[1])]
    Recordings(tmp_path / "nowhere").forget([ids[0]], now)


def test_nobody_elses_file_goes_with_age(tmp_path: Path) -> None:
    """As where `recordings_dir` is the folder of the configuration, and holds the sounds that it names."""
    mono = header(8000, 0)[:22] + b"\1" + header(8000, 0)[23:]
    others = {
        "hold_clip.wav": header(8000, 0),
        f"{b'too short'.hex()}.wav": header(8000, 0),
        f"{'A' * 2 * ROW_ID_BYTES}.wav": header(8000, 0),
        f"{'1' * 2 * ROW_ID_BYTES}.wav": mono,
        f"{'2' * 2 * ROW_ID_BYTES}.wav": b"RIFF",
        f"{'3' * 2 * ROW_ID_BYTES}.mp3": header(8000, 0),
    }
    for name, held in others.items():
        (tmp_path / name).write_bytes(held)
        os.utime(tmp_path / name, (1, 1))
    (tmp_path / f"{'4' * 2 * ROW_ID_BYTES}.wav").mkdir()
    Recordings(tmp_path).forget([], time.time())
    assert len(list(tmp_path.iterdir())) == len(others) + 1
