"""The platform's side of a control socket, without a network: what it says, and what it was told."""

import json
from typing import Any

from calls.document import Seat
from calls.session import Session, Wire
from calls.sessions import Sessions
from tests.calls.exchange import PLACE, SECRET, Exchange, JsonObject, settled

ATTRIBUTES: JsonObject = {"from": "+15557654321", "to": "+15551230001", "direction": "inbound"}


def data_of(call_sid: str = "c-1", **more: Any) -> JsonObject:
    return {"call_sid": call_sid, **ATTRIBUTES, **more}


class PlatformSocket:
    """One socket of `sessions`. What it sends is numbered, and so are the acks to it."""

    def __init__(self, sessions: Sessions, *, call_sid: str = "c-1", reachable_by: str | None = None) -> None:
        self.call_sid = call_sid
        self.told: list[JsonObject] = []
        self.closed_with: list[int] = []
        self.sent = 0
        wire = Wire(lambda text: self.told.append(json.loads(text)), self.closed_with.append)
        self.session = Session(sessions, wire, Seat(PLACE, reachable_by, authenticated=True))

    def send(self, word: str, **more: Any) -> str:
        """Send a message about the call; give its msgid."""
        self.sent += 1
        message = {"type": word, "msgid": f"m{self.sent}", "call_sid": self.call_sid, "data": data_of(self.call_sid)}
        self.session.said(json.dumps({**message, **more}))
        return f"m{self.sent}"

    async def ask(self, word: str, **more: Any) -> Any:
        """Send a message and give the data of its ack; `none` where it has none, KeyError where there is no ack."""
        msgid = self.send(word, **more)
        await settled()
        return self.acks()[msgid]

    def acks(self) -> dict[str, Any]:
        return {each["msgid"]: each.get("data", "none") for each in self.told if each["type"] == "ack"}

    def commands(self) -> list[JsonObject]:
        return [each for each in self.told if each["type"] == "command"]


def sessions_of(exchange: Exchange) -> Sessions:
    return Sessions(exchange.switchboard, secret=SECRET)
