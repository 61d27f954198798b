"""What of the model's audio reached the caller's ear: the model's items found again in what the platform received.

The platform gets audio without names, and between the items whatever the application adds (padding, a tone), so an
item is looked for by its samples. That works where the application passes them on unchanged (one may differ by 1:
some keep -1 out of jambonz's streams); where it resamples, nothing is found.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.platform.heard import Heard

BLOCK = 240
"Samples that must fit to recognise a place: 10 ms of 24 kHz."
SILENT = 64
"A block below it is no place to recognise."

Samples = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Found:
    """An item's audio at the platform, in milliseconds; `end` is the received sample after it."""

    received_ms: int
    played_ms: int
    end: int


def find(item: bytes, heard: Heard, start: int, stop: int | None = None) -> Found | None:
    """Look for an item between two received samples; None if not a block of it is there."""
    wanted = np.frombuffer(item, "<i2").astype(np.int32)
    received = np.frombuffer(heard.pcm(0, heard.received_samples if stop is None else stop), "<i2").astype(np.int32)
    done, place = 0, start
    spans: list[tuple[int, int]] = []
    while (hit := _next_place(wanted, done, received, place)) is not None:
        at, found = hit
        back = _same_before(wanted[done:at], received[place:found])
        length = back + _same(wanted[at:], received[found:])
        done, place = at - back + length, found - back + length
        spans.append((found - back, place))
    if not spans:
        return None
    samples = sum(end - first for first, end in spans)
    played = sum(heard.played_samples(first, end) for first, end in spans)
    return Found(heard.ms(samples), heard.ms(played), place)


def _next_place(wanted: Samples, at: int, received: Samples, place: int) -> tuple[int, int] | None:
    """Return the next block of the item that is found at or after a place, and where."""
    sent = received.astype("<i2").tobytes()
    for first in range(at, len(wanted) - BLOCK + 1, BLOCK):
        block = wanted[first : first + BLOCK]
        if np.abs(block).max() >= SILENT and (found := _find(block, sent, place)) is not None:
            return first, found
    return None


def _find(block: Samples, sent: bytes, place: int) -> int | None:
    pattern, byte = block.astype("<i2").tobytes(), place * 2 - 1
    while (byte := sent.find(pattern, byte + 1)) >= 0:
        if byte % 2 == 0:
            return byte // 2
    return None


def _same(one: Samples, other: Samples) -> int:
    """How many samples agree from the beginning."""
    length = min(len(one), len(other))
    differ = np.flatnonzero(np.abs(one[:length] - other[:length]) > 1)
    return int(differ[0]) if len(differ) else length


def _same_before(one: Samples, other: Samples) -> int:
    return _same(one[::-1], other[::-1])
