"""A call as a stereo recording: the caller left, the agent as really heard right, both on the ticks' sample clock."""

from collections.abc import Sequence

from sim.platform.sound import resampled
from sim.platform.stream import MediaStream

RECORDED_HZ = 24000


def channels(streams: Sequence[MediaStream]) -> tuple[bytes, bytes]:
    """Return caller and agent as PCM16 of 24 kHz; several media sockets of a call stand where they were in time."""
    left, right = bytearray(), bytearray()
    for stream in streams:
        at = round((stream.opened_s - streams[0].opened_s) * RECORDED_HZ) * 2
        said = resampled(bytes(stream.line.said), stream.line.rate_hz, RECORDED_HZ)
        heard = resampled(stream.heard.as_played(stream.ticks), stream.heard.rate_hz, RECORDED_HZ)
        for side, sound in ((left, said), (right, heard)):
            side.extend(bytes(max(0, at + len(sound) - len(side))))
            side[at : at + len(sound)] = sound
    return bytes(left), bytes(right)
