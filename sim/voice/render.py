"""Make the clips anew: `python -m sim.voice.render`.

Needs the program espeak-ng (Debian: apt-get install espeak-ng). Only for changing what the voices can say;
nothing at run time or in the tests calls it.
"""

import audioop
import io
import shutil
import struct
import subprocess
import wave
from pathlib import Path

import numpy as np
import samplerate
from numpy.typing import NDArray

from sim.voice.clips import CLIPS, STORED_HZ
from sim.voice.words import clip_name

Sound = NDArray[np.float32]

VOICES = {
    "agent": ["-v", "en-us+f3", "-s", "165", "-p", "45"],
    "caller": ["-v", "en-gb+m3", "-s", "160", "-p", "40"],
}
# Words to be joined: alone, espeak-ng draws them out as it does the end of a sentence.
FRAGMENT = ["-s", "215"]
PEAK = 0.6  # of full scale
QUIET = 0.02  # of full scale: what counts as silence before and after
MAX_PAUSE_MS = 120  # inside a phrase: less than the shortest silence that ends a turn by default, 200 ms
EDGE_MS = 15  # kept on both sides, or a soft consonant is bitten off


def main() -> None:
    for voice, options in VOICES.items():
        phrases = (Path(__file__).parent / f"phrases_{voice}.txt").read_text(encoding="utf-8").splitlines()
        folder = CLIPS / voice
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for phrase in phrases:
            if not phrase.startswith("#"):
                how = options if phrase.endswith((".", "?")) else options + FRAGMENT
                (folder / f"{clip_name(phrase)}.wav").write_bytes(rendered(phrase, how))
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{voice}: {len(list(folder.iterdir()))} clips, {size / 1000:.0f} kB")


def rendered(phrase: str, options: list[str]) -> bytes:
    """Let espeak-ng speak, trim, level, and pack as mu-law WAV of 8 kHz."""
    command = ["espeak-ng", *options, "--stdout", phrase]
    spoken = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603  # our own command
    with wave.open(io.BytesIO(spoken)) as wav:
        rate_hz, pcm = wav.getframerate(), wav.readframes(wav.getnframes())
    loud = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768
    sound = samplerate.resample(loud, STORED_HZ / rate_hz, "sinc_best")
    heard = np.flatnonzero(np.abs(sound) > QUIET)
    edge = STORED_HZ * EDGE_MS // 1000
    sound = _shortened(sound[max(0, heard[0] - edge) : heard[-1] + edge])
    sound *= PEAK / np.abs(sound).max()
    return packed(audioop.lin2ulaw((sound * 32767).astype("<i2").tobytes(), 2))


def _shortened(sound: Sound) -> Sound:
    """Cut every pause that is longer than MAX_PAUSE_MS."""
    longest = STORED_HZ * MAX_PAUSE_MS // 1000
    at = np.arange(len(sound))
    last_heard = np.maximum.accumulate(np.where(np.abs(sound) > QUIET, at, 0))
    return sound[at - last_heard <= longest]


def packed(ulaw: bytes) -> bytes:
    """Put a RIFF header of format 7 (mu-law, mono) before the samples, so that any player plays the file."""
    form = struct.pack("<HHIIHHH", 7, 1, STORED_HZ, STORED_HZ, 1, 8, 0)
    fact = struct.pack("<I", len(ulaw))
    chunks = _chunk(b"fmt ", form) + _chunk(b"fact", fact) + _chunk(b"data", ulaw)
    return _chunk(b"RIFF", b"WAVE" + chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


if __name__ == "__main__":
    main()
