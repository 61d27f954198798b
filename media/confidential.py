"""What a caller typed in confidence: the model and its tools have it, and what is told of the call has dots.

An entry of three digits or more is looked for in all that is said of the call from then on, also with blanks or other
signs between its digits, in whichever digits Unicode has, and as a number in JSON, which has no zeros in front. What an
entry is told in parts may be split between them: so no part of a text (`….delta`) shows any digit any more. An entry of
one or two digits is masked where it stands as an entry; elsewhere it would be every second number. Digits in words
("four seven"), or of which only some are said, are not found. Names that the protocol's own things go by (ids, types)
stay as they are.
"""

import json
import re
from dataclasses import replace
from typing import Any
from unicodedata import digit

from media.effects import Effect, Finish, Report, Warn
from media.keypad import TYPED
from media.newest import Newest
from media.realtime.reading import AUDIO_DELTAS

MASK = "•"
SHORTEST = 3
"Digits of an entry that is looked for."
MOST_ENTRIES = 200
"Of one call; a caller who types more has the first ones shown."
DEEPEST = 50
"Levels of an event; what lies deeper is not told."
_BETWEEN = r"[\W_]{0,16}"
"No sign that can be one of an entry: so there is one way to match, in a time in proportion to the text."
_SIGN = re.compile(r"[^\W_]")
_DIGIT = re.compile(r"\d")
_NAMES = re.compile(r"id|type|(?:approval_request|call|conversation|event|(?:previous_)?item|response|session)_id")


class Confidential:
    """One call's. As long as nothing was typed in confidence it costs one look per message."""

    def __init__(self) -> None:
        self._typed = False
        self._sought: Newest[str] = Newest(MOST_ENTRIES)
        self._numbers: set[int] = set()
        self._pattern = re.compile(r"(?!)")

    def remember(self, entry: str) -> None:
        """Keep an entry out of what is told from now on."""
        self._typed = True
        signs = "".join(_SIGN.findall(entry))
        for one in {signs, signs.lstrip("0")}:
            if len(_DIGIT.findall(one)) >= SHORTEST:
                self._sought.append(one)
        if entry.isascii() and entry.isdecimal() and len(entry) >= SHORTEST and len(self._numbers) < MOST_ENTRIES:
            self._numbers.add(int(entry))
        longest_first = sorted(set(self._sought), key=len, reverse=True)
        each = (_BETWEEN.join(one) for one in longest_first)
        self._pattern = re.compile("|".join(each) or r"(?!)")

    def taken(self, effects: list[Effect]) -> list[Effect]:
        """Take effects away as they may leave: those by which somebody is told of the call are masked."""
        leaving = [self._told(effect) for effect in effects] if self._typed else effects[:]
        effects.clear()
        return leaving

    def shown(self, told: Any) -> Any:
        """Give something of the call as it may be told."""
        return self._masked(told, whole=False) if self._typed else told

    def _told(self, effect: Effect) -> Effect:
        match effect:
            case Report(type_, event) if type_ not in AUDIO_DELTAS:
                return Report(type_, self.shown(_without_digits(event)))
            case Warn(event, detail):
                return Warn(event, self.shown(detail))
            case Finish(end):
                told = self._masked(end.told, whole=True)
                return Finish(replace(end, error=self.shown(end.error), told=told))
            case _:
                return effect

    def _masked(self, told: Any, *, whole: bool, depth: int = 0) -> Any:
        """Mask at every depth; `whole`: in names and numbers too, as where nobody but the model chose them."""
        if depth > DEEPEST:
            return MASK
        match told:
            case dict():
                return {
                    self._text(name) if whole else name: inner
                    if not whole and _NAMES.fullmatch(name)
                    else self._masked(inner, whole=whole, depth=depth + 1)
                    for name, inner in told.items()
                }
            case list():
                return [self._masked(inner, whole=whole, depth=depth + 1) for inner in told]
            case str():
                return self._text(told, depth)
            case int() | float() if whole and not isinstance(told, bool):
                return MASK * len(str(told)) if told in self._numbers else self._number(told)
            case _:
                return told

    def _number(self, number: float) -> Any:
        return self._text(str(number)) if self._pattern.search(str(number)) else number

    def _text(self, text: str, depth: int = 0) -> str:
        if text.startswith(TYPED):
            return TYPED + MASK * (len(text) - len(TYPED))
        plain = _in_ascii_digits(text)
        places = [found.span() for found in self._pattern.finditer(plain)]
        if not places and not (self._numbers and text.lstrip().startswith(("{", "["))):
            return text
        if isinstance(value := _read(text), dict | list):
            masked = self._masked(value, whole=True, depth=depth + 1)
            return json.dumps(masked, ensure_ascii=False) if masked != value else text
        ends = [0, *(end for _, end in places)]
        kept = [text[ended:start] + MASK * (end - start) for ended, (start, end) in zip(ends, places, strict=False)]
        return "".join([*kept, text[ends[-1] :]])


def _without_digits(event: dict[str, Any]) -> dict[str, Any]:
    """Give an event that brings a part of a text without the digits in it."""
    match event:
        case {"type": str(type_), "delta": str(delta)} if type_.endswith(".delta"):
            return {**event, "delta": _DIGIT.sub(MASK, _in_ascii_digits(delta))}
        case _:
            return event


def _in_ascii_digits(text: str) -> str:
    """Give a text of the same length, in which full-width digits, circled ones and the like are 0 to 9."""
    if text.isascii():
        return text
    return "".join(sign if sign.isascii() else str(digit(sign, sign)) for sign in text)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
