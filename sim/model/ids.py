"""Identifiers as the service makes them: a kind and 20 characters, at most 32 in all; seeded, so that tests repeat."""

import random
from collections.abc import Iterator

ID_BITS = 80


class Ids:
    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)

    def new(self, kind: str) -> str:
        return f"{kind}_{self._chance.getrandbits(ID_BITS):020x}"

    def many(self, kind: str) -> Iterator[str]:
        while True:
            yield self.new(kind)
