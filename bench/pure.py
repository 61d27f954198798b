"""What needs no second process: how many ticks a second one bridge does, and what a change of format does to sound.

A tick is 20 ms of one call: a frame of the caller's and a delta of the model's, and every fourth time a lot to the
platform, through the bridge as the sockets use it, without them.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from media.audio import AudioFormat, converter
from media.bridge import Bridge
from media.options import Options
from media.platforms.jambonz.media import JambonzMedia
from media.realtime.openai import Realtime
from verbs.llm import Llm

PCM24 = AudioFormat("pcm16", 24000)
FRAME_S = 0.02
TICKS = 20_000
WARM_UP_TICKS = 2_000
TONE_HZ, ALIAS_HZ, PEAK = 1020.0, 7000.0, 16000.0
"1020 Hz as ITU-T O.131 has it: no divisor of a sample rate, so that what an encoding rounds off is noise, and no tone."
QUIETEST = 12**-0.5
"What rounding to 16 bits leaves of silence."
PLATFORM_RATES_HZ = (8000, 16000, 24000)
MODEL_FORMATS = (PCM24, AudioFormat("ulaw", 8000), AudioFormat("alaw", 8000))
Wave = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quality:
    """What one way from format to format does to a tone, and to one that the new band cannot hold."""

    source: str
    target: str
    snr_db: float
    "A tone of 1020 Hz, 6 dB below full scale, against all else that comes out with it."
    alias_db: float | None
    "How far a tone of 7 kHz is down that would fold into the new band; None where nothing can fold."
    delay_ms: float
    "How much sound is held back at most, after each frame of 20 ms."


def paths() -> Iterator[tuple[AudioFormat, AudioFormat]]:
    """Give every way from a platform's format to a model's, and back, that changes anything."""
    for rate_hz in PLATFORM_RATES_HZ:
        platform = AudioFormat("pcm16", rate_hz)
        for model in MODEL_FORMATS:
            if platform != model:
                yield platform, model
                yield model, platform


def quality(source: AudioFormat, target: AudioFormat) -> Quality:
    sounded, delay_ms = _through(_tone(TONE_HZ, source), source, target)
    folds = target.rate_hz / 2 < ALIAS_HZ < source.rate_hz / 2
    alias_db = -_level_db(_through(_tone(ALIAS_HZ, source), source, target)[0]) if folds else None
    rest = _rest_beside(sounded, target.rate_hz)
    return Quality(_name(source), _name(target), _level_db(sounded) - _level_db(rest), alias_db, delay_ms)


def _tone(hz: float, audio: AudioFormat) -> bytes:
    wave = PEAK * np.sin(2 * np.pi * hz * np.arange(audio.rate_hz) / audio.rate_hz)
    linear = np.rint(wave).astype("<i2").tobytes()
    return converter(AudioFormat("pcm16", audio.rate_hz), audio).convert(linear)


def _through(data: bytes, source: AudioFormat, target: AudioFormat) -> tuple[Wave, float]:
    """Give what comes out, settled and linear, and the most that was held back on the way, in ms."""
    stream, frame_bytes = converter(source, target), source.bytes_in(FRAME_S * 1000)
    came, held_ms = b"", 0.0
    for at in range(0, len(data), frame_bytes):
        came += stream.convert(data[at : at + frame_bytes])
        held_ms = max(held_ms, source.ms_in(min(at + frame_bytes, len(data))) - target.ms_in(len(came)))
    linear = converter(target, AudioFormat("pcm16", target.rate_hz)).convert(came + stream.flush())
    wave = np.frombuffer(linear, dtype="<i2").astype(np.float64)
    return wave[len(wave) // 5 : -len(wave) // 5], held_ms


def _rest_beside(wave: Wave, rate_hz: int) -> Wave:
    """Give what is left when the tone that fits best is taken away."""
    angle = 2 * np.pi * TONE_HZ * np.arange(len(wave)) / rate_hz
    basis = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return np.asarray(wave - basis @ np.linalg.lstsq(basis, wave, rcond=None)[0])


def _level_db(wave: Wave) -> float:
    """Against the tone that went in."""
    return float(20 * np.log10(max(np.sqrt(np.mean(wave**2)), QUIETEST) / (PEAK / np.sqrt(2))))


def _name(audio: AudioFormat) -> str:
    return f"{ {'pcm16': 'L16', 'ulaw': 'mu-law', 'alaw': 'A-law'}[audio.encoding] } {audio.rate_hz // 1000} kHz"


def ticks_per_s(ticks: int = TICKS, warm_up: int = WARM_UP_TICKS) -> float:
    """Let one call talk in both directions at once, as fast as it goes; the CPU's time counts."""
    bridge, now = _talking(), count(1)
    frame, deltas = bytes(480) + b"\1\2" * 240, _deltas()
    began_s = 0.0
    for nth in range(warm_up + ticks):
        if nth == warm_up:
            began_s = process_time()
        at = next(now) * FRAME_S
        if bridge.passage.to_model(frame, at) is None:
            bridge.platform_said(frame, at)
        bridge.model_said(next(deltas), at)
        if (due := bridge.next_due()) is not None and due <= at:
            bridge.tick(at)
    return ticks / (process_time() - began_s)


def _talking() -> Bridge:
    llm = Llm.model_validate({"vendor": "openai", "model": "gpt-realtime", "llmOptions": {"response_create": {}}})
    bridge = Bridge(JambonzMedia(PCM24.rate_hz), [Realtime(llm, audio=PCM24)], Options(audio=PCM24), now=0.0)
    bridge.platform_opened(0.0)
    bridge.platform_said('{"callSid":"bench","sampleRate":24000,"mixType":"mono"}', 0.0)
    bridge.model_opened(0.0)
    for event in ({"type": "session.created"}, {"type": "session.updated"}):
        bridge.model_said(_wire({**event, "session": {}}), 0.0)
    bridge.model_said(_wire({"type": "response.created", "response": {"id": "r1"}}), 0.0)
    return bridge


def _deltas() -> Iterator[bytes]:
    about = {"type": "response.output_audio.delta", "response_id": "r1", "item_id": "i1", "content_index": 0}
    audio = base64.b64encode(b"\3\4" * 480).decode()
    return (_wire({**about, "event_id": f"event_{nth}", "delta": audio}) for nth in count())


def _wire(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def results(machine: Mapping[str, object]) -> dict[str, Any]:
    """Give what bench/results.json holds of it, under `pure`."""
    fastest = max(ticks_per_s() for _ in range(3))
    return {
        "ticks_per_s": fastest,
        "quality": [asdict(quality(*path)) for path in paths()],
        "machine": dict(machine),
    }


def rows(found: Mapping[str, Any]) -> list[list[str]]:
    """Give the cells of a table, line for line; the first is its head."""
    told = [
        [
            f"{one['source']} → {one['target']}",
            f"{one['snr_db']:.0f}",
            "-" if one["alias_db"] is None else f"{one['alias_db']:.0f}",
            f"{one['delay_ms']:.1f}",
        ]
        for one in found["quality"]
    ]
    return [["way", "signal to noise, dB", "alias below, dB", "held back at most, ms"], *told]


def sentence(found: Mapping[str, Any]) -> str:
    ticks = found["ticks_per_s"]
    return (
        f"The bridge without its sockets does {ticks:,.0f} ticks a second on a core (20 ms of one call, both ways): as "
        f"many as {ticks * FRAME_S:,.0f} calls have."
    )
