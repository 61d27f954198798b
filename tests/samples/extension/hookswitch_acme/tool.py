"""`{prices: {tea: "3.20"}}`: a tool that looks things up in a list of the route itself."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hooks.asked import Asked
from hooks.courier import Answer, Courier
from hooks.replies import error_output
from hooks.tools.base import CONFIRM, only, wants_confirmation
from verbs.tools import ToolError

KEY = "prices"


@dataclass(frozen=True, slots=True)
class Prices:
    name: str
    prices: dict[str, str]
    confirm: bool

    @property
    def target(self) -> str:
        return f"a list of {len(self.prices)} prices"

    @property
    def declaration(self) -> dict[str, Any]:
        thing = {"type": "string", "enum": sorted(self.prices)}
        parameters = {"type": "object", "properties": {"thing": thing}, "required": ["thing"]}
        return {"type": "function", "name": self.name, "description": "Say what it costs.", "parameters": parameters}

    def begin(self, courier: Courier, asked: Asked, answer: Answer) -> None:
        price = self.prices.get(str(asked.arguments.get("thing")))
        courier.soon(answer, json.dumps({"price": price}) if price else error_output("that is not for sale"))


def read(name: str, entry: dict[str, Any], *, folder: Path, base_url: str | None) -> Prices:
    only(entry, [KEY, CONFIRM])
    prices = entry[KEY]
    if not (isinstance(prices, dict) and prices and all(isinstance(price, str) for price in prices.values())):
        raise ToolError('must be a list of prices, such as {tea: "3.20"}', KEY)
    return Prices(name, prices, wants_confirmation(entry))
