"""What models cost: US dollars for a million tokens of each kind, or for a minute of speech that is written down.

A model that is not in the list has no price, and nor has a kind of tokens that a model's entry does not name: then
there is no sum, for any figure would be a guess.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from cost.usage import MODALITIES, Tokens, Usage

DATED = re.compile(r"(.+)-20\d\d-\d\d-\d\d")
"A model's snapshot: its name, and the day."
MILLION = -6
PLACES = Decimal("1E-12")
"Of a dollar: what a token costs at a price of six places is exact."


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars for a million tokens of one modality; None: nobody knows."""

    input: Decimal | None = None
    cached: Decimal | None = None
    output: Decimal | None = None

    def of(self, tokens: Tokens) -> Decimal | None:
        """Give what these come to; None where there are some without a price."""
        parts = (
            (tokens.input - tokens.cached, self.input),
            (tokens.cached, self.cached),
            (tokens.output, self.output),
        )
        total = Decimal(0)
        for count, rate in parts:
            if count and rate is None:
                return None
            total += count * (rate or Decimal(0))
        return total.scaleb(MILLION)


@dataclass(frozen=True, slots=True)
class Price:
    """Of one model."""

    text: Rates = Rates()
    audio: Rates = Rates()
    image: Rates = Rates()
    minute: Decimal | None = None
    "US dollars for a minute of speech."

    def of(self, usage: Usage) -> Decimal | None:
        """Give US dollars, of twelve places; None where something was used that has no price."""
        if usage.whole != usage.text + usage.audio + usage.image or (usage.seconds and self.minute is None):
            return None
        total = (usage.seconds * (self.minute or Decimal(0)) / 60).quantize(PLACES)
        for name in MODALITIES:
            part = getattr(self, name).of(getattr(usage, name))
            if part is None:
                return None
            total += part
        return total


@dataclass(frozen=True, slots=True)
class Prices:
    """By `vendor/model`. A name stands for its dated snapshots too; one that ends in `*` for whatever begins so."""

    of: Mapping[str, Price] = field(default_factory=dict)

    def find(self, model: str) -> Price | None:
        """Give a model's price: its own, that of the model of which it is a snapshot, or of the longest beginning."""
        dated = DATED.fullmatch(model)
        for name in (model, dated[1] if dated else model):
            if price := self.of.get(name):
                return price
        beginnings = [name for name in self.of if name.endswith("*") and model.startswith(name[:-1])]
        return self.of[max(beginnings, key=len)] if beginnings else None


NO_PRICES = Prices()
