"""How many examples the property tests try, and the strange input that several of them draw from.

`make test` tries a hundred of each; `make fuzz` (tests/fuzz.py) three times as many in every round.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, example, settings
from hypothesis import strategies as st

USUAL: Final = 100
UNIT, FUZZ, FEW = "unit", "fuzz", "few"
# Whether an example is slow is said by what else the machine does: no test fails for that.
settings.register_profile(UNIT, max_examples=USUAL, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(FUZZ, settings.get_profile(UNIT), max_examples=3 * USUAL, derandomize=False)
settings.register_profile(FEW, settings.get_profile(UNIT), max_examples=USUAL // 20)

Test = TypeVar("Test", bound=Callable[..., Any])

STRANGE_TEXTS: Final = (
    "",
    " ",
    "\0",
    "\r\nX: y",
    "\x7f",
    "\u202e",
    "²",
    "٣",
    "é",
    "😀",
    "x" * 600,
    "9" * 400,
    "{{x}}",
    "${X}",
)
ODD: Final[tuple[Any, ...]] = (None, True, 0, -1, 1.5, 10**18, *STRANGE_TEXTS, [], ["x"], [[]], {}, {"x": 1})
"Values of every kind of JSON, to stand where another kind is meant."

NEARLY_JSON: Final = (
    *(b"", b"{", b"null", b"[]", b'"x"', b"7", b"{} {}", b"\0", b'{"a":1,}', b"{'a':1}", b'{"a":"\n"}'),
    *(b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":-Infinity}', b'{"a":1e999}', b'{"a":' + b"9" * 4301 + b"}"),
    *(b'{"a":"\\ud800"}', b'{"\\ud800":1}', b'{"a":"\xff"}', b'\xef\xbb\xbf{"a":1}', b"+AHs-"),
    *('{"a":1}'.encode(form) for form in ("utf-16", "utf-32")),
    *(b"[" * 100_000, b'{"a":' * 100_000, b"[" * 900 + b"]" * 900, b'{"a":' * 900 + b"1" + b"}" * 900),
    *(b'"' + b"x" * (256 * 1024) + b'"', b'{"a":"' + b"\\u0000" * 1000 + b'"}'),
)
"What parsers of JSON have been seen to stumble over."


def tries(usual: int) -> int:
    """Give how many examples a test tries that tries `usual` ones in `make test`, for each of them is dear or cheap."""
    return usual * settings().max_examples // USUAL


def tried_with(name: str, corpus: Iterable[Any]) -> Callable[[Test], Test]:
    """Let a property test try each of a corpus first, as its argument `name`."""

    def add(test: Test) -> Test:
        for one in corpus:
            test = example(**{name: one})(test)
        return test

    return add


def json_values(leaves: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[Any]:
    """Give JSON of any shape, small."""
    return st.recursive(
        st.sampled_from(ODD) | (st.text(max_size=8) if leaves is None else leaves),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    )


@st.composite
def changed(draw: st.DrawFn, documents: Sequence[Any], values: st.SearchStrategy[Any] | None = None) -> Any:
    """Give one of the documents, which are lists or objects, with up to three places of it gone, or of another kind."""
    document = deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(0, 3))):
        place = document
        while place:
            key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
            if isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
                place = place[key]
                continue
            if draw(st.booleans()):
                del place[key]
            else:
                place[key] = deepcopy(draw(st.sampled_from(ODD) if values is None else values))
            break
    return document


@st.composite
def edited(draw: st.DrawFn, texts: Sequence[str], pieces: Sequence[str]) -> str:
    """Give one of the texts with up to four pieces of it taken out, and others put in."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.sampled_from([0, 0, 1, 2, 10]))
        text = text[:start] + draw(st.sampled_from(pieces)) + text[end:]
    return text
