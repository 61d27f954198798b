from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar

import pytest

from media.audio import AudioFormat
from media.effects import Effect, Report, ToPlatform
from media.options import Options
from media.platforms.base import Pacing
from media.platforms.jambonz.media import JambonzMedia
from media.playout import Heard, Speech
from media.record import Record
from media.voice import TONE_MS, Voice

PCM = AudioFormat("pcm16", 8000)
HELLO, BYE = Speech("item_1"), Speech("item_2")
STARTED, STOPPED = "output_audio.playback_started", "output_audio.playback_stopped"


class Unprimed(JambonzMedia):
    """A platform that plays whatever comes."""

    pacing: ClassVar[Pacing] = Pacing(lot_ms=20, prime_ms=0, start_delay_ms=0, clear_guard_ms=0)


@dataclass
class Ear:
    """Drives a voice by its own `next_due`, and keeps what it told."""

    platform: Callable[[int], JambonzMedia] = JambonzMedia
    effects: list[tuple[float, Effect]] = field(default_factory=list)
    now: float = 0.0
    waiting: bool = False

    def __post_init__(self) -> None:
        self.out: list[Effect] = []
        self.record = Record(now=0.0)
        self.voice = Voice(self.platform(8000), self.record, self.out, Options(audio=PCM))

    def look(self) -> bool:
        spoke = self.voice.play(self.now, waiting=self.waiting)
        self.effects += [(round(self.now, 3), effect) for effect in self.out]
        self.out.clear()
        return spoke

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        self.look()
        while (due := self.voice.next_due()) <= until:
            self.now = max(self.now, due)
            self.look()
        self.now = until

    def speak(self, speech: Speech, ms: float, *, complete: bool = True) -> None:
        self.voice.playout.queue(speech, b"\1\1" * (PCM.bytes_in(ms) // 2))
        if complete:
            self.voice.complete(speech)

    def reports(self) -> list[tuple[float, str]]:
        return [(at, effect.type) for at, effect in self.effects if isinstance(effect, Report)]

    def played_ms(self) -> float:
        wires = [effect.wire for _, effect in self.effects if isinstance(effect, ToPlatform)]
        return PCM.ms_in(sum(len(wire) for wire in wires if isinstance(wire, bytes)))


def opened(ear: Ear) -> Ear:
    ear.voice.open(ear.now)
    ear.look()
    return ear


def test_nothing_is_sent_before_the_platform_has_opened() -> None:
    ear = Ear(waiting=True)
    ear.speak(HELLO, 500)
    ear.wait(9)
    assert (ear.effects, ear.voice.next_due()) == ([], inf)


def test_a_platform_that_holds_audio_back_is_primed_with_silence() -> None:
    ear = opened(Ear())
    assert ear.effects == [(0.0, ToPlatform(bytes(2560)))]


def test_a_platform_that_holds_nothing_back_is_not_primed() -> None:
    assert opened(Ear(Unprimed)).effects == []


def test_playback_begins_once_and_ends_once_however_many_lots_it_takes() -> None:
    ear = opened(Ear(Unprimed))
    ear.wait(1)
    ear.speak(HELLO, 500)
    ear.wait(3)
    assert ear.reports() == [(1.0, STARTED), (1.5, STOPPED)]


def test_two_pieces_without_a_gap_are_one_playback() -> None:
    ear = opened(Ear(Unprimed))
    ear.speak(HELLO, 500)
    ear.speak(BYE, 500)
    ear.wait(3)
    assert ear.reports() == [(0.0, STARTED), (1.0, STOPPED)]


def test_a_stall_in_the_supply_does_not_end_the_playback() -> None:
    ear = opened(Ear(Unprimed))
    ear.speak(HELLO, 200, complete=False)
    ear.wait(1)
    ear.speak(HELLO, 200)
    ear.wait(1)
    assert ear.reports() == [(0.0, STARTED), (1.2, STOPPED)]


def test_speech_that_is_complete_only_later_ends_then() -> None:
    ear = opened(Ear(Unprimed))
    ear.speak(HELLO, 200, complete=False)
    ear.wait(1)
    ear.voice.complete_all()
    ear.wait(1)
    assert ear.reports() == [(0.0, STARTED), (1.0, STOPPED)]


def test_what_was_heard_to_its_end_is_told_to_the_record() -> None:
    ear = opened(Ear())
    ear.record.spoken(HELLO, "Hello.", final=True, now=0.0)
    ear.speak(HELLO, 500)
    ear.wait(2)
    [line] = ear.record.transcript
    assert (line["heard_ms"], line["interrupted"]) == (500, False)


def test_stopping_clears_the_platform_and_gives_what_was_not_heard() -> None:
    ear = opened(Ear(Unprimed))
    ear.record.spoken(HELLO, "Hello to you all.", final=True, now=0.0)
    ear.speak(HELLO, 1000)
    ear.wait(0.5)
    assert ear.voice.stop(0.5) == [Heard(HELLO, pytest.approx(500), 1000)]  # type: ignore[arg-type]  # a float, nearly
    ear.look()
    assert ear.effects[-2:] == [(0.5, ToPlatform('{"type":"killAudio"}')), (0.5, Report(STOPPED, {"type": STOPPED}))]
    [line] = ear.record.transcript
    assert (line["text"], line["interrupted"]) == ("Hello", True)
    played_ms = ear.played_ms()
    ear.wait(2)
    assert ear.played_ms() == played_ms


def test_stopping_where_nothing_sounds_reports_nothing() -> None:
    ear = opened(Ear())
    assert ear.voice.stop(0.0) == []
    ear.look()
    assert ear.reports() == []


def test_a_platform_that_is_gone_is_told_nothing() -> None:
    ear = opened(Ear(Unprimed))
    ear.speak(HELLO, 1000)
    ear.wait(0.5)
    ear.voice.close()
    sent = len([effect for _, effect in ear.effects if isinstance(effect, ToPlatform)])
    ear.voice.stop(0.5)
    ear.look()
    assert ear.voice.next_due() == inf
    assert [effect for _, effect in ear.effects if isinstance(effect, ToPlatform)][sent:] == []
    assert ear.reports()[-1] == (0.5, STOPPED)


def test_a_wait_in_silence_sounds_and_is_not_called_playback() -> None:
    ear = opened(Ear(Unprimed))
    ear.waiting = True
    ear.wait(2.4)
    assert ear.played_ms() == 0
    ear.wait(0.3)
    assert ear.played_ms() == TONE_MS
    ear.wait(2.0)
    assert ear.played_ms() == 2 * TONE_MS
    assert ear.reports() == []


def test_a_wait_that_is_over_or_spoken_into_is_silent() -> None:
    ear = opened(Ear(Unprimed))
    ear.waiting = True
    ear.wait(2.0)
    ear.speak(HELLO, 600)
    ear.wait(1.0)
    assert ear.played_ms() == 600
    ear.waiting = False
    ear.wait(9.0)
    assert ear.played_ms() == 600


def test_sending_speech_is_told_apart_from_sending_a_tone() -> None:
    ear = opened(Ear(Unprimed))
    ear.speak(HELLO, 100)
    assert ear.look()
    ear.wait(1)
    ear.waiting = True
    ear.look()
    ear.now += 2.5
    assert not ear.look()


@pytest.mark.parametrize("ends_by", ["speech of the agent", "speech of the caller"])
def test_a_hold_clip_ends_with_the_wait(ends_by: str) -> None:
    ear = Ear()
    ear.voice = Voice(JambonzMedia(8000), ear.record, ear.out, Options(audio=PCM, wait_sound=b"\2\2" * 80_000))
    ear.voice.open(0.0)
    ear.waiting = True
    ear.wait(4.0)
    if ends_by == "speech of the agent":
        ear.speak(HELLO, 100)
    ear.waiting = False
    sounded = len(ear.effects)
    ear.wait(4.0)
    assert not any(b"\2" in effect.wire for _, effect in ear.effects[sounded:] if isinstance(effect, ToPlatform))


def test_what_is_held_before_it_sounds_is_no_end_of_playback() -> None:
    ear = Ear()
    ear.voice.open(0.0)
    ear.speak(HELLO, 1000)
    ear.voice.hold(0.0)
    ear.wait(2.0)
    assert [effect for _, effect in ear.effects if isinstance(effect, Report)] == []
    ear.voice.resume(ear.now)
    ear.wait(2.0)
    assert [effect.type for _, effect in ear.effects if isinstance(effect, Report)] == [STARTED, STOPPED]
