"""`python: module:function`: the application is a function in this process, and its hooks may be functions too."""

import inspect
import json
from collections.abc import Awaitable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import structlog

from egress.origins import Origin, origins_in
from hooks import functions
from hooks.applications.base import absolute
from hooks.applications.written import Function, Hooked, WritingError, written
from hooks.asked import Call
from hooks.replies import error_output, function_output
from hooks.transports.base import HookFailure, HookReply, HookRequest
from hooks.transports.python import SCHEME, receivers
from hooks.working import Finished, Workshop
from verbs.base import JsonObject

log = structlog.get_logger(__name__)

TOOL_HOOK = "toolHook"
NOTHING = HookReply(204)
LOST = "the function has no name in its module, or not any more, and cannot be found again after a restart"
_workshop = Workshop()


class PythonApplication:
    """One call's. Its functions can be reached for as long as somebody holds it: its call does.

    The address of a function that has a name in its module says that name: a process that takes the call over finds it
    by that. Any other is known to this process only.
    """

    written_here = False
    commanding = False

    def __init__(
        self,
        function: Function,
        call: Call,
        *,
        target: str,
        base_url: str | None,
        timeout_s: float,
        trusted: Iterable[Origin] = (),
    ) -> None:
        """`target`: the function as the configuration names it. `base_url`: for hooks that are paths.

        `timeout_s`: for the first verbs. `trusted`: where its documents have led in an earlier process.
        """
        self.trusted = {*trusted}
        self._call = call
        self._function = function
        self._target = target
        self.origin = base_url
        self._timeout_s = timeout_s
        self._key = quote(call.call_sid, safe="")
        self._run = uuid4().hex
        self._home = getattr(function, "__module__", "")
        self._hooks: dict[str, Hooked] = {}
        self._lost: set[str] = set()
        self._resumed = False
        receivers[self._key] = self

    async def answer(self, attributes: JsonObject) -> list[JsonObject]:  # noqa: ARG002  # they are in the call
        finished = await _finished(self._function, self._call, timeout_s=self._timeout_s)
        if finished.error is not None:
            raise HookFailure(f"{self._target} failed: {_told(finished.error)}") from finished.error
        try:
            document = self._written(finished.value)
        except WritingError as error:
            raise HookFailure(f"{self._target}: {error}") from error
        if not document:
            raise HookFailure(f"{self._target} returned no verbs")
        return document

    def taken(self) -> None:
        """Its function is the route's."""

    def resume(self, attributes: JsonObject) -> None:  # noqa: ARG002  # they are in the call
        self._resumed = True

    def address(self, hook: object) -> str | None:
        if isinstance(hook, str) and hook.startswith(f"{SCHEME}:"):
            return hook if self._found(hook) else None
        return absolute(hook, self.origin)

    async def close(self) -> None:
        """Leave it to whoever still has a hook of it to call."""

    async def receive(self, request: HookRequest) -> HookReply:
        """Call a function. What goes wrong in it is told in the log and is an answer: again it would be the same."""
        hooked = self._found(request.url)
        if hooked is None:
            return HookReply(HTTPStatus.NOT_FOUND)
        body = json.loads(request.body)
        finished = await _finished(hooked.function, self._call, body, timeout_s=request.timeout_s)
        try:
            if finished.error is None:
                return self._reply(hooked, body, finished.value)
            return self._failed(hooked, finished.error)
        except WritingError as error:
            return self._failed(hooked, error)

    def _reply(self, hooked: Hooked, body: JsonObject, value: Any) -> HookReply:
        if hooked.name == TOOL_HOOK:
            return _output(function_output(value, str(body.get("tool_call_id"))).text)
        verbs = self._written(value)
        return HookReply(200, "application/json", json.dumps(verbs).encode()) if verbs else NOTHING

    def _failed(self, hooked: Hooked, error: BaseException) -> HookReply:
        sid = self._call.call_sid
        log.warning("application.hook_failed", hook=hooked.name, call_sid=sid, error=_told(error))
        log.debug("application.traceback", call_sid=sid, exc_info=error)
        if hooked.name != TOOL_HOOK:
            return NOTHING
        return _output(error_output(f"{type(error).__name__}: {error}"))

    def _written(self, value: Any) -> list[JsonObject]:
        document = written(value, self._addressed)
        self.trusted |= origins_in(document)
        return document

    def _addressed(self, name: str, function: Function) -> str:
        hooked = Hooked(name, function)
        known = [url for url, other in self._hooks.items() if other == hooked]
        if known:
            return known[0]
        if named := functions.name_of(function, at_home=self._home):
            url = f"{SCHEME}:{self._key}/{name}/{named}"
        else:
            where = getattr(function, "__qualname__", type(function).__name__)
            url = f"{SCHEME}:{self._key}/{name}/{self._run}/{len(self._hooks)}/{where}"
        self._hooks[url] = hooked
        return url

    def _found(self, url: str) -> Hooked | None:
        """Give the function at an address; one that an earlier process has given is looked for by its name, once."""
        ours = f"{SCHEME}:{self._key}/"
        if url in self._hooks or url in self._lost or not self._resumed or not url.startswith(ours):
            return self._hooks.get(url)
        name, _, where = url.removeprefix(ours).partition("/")
        if function := functions.named(where, at_home=self._home):
            self._hooks[url] = Hooked(name, function)
        else:
            self._lost.add(url)
            log.warning("application.hook_lost", hook=name, call_sid=self._call.call_sid, message=LOST)
        return self._hooks.get(url)


async def _finished(function: Function, *given: Any, timeout_s: float) -> Finished:
    """Call a function with as much of what is given as it takes, and see how it ends; a sync one has a thread."""
    begun = partial(_begun, function, given)
    return await _workshop.finished(begun, threaded=not inspect.iscoroutinefunction(function), timeout_s=timeout_s)


def _begun(function: Function, given: tuple[Any, ...]) -> Any | Awaitable[Any]:
    kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return function(*given)
    takes = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return function(*given[: sum(kind in takes for kind in kinds)])


def _told(error: BaseException) -> str:
    """Name a fault and its place; its message may quote a caller."""
    place = functions.place_of(error)
    return f"{type(error).__name__}{f' at {place}' if place else ''}"


def _output(text: str) -> HookReply:
    """Give the model's output as it is: a text, whatever it looks like."""
    return HookReply(200, "text/plain", text.encode())
