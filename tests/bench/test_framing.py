from itertools import pairwise

import pytest

from bench.framing import BINARY, TEXT, FrameReader, accept_key, frame

# RFC 6455 §5.7: "Hello", unmasked and masked
HELLO = bytes.fromhex("810548656c6c6f")
MASKED_HELLO = bytes.fromhex("818537fa213d7f9f4d5158")


def test_the_examples_of_rfc_6455_are_read() -> None:
    assert FrameReader().feed(HELLO + MASKED_HELLO) == [(TEXT, b"Hello"), (TEXT, b"Hello")]
    assert frame(TEXT, b"Hello") == HELLO
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # §1.3


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_frames_of_every_length_are_read_however_they_are_cut(length: int, *, masked: bool) -> None:
    payload = bytes(i % 251 for i in range(length))
    wire = frame(BINARY, payload, masked=masked) * 2
    reader = FrameReader()
    cuts = sorted({0, 1, 3, 9, len(wire) // 2, len(wire) - 1, len(wire)} & set(range(len(wire) + 1)))
    found = [message for start, end in pairwise(cuts) for message in reader.feed(wire[start:end])]
    assert found == [(BINARY, payload)] * 2


def test_what_was_never_offered_is_refused() -> None:
    with pytest.raises(ValueError, match="fragmented or compressed"):
        FrameReader().feed(b"\xc1\x00")
