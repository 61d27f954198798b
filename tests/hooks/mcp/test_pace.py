import pytest

from hooks.mcp.pace import BURST_BYTES, BYTES_PER_S, Pace


@pytest.mark.parametrize(
    ("read", "waits_s"),
    [
        ([(0.0, BURST_BYTES)], [0.0]),
        ([(0.0, BURST_BYTES), (0.0, BYTES_PER_S)], [0.0, 1.0]),
        ([(5.0, BURST_BYTES + BYTES_PER_S), (6.0, BYTES_PER_S)], [1.0, 1.0]),
        ([(0.0, BURST_BYTES), (100.0, BURST_BYTES)], [0.0, 0.0]),
        ([(float(second), BYTES_PER_S) for second in range(100)], [0.0] * 100),
    ],
)
def test_a_burst_is_read_at_once_and_what_goes_on_slowly(read: list[tuple[float, int]], waits_s: list[float]) -> None:
    pace = Pace()
    assert [pace.wait_s(size_bytes, now) for now, size_bytes in read] == pytest.approx(waits_s)
