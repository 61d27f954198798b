"""Audio that can be recognised: each 20 ms frame says whose it is and which it is; the rest is one fixed noise.

A frame is 24 bytes of ASCII (whose: 12, which: 12) and 936 bytes of noise: L16 mono at 24 kHz. All three parts are
multiples of three bytes, so the base64 of a frame is the base64 of its parts in a row, and nothing is encoded twice.
No sample is 0xFFFF, which jambonz takes for a mark, and none is 0, so that padding is told from speech.
"""

from base64 import b64encode
from binascii import Error, a2b_base64
from random import Random

FRAME_MS = 20
FRAME_NS = FRAME_MS * 1_000_000
FRAME_BYTES = 960
TAG_BYTES = 12
MAX_FRAMES = 32_768
"How many frames one direction of one call can number: 655 s, longer than any visit to a server lasts."

_noise = Random(1)  # noqa: S311  # the same noise in every run
NOISE = b"".join(
    (_noise.randrange(2, 9000) * _noise.choice((-1, 1))).to_bytes(2, "little", signed=True) for _ in range(468)
)
NOISE64 = b64encode(NOISE)
SEQ = [b"#%011d" % seq for seq in range(MAX_FRAMES)]
SEQ64 = [b64encode(tag) for tag in SEQ]

Run = tuple[int, int, int]
"(arrival_ns, first frame, frames): consecutive frames that came in one message. A plain tuple, for the hot path."


def caller_tag(number: int) -> bytes:
    return b"C>M:%08d" % number


def model_tag(number: int) -> bytes:
    return b"M>C:%08d" % number


def number_in(pcm: bytes) -> int | None:
    """The call whose audio this is; None when it does not begin with a frame's tag."""
    digits = pcm[4:TAG_BYTES]
    return int(digits) if pcm[:4] in {b"C>M:", b"M>C:"} and digits.isdigit() else None


def pcm_frames(tag: bytes, first: int, count: int) -> bytes:
    return b"".join([part for seq in range(first, first + count) for part in (tag, SEQ[seq], NOISE)])


def base64_frames(tag64: bytes, first: int, count: int) -> bytes:
    return b"".join([part for seq in range(first, first + count) for part in (tag64, SEQ64[seq], NOISE64)])


class Track:
    """One direction of one call at its far end: which frames have come whole, and when.

    Frames may be cut and joined anyhow, and digital silence may stand between them. `runs` holds what came right,
    sample for sample; the rest is counted in `damaged` frames and in `foreign_bytes`, which belong to no frame of ours.
    """

    __slots__ = ("_rest", "_tag", "_tag64", "damaged", "expected", "foreign_bytes", "runs")

    def __init__(self, tag: bytes) -> None:
        self._tag = tag
        self._tag64 = b64encode(tag)
        self._rest = b""
        self.expected = 0
        self.runs: list[Run] = []
        self.damaged = 0
        self.foreign_bytes = 0

    def feed(self, pcm: bytes, now_ns: int) -> None:
        count, odd = divmod(len(pcm), FRAME_BYTES)
        if not odd and not self._rest and pcm == pcm_frames(self._tag, self.expected, count):
            self._came(self.expected, count, now_ns)
        elif pcm:
            self._search(self._rest + pcm, now_ns)

    def feed_base64(self, text: bytes, now_ns: int) -> None:
        count, odd = divmod(len(text), len(self._tag64) + len(SEQ64[0]) + len(NOISE64))
        if not odd and not self._rest and text == base64_frames(self._tag64, self.expected, count):
            self._came(self.expected, count, now_ns)
            return
        try:
            self.feed(a2b_base64(text, strict_mode=True), now_ns)
        except Error:
            self.foreign_bytes += len(text)

    def _came(self, first: int, count: int, now_ns: int) -> None:
        self.runs.append((now_ns, first, count))
        self.expected = first + count

    def _search(self, data: bytes, now_ns: int) -> None:
        first = count = 0
        while len(data := data.lstrip(b"\0")) >= FRAME_BYTES:
            if not data.startswith(self._tag):
                data = self._skip(data)
                continue
            seq = self._seq_of(data[:FRAME_BYTES])
            data = data[FRAME_BYTES:]
            if seq is None:
                continue
            if count and seq != first + count:
                self._came(first, count, now_ns)
                count = 0
            first, count = (first, count + 1) if count else (seq, 1)
        if count:
            self._came(first, count, now_ns)
        self._rest = data if self._tag.startswith(data[:TAG_BYTES]) else self._skip(data)

    def _skip(self, data: bytes) -> bytes:
        """From the next place where a frame of ours might begin."""
        at = data.find(self._tag, 1)
        at = max(1, len(data) - TAG_BYTES + 1) if at < 0 else at
        self.foreign_bytes += at
        return data[at:]

    def _seq_of(self, frame: bytes) -> int | None:
        digits = frame[TAG_BYTES + 1 : 2 * TAG_BYTES]
        if not digits.isdigit() or (seq := int(digits)) >= MAX_FRAMES or frame != pcm_frames(self._tag, seq, 1):
            self.damaged += 1
            return None
        return seq
