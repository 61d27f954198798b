"""What models cost: the list that comes with the server (`prices.yaml`), and what the configuration says otherwise."""

from functools import lru_cache
from pathlib import Path as FilePath
from typing import Annotated

from pydantic import Field

from config import yaml_text
from config.draft import Draft
from config.fields import MaybeText, Money, Section
from config.manners import Strict
from config.nodes import Mapping, Scalar
from cost.prices import Price, Prices, Rates
from verbs.base import did_you_mean, shown
from verbs.vendors import VENDORS

SHIPPED = FilePath(__file__).with_name("prices.yaml")


class RateKeys(Strict):
    """US dollars for a million tokens."""

    input: Money | None = None
    cached: Money | None = None
    "Of the input, what the vendor has at hand from before."
    output: Money | None = None

    def rates(self) -> Rates:
        return Rates(self.input, self.cached, self.output)


class PriceKeys(Strict):
    text: Annotated[RateKeys, Section] = Field(default_factory=RateKeys)
    audio: Annotated[RateKeys, Section] = Field(default_factory=RateKeys)
    image: Annotated[RateKeys, Section] = Field(default_factory=RateKeys)
    minute: Money | None = None
    "US dollars for a minute of speech that is written down."
    source: MaybeText = None
    "Where the price is published."
    read: MaybeText = None
    "On which day it was read there."

    def price(self) -> Price:
        return Price(self.text.rates(), self.audio.rates(), self.image.rates(), self.minute)


def read_prices(draft: Draft) -> Prices:
    """Give the prices in force: an entry of the configuration takes the place of that of the same name."""
    return Prices({**shipped().of, **_listed(draft)})


@lru_cache
def shipped() -> Prices:
    root, _ = yaml_text.parse(SHIPPED.read_text(encoding="utf-8"), file=str(SHIPPED), environ={})
    return Prices(_listed(Draft(str(SHIPPED), root, [])))


def _listed(draft: Draft) -> dict[str, Price]:
    node = draft.find(("prices",))
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return {}
    if not isinstance(node, Mapping):
        draft.complain(("prices",), "must be keys with values below it, such as openai/gpt-realtime-2.1: {audio: …}")
        return {}
    found: dict[str, Price] = {}
    for entry in node.entries:
        path = ("prices", entry.key)
        vendor, slash, model = entry.key.partition("/")
        if not (slash and model and vendor in VENDORS):
            near = did_you_mean(vendor, VENDORS) if slash else ""
            draft.complain(path, f"must be a vendor and its model, such as openai/gpt-realtime-2.1{near}", at_key=True)
        elif "*" in model[:-1]:
            draft.complain(path, f"may end in *, and have it nowhere else: {shown(entry.key)}", at_key=True)
        elif keys := draft.section(PriceKeys, path):
            found[entry.key] = keys.price()
    return found
