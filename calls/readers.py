"""What runs for a configuration: tools and applications that it names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.tools import Readers
from hooks import tools
from hooks.functions import FunctionError, find
from verbs.tools import ToolError

EXAMPLE = "such as my_agent:answer"


def _function(target: str, folder: Path) -> Callable[..., Any]:
    try:
        return find(target, folder, example=EXAMPLE)
    except FunctionError as error:
        raise ToolError(str(error)) from error


READERS = Readers(tools.read, _function)
