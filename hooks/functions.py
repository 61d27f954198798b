"""Functions of somebody else's, found by `module:function` in modules beside the configuration.

They are imported once, and again when one of their files has changed: all that such a module brought with it from the
configuration's folder goes with it. Calls keep the functions that they have at hand.
"""

import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from verbs.base import did_you_mean

_Stamp = tuple[int, int] | None
_known: dict[str, tuple[Path, _Stamp]] = {}
"The modules that came with these functions, and their files as they were when they were imported; None: not at all."


class FunctionError(ValueError):
    """There is no such function; the text says why."""


def find(target: object, folder: Path, *, example: str) -> Callable[..., Any]:
    """Give the function that `module:function` names. `folder` is the configuration's.

    :raises FunctionError: it is none, or its module cannot be imported
    """
    name, _, path = target.partition(":") if isinstance(target, str) else ("", "", "")
    if not (_is_dotted(name) and _is_dotted(path)):
        raise FunctionError(f"must name a module and a function in it, {example}")
    try:
        return _function(_module(name, folder.resolve()), path)
    except FunctionError as error:
        raise FunctionError(f"{target}: {error}") from error


def beside(function: Callable[..., Any], name: str) -> Callable[..., Any] | None:
    """Give another function of a function's module, as that was when this one was found; None: there is none."""
    found = getattr(inspect.unwrap(function), "__globals__", {}).get(name)
    return found if inspect.isfunction(found) else None


def name_of(function: Callable[..., Any], *, at_home: str) -> str:
    """Give `module:function` by which `named` finds a function; nothing where it would not: a closure, a method."""
    name = f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', '')}"
    return name if named(name, at_home=at_home) is function else ""


def named(name: str, *, at_home: str) -> Callable[..., Any] | None:
    """Give the function of this name; None: there is none.

    It is looked for in `at_home`, a module's name, and in those that came with functions, and nowhere else.
    """
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module) if module == at_home or module in _known else None
    for part in path.split("."):
        found = getattr(found, part, None)
    return found if callable(found) else None


def files() -> list[Path]:
    """Give the files whose change is a reason to look for the functions again."""
    return [file for file, _ in _known.values()]


def forget() -> None:
    """Import everything anew at the next look."""
    for name in _known:
        sys.modules.pop(name, None)
    _known.clear()


def place_of(error: BaseException | None) -> str:
    """Say where in somebody's code it happened: file and line, without the message, which may quote a caller."""
    frames = extract_tb(error.__traceback__) if error else []
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _module(name: str, folder: Path) -> ModuleType:
    if str(folder) not in sys.path:
        # Last, so that a file which is named like a module of somebody else hides nothing from anybody.
        sys.path.append(str(folder))
    importlib.invalidate_caches()
    lost = {known: (file, None) for known, (file, _) in _known.items()}
    if any(stamp != _stamp(file) for file, stamp in _known.values()):
        forget()
    before = set(sys.modules)
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:  # whatever somebody's module does as it is imported
        _known.update(lost)  # one of them may be what has to be mended
        if file := _file(name, folder):
            _known[name] = file, None
        _note(set(sys.modules) - before, folder)  # what it had imported by then stays, and may change
        raise FunctionError(_not_imported(name, error)) from error
    _note(set(sys.modules) - before, folder)
    _check_place(name, folder)
    return module


def _file(name: str, folder: Path) -> Path | None:
    """Give the file in the configuration's folder that is a module of this name; None: there is none."""
    path = folder.joinpath(*name.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def _note(imported: set[str], folder: Path) -> None:
    """Remember what came from the configuration's folder; what is installed there does not change under us."""
    for name in imported:
        written = getattr(sys.modules[name], "__file__", None)
        file = Path(written).resolve() if written else None
        if file and file.is_relative_to(folder) and "site-packages" not in file.parts:
            _known[name] = file, _stamp(file)


def _stamp(file: Path) -> _Stamp:
    try:
        status = file.stat()
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
        raise FunctionError(f"another module named {top!r} stands before {mine[0]}: give yours another name")


def _function(module: ModuleType, path: str) -> Callable[..., Any]:
    found: Any = module
    for name in path.split("."):
        if not hasattr(found, name):
            raise FunctionError(f"there is no {name!r} in it{did_you_mean(name, vars(found))}")
        found = getattr(found, name)
    if not callable(found) or inspect.isclass(found):
        raise FunctionError(f"is a {'class' if inspect.isclass(found) else type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return]  # it is callable
