import pytest

from bench.pure import paths, quality, ticks_per_s
from media.audio import AudioFormat

LEAST_SNR_DB = {"pcm16": 70.0, "ulaw": 33.0, "alaw": 33.0}
"ITU-T G.712 wants 33 dB of G.711 at this level; sixteen bits and a good filter have far more."
MOST_HELD_MS = 5.0


@pytest.mark.parametrize(("source", "target"), list(paths()), ids=str)
def test_a_change_of_format_adds_little_noise_lets_nothing_fold_and_holds_little_back(
    source: AudioFormat, target: AudioFormat
) -> None:
    found = quality(source, target)
    assert found.snr_db > min(LEAST_SNR_DB[source.encoding], LEAST_SNR_DB[target.encoding])
    assert found.alias_db is None or found.alias_db > 60
    assert found.delay_ms <= MOST_HELD_MS


def test_the_bridge_alone_talks_both_ways() -> None:
    assert ticks_per_s(ticks=200, warm_up=50) > 0
