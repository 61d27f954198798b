"""Our sockets beside websockets' own core: any frames, cut anywhere, are the same messages, answers and close codes."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from websockets.protocol import OPEN

from media.sockets import platform as platform_module
from tests.media.far_side import FIN, LIMIT_BYTES, Near, Oracle, frame, pieces

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
SIDES = pytest.mark.parametrize("masked", [True, False], ids=["platform", "model"])
SIZES = st.sampled_from([0, 1, 2, 5, 20, 124, 125, 126, 127, 300]) | st.sampled_from([65_535, 65_536, 65_537])
ANYHOW_SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
Frames = list[tuple[int, bytes]]
"Each with its first byte and its payload."


@pytest.fixture(autouse=True, scope="module")
def _small_limits() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform_module, "MAX_MESSAGE_BYTES", LIMIT_BYTES)
        yield


def payload(size_bytes: int) -> bytes:
    return bytes(range(32, 127)) * (size_bytes // 95) + b"~" * (size_bytes % 95)


def same(near: Near, oracle: Oracle) -> None:
    """Our side has done what websockets' core does."""
    assert near.listener.heard == oracle.heard
    assert near.sent == oracle.sent
    assert near.socket._core.state is oracle.core.state
    assert (near.socket._core.close_rcvd, near.socket._core.close_sent) == (
        oracle.core.close_rcvd,
        oracle.core.close_sent,
    )


def both(frames: Sequence[bytes], cuts: Sequence[int], *, masked: bool) -> tuple[Near, Oracle]:
    """Give both the same bytes, ours cut into pieces."""
    near, oracle = Near(masked), Oracle(masked=masked)
    oracle.receive(frames)
    near.receive(pieces(b"".join(frames), cuts))
    return near, oracle


def over(near: Near, oracle: Oracle) -> None:
    """What follows the end of the connection is the same, too; whoever listens hears of it once."""
    near.end()
    oracle.end()
    same(near, oracle)
    assert near.listener.lost == [oracle.told]


@st.composite
def controls(draw: st.DrawFn) -> Frames:
    sizes = st.integers(0, 125)
    return draw(st.lists(st.tuples(st.sampled_from([FIN | PING, FIN | PONG]), sizes.map(payload)), max_size=2))


@st.composite
def messages(draw: st.DrawFn) -> Frames:
    """One message, in one frame or in several with others between; most texts are texts."""
    sizes = draw(st.lists(SIZES, min_size=1, max_size=1) | st.lists(st.integers(0, 300), min_size=1, max_size=4))
    parts = [payload(size) for size in sizes]
    if not draw(st.integers(0, 15)):
        parts[-1] = draw(st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80", "é😀".encode()]))
    opcodes = [draw(st.sampled_from([TEXT, BINARY])), *[CONT] * (len(parts) - 1)]
    made: Frames = draw(controls())
    for nth, (opcode, part) in enumerate(zip(opcodes, parts, strict=True), 1):
        made.append((opcode | FIN * (nth == len(parts)), part))
        made += draw(controls()) if nth < len(parts) else []
    return made


CLOSES = [b"", b"\x03\xe8", b"\x03\xe8bye", b"\x03\xe9", b"\x0f\xa0ok", b"\x03\xf4" + payload(123)]
BAD_CLOSES = [b"\x03", b"\x03\xed", b"\x03\xee", b"\x03\xe7", b"\x03\xf7", b"\x13\x88", b"\0\0", b"\x03\xe8\xff"]
BREACHES: dict[str, tuple[Frames, int]] = {
    "a reserved bit": ([(FIN | 0x40 | TEXT, b"x")], 1002),
    "the last reserved bit, on a ping": ([(FIN | 0x10 | PING, b"")], 1002),
    "a reserved opcode": ([(FIN | 3, b"x")], 1002),
    "a reserved opcode of a control frame": ([(FIN | 0xB, b"")], 1002),
    "a ping in fragments": ([(PING, b"x")], 1002),
    "a close in fragments": ([(CLOSE, b"\x03\xe8")], 1002),
    "a ping too long": ([(FIN | PING, payload(126))], 1002),
    "a close too long": ([(FIN | CLOSE, b"\x03\xe8" + payload(124))], 1002),
    "a continuation of nothing": ([(FIN | CONT, b"x")], 1002),
    "a continuation of what is over": ([(TEXT, b"x"), (FIN | CONT, b"y"), (FIN | CONT, b"z")], 1002),
    "a message amid another": ([(TEXT, b"x"), (FIN | TEXT, b"y")], 1002),
    "a fragment amid another message": ([(BINARY, b""), (BINARY, b"y")], 1002),
    "a close amid a message": ([(TEXT, b"x"), (FIN | CLOSE, b"\x03\xe8")], 1002),
    "a message too large": ([(FIN | BINARY, bytes(LIMIT_BYTES + 1))], 1009),
    "a ping larger than a message": ([(FIN | PING, bytes(LIMIT_BYTES + 1))], 1009),
    "fragments too large together": ([(BINARY, bytes(LIMIT_BYTES)), (FIN | CONT, b"y")], 1009),
    "a close whose reason is no text": ([(FIN | CLOSE, b"\x03\xe8\xff")], 1007),
    **{f"a close with {body!r}": ([(FIN | CLOSE, body)], 1002) for body in BAD_CLOSES[:-1]},
}
TAILS = [
    [],
    *[[(FIN | CLOSE, body)] for body in CLOSES],
    *[frames for frames, _ in BREACHES.values() if len(frames[0][1]) < LIMIT_BYTES],
]


@SIDES
@ANYHOW_SLOW
@given(data=st.data())
async def test_any_frames_cut_anywhere_come_to_the_same(data: st.DataObject, *, masked: bool) -> None:
    talk = [one for message in data.draw(st.lists(messages(), max_size=4)) for one in message]
    talk += data.draw(st.sampled_from(TAILS))
    talk += [one for message in data.draw(st.lists(messages(), max_size=1)) for one in message]
    wide = data.draw(st.sampled_from([0, 0, 0, 2, 8]))
    frames = [frame(first, body, masked=masked, wide=wide) for first, body in talk]
    size_bytes = sum(map(len, frames))
    cuts = data.draw(st.lists(st.integers(0, size_bytes), max_size=12) | st.just(range(min(size_bytes, 3000))))
    near, oracle = both(frames, list(cuts), masked=masked)
    same(near, oracle)
    over(near, oracle)


@SIDES
@ANYHOW_SLOW
@given(talk=st.lists(messages(), min_size=1, max_size=3), data=st.data())
async def test_a_connection_that_ends_anywhere_ends_the_same(
    talk: list[Frames], data: st.DataObject, *, masked: bool
) -> None:
    frames = [frame(first, body, masked=masked) for message in talk for first, body in message]
    *whole, last = frames
    end = data.draw(st.integers(0, len(last)))
    cuts = data.draw(st.lists(st.integers(0, sum(map(len, frames))), max_size=4))
    over(*both([*whole, last[:end]], cuts, masked=masked))


@SIDES
@ANYHOW_SLOW
@given(noise=st.binary(max_size=60), cuts=st.lists(st.integers(0, 60), max_size=4))
async def test_any_bytes_at_all_come_to_the_same(noise: bytes, cuts: list[int], *, masked: bool) -> None:
    over(*both([noise[at : at + 1] for at in range(len(noise))], cuts, masked=masked))


@SIDES
@pytest.mark.parametrize("size_bytes", [0, 1, 125, 126, 127, 65_535, 65_536, LIMIT_BYTES])
async def test_a_message_of_any_size_is_heard_whole(size_bytes: int, *, masked: bool) -> None:
    body = payload(size_bytes)
    near, oracle = both(
        [frame(FIN | BINARY, body, masked=masked)] * 2, [1, 3, size_bytes, size_bytes + 9], masked=masked
    )
    same(near, oracle)
    assert [heard for _, heard in near.listener.heard] == [body, body]


@SIDES
@pytest.mark.parametrize("body", CLOSES)
async def test_a_close_is_answered_and_nothing_is_heard_after_it(body: bytes, *, masked: bool) -> None:
    talk = [(FIN | TEXT, b"last"), (FIN | CLOSE, body), (FIN | PING, b"x"), (FIN | TEXT, b"too late")]
    near, oracle = both([frame(*one, masked=masked) for one in talk], [], masked=masked)
    same(near, oracle)
    assert near.sent[0] == (FIN | CLOSE, body)
    assert [heard for _, heard in near.listener.heard] == [b"last"]
    assert near.listener.lost == [oracle.told]
    over(near, oracle)


@SIDES
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("breach", "code"), BREACHES.values(), ids=BREACHES)
async def test_a_breach_of_the_protocol_ends_it(breach: Frames, code: int, *, at_once: bool, masked: bool) -> None:
    talk = [(FIN | TEXT, b"before"), *breach, (FIN | TEXT, b"after"), (FIN | PING, b"")]
    frames = [frame(*one, masked=masked) for one in talk]
    near, oracle = both(frames, [] if at_once else range(0, sum(map(len, frames)), 7), masked=masked)
    same(near, oracle)
    assert near.socket._core.close_sent
    assert near.socket._core.close_sent.code == code
    assert [heard for _, heard in near.listener.heard if heard != b"xy"] == [b"before"]
    over(near, oracle)


@SIDES
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
async def test_a_frame_with_the_wrong_mask_ends_it(opcode: int, *, masked: bool) -> None:
    wrong = frame(FIN | opcode, b"", masked=not masked)
    near, oracle = both([wrong, frame(FIN | TEXT, b"after", masked=masked)], [], masked=masked)
    same(near, oracle)
    assert near.listener.heard == []
    over(near, oracle)


@SIDES
async def test_a_frame_too_large_is_refused_by_its_head(*, masked: bool) -> None:
    head = frame(FIN | BINARY, bytes(LIMIT_BYTES + 1), masked=masked)[:10]
    near, oracle = both([head], range(10), masked=masked)
    same(near, oracle)
    assert near.socket._core.close_sent
    assert near.socket._core.close_sent.code == 1009


@pytest.mark.parametrize("parts", [1, 2])
async def test_text_of_a_platform_that_is_not_utf_8_ends_it(parts: int) -> None:
    talk = [(FIN | TEXT, b"\xc3\x28")] if parts == 1 else [(TEXT, b"\xc3"), (FIN | CONT, b"\x28")]
    near, oracle = both([frame(*one, masked=True) for one in [*talk, (FIN | TEXT, b"after")]], [], masked=True)
    same(near, oracle)
    assert near.socket._core.close_sent
    assert near.socket._core.close_sent.code == 1007
    assert near.listener.heard == []


async def test_a_character_may_be_cut_between_two_fragments() -> None:
    talk = [(TEXT, b"\xf0\x9f"), (FIN | PING, b""), (FIN | CONT, b"\x98\x80")]
    near, oracle = both([frame(*one, masked=True) for one in talk], range(40), masked=True)
    same(near, oracle)
    assert near.listener.heard == [(FIN | TEXT, "😀".encode())]


BAD_TEXT_AFTER_OUR_CLOSE: list[Frames] = [[(FIN | TEXT, b"")], [(FIN | TEXT, b"\xff")], [(FIN | TEXT, b"")]]


@SIDES
@ANYHOW_SLOW
@example(talk=BAD_TEXT_AFTER_OUR_CLOSE, closes_after=1, goodbye=False)
@given(talk=st.lists(messages(), min_size=1, max_size=3), closes_after=st.integers(0, 3), goodbye=st.booleans())
async def test_a_close_of_ours_amid_what_comes_is_the_same(
    talk: list[Frames], closes_after: int, *, goodbye: bool, masked: bool
) -> None:
    """The listener closes as soon as it has heard so much, while the rest has been read already."""
    near, oracle = Near(masked), Oracle(masked=masked)
    hear = near.listener._hear

    def hear_and_close(message: Any) -> None:
        hear(message)
        if len(near.listener.heard) == closes_after and near.socket.open:
            near.socket._core.send_close(1001)
            near.socket._write()
            near.socket._look()

    near.listener._hear = hear_and_close  # type: ignore[method-assign]
    told = [one for message in talk for one in message] + ([(FIN | CLOSE, b"\x03\xe9")] if goodbye else [])
    frames = [frame(*one, masked=masked) for one in told]
    read = b"".join(frames)
    while frames and not (closes_after and len(oracle.heard) >= closes_after):
        oracle.receive([frames.pop(0)])
    if closes_after and oracle.core.state is OPEN and len(oracle.heard) >= closes_after:
        oracle.core.send_close(1001)
    oracle.receive([b"".join(frames)])  # as it was read at once, with nobody between its frames any more
    near.receive([read])
    same(near, oracle)
    over(near, oracle)


@SIDES
async def test_a_listener_that_pauses_in_the_middle_hears_what_was_read_and_no_silence_is_held_against_it(
    *, masked: bool
) -> None:
    near = Near(masked)
    near.listener._hear = lambda message: near.socket.pause_reading()  # type: ignore[method-assign]
    near.receive([frame(FIN | BINARY, b"x", masked=masked) * 3])
    near.socket.heard_at -= 60
    assert near.transport.did == ["pause"]
    assert near.socket.silent_s == 0
    near.socket.resume_reading()
    near.socket.resume_reading()
    assert near.transport.did == ["pause", "resume"]
    assert near.socket.silent_s < 1
