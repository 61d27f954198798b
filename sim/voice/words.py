"""Text as the words a voice can say: lower case, digits spelled out, punctuation turned into pauses."""

import re
from typing import NamedTuple

ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"]
ONES += ["twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

PAUSE_MS = {",": 150, ";": 200, ":": 200, ".": 300, "!": 300, "?": 300}
WORD_GAP_MS = 50

# A minus sign belongs to a number only where nothing stands before it: "-4" but not "9-4".
_TOKEN = re.compile(r"(?P<number>(?<![\w.])-?\d+(?:\.\d+)?)|(?P<word>[^\W_]+(?:['\u2019][^\W_]+)*)|(?P<pause>[,;:.!?])")
_VOWELS = re.compile(r"[aeiouy]+")


class Word(NamedTuple):
    text: str
    pause_ms: int
    "The silence after the word, in milliseconds."


def words(text: str) -> list[Word]:
    """Read a text aloud, on paper."""
    spoken: list[Word] = []
    for token in _TOKEN.finditer(text.lower()):
        if token["pause"]:
            if spoken:
                spoken[-1] = spoken[-1]._replace(pause_ms=PAUSE_MS[token["pause"]])
            continue
        names = spelled(token["number"]) if token["number"] else [re.sub(r"['\u2019]", "", token["word"])]
        spoken += [Word(name, WORD_GAP_MS) for name in names]
    return spoken


def spelled(number: str) -> list[str]:
    """Spell "-21.5" as minus twenty one point five; beyond 99 digit by digit."""
    whole, _, rest = number.removeprefix("-").partition(".")
    names = ["minus"] if number.startswith("-") else []
    names += _whole(whole)
    return [*names, "point", *(ONES[int(digit)] for digit in rest)] if rest else names


def _whole(digits: str) -> list[str]:
    value = int(digits)
    if value >= 100 or len(digits) > 2:
        return [ONES[int(digit)] for digit in digits]
    if value < 20:
        return [ONES[value]]
    tens, ones = divmod(value, 10)
    return [TENS[tens - 2], ONES[ones]] if ones else [TENS[tens - 2]]


def syllables(word: str) -> int:
    """Count groups of vowels; a word has one at least, and no more than six are worth hearing."""
    return min(max(1, len(_VOWELS.findall(word))), 6)


def clip_name(text: str) -> str:
    """Name the clip that says this text: "One moment, please." → "one-moment-please"."""
    return "-".join(word.text for word in words(text))
