"""The hook receiver: the customer's applications behind eventHook, toolHook and actionHook, on one aiohttp server."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from sim.happening import Happening, Watcher
from sim.scene import Applications, HookFault

JsonObject = dict[str, Any]

FRIENDLY = {
    "conversation.item.input_audio_transcription.completed": "user_transcription",
    "response.output_audio_transcript.done": "response",
    "response.audio_transcript.done": "response",
}
"What pipecat's eval scenarios call these events."


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came, and how it was answered."""

    at_s: float
    kind: str
    path: str
    headers: dict[str, str]
    body: JsonObject
    status: int
    "0: the connection was closed without an answer."
    signed: bool | None
    "Whether the signature is right; None: no secret to check it with."


class HookReceiver:
    def __init__(self, applications: Applications, watch: Watcher, secret: str | None = None) -> None:
        self.received: list[Received] = []
        self._applications, self._watch = applications, watch
        self._webhook = Webhook(secret) if secret else None
        self._left = [fault.times for fault in applications.faults]

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve until the block ends; yields the URL that paths are added to. Port 0: a free one."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port)
            await site.start()
            yield f"http://{host}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        at_s, raw = time.monotonic(), await request.read()
        body = _parsed(raw)
        kind = kind_of(body)
        fault = self._fault(kind)
        status = 0 if fault and fault.drop else fault.status if fault else 200
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(at_s, kind, request.path, headers, body, status, self._signed(raw, headers))
        self.received.append(received)
        self._watch(happening(received))
        if fault:
            await asyncio.sleep(fault.delay_s)
            return self._wrongly(request, fault, kind, body)
        return self._rightly(kind, body)

    def _fault(self, kind: str) -> HookFault | None:
        for place, fault in enumerate(self._applications.faults):
            left = self._left[place]
            if fault.kind == kind and left != 0:
                self._left[place] = None if left is None else left - 1
                return fault
        return None

    def _wrongly(self, request: web.Request, fault: HookFault, kind: str, body: JsonObject) -> web.Response:
        if fault.drop and request.transport:
            request.transport.abort()
        if fault.body is None:
            right = self._rightly(kind, body)
            right.set_status(fault.status)
            return right
        return web.Response(status=fault.status, body=fault.body, content_type=fault.content_type)

    def _rightly(self, kind: str, body: JsonObject) -> web.Response:
        match kind:
            case "tool":
                return web.json_response(self._tool_result(body))
            case "action":
                return web.json_response(list(self._applications.action))
            case _:
                return web.Response(status=204)

    def _tool_result(self, body: JsonObject) -> Any:
        result = self._applications.tools.get(str(body.get("name")), {"ok": True})
        args = body.get("args")
        return {**args, **result} if isinstance(result, dict) and isinstance(args, dict) else result

    def _signed(self, raw: bytes, headers: dict[str, str]) -> bool | None:
        if self._webhook is None:
            return None
        try:
            self._webhook.verify(raw, headers)
        except WebhookVerificationError:
            return False
        return True


def _parsed(raw: bytes) -> JsonObject:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def kind_of(body: JsonObject) -> str:
    """Tell which hook a body belongs to by what only that one has."""
    kinds = {"tool_call_id": "tool", "completion_reason": "action", "type": "event", "call_status": "status"}
    return next((kind for key, kind in kinds.items() if key in body), "other")


def happening(received: Received) -> Happening:
    """Give a received hook the name by which scenes know it."""
    body = received.body
    says: dict[str, Callable[[], tuple[str, str]]] = {
        "tool": lambda: ("function_call", f"{body.get('name')} {json.dumps(body.get('args'))}"),
        "action": lambda: ("action_hook", str(body["completion_reason"])),
        "event": lambda: (FRIENDLY.get(body["type"], str(body["type"])), str(body.get("transcript", ""))),
    }
    name, text = says.get(received.kind, lambda: (f"{received.kind}_hook", received.path))()
    return Happening(received.at_s, name, text, body)


def telling(received: Sequence[Received], logged: Sequence[Happening], text: str) -> str:
    """Say where a text stands that only tools may be told; nothing where it stands nowhere."""
    told = [(str(hook.body.get("type", hook.kind)), json.dumps(hook.body)) for hook in received if hook.kind != "tool"]
    found = [name for name, whole in [*told, *((one.name, one.text) for one in logged)] if text in whole]
    return ", ".join(dict.fromkeys(found))


def undelivered(received: list[Received], kinds: tuple[str, ...]) -> str | None:
    """Say what is missing of one call's hooks, told by X-Hook-Seq; None if nothing is."""
    good = [hook for hook in received if 200 <= hook.status < 300]
    if any(hook.signed is False for hook in received):
        return "a hook was wrongly signed"
    absent = [kind for kind in kinds if kind not in {hook.kind for hook in good}]
    if absent:
        return f"no {', '.join(absent)} hook was delivered"
    numbers = [int(hook.headers["x-hook-seq"]) for hook in good if "x-hook-seq" in hook.headers]
    missing = sorted(set(range(1, max(numbers, default=0) + 1)) - set(numbers))
    if missing:
        return f"hooks number {', '.join(map(str, missing))} never arrived"
    if len(numbers) != len(set(numbers)):
        return "a hook that had been answered came again"
    return None
