"""The short way of audio beside the long one: a call that never takes it tells the same, at the same moments."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from media.arrival import Arrival
from media.effects import Effect, ToModel
from media.ends import NO_METADATA, NO_SHOW, TOO_LONG
from media.interruption import BargeIn
from media.options import Manners, Options
from tests.by_hand import APPEND, Hand, sent
from tests.simulation import PCM24

FRAME = b"\1\0" * 480
STEPS = st.one_of(
    st.tuples(st.just("caller"), st.sampled_from([960, 1920, 961, 0])),
    st.tuples(st.just("speaks"), st.sampled_from([20, 40, 60, 100, 400, 1000])),
    st.tuples(st.just("passes"), st.sampled_from([0.02, 0.08, 0.1, 0.5, 2.5])),
    st.tuples(st.just("stalls"), st.sampled_from([0.05, 0.1, 0.2, 0.4])),
    st.tuples(st.sampled_from(["starts", "audio done", "ends", "tool", "answered", "interrupts", "types"]), st.none()),
)
Step = tuple[str, Any]


def fills_a_gap(effect: Effect) -> bool:
    """Whether it is silence for the model, in place of what the platform left out: in whichever portions."""
    [event] = sent([effect], APPEND) or [{"audio": "x"}]
    return not event["audio"].strip("A=")


class Told:
    """One of the two calls; what it did, and when."""

    def __init__(self, *, short: bool) -> None:
        self.short = short
        self.effects: list[tuple[float, Effect]] = []
        self.hand = Hand()
        self.bridge = self.hand.bridge
        self.responses = 0
        if not short:
            self.bridge.passage.to_caller = lambda _: False  # type: ignore[assignment,method-assign]
            self.bridge.passage.flows = lambda _: False  # type: ignore[assignment,method-assign]
        self.keep(self.hand.connect().effects)

    def keep(self, effects: list[Effect]) -> None:
        self.effects += [(round(self.hand.now, 4), effect) for effect in effects if not fills_a_gap(effect)]

    def take(self, step: Step) -> None:
        match step:
            case "caller", size_bytes:
                self.hear(b"\1" * size_bytes)
            case "speaks", ms:
                self.keep(self.hand.speaks(f"i{self.responses}", ms, f"r{self.responses}"))
            case "passes", seconds:
                self.passes(seconds)
            case "stalls", seconds:
                self.hand.now += seconds
            case "starts", _:
                self.responses += 1
                self.keep(self.hand.starts(f"r{self.responses}"))
            case "audio done", _:
                about = {"item_id": f"i{self.responses}", "content_index": 0, "response_id": f"r{self.responses}"}
                self.keep(self.hand.model("response.output_audio.done", **about))
            case "ends", _:
                self.keep(self.hand.ends(f"r{self.responses}"))
            case "tool", _:
                self.keep(self.hand.calls("c1", f"r{self.responses}"))
            case "answered", _:
                self.keep(self.bridge.tool_answered("c1", "{}", self.hand.now))
            case "interrupts", _:
                self.keep(self.hand.model("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=0))
            case _:
                self.keep(self.bridge.platform_said('{"event":"dtmf","dtmf":"5","duration":"1600"}', self.hand.now))

    def hear(self, pcm: bytes) -> None:
        wire = self.bridge.passage.to_model(pcm, self.hand.now) if self.short else None
        if wire is None:
            self.keep(self.bridge.platform_said(pcm, self.hand.now))
        else:
            self.effects.append((round(self.hand.now, 4), ToModel(wire)))

    def passes(self, seconds: float) -> None:
        until = self.hand.now + seconds
        while (due := self.bridge.next_due()) is not None and due <= until:
            self.hand.now = max(self.hand.now, due)
            self.keep(self.bridge.tick(self.hand.now))
        self.hand.now = until


TAIL_IN_ONE: list[Step] = [("speaks", 200), ("passes", 0.1), ("audio done", None), ("stalls", 0.1)]
"A loop that was held up has two lots to send at once, and the second is the end of what is said."


@settings(deadline=None)
@example(story=TAIL_IN_ONE)
@given(story=st.lists(STEPS, max_size=25))
def test_the_short_way_tells_what_the_long_way_tells_and_when(story: list[Step]) -> None:
    short, long = Told(short=True), Told(short=False)
    for step in [("starts", None), *story, ("passes", 5)]:
        short.take(step)
        long.take(step)
        assert short.effects == long.effects
    assert short.bridge.record.transcript == long.bridge.record.transcript


def test_a_plain_frame_is_passed_on() -> None:
    wire = Hand().connect().bridge.passage.to_model(FRAME, 0.0)
    assert wire
    assert b"input_audio_buffer.append" in wire


@pytest.mark.parametrize(
    "hand",
    [
        Hand(),
        Hand(options=Options(audio=PCM24, manners=Manners(barge_in=BargeIn(min_speech_ms=200)))).connect(),
    ],
    ids=["nobody hears yet", "turns are judged"],
)
def test_a_frame_of_which_more_may_come_goes_the_long_way(hand: Hand) -> None:
    assert hand.bridge.passage.to_model(FRAME, 0.0) is None


def test_a_frame_that_is_no_whole_samples_goes_the_long_way() -> None:
    assert Hand().connect().bridge.passage.to_model(FRAME + b"\0", 0.0) is None


def test_a_flood_goes_the_long_way_which_refuses_it() -> None:
    hand = Hand().connect()
    second = FRAME * 50
    assert [bool(hand.bridge.passage.to_model(second, 0.0)) for _ in range(12)] == [True] * 10 + [False] * 2
    assert hand.do(hand.bridge.platform_said(second, 0.0)) != []


def test_nothing_is_passed_on_when_the_call_ends() -> None:
    hand = Hand().connect()
    hand.do(hand.bridge.end(TOO_LONG, 0.0))
    assert hand.bridge.passage.to_model(FRAME, 0.0) is None


# The platform's leg in time


@pytest.mark.parametrize(
    ("leg", "due", "end"),
    [("awaited", 20, NO_SHOW), ("opened", 6, NO_METADATA), ("talking", 100, TOO_LONG), ("gone", 100, TOO_LONG)],
)
def test_how_long_each_step_of_the_platform_may_take(leg: str, due: float, end: Any) -> None:
    arrival = Arrival(Options(audio=PCM24, open_timeout_s=20, metadata_timeout_s=5, max_call_s=100), 0.0)
    if leg != "awaited":
        arrival.opened(1.0)
    if leg in {"talking", "gone"}:
        arrival.named()
    if leg == "gone":
        arrival.gone()
    assert arrival.talking is (leg == "talking")
    assert arrival.next_due() == due
    assert arrival.overdue(due - 0.001) is None
    assert arrival.overdue(due) is end
