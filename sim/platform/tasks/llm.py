"""The verb `llm` as jambonz 0.9.8 carries it out itself, for OpenAI and Microsoft (lib/tasks/llm/**).

Done as it does it, faults included: `response.create` goes before `session.update`, both verbatim; any `error` event
ends the conversation; a tool's arguments that are no JSON lose the call without a word; of what a toolHook answers
only the envelope `conversation.item.create` reaches the model, and it is followed by a bare `response.create`.

The real one speaks the wire of the beta, over TLS always; here a host on this machine is reached by plain ws://, any
other by wss://. MCP servers are not asked.
"""

import json
from typing import Any
from urllib.parse import quote, urlsplit

from sim.platform.bodies import JsonObject
from sim.platform.effects import CloseMedia, Note, OpenModel, SendModel
from sim.platform.replies import Failed
from sim.platform.snake import snakecased
from sim.platform.tasks.base import Ask, Leg, Step, Task
from sim.platform.tasks.llm_events import event_filter

DEFAULT_MODEL = "gpt-4o-realtime-preview-2024-12-17"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
TOOL = "tool:"
UPDATES = frozenset({"session.update", "conversation.item.create", "conversation.item.delete", "response.cancel"})
"All that llm:update takes."
SPOKEN_OF_NOWHERE = frozenset({"response.audio.delta", "response.output_audio.delta"})
"Kept by the media module, which plays them."
SPEECH_STARTED = "input_audio_buffer.speech_started"
NORMAL = "normal conversation end"


class Llm(Task):
    tells_its_end = True

    def __init__(self, verb: JsonObject, leg: Leg) -> None:
        super().__init__(verb, leg)
        self._filter = event_filter(verb.get("events"))
        self._open = False

    def start(self, now: float) -> list[Step]:  # noqa: ARG002
        if self.verb["vendor"] not in {"openai", "microsoft"}:
            self.finish({"completion_reason": "connection failure"})
            return [Note("skipped", f"llm: this fake platform does not speak to {self.verb['vendor']}")]
        return [address(self.verb)]

    def opened(self, now: float) -> list[Step]:  # noqa: ARG002
        self._open, options = True, self.verb["llmOptions"]
        steps: list[Step] = [Note("media_open", "the platform's socket to the model is open")]
        steps.append(SendModel({"type": "response.create", "response": options["response_create"]}))
        if options.get("session_update"):
            steps.append(SendModel({"type": "session.update", "session": options["session_update"]}))
        return steps

    def closed(self, why: str, now: float) -> list[Step]:  # noqa: ARG002
        self.finish({"completion_reason": "disconnect from remote end" if self._open else "connection failure"})
        return [Note("media_closed" if self._open else "media_refused", why)]

    def said(self, event: JsonObject, now: float) -> list[Step]:  # noqa: ARG002
        """Take an event of the model, or one of the platform's own about its playback."""
        kind = str(event.get("type"))
        if kind in SPOKEN_OF_NOWHERE:
            return []
        ends = self._failure(kind, event)
        steps: list[Step] = []
        item = event.get("item") or {}
        if not ends and kind == "response.output_item.done" and item.get("type") == "function_call":
            called = self._called(item)
            if called is None:
                return [Note("tool_lost", f"{item.get('name')}: arguments that are no JSON")]
            steps += called
        if self._filter.passes(kind) and self.verb.get("eventHook"):
            steps.append(Ask("llm:event", self.verb["eventHook"], snakecased(event)))
        if ends:
            self.finish(ends)
            steps.append(CloseMedia())
        return steps

    def answered(self, ref: str, reply: Any, now: float) -> list[Step]:  # noqa: ARG002
        """Take what the toolHook answered over HTTP."""
        if not isinstance(reply, dict | list):  # an error, nothing, a string, a number: JavaScript cannot mark it
            error = _error(reply)
            self.finish({"completion_reason": "client error calling function", "error": error})
            return [Note("hook_failed", f"toolHook: {_why(reply)}"), CloseMedia()]
        return self.tool_output(reply)

    def tool_output(self, data: Any) -> list[Step]:
        """Hand a tool's result to the model; it comes by the toolHook's answer or by a command."""
        if not isinstance(data, dict) or data.get("type") != "conversation.item.create":
            return [Note("tool_output_dropped", "invalid tool output, must be conversation.item.create")]
        return [SendModel(data), SendModel({"type": "response.create"})]

    def update(self, data: Any) -> list[Step]:
        """Carry out the command llm:update."""
        kind = data.get("type") if isinstance(data, dict) else None
        if kind not in UPDATES:
            return [Note("ignored", f"llm:update {kind}: invalid mid-call request")]
        return [SendModel(data)]

    def kill(self, now: float, *, gone: bool) -> list[Step]:  # noqa: ARG002
        self.finish({"completion_reason": NORMAL})
        return [CloseMedia()]

    def _failure(self, kind: str, event: JsonObject) -> JsonObject | None:
        response = event.get("response") or {}
        if kind == "response.done" and response.get("status") == "failed":
            return _with("server failure", (response.get("status_details") or {}).get("error"))
        return _with("server error", event.get("error")) if kind == "error" else None

    def _called(self, item: JsonObject) -> list[Step] | None:
        try:
            args = json.loads(item["arguments"])
        except ValueError:
            return None
        if not self.verb.get("toolHook"):
            return [Note("skipped", f"{item['name']}: no toolHook defined!")]
        told = {"tool_call_id": item["call_id"], "name": item["name"], "args": args}
        return [Ask("llm:tool-call", self.verb["toolHook"], told, f"{TOOL}{item['call_id']}")]


def address(verb: JsonObject) -> OpenModel:
    """Where the model is: the vendor's own, or what connectOptions say."""
    options = verb.get("connectOptions") or {}
    model = verb.get("model") or DEFAULT_MODEL
    host = options.get("host") or "api.openai.com"
    scheme = "ws" if urlsplit(f"//{host}").hostname in LOOPBACK else "wss"
    key = str(verb["auth"]["apiKey"])
    if verb["vendor"] == "openai":
        path = options.get("path") or f"v1/realtime?model={model}"
        return OpenModel(f"{scheme}://{host}/{path.lstrip('/')}", ("Authorization", f"Bearer {key}"))
    path = options.get("path") or f"openai/realtime?api-version=2024-10-01-preview&deployment={model}"
    mark = "&" if "?" in path else "?"
    return OpenModel(f"{scheme}://{host}/{path.lstrip('/')}{mark}api-key={quote(key)}", None)


def _with(reason: str, error: Any) -> JsonObject:
    return {"completion_reason": reason} | ({} if error is None else {"error": snakecased(error)})


def _error(reply: Any) -> JsonObject:
    """What is left of a JavaScript error when it is written as JSON: the status, if it has one."""
    return {"status_code": reply.status} if isinstance(reply, Failed) and reply.status else {}


def _why(reply: Any) -> str:
    return reply.why if isinstance(reply, Failed) else f"{reply!r} is no object"
