"""`{python: module:function}`: a function in this process. A sync one runs in a thread, an async one on the loop."""

import importlib
import inspect
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

import structlog
from pydantic import ValidationError

from hooks.asked import Asked
from hooks.courier import Answer, Courier
from hooks.declaring import Declared, declared
from hooks.replies import Output, error_output, function_output
from hooks.tools.base import only
from verbs.base import JsonObject, did_you_mean
from verbs.tools import ToolError

log = structlog.get_logger(__name__)

KEY = "python"
EXAMPLE = "such as my_tools:get_weather"

_Stamp = tuple[int, int] | None
_stamps: dict[str, _Stamp] = {}
"The modules of tools, as their files were when they were imported: one that has changed is imported anew."


class ArgumentsError(ValueError):
    """What the model gave is not what the function takes; the text does not repeat it."""


@dataclass(frozen=True, slots=True)
class PythonTool:
    name: str
    target: str
    function: Callable[..., Any]
    declared: Declared

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
    only(entry, [KEY])
    target = entry[KEY]
    module, _, path = target.partition(":") if isinstance(target, str) else ("", "", "")
    if not (_is_dotted(module) and _is_dotted(path)):
        raise ToolError(f"must name a module and a function in it, {EXAMPLE}", KEY)
    try:
        function = _function(_module(module, folder), path)
        return PythonTool(name, target, function, declared(function))
    except ToolError as error:
        raise ToolError(f"{target}: {error}", KEY) from error


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _module(name: str, folder: Path) -> ModuleType:
    """Import a module, again if its file has changed; functions that calls have at hand stay as they are."""
    place = str(folder.resolve())
    if place not in sys.path:
        # Last, so that a file which is named like a module of somebody else hides nothing from anybody.
        sys.path.append(place)
    importlib.invalidate_caches()
    if name in _stamps and _stamps[name] != _stamp(sys.modules.get(name)):
        sys.modules.pop(name, None)
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:  # whatever somebody's module does as it is imported
        raise ToolError(_not_imported(name, error)) from error
    _stamps[name] = _stamp(module)
    _check_place(name, folder.resolve())
    return module


def _stamp(module: ModuleType | None) -> _Stamp:
    try:
        status = Path(str(getattr(module, "__file__", None))).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _not_imported(name: str, error: BaseException) -> str:
    lacks = error.name if isinstance(error, ModuleNotFoundError) else None
    if lacks and f"{name}.".startswith(f"{lacks}."):
        return f"there is no module {lacks!r} beside the configuration, nor on Python's path"
    if lacks:
        return f"its module needs {lacks!r}, which is not installed"
    frames = [frame for frame in extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    where = f", at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames[1:] else ""
    return f"its module cannot be imported: {type(error).__name__}: {error}{where}"


def _check_place(name: str, folder: Path) -> None:
    """Refuse a module of somebody else's that stands before the one in the configuration's folder."""
    top = name.partition(".")[0]
    mine = [path for path in (folder / f"{top}.py", folder / top / "__init__.py") if path.is_file()]
    found = getattr(sys.modules[top], "__file__", None)
    if mine and Path(str(found)).resolve() not in mine:
        raise ToolError(f"another module named {top!r} stands before {mine[0]}: give yours another name")


def _function(module: ModuleType, path: str) -> Callable[..., Any]:
    found: Any = module
    for name in path.split("."):
        if not hasattr(found, name):
            raise ToolError(f"there is no {name!r} in it{did_you_mean(name, vars(found))}")
        found = getattr(found, name)
    if not callable(found) or inspect.isclass(found):
        raise ToolError(f"is a {'class' if inspect.isclass(found) else type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return]  # it is callable


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
    log.warning("tool.failed", tool=asked.name, call_sid=asked.call.call_sid, error=named, at=_at(error))
    log.debug("tool.traceback", tool=asked.name, call_sid=asked.call.call_sid, exc_info=error)
    answer(error_output(f"{named}: {error}"))


def _at(error: BaseException | None) -> str:
    frames = extract_tb(error.__traceback__) if error else []
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
