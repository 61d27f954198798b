import array
import math

import pytest

from media.audio import AudioFormat, loudness
from media.interruption import RESUME_MIN_SPEECH_MS, BargeIn, Interruption, Verdict

PCM = AudioFormat("pcm16", 8000)
VOICE = array.array("h", [round(3000 * math.sin(i / 3)) for i in range(160)]).tobytes()
QUIET = bytes(320)


def judged(min_speech_ms: float = 200, *, resume: bool = False) -> Interruption:
    return Interruption(BargeIn(min_speech_ms, resume), PCM)


def hear(machine: Interruption, ms: int, frame: bytes = VOICE) -> list[Verdict]:
    return [act for _ in range(ms // 20) if (act := machine.hear(frame))]


@pytest.mark.parametrize(("min_speech_ms", "resume", "judges"), [(0, False, False), (1, False, True), (0, True, True)])
def test_nothing_is_judged_unless_asked_for(min_speech_ms: float, resume: bool, judges: bool) -> None:  # noqa: FBT001  # a table
    assert BargeIn(min_speech_ms, resume).judged is judges


def test_enough_voice_cuts_once() -> None:
    machine = judged()
    assert machine.started(speaking=True) is None
    assert hear(machine, 180) == []
    assert hear(machine, 400) == [Verdict.CUT]
    assert machine.stopped(finished=False) is None
    assert machine.counts()


def test_voice_from_before_the_models_word_counts() -> None:
    machine = judged()
    hear(machine, 200)
    assert machine.started(speaking=True) is Verdict.CUT


@pytest.mark.claim("short noise")
def test_too_little_voice_is_nothing_and_its_turn_does_not_count() -> None:
    machine = judged()
    machine.started(speaking=True)
    hear(machine, 100)
    hear(machine, 600, QUIET)
    assert hear(machine, 100) == []
    assert machine.stopped(finished=False) is None
    assert not machine.counts()


@pytest.mark.claim("short noise")
@pytest.mark.parametrize(("gap_ms", "verdicts"), [(40, [Verdict.CUT]), (120, [Verdict.CUT]), (160, []), (400, [])])
def test_a_gap_within_a_word_does_not_end_it_and_a_longer_one_does(gap_ms: int, verdicts: list[Verdict]) -> None:
    machine = judged()
    machine.started(speaking=True)
    hear(machine, 100)
    hear(machine, gap_ms, QUIET)
    assert hear(machine, 100) == verdicts


@pytest.mark.parametrize("speaking", [True, False])
def test_what_is_not_judged_interrupts_at_once(*, speaking: bool) -> None:
    machine = Interruption(BargeIn(), PCM)
    assert hear(machine, 1000) == []
    assert machine.started(speaking=speaking) is Verdict.CUT
    assert machine.stopped(finished=False) is None
    assert machine.counts()


def test_every_turn_counts_while_the_agent_is_silent() -> None:
    machine = judged()
    assert machine.started(speaking=False) is Verdict.CUT
    assert hear(machine, 400) == []
    assert machine.stopped(finished=False) is None
    assert machine.counts()


def test_where_it_may_go_on_the_agent_falls_silent_at_once() -> None:
    machine = judged(0, resume=True)
    assert machine.started(speaking=True) is Verdict.HOLD
    assert hear(machine, 100) == []
    assert machine.stopped(finished=False) is Verdict.RESUME
    assert not machine.counts()
    assert machine.started(speaking=True) is Verdict.HOLD
    assert hear(machine, RESUME_MIN_SPEECH_MS + 20) == [Verdict.CUT]
    assert machine.stopped(finished=False) is None


@pytest.mark.parametrize("resume", [True, False])
def test_a_short_word_by_whose_end_the_agent_has_finished_is_an_answer(*, resume: bool) -> None:
    machine = judged(500, resume=resume)
    machine.started(speaking=True)
    hear(machine, 200)
    assert machine.stopped(finished=True) is (Verdict.RESUME if resume else None)
    assert machine.counts()


@pytest.mark.parametrize("audio", [PCM, AudioFormat("ulaw", 8000), AudioFormat("alaw", 8000)])
def test_silence_is_silent_in_every_encoding(audio: AudioFormat) -> None:
    assert loudness(audio.silence(20), audio) < 10
