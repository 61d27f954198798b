"""`{python: module:function}`: a function in this process. A sync one runs in a thread, an async one on the loop."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from hooks import functions
from hooks.asked import Asked
from hooks.courier import Answer, Courier
from hooks.declaring import Declared, declared
from hooks.replies import Output, error_output, function_output
from hooks.tools.base import CONFIRM, only, wants_confirmation
from verbs.base import JsonObject
from verbs.tools import ToolError

log = structlog.get_logger(__name__)

KEY = "python"
EXAMPLE = "such as my_tools:get_weather"


class ArgumentsError(ValueError):
    """What the model gave is not what the function takes; the text does not repeat it."""


@dataclass(frozen=True, slots=True)
class PythonTool:
    name: str
    target: str
    function: Callable[..., Any]
    declared: Declared
    confirm: bool = False

    @property
    def declaration(self) -> JsonObject:
        told = {"description": self.declared.description} if self.declared.description else {}
        return {"type": "function", "name": self.name, **told, "parameters": self.declared.parameters}

    def begin(self, courier: Courier, asked: Asked, answer: Answer) -> None:
        threaded = not inspect.iscoroutinefunction(self.function)
        courier.work(partial(self._output, asked), partial(_done, asked, answer), threaded=threaded)

    def _output(self, asked: Asked) -> Output | Awaitable[Output]:
        """Call the function. Reading what it takes and writing what it gives may run its author's code too."""
        try:
            arguments = self.declared.bound(asked.arguments, asked.call)
        except ValidationError as error:
            raise ArgumentsError(_faults(error)) from None
        value = self.function(**arguments)
        if inspect.isawaitable(value):
            return _output_of(value, asked.call_id)
        return function_output(value, asked.call_id)


async def _output_of(value: Awaitable[Any], call_id: str) -> Output:
    return function_output(await value, call_id)


def read(name: str, entry: JsonObject, *, folder: Path, base_url: str | None) -> PythonTool:  # noqa: ARG001  # see base.Read
    only(entry, [KEY, CONFIRM])
    confirm = wants_confirmation(entry)
    target = entry[KEY]
    try:
        function = functions.find(target, folder, example=EXAMPLE)
    except functions.FunctionError as error:
        raise ToolError(str(error), KEY) from error
    try:
        return PythonTool(name, target, function, declared(function), confirm)
    except ToolError as error:
        raise ToolError(f"{target}: {error}", KEY) from error


def _faults(error: ValidationError) -> str:
    """Say what is wrong, without what the caller said."""
    told = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in told)


def _done(asked: Asked, answer: Answer, output: Output | None, error: BaseException | None) -> None:
    if output:
        if output.complaint:
            log.warning("tool.bad_result", tool=asked.name, call_sid=asked.call.call_sid, complaint=output.complaint)
        answer(output.text)
        return
    if isinstance(error, ArgumentsError):
        answer(error_output(f"the arguments do not fit: {error}"))
        return
    # What it says may quote the caller, so it is the model's, and the log's only where somebody looks for it.
    named = type(error).__name__
    log.warning("tool.failed", tool=asked.name, call_sid=asked.call.call_sid, error=named, at=functions.place_of(error))
    log.debug("tool.traceback", tool=asked.name, call_sid=asked.call.call_sid, exc_info=error)
    answer(error_output(f"{named}: {error}"))
