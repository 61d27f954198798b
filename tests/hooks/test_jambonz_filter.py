"""jambonz' reading of `events`: as its own code was recorded, and quirk by quirk beside what the default does."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.filter import AUDIO_DELTAS, EventFilter
from hooks.jambonz_filter import KNOWN, JambonzFilter

GA_DONE, BETA_DONE = "response.output_audio_transcript.done", "response.audio_transcript.done"
TODAY = "conversation.item.added"

SAMPLE = Path(__file__).parents[1] / "samples" / "jambonz" / "events.jsonl"
ORIGIN, *RECORDED = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]


def jambonz(events: list[str] | None, name: str) -> str | None:
    return JambonzFilter(events).name_for(name)


def default(events: list[str] | None, name: str) -> str | None:
    return EventFilter(events, beta_names=False).name_for(name)


@pytest.mark.claim("J28", "events")
@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: json.dumps(recorded["events"]))
def test_the_same_events_go_out_as_jambonz_own_code_was_recorded_to_forward(
    recorded: dict[str, list[str] | str | None],
) -> None:
    events, forwarded = recorded["events"], recorded["forwarded"]
    assert not isinstance(events, str)
    found = [name for name in ORIGIN["names"] if jambonz(events, name)]
    expected = ORIGIN["names"] if forwarded == "everything" else forwarded
    assert expected is not None
    assert found == [name for name in ORIGIN["names"] if name in expected and name not in AUDIO_DELTAS]


def test_the_recording_covers_every_known_name_and_some_that_are_not() -> None:
    assert ORIGIN["names"][: len(KNOWN)] == [*KNOWN]
    assert {GA_DONE, TODAY} <= set(ORIGIN["names"]) - set(KNOWN)


@pytest.mark.claim("J28")
@pytest.mark.parametrize("name", ["response.audio_transcript.done", "response.audio_transcript.delta"])
def test_a_wildcard_has_no_dot_boundary(name: str) -> None:
    assert jambonz(["response.audio.*"], name) == name
    assert default(["response.audio.*"], name) is None


@pytest.mark.claim("J28")
@pytest.mark.parametrize("pattern", ["conversation.item.*", "conversation.*", "c.*"])
def test_a_wildcard_stands_for_names_of_the_beta_only(pattern: str) -> None:
    assert jambonz([pattern], "conversation.item.created") == "conversation.item.created"
    assert jambonz([pattern], TODAY) is None
    assert default(["conversation.item.*"], TODAY) == TODAY


@pytest.mark.claim("J28")
@pytest.mark.parametrize("events", [[], ["invented.*"], ["response.output_audio_transcript.*"]])
@pytest.mark.parametrize("name", ["response.done", TODAY, "invented_tomorrow"])
def test_an_empty_list_and_a_wildcard_that_fits_nothing_are_everything(events: list[str], name: str) -> None:
    assert jambonz(events, name) == name
    assert default(events, name) is None


@pytest.mark.claim("J28")
@pytest.mark.parametrize("events", [["-response.done"], ["-response.*"], ["-response.done", "-error"]])
def test_an_exclusion_without_all_excludes_nothing(events: list[str]) -> None:
    assert jambonz(events, "response.done") == "response.done"
    assert jambonz(events, TODAY) == TODAY
    assert default(events, "response.done") is None
    assert default(events, TODAY) == TODAY


@pytest.mark.claim("J28")
def test_an_exclusion_from_a_list_without_all_excludes_nothing() -> None:
    events = ["response.*", "-response.done"]
    assert jambonz(events, "response.done") == "response.done"
    assert default(events, "response.done") is None


@pytest.mark.claim("J28")
@pytest.mark.parametrize("name", [GA_DONE, TODAY, "invented.tomorrow"])
def test_all_with_an_exclusion_lets_out_what_all_alone_keeps_in(name: str) -> None:
    assert jambonz(["all", "-response.done"], name) == name
    assert jambonz(["all"], name) is None
    assert jambonz(["all", "-response.done"], "response.done") is None
    assert default(["all"], name) == default(["all", "-response.done"], name) == name


@pytest.mark.claim("J28")
def test_an_exclusion_by_wildcard_lets_out_what_was_named_later() -> None:
    assert jambonz(["all", "-response.*"], GA_DONE) == GA_DONE
    assert default(["all", "-response.*"], GA_DONE) is None


@pytest.mark.claim("J28")
@pytest.mark.parametrize("name", [GA_DONE, TODAY, "response.output_text.done", "response.timeout"])
def test_no_list_at_all_never_passes_a_name_of_today(name: str) -> None:
    assert jambonz(None, name) is None
    assert default(None, name) == name
    assert jambonz(None, "response.done") == default(None, "response.done") == "response.done"


@pytest.mark.claim("J28")
def test_a_literal_is_that_name_and_no_other() -> None:
    assert (jambonz([BETA_DONE], GA_DONE), jambonz([GA_DONE], GA_DONE)) == (None, GA_DONE)
    assert (default([BETA_DONE], GA_DONE), default([GA_DONE], GA_DONE)) == (BETA_DONE, GA_DONE)


@pytest.mark.claim("J28")
def test_a_star_alone_is_a_name_that_no_event_has() -> None:
    assert jambonz(["*"], "response.done") is None
    assert default(["*"], "response.done") == "response.done"


@pytest.mark.claim("J28")
@pytest.mark.parametrize("events", [None, [], ["all", "-error"], ["response.audio.delta"]])
@pytest.mark.parametrize("name", sorted(AUDIO_DELTAS))
def test_audio_never_leaves_jambonz(events: list[str] | None, name: str) -> None:
    assert jambonz(events, name) is None
    assert default([name], name) == name


SIGNS, ENDS = st.sampled_from(["", "-"]), st.sampled_from(["", ".*", "*"])
STEMS = st.sampled_from(["response", "response.audio", "conversation.item", "c", "error", "", "*", "all", "r[", TODAY])
PATTERNS = st.builds("{}{}{}".format, SIGNS, STEMS, ENDS)


@given(events=st.lists(PATTERNS), name=st.sampled_from([*KNOWN, TODAY, GA_DONE, "*", "all", ""]))
def test_the_filter_agrees_with_jambonz_code_written_out(events: list[str], name: str) -> None:
    def expanded(patterns: list[str]) -> set[str]:
        stems = [pattern[:-2] for pattern in patterns if pattern[-2:] == ".*"]
        found = {known for known in KNOWN for stem in stems if known[: len(stem)] == stem}
        return found | {pattern for pattern in patterns if pattern[-2:] != ".*"}

    excluded = [event[1:] for event in events if event[:1] == "-"]
    included = [event for event in events if event[:1] != "-"]
    if "all" not in events:
        goes = not expanded(included) or name in expanded(included)
    else:
        goes = name not in expanded(excluded) if excluded else name in KNOWN
    assert jambonz(events, name) == (name if goes and name not in AUDIO_DELTAS else None)
