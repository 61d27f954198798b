"""The two voices: texts become sound, word by word, of a length one can count on."""

import audioop
from pathlib import Path

import pytest

from sim import voice
from sim.model.script import DEFAULT_TURNS, GREETING, LONG_STORY
from sim.voice.clips import CLIPS, clip, names, samples_in
from sim.voice.render import packed
from sim.voice.words import spelled, syllables, words

PHRASES = Path(voice.__file__).parent


def phrases(name: str) -> list[str]:
    lines = (PHRASES / f"phrases_{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("name", ["agent", "caller"])
def test_every_listed_phrase_has_its_clip_and_every_clip_its_phrase(name: str) -> None:
    assert {voice.clip_name(phrase) for phrase in phrases(name)} == names(name)


def test_the_clips_are_small() -> None:
    assert sum(path.stat().st_size for path in CLIPS.rglob("*.wav")) < 600_000


def test_all_the_default_script_says_is_recorded() -> None:
    said = [GREETING, LONG_STORY, *(turn["say"] for turn in DEFAULT_TURNS if "{" not in turn["say"])]
    for text in [*said, "It is 21 degrees and sunny in Boston.", "Let me check the weather in Paris."]:
        spoken = words(text)
        known = {word for name in names("agent") for word in name.split("-")}
        assert {word.text for word in spoken} <= known, text


def test_the_long_sentence_is_long_enough_to_be_interrupted() -> None:
    assert voice.duration_ms(voice.speech(LONG_STORY)) > 6000


def test_a_recorded_sentence_is_one_clip() -> None:
    assert voice.speech("One moment, please.") == clip("agent", "one-moment-please")


def test_the_longest_clips_are_joined_with_a_gap() -> None:
    pieces = [clip("agent", "let-me-check-the-weather-in"), voice.silence(50), clip("agent", "paris")]
    assert voice.speech("Let me check the weather in Paris.") == b"".join(pieces)


def test_the_two_voices_differ() -> None:
    assert voice.speech("Paris") != voice.caller_line("Paris")


def test_an_unknown_word_is_a_hum_of_its_syllables() -> None:
    assert voice.duration_ms(voice.speech("banana")) == 3 * 150
    assert voice.duration_ms(voice.speech("Paris banana")) == (voice.duration_ms(voice.speech("Paris")) + 50 + 3 * 150)
    assert audioop.rms(voice.caller_line("banana"), 2) > 1000


def test_nothing_is_said_of_nothing() -> None:
    assert voice.speech("") == voice.speech(" … ") == b""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("It's 5°, no?", "its-five-no"),
        (", -4.05 (21)", "minus-four-point-zero-five-twenty-one"),
        ("9-4 = 5", "nine-four-five"),
        ("90 and 100", "ninety-and-one-zero-zero"),
        ("007", "zero-zero-seven"),
    ],
)
def test_numbers_and_signs_are_read_as_words(text: str, name: str) -> None:
    assert voice.clip_name(text) == name


@pytest.mark.parametrize(
    ("number", "name"), [("0", "zero"), ("19", "nineteen"), ("40", "forty"), ("-12", "minus twelve")]
)
def test_numbers_are_spelled(number: str, name: str) -> None:
    assert " ".join(spelled(number)) == name


def test_punctuation_is_a_pause() -> None:
    assert [word.pause_ms for word in words("Yes, no. Boston")] == [150, 300, 50]


@pytest.mark.parametrize(("word", "count"), [("boston", 2), ("xyz", 1), ("tsk", 1), ("banananananana", 6)])
def test_syllables_are_counted(word: str, count: int) -> None:
    assert syllables(word) == count


def test_a_packed_file_holds_its_samples() -> None:
    for ulaw in (b"\xff\x7f\x00", b"\xff\x7f"):
        assert samples_in(packed(ulaw)) == ulaw


def test_a_file_without_samples_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"sim\.voice\.render"):
        samples_in(b"RIFF\x04\x00\x00\x00WAVE")
