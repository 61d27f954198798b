"""What runs for a configuration: tools and applications that it names."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.tools import Readers
from hooks import tools
from hooks.functions import FunctionError, find
from hooks.transports import hook_schemes
from media.platforms import PLATFORMS
from verbs.tools import ToolError

EXAMPLE = "such as my_agent:answer"
NODE = "such as my_model:answer"


def _function(target: str, folder: Path) -> Callable[..., Any]:
    try:
        function = find(target, folder, example=EXAMPLE)
    except FunctionError as error:
        raise ToolError(str(error)) from error
    if wanting := _wanting(function):
        told = f"{' and '.join(map(repr, wanting))} {'have' if wanting[1:] else 'has'} no default"
        raise ToolError(f"{target}: is called with the call alone, and {told}")
    return function


def _node(target: str, folder: Path) -> Callable[..., Any]:
    try:
        function = find(target, folder, example=NODE)
    except FunctionError as error:
        raise ToolError(str(error)) from error
    if not (inspect.isasyncgenfunction(function) or inspect.iscoroutinefunction(function)):
        raise ToolError(f"{target}: must be an async function: `async def`, with `yield` for each piece of the answer")
    return function


def _wanting(function: Callable[..., Any]) -> list[str]:
    """Name what a function must be given besides a call; nothing of one that does not say what it takes."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return []
    required = [parameter for parameter in parameters if parameter.default is parameter.empty]
    positional = [each.name for each in required if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    return [*positional[1:], *(each.name for each in required if each.kind is each.KEYWORD_ONLY)]


READERS = Readers(tools.read, _function, PLATFORMS, hook_schemes, _node)
