"""Which of the model's events an application asked for, and under which name it gets them.

Names are matched as they come and never enumerated, so an event that the vendor invents tomorrow can be asked
for today. Seven events have two names, one of the beta API and one of the GA API; a pattern may use either.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from verbs.event_names import BETA_OF, GA_OF

AUDIO_DELTAS = frozenset({"response.output_audio.delta", "response.audio.delta"})
EVERYTHING = frozenset({"all", "*"})
MAX_CACHED = 1_000  # types that models have shown so far; a vendor has about fifty


class Wanted(Protocol):
    """Which events an application gets; `EventFilter`, or another's reading of `events`."""

    def name_for(self, event_type: str) -> str | None:
        """Return the name to deliver this event under; None: it was not asked for."""


class _Patterns:
    """A set of patterns. The cost of a match depends on the name's dots, not on how many patterns there are."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.everything = not EVERYTHING.isdisjoint(patterns)
        self.literals = frozenset(patterns)
        self._stems = frozenset(pattern[:-2] for pattern in patterns if pattern.endswith(".*"))

    def match(self, name: str) -> bool:
        return self.everything or name in self.literals or self.match_wildcard(name)

    def match_wildcard(self, name: str) -> bool:
        return self.everything or any(stem in self._stems for stem in _stems(name))


def _stems(name: str) -> Iterator[str]:
    """`a.b.c` → `a`, `a.b`."""
    return (name[:place] for place, char in enumerate(name[:-1]) if char == ".")


class EventFilter:
    """The `events` property of an `llm` verb.

    `all` or `*` is every event; `x.*` any deeper name under `x.`; anything else a literal; `-pattern` excludes and
    is applied last. None is everything, and so is a list of nothing but exclusions; an empty list is nothing.
    Audio deltas come only to those who name them literally: they are 64 kB each second.
    """

    def __init__(self, events: Sequence[str] | None, *, beta_names: bool) -> None:
        """`beta_names`: the verb is written for the beta API, so wildcards deliver the beta names."""
        given = ["all"] if events is None else events
        wanted = [pattern for pattern in given if not pattern.startswith("-")]
        if given and not wanted:
            wanted = ["all"]
        self._wanted = _Patterns(wanted)
        self._unwanted = _Patterns([pattern[1:] for pattern in given if pattern.startswith("-")])
        self._beta_names = beta_names
        self._cache: dict[str, str | None] = {}

    def name_for(self, event_type: str) -> str | None:
        """Return the name to deliver this event under; None: it was not asked for."""
        try:
            return self._cache[event_type]
        except KeyError:
            name = self._name_for(event_type)
        if len(self._cache) < MAX_CACHED:
            self._cache[event_type] = name
        return name

    def _name_for(self, event_type: str) -> str | None:
        names = [event_type]
        if alias := BETA_OF.get(event_type) or GA_OF.get(event_type):
            names.append(alias)
        if any(self._unwanted.match(name) for name in names):
            return None
        for name in names:
            if name in self._wanted.literals:
                return name
        if event_type in AUDIO_DELTAS or not any(self._wanted.match_wildcard(name) for name in names):
            return None
        return BETA_OF.get(event_type, event_type) if self._beta_names else event_type


NOTHING: Wanted = EventFilter([], beta_names=False)
