"""The hooks of one `llm` verb, as the call sees them."""

from collections.abc import Mapping
from functools import partial

import structlog

from hooks.asked import Asked, Call
from hooks.courier import Answer, Courier, Reply
from hooks.delivery import Result, is_delivered
from hooks.envelope import Envelope
from hooks.filter import Wanted
from hooks.options import HookUrls
from hooks.redaction import PLAIN, Redactor
from hooks.replies import error_output, verbs_in
from hooks.tools.base import Tool
from hooks.tools.http import HttpTool
from hooks.transports.base import HookFailure
from verbs.base import JsonObject

log = structlog.get_logger(__name__)


class CallHooks:
    """Nothing here raises, and nothing but what is awaited waits."""

    def __init__(
        self,
        courier: Courier,
        call: Call,
        *,
        urls: HookUrls,
        wanted: Wanted,
        redactor: Redactor,
        tools: Mapping[str, Tool],
        envelope: Envelope,
    ) -> None:
        """`tools`: by their names, those that the toolHook need not serve."""
        self._courier = courier
        self._call = call
        self._call_sid = call.call_sid
        self._tools = tools
        self._tool_hook = HttpTool(urls.tool) if urls.tool else None
        self._urls = urls
        self._wanted = wanted
        self.redactor = redactor
        self._envelope = envelope
        self._end: Reply | None = None
        self._prepared: str | None = None

    @property
    def numbered(self) -> int:
        """How many hooks the call has had."""
        return self._courier.outbox.numbered

    @property
    def pending(self) -> int:
        """How many of them are neither delivered nor given up."""
        return len(self._courier.outbox)

    def report(self, event_type: str, event: JsonObject) -> None:
        """Tell the eventHook, if it asked for this event."""
        name = self._wanted.name_for(event_type)
        if name is None or self._urls.event is None:
            return
        made = self._envelope.event_body(event, name=name, call_sid=self._call_sid)
        body = self._encoded(made, self.redactor)
        if body is not None:
            self._courier.post("event", self._urls.event, body, droppable=event_type.endswith(".delta"))

    def report_status(self, body: JsonObject) -> None:
        """Tell the route's status hook what the platform said, in the platform's order."""
        if self._urls.status is not None:
            self.tell(self._urls.status, body)

    def tell(self, url: str, body: JsonObject) -> None:
        """Tell an application something of its call, in the order in which it is told."""
        encoded = self._encoded(body, self.redactor)
        if encoded is not None:
            self._courier.post("status", url, encoded)

    def call_tool(self, call_id: str, name: str, arguments: JsonObject, answer: Answer) -> None:
        """Call the route's tool of this name, or else ask the toolHook.

        `answer` gets the one output, never from inside this call. It may come up to 30 s after `tool_timeout_s`:
        whoever asked decides how long to wait.
        """
        tool = self._tools.get(name) or self._tool_hook
        if tool is None:
            self._courier.soon(answer, error_output("this tool has no toolHook that could answer"))
        else:
            tool.begin(self._courier, Asked(call_id, name, arguments, self._call, self._envelope), answer)

    def prepare_end(self, body: JsonObject) -> None:
        """Put an end down that ask_action() will tell: after a crash it is told as it stands here."""
        encoded = self._encoded(body, self.redactor)
        if self._urls.action is not None and encoded is not None:
            self._prepared = self._courier.prepare("action", self._urls.action, encoded)

    async def ask_action(self, body: JsonObject) -> list[JsonObject] | None:
        """Tell the actionHook of the end, and return what the call does next; None: nothing, or not in time.

        There is one end: asked again, it is not sent again, and the answer is the same. When no answer comes in
        `action_timeout_s`, delivery goes on without anybody waiting. The verbs are not yet validated.
        """
        if self._end is None:
            encoded = self._encoded(body, self.redactor)
            if self._urls.action is None or encoded is None:
                return None
            self._end = self._post_end(self._urls.action, encoded)
        return await self._end.wait()

    async def forward(self, url: str, body: JsonObject) -> Result:
        """Pass on a webhook for which the platform waits: one attempt, in `action_timeout_s` at most."""
        encoded = self._encoded(body, self.redactor)
        if encoded is None:
            return HookFailure("the body cannot be written as JSON")
        return await self._courier.ask("action", url, encoded)

    async def introduce(self, url: str, body: JsonObject) -> Result:
        """Ask an application what a new call does, as `forward`: it gets all that the platform told, keys and all.

        They are its own: the platform's portal keeps them for this application. A failure is the asker's to tell.
        """
        encoded = self._encoded(body, PLAIN)
        if encoded is None:
            return HookFailure("the body cannot be written as JSON")
        return await self._courier.ask("action", url, encoded, quietly=True)

    async def close(self, deadline_s: float) -> None:
        """Wait for what is pending, no longer than this. What is left is delivered all the same."""
        await self._courier.delivered(deadline_s)

    def _post_end(self, url: str, body: bytes) -> Reply:
        timeout_s = self._courier.options.action_timeout_s
        reply, deadline = self._courier.reply(timeout_s), self._courier.now() + timeout_s
        heard = partial(_hear_end, self._call_sid, reply, deadline)
        if self._prepared is None:
            self._courier.post("action", url, body, heard=heard)
        else:
            self._courier.send_prepared(self._prepared, body, heard)
        return reply

    def _encoded(self, body: JsonObject, redactor: Redactor) -> bytes | None:
        try:
            return redactor.encode(body)
        except (ValueError, TypeError, RecursionError):  # json.loads takes NaN, and depths that dumps does not
            log.exception("hook.unwritable", call_sid=self._call_sid)
            return None


def _hear_end(call_sid: str, reply: Reply, deadline: float, result: Result, next_at: float | None) -> None:
    if reply.given:
        return
    if is_delivered(result):
        verbs, complaint = verbs_in(result)
        if complaint is not None:
            log.warning("hook.bad_verbs", call_sid=call_sid, complaint=complaint)
        reply.give(verbs)
    elif next_at is None or next_at >= deadline:
        reply.give(None)  # the caller hears silence meanwhile: no use in waiting for what will not come
