"""The architecture, enforced: who may import whom, and where the outside world comes in.

Every import in the tree is looked at, also those under `if` and inside functions.
"""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Each room, and the rooms it may import, ground to top. What is not listed may not be imported.
ROOMS: dict[str, set[str]] = {
    "verbs": set(),
    "cost": set(),
    "store": set(),
    "logs": {"repeats"},
    "repeats": set(),
    "garbage": set(),
    "extensions": set(),
    "tasks": set(),
    "once": set(),
    "egress": {"verbs"},
    "brains": {"verbs", "egress"},
    "config": {"verbs", "egress", "cost", "brains"},
    "media": {"verbs", "egress", "extensions", "cost", "once"},
    "hooks": {"verbs", "egress", "store", "tasks", "extensions"},
    "calls": {"verbs", "egress", "cost", "brains", "config", "media", "hooks", "store", "tasks", "once", "extensions"},
    "api": {"verbs", "brains", "config", "media", "hooks", "store", "calls"},
    "console": {"verbs", "config", "media", "hooks", "store", "calls"},
    "app": {"verbs", "config", "media", "hooks", "store", "calls", "api", "console", "cli", "logs", "tasks", "garbage"},
    "cli": {"verbs", "config", "media", "hooks", "store", "calls", "logs", "doctor"},
    "doctor": {"calls", "config", "egress", "hooks", "media"},
    "hookswitch": {"verbs", "hooks"},  # what applications in Python import
    "sim": set(),  # so that a misreading of a protocol cannot sit on both sides
    "bench": {"verbs", "media"},  # the sockets, for the relay in Python; the bridge alone
}
DEVELOPMENT = {"sim", "bench"}  # nobody imports these
STRANGERS = [("media/platforms/", "media/realtime/")]  # two legs that never see each other

# Where the network is: everything else is pure and is tested without a socket.
DOORS = (
    *("app.py", "media/sockets/", "media/rest.py", "hooks/transports/", "hooks/applications/", "brains/upstream.py"),
    "hooks/mcp/connection.py",  # speaks by a package, which takes a client of ours
    *("egress/door.py", "egress/names.py", "store/writer.py", "api/", "console/", "doctor.py"),
)
# Tasks, but no network.
RUNNING = ("hooks/dispatcher.py", "hooks/draining.py", "hooks/mcp/line.py", "hooks/mcp/servers.py", "hooks/working.py")
CALLS = (
    *("adulting", "answering", "arriving", "bounds", "brains", "consults", "course", "dispatchers", "leg", "legs"),
    *("live", "lost", "midcall", "native", "natives", "recorder", "recovery", "retention", "seeking", "sessions"),
    *("standing", "stopping", "switchboard", "transfers", "waiting"),
)
ONE_CALL = tuple(f"calls/{name}.py" for name in CALLS)
NETWORK = {"aiohttp", "websockets", "httpx", "httpx2", "mcp", "mcp_types", "socket", "socketserver", "ssl"}
NETWORK |= {"http.client", "http.server", "urllib.request"}
KEPT: list[tuple[set[str], tuple[str, ...]]] = [
    (NETWORK, DOORS),
    ({"asyncio"}, (*DOORS, "tasks.py", "once.py", *RUNNING, *ONE_CALL)),
    ({"threading"}, ("hooks/working.py", "egress/names.py")),
    ({"sqlalchemy", "aiosqlite", "sqlite3"}, ("store/",)),
    ({"audioop"}, ("media/audio.py",)),
    ({"numpy", "samplerate"}, ("media/resample.py",)),
    ({"tests"}, ("tests/",)),
]
MAX_LINES = 300

IMPORTS = (ast.Import, ast.ImportFrom)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def complaints(sources: Mapping[str, str]) -> list[str]:
    """Check a tree, given as path → source; each complaint names a file and what is wrong with it."""
    return sorted({*between_rooms(sources), *at_the_doors(sources), *in_each_file(sources)})


def between_rooms(sources: Mapping[str, str]) -> Iterator[str]:
    arrows = {path: set(files_imported(path, sources)) - {path} for path in sources}
    for path, imported in ((path, imported) for path, there in arrows.items() for imported in there):
        if room_of(path) != room_of(imported) and room_of(imported) not in ROOMS.get(room_of(path), set()):
            yield f"{path} imports {imported}: {room_of(path)} may not know {room_of(imported)}"
        for one, other in STRANGERS:
            if {one, other} == {side for side in (one, other) for file in (path, imported) if file.startswith(side)}:
                yield f"{path} imports {imported}: they never see each other"
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as cycle:
        yield "imports in a circle: " + ", ".join(sorted(set(cycle.args[1])))


def at_the_doors(sources: Mapping[str, str]) -> Iterator[str]:
    production = (path for path in sources if room_of(path) not in DEVELOPMENT)
    imports = [(path, name) for path in production for name in names_imported(path, sources[path])]
    for (path, name), (modules, places) in product(imports, KEPT):
        if not path.startswith(places) and any(f"{name}.".startswith(f"{module}.") for module in modules):
            yield f"{path} imports {name}: only {', '.join(places)} may"


def in_each_file(sources: Mapping[str, str]) -> Iterator[str]:
    for path, source in sources.items():
        if room_of(path) not in ROOMS:
            yield f"{path} stands in no room: add {room_of(path)} to ROOMS, and say whom it may know"
        if room_of(path) not in DEVELOPMENT and len(source.splitlines()) > MAX_LINES:
            yield f"{path} has more than {MAX_LINES} lines: it holds two things"
        functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTIONS)]
        if any(isinstance(node, IMPORTS) for function in functions for node in ast.walk(function)):
            yield f"{path} imports inside a function: that hides what it stands on"


def room_of(path: str) -> str:
    return path.partition("/")[0].removesuffix(".py")


def files_imported(path: str, sources: Mapping[str, str]) -> Iterator[str]:
    """Yield the files of the tree that one file imports; `from verbs import llm` is verbs/llm.py where there is one."""
    modules = {module_of(file): file for file in sources}
    for name in names_imported(path, sources[path]):
        parts = name.split(".")
        prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
        yield from [modules[prefix] for prefix in prefixes if prefix in modules][:1]


def names_imported(path: str, source: str) -> Iterator[str]:
    package = [*module_of(path).split("."), *(["__init__"] if path.endswith("__init__.py") else [])]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = [*(package[: -node.level] if node.level else []), *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def the_tree() -> dict[str, str]:
    """Return all source of the repository but its tests; what starts with a dot (.venv) is not ours."""
    paths = sorted(path.relative_to(ROOT) for path in ROOT.glob("*.py"))
    paths += sorted(path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return {path.as_posix(): (ROOT / path).read_text(encoding="utf-8") for path in paths}


def test_the_tree_is_what_this_page_says() -> None:
    assert "\n".join(complaints(the_tree())) == ""


def test_every_folder_with_code_is_a_room() -> None:
    known = {*ROOMS, "tests", "docs", "examples", "deploy"}
    folders = {path.relative_to(ROOT).parts[0] for path in ROOT.glob("[!._]*/**/*.py")}
    assert folders <= known


GOOD = {
    "verbs/__init__.py": "from importlib import import_module",
    "verbs/llm.py": "import json\nfrom verbs.base import Verb",
    "verbs/base.py": "",
    "media/sockets/": "import asyncio, websockets\nfrom aiohttp import web\nfrom media import bridge",
    "media/bridge.py": "from urllib.parse import quote\nfrom verbs.llm import Llm",
    "api/media.py": "from ..media import sockets",
    "app.py": "import api.media, logs",
    "logs.py": "",
    "sim/model.py": "import aiohttp",
}


def test_a_good_tree_has_no_complaint() -> None:
    assert complaints(GOOD) == []


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("media/bridge.py", "import asyncio", "media/bridge.py imports asyncio: only app.py, media/sockets/"),
        ("media/bridge.py", "from aiohttp.web import Request", "imports aiohttp.web.Request: only"),
        ("media/bridge.py", "from urllib import request", "imports urllib.request: only"),
        ("media/bridge.py", "if x:\n    import socket", "imports socket: only"),
        ("cli.py", "import http.client", "imports http.client: only"),
        ("hooks/dispatcher.py", "import asyncio, ssl", "hooks/dispatcher.py imports ssl: only"),
        ("media/playout.py", "import audioop", "imports audioop: only media/audio.py may"),
        ("media/audio.py", "import numpy as np", "imports numpy: only media/resample.py may"),
        ("verbs/say.py", "from media import bridge", "verbs may not know media"),
        ("verbs/say.py", "from ..media.bridge import x", "verbs may not know media"),
        ("media/hold.py", "import hooks.filter", "media/hold.py imports hooks/filter.py: media may not know hooks"),
        ("hooks/late.py", "from media.bridge import x", "hooks may not know media"),
        ("api/more.py", "import app", "api may not know app"),
        ("app.py", "from sim import model", "app may not know sim"),
        ("sim/call.py", "from verbs.base import Verb", "sim may not know verbs"),
        ("bench/load.py", "import app", "bench may not know app"),
        ("store/sql.py", "from tests import x", "imports tests.x: only tests/ may"),
        ("media/platforms/x.py", "from media.realtime import openai", "they never see each other"),
        ("media/realtime/x.py", "import media.platforms.jambonz", "they never see each other"),
        ("verbs/base.py", "from verbs import llm", "imports in a circle: verbs/base.py, verbs/llm.py"),
        ("verbs/llm.py", "def f():\n    from verbs import base", "verbs/llm.py imports inside a function"),
        ("store/sql.py", "x = 1\n" * 301, "store/sql.py has more than 300 lines"),
        ("helpers/text.py", "", "helpers/text.py stands in no room"),
    ],
)
def test_a_tree_that_breaks_a_rule_is_told_so(path: str, source: str, complaint: str) -> None:
    others = {"hooks/filter.py": "", "media/realtime/openai.py": "", "media/platforms/jambonz/__init__.py": ""}
    found = complaints({**GOOD, **others, path: source})
    assert [text for text in found if complaint in text]


def test_one_fault_is_one_complaint() -> None:
    assert len(complaints({**GOOD, "media/bridge.py": "import asyncio\nimport asyncio"})) == 1
