"""A call told by hand: what the legs say, one message at a time, where no simulated call gets to."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from media.bridge import Bridge
from media.effects import Answered, Effect, End, Finish, Outcome, ToModel, ToPlatform, Warn
from media.options import Options
from media.platforms.jambonz.media import JambonzMedia
from media.realtime.openai import Realtime
from media.requests import Request
from tests.simulation import PCM24, WEATHER, llm
from verbs.llm import Llm

JsonObject = dict[str, Any]
APPEND = "input_audio_buffer.append"
METADATA = '{"callSid":"CS1","sampleRate":24000,"mixType":"mono"}'


class Hand:
    """Tells the bridge what the test wants; `effects` is everything that it answered."""

    def __init__(
        self,
        verb: Llm | None = None,
        options: Options | None = None,
        *,
        besides: Sequence[JsonObject] = (),
        fallbacks: int = 0,
    ) -> None:
        self.now = 0.0
        self.effects: list[Effect] = []
        options = options or Options(audio=PCM24)
        verb = verb or llm(session_update={"tools": [WEATHER]})
        models = [Realtime(verb, audio=PCM24, besides=besides) for _ in range(1 + fallbacks)]
        self.bridge = Bridge(JambonzMedia(options.audio.rate_hz), models, options, now=0.0)

    def do(self, effects: list[Effect]) -> list[Effect]:
        self.effects += effects
        for effect in effects:
            if isinstance(effect, Answered):
                effect.answer(effect.outcome)
        return effects

    def ask(self, request: Request) -> list[Outcome]:
        """Ask something from outside; give the list to which what comes of it will be added."""
        outcomes: list[Outcome] = []
        self.do(self.bridge.ask(request, outcomes.append, self.now))
        return outcomes

    def connect(self) -> "Hand":
        self.do(self.bridge.model_opened(self.now))
        self.do(self.bridge.platform_opened(self.now))
        rate_hz = self.bridge._options.audio.rate_hz
        self.do(self.bridge.platform_said(METADATA.replace("24000", str(rate_hz)), self.now))
        return self.configured()

    def configured(self) -> "Hand":
        self.model("session.created", session={})
        self.model("session.updated", session={})
        return self

    def falls_back(self) -> list[Effect]:
        """The next model is there; give what it is told when its session is ready."""
        self.do(self.bridge.model_opened(self.now))
        told = len(self.effects)
        self.configured()
        return self.effects[told:]

    def model(self, type_: str, **fields: Any) -> list[Effect]:
        return self.do(self.bridge.model_said(json.dumps({"type": type_, **fields}).encode(), self.now))

    def starts(self, response_id: str = "r1") -> list[Effect]:
        return self.model("response.created", response={"id": response_id})

    def ends(self, response_id: str = "r1", status: str = "completed", **more: Any) -> list[Effect]:
        return self.model("response.done", response={"id": response_id, "status": status, **more})

    def speaks(self, item_id: str = "i1", ms: float = 1000, response_id: str = "r1") -> list[Effect]:
        delta = base64.b64encode(b"\1\1" * int(24 * ms)).decode()
        about = {"item_id": item_id, "content_index": 0, "response_id": response_id}
        return self.model("response.output_audio.delta", delta=delta, **about)

    def calls(self, call_id: str = "c1", response_id: str = "r1") -> list[Effect]:
        item = {"type": "function_call", "name": "get_weather", "call_id": call_id, "arguments": "{}"}
        return self.model("response.output_item.done", response_id=response_id, item=item)

    def refuses(self, **error: Any) -> list[Effect]:
        return self.model("error", error={"type": "invalid_request_error", "message": "no", **error})

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass, and the bridge do what is due in it."""
        until, told = self.now + seconds, len(self.effects)
        while (due := self.bridge.next_due()) is not None and due <= until:
            self.now = max(self.now, due)
            self.do(self.bridge.tick(self.now))
        self.now = until
        return self.effects[told:]

    @property
    def end(self) -> End | None:
        ends = [effect.end for effect in self.effects if isinstance(effect, Finish)]
        assert len(ends) <= 1
        return ends[0] if ends else None


def sent(effects: list[Effect], *types: str) -> list[JsonObject]:
    """What of these effects goes to the model; the caller's audio only where it is asked for."""
    events = [json.loads(effect.wire) for effect in effects if isinstance(effect, ToModel)]
    return [event for event in events if event["type"] in (types or {event["type"]} - {APPEND})]


def played(effects: list[Effect]) -> list[bytes]:
    return [effect.wire for effect in effects if isinstance(effect, ToPlatform) and isinstance(effect.wire, bytes)]


def warned(effects: list[Effect]) -> list[str]:
    return [effect.event for effect in effects if isinstance(effect, Warn)]
