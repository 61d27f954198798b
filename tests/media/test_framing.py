import itertools

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol

from media.sockets.framing import FIN_TEXT, Masks, masked_frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_websockets_own_server_reads_what_was_framed(size: int) -> None:
    text = b"x" * size
    server = Protocol(SERVER, max_size=None)
    server.receive_data(masked_frame(FIN_TEXT, text, b"\1\2\3\4") * 2)
    frames = [frame for frame in server.events_received() if isinstance(frame, Frame)]
    assert [(frame.opcode, bytes(frame.data)) for frame in frames] == [(Opcode.TEXT, text)] * 2


def test_it_is_what_websockets_own_client_sends() -> None:
    client = Protocol(CLIENT)
    client.send_text(b'{"type":"response.cancel"}')
    [theirs] = client.data_to_send()
    assert masked_frame(FIN_TEXT, b'{"type":"response.cancel"}', theirs[2:6]) == theirs


def test_every_mask_is_taken_once_from_the_systems_own_chance() -> None:
    asked: list[int] = []
    counter = itertools.count()

    def random(n: int) -> bytes:
        asked.append(n)
        return b"".join(next(counter).to_bytes(4, "big") for _ in range(n // 4))

    masks = Masks(random)
    taken = [masks.next() for _ in range(3000)]
    assert taken == [n.to_bytes(4, "big") for n in range(3000)]
    assert asked == [4096] * 3
