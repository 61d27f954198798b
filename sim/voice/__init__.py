"""Two voices without a synthesiser: recorded clips, joined word by word (their origin: ORIGIN.md beside this).

A text is said with the longest clips that match its words ("let me check the weather in" + "Paris"); a word
without a clip becomes a hum of as many syllables. All audio is PCM16 of 24 kHz, mono, little-endian.
"""

from sim.voice.clips import HEARD_HZ, clip, names
from sim.voice.tone import hum, noise
from sim.voice.words import Word, clip_name, syllables, words

__all__ = ["RATE_HZ", "caller_line", "clip_name", "duration_ms", "noise", "silence", "speech"]

RATE_HZ = HEARD_HZ
AGENT, CALLER = "agent", "caller"
PITCH_HZ = {AGENT: 190, CALLER: 120}


def speech(text: str) -> bytes:
    """Say the text in the agent's voice."""
    return _said(AGENT, words(text))


def caller_line(text: str) -> bytes:
    """Say the text in the caller's voice."""
    return _said(CALLER, words(text))


def silence(ms: int) -> bytes:
    return bytes(RATE_HZ * ms // 1000 * 2)


def duration_ms(pcm: bytes) -> int:
    return len(pcm) * 1000 // (RATE_HZ * 2)


def _said(voice: str, text: list[Word]) -> bytes:
    known, sound, at = names(voice), b"", 0
    while at < len(text):
        end = _longest(known, text, at)
        if end > at:
            sound += clip(voice, _name(text[at:end]))
        else:
            sound += hum(syllables(text[at].text), PITCH_HZ[voice])
        at = max(end, at + 1)
        sound += silence(text[at - 1].pause_ms if at < len(text) else 0)
    return sound


def _longest(known: frozenset[str], text: list[Word], at: int) -> int:
    """Where the longest clip that begins at a word ends; the same place when there is none."""
    ends = (end for end in range(len(text), at, -1) if _name(text[at:end]) in known)
    return next(ends, at)


def _name(text: list[Word]) -> str:
    return "-".join(word.text for word in text)
