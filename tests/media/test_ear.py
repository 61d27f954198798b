import base64
import json

from media.audio import AudioFormat
from media.ear import KEPT_MS, LOOK_S, MAX_FILLED_S, ONSET_FRAMES, TURN_MS, Ear
from media.effects import Effect, ToModel
from media.realtime.openai import Realtime
from tests.simulation import PCM24, llm

FRAME = b"\1\2" * 480
FRAME_S = 0.02


class Caller:
    def __init__(self, audio: AudioFormat = PCM24) -> None:
        self.out: list[Effect] = []
        self.ear = Ear(audio, self.out)
        self.model = Realtime(llm(), audio=PCM24)
        self.now = 0.0

    def open(self) -> None:
        self.ear.open(self.model, self.now)

    def speak(self, seconds: float, frame: bytes = FRAME) -> None:
        for _ in range(round(seconds / FRAME_S)):
            self.now += FRAME_S
            self.ear.hear(frame, self.now)
            self.ear.tick(self.now)

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.ear.next_due()) <= until:
            self.now = due
            self.ear.tick(self.now)
        self.now = until

    def sent(self) -> bytes:
        """Give the audio that the model got since the last look."""
        events = [json.loads(effect.wire) for effect in self.out if isinstance(effect, ToModel)]
        self.out.clear()
        assert all(event["type"] == "input_audio_buffer.append" for event in events)
        return b"".join(base64.b64decode(event["audio"]) for event in events)


def test_what_is_said_goes_on_at_once_and_nothing_is_added() -> None:
    caller = Caller()
    caller.open()
    caller.speak(1)
    assert caller.sent() == FRAME * 50


def test_a_platform_that_goes_quiet_is_filled_with_silence_as_long_as_it_lasts() -> None:
    caller = Caller()
    caller.open()
    caller.speak(0.1)
    caller.sent()
    caller.wait(1.0)
    silence = caller.sent()
    assert not any(silence)
    assert abs(PCM24.ms_in(len(silence)) - 1000) <= LOOK_S * 1000
    caller.wait(100.0)
    assert PCM24.ms_in(len(caller.sent())) <= MAX_FILLED_S * 1000
    caller.speak(0.02)
    assert caller.sent() == FRAME


def test_a_frame_that_is_only_late_is_not_made_up_for() -> None:
    caller = Caller()
    caller.open()
    caller.speak(0.1)
    caller.now += 0.05
    caller.ear.tick(caller.now)
    assert caller.sent() == FRAME * 5


def test_of_what_is_said_while_shut_the_newest_three_seconds_are_kept_or_nothing() -> None:
    caller = Caller()
    caller.ear.shut(keep=True)
    caller.speak(5, b"\3\3" * 480)
    caller.speak(1)
    assert caller.sent() == b""
    caller.open()
    kept = caller.sent()
    assert PCM24.ms_in(len(kept)) == KEPT_MS
    assert kept.endswith(FRAME * 50)
    caller.ear.shut(keep=False)
    caller.speak(1)
    caller.open()
    assert caller.sent() == b""


def test_what_was_kept_is_forgotten_when_it_shall_not_count() -> None:
    caller = Caller()
    caller.ear.shut(keep=True)
    caller.speak(1)
    caller.ear.shut(keep=False)
    caller.open()
    assert caller.sent() == b""


def test_nobody_listens_before_it_is_opened() -> None:
    caller = Caller()
    caller.speak(1)
    caller.wait(1)
    assert caller.sent() == b""


def test_what_a_session_was_lost_with_is_heard_again_by_each_that_follows_until_something_comes_of_it() -> None:
    caller = Caller()
    caller.open()
    caller.speak(0.4)
    caller.ear.caller_begins(anew=True)
    caller.speak(1, b"\3\4" * 480)
    caller.sent()
    whole = FRAME * ONSET_FRAMES + b"\3\4" * 480 * 50
    for _ in range(2):
        assert caller.ear.lose(told=False)
        caller.speak(0.2)
        caller.open()
        whole += FRAME * 10
        assert caller.sent() == whole
    caller.ear.settle()
    assert not caller.ear.lose(told=False)
    caller.open()
    assert caller.sent() == b""


def test_what_was_told_or_shall_not_be_heard_is_not_heard_again() -> None:
    caller = Caller()
    caller.open()
    caller.ear.caller_begins(anew=True)
    caller.speak(1)
    assert not caller.ear.lose(told=True)
    caller.open()
    caller.ear.caller_begins(anew=True)
    caller.speak(1)
    caller.ear.shut(keep=False)
    caller.sent()
    caller.open()
    assert caller.sent() == b""


def test_of_a_long_turn_the_newest_is_heard_again() -> None:
    caller = Caller()
    caller.open()
    caller.ear.caller_begins(anew=True)
    caller.speak(TURN_MS / 1000 + 5)
    caller.sent()
    caller.ear.lose(told=False)
    caller.open()
    assert PCM24.ms_in(len(caller.sent())) == TURN_MS


def test_a_caller_who_begins_again_before_an_answer_is_heard_from_their_first_beginning() -> None:
    caller = Caller()
    caller.open()
    caller.ear.caller_begins(anew=True)
    caller.speak(1)
    caller.ear.caller_begins(anew=False)
    caller.speak(1)
    caller.ear.caller_begins(anew=True)
    caller.speak(1)
    caller.sent()
    caller.ear.lose(told=False)
    caller.open()
    assert PCM24.ms_in(len(caller.sent())) == 1000 + ONSET_FRAMES * 20
