import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.filter import MAX_CACHED, EventFilter
from tests.verbs.seed import SEED
from verbs.event_names import BETA_OF, GA_OF

GA_DONE, BETA_DONE = "response.output_audio_transcript.done", "response.audio_transcript.done"
GA_AUDIO, BETA_AUDIO = "response.output_audio.delta", "response.audio.delta"
NAMES = sorted(
    {
        *BETA_OF,
        *GA_OF,
        "error",
        "session.created",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "input_audio_buffer.committed",
        "input_audio_buffer.speech_started",
        "response.created",
        "response.done",
        "response.function_call_arguments.delta",
        "rate_limits.updated",
        "output_audio.playback_started",
        "invented.tomorrow.by_the.vendor",
    }
)


@pytest.mark.claim("J11", "events")
@pytest.mark.parametrize(
    ("event", "delivered"),
    [
        ("conversation.item.added", "conversation.item.created"),
        ("conversation.item.done", "conversation.item.done"),
        ("conversation.item.truncated", "conversation.item.truncated"),
        (
            "conversation.item.input_audio_transcription.completed",
            "conversation.item.input_audio_transcription.completed",
        ),
        (GA_DONE, BETA_DONE),
        ("response.output_audio_transcript.delta", None),
        ("input_audio_buffer.committed", "input_audio_buffer.committed"),
        ("input_audio_buffer.cleared", None),
        ("response.done", None),
        ("error", None),
        (GA_AUDIO, None),
    ],
)
def test_a_verb_written_for_the_beta_api_gets_what_it_asked_for(event: str, delivered: str | None) -> None:
    assert EventFilter(SEED["events"], beta_names=True).name_for(event) == delivered


@pytest.mark.claim("J11", "J28", "events")
@pytest.mark.parametrize(
    ("events", "beta_names", "event", "delivered"),
    [
        (None, False, "response.done", "response.done"),
        (None, False, GA_DONE, GA_DONE),
        (None, True, GA_DONE, BETA_DONE),
        (None, False, GA_AUDIO, None),
        (None, False, BETA_AUDIO, None),
        (None, False, "output_audio.playback_started", "output_audio.playback_started"),
        ([], False, "response.done", None),
        (["all"], False, "invented.tomorrow", "invented.tomorrow"),
        (["*"], True, "conversation.item.added", "conversation.item.created"),
        (["all"], False, GA_AUDIO, None),
        (["response.*"], False, GA_AUDIO, None),
        (["response.output_audio.*"], False, GA_AUDIO, None),
        ([GA_AUDIO], False, GA_AUDIO, GA_AUDIO),
        ([BETA_AUDIO], False, GA_AUDIO, BETA_AUDIO),
        (["all", BETA_AUDIO], False, GA_AUDIO, BETA_AUDIO),
        ([GA_DONE], True, GA_DONE, GA_DONE),
        ([BETA_DONE], False, GA_DONE, BETA_DONE),
        ([BETA_DONE, GA_DONE], True, GA_DONE, GA_DONE),
        ([GA_DONE], False, BETA_DONE, GA_DONE),
        (["response.audio_transcript.*"], False, GA_DONE, GA_DONE),
        (["response.audio_transcript.*"], True, GA_DONE, BETA_DONE),
        (["response.output_audio_transcript.*"], False, BETA_DONE, BETA_DONE),
        (["response.audio.*"], True, GA_DONE, None),
        (["response.audio.*"], True, BETA_DONE, None),
        (["response.audio.*"], True, "response.output_audio.done", "response.audio.done"),
        (["response.*"], False, "response.output_item.done", "response.output_item.done"),
        (["response.*"], False, "response", None),
        (["response.*"], False, "responses.x", None),
        (["response.*"], False, "response.", None),
        (["response"], False, "response.done", None),
        (["all", "-response.done"], False, "response.done", None),
        (["-response.done", "all"], False, "response.done", None),
        (["response.done", "-response.*"], False, "response.done", None),
        (["all", "-response.audio_transcript.*"], False, GA_DONE, None),
        (["all", f"-{GA_DONE}"], True, BETA_DONE, None),
        (["all", "-all"], False, "response.done", None),
        (["-response.done"], False, "response.created", "response.created"),
        (["-response.done"], False, "response.done", None),
        (["-response.done"], False, GA_AUDIO, None),
        ([GA_AUDIO, "-response.*"], False, GA_AUDIO, None),
    ],
)
def test_patterns(events: list[str] | None, *, beta_names: bool, event: str, delivered: str | None) -> None:
    assert EventFilter(events, beta_names=beta_names).name_for(event) == delivered


def reference(events: list[str] | None, event: str, *, beta_names: bool) -> str | None:
    """The same rules by regular expressions over every pattern, in the order in which the rules are written."""

    def matches(pattern: str, name: str) -> bool:
        if pattern in {"all", "*"}:
            return True
        if pattern.endswith(".*"):
            return re.fullmatch(re.escape(pattern.removesuffix("*")) + ".+", name) is not None
        return pattern == name

    patterns = [*(events if events is not None else ["all"])]
    if patterns and all(pattern[:1] == "-" for pattern in patterns):
        patterns.append("all")
    both = [event] + [pair[0] for pair in [*BETA_OF.items()] if pair[1] == event] + [BETA_OF.get(event, event)]
    hits = {(pattern, name) for pattern in patterns for name in both if matches(pattern, name)}
    if any(matches(pattern[1:], name) for pattern in patterns if pattern.startswith("-") for name in both):
        return None
    literal = [name for name in both if (name, name) in hits]
    if literal:
        return literal[0]
    if event in {GA_AUDIO, BETA_AUDIO} or not hits:
        return None
    return both[-1] if beta_names else event


stems = st.sampled_from(sorted({name.rsplit(".", depth)[0] for name in NAMES for depth in (1, 2)}))
positives = st.one_of(
    st.sampled_from(["all", "*"]), st.sampled_from(NAMES), stems.map("{}.*".format), st.text("ab.*-", max_size=4)
)
patterns = st.one_of(positives, positives.map("-{}".format))


@pytest.mark.claim("J11", "J28")
@given(
    events=st.none() | st.lists(patterns, max_size=5),
    event=st.sampled_from(NAMES) | st.text("ab.", min_size=1, max_size=5),
    beta_names=st.booleans(),
)
def test_the_filter_agrees_with_one_written_differently(
    events: list[str] | None, event: str, *, beta_names: bool
) -> None:
    wanted = EventFilter(events, beta_names=beta_names)
    expected = reference(events, event, beta_names=beta_names)
    assert (wanted.name_for(event), wanted.name_for(event)) == (expected, expected)


def test_a_thousand_hostile_patterns_and_ever_new_names_stay_cheap() -> None:
    hostile = [f"{'a.' * (i % 50)}{i}.*" for i in range(500)] + [f"-{'a.' * 40}{i}.*" for i in range(500)]
    wanted = EventFilter(hostile, beta_names=True)
    began = time.process_time()
    for i in range(2 * MAX_CACHED):
        wanted.name_for("a." * 30 + str(i))
    assert time.process_time() - began < 1.0
