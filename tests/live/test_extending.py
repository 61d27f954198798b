"""Somebody else's distribution beside the server: what it adds is found, passes the contract, and carries a call."""

import asyncio
import json
import re
import shutil
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession, web

from calls.extending import Extension
from tests.contracts import under_test
from tests.extension import EXAMPLE, ROOT, SAMPLES, install, python
from tests.live.serving import FRAME, PATIENCE_S, WEBHOOK_SECRET, Platform, listen_in, rehearsing, until
from tests.properties import FEW

JsonObject = dict[str, Any]
PAGE = ROOT / "docs" / "extending.md"
BLOCKS = dict(re.findall(r"^```\w+\n# (\S+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))
"The files that the page shows, by their names."
CONTRACT = ("-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", str(ROOT / "tests" / "contracts"))
FOUND = [
    "platform 'pbx' by hookswitch-acme 1.0.0 (hookswitch_acme.platform:PLATFORM)",
    "tool 'prices' by hookswitch-acme 1.0.0 (hookswitch_acme.tool:read)",
    "transport 'unix' by hookswitch-acme 1.0.0 (hookswitch_acme.transport:UnixTransport)",
    "vendor 'acme' by hookswitch-acme 1.0.0 (hookswitch_acme.vendor:VENDOR)",
]


def ran(environ: Mapping[str, str], *arguments: str, folder: Path = ROOT) -> tuple[int, str]:
    done = subprocess.run(  # noqa: S603  # our own commands
        python(*arguments), cwd=folder, env=dict(environ), capture_output=True, text=True, timeout=50, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(BLOCKS["config.yaml"], encoding="utf-8")
    return path


def test_the_page_shows_the_very_files_that_are_tested() -> None:
    modules = [f"hookswitch_acme/{name}.py" for name in ("vendor", "platform", "tool", "transport")]
    assert sorted(BLOCKS) == sorted(["config.yaml", "pyproject.toml", *modules])
    for name in ("pyproject.toml", *modules):
        assert BLOCKS[name] == (EXAMPLE / name).read_text(encoding="utf-8"), name


def test_what_is_installed_is_found_with_whom_it_is_from(tmp_path: Path, config: Path) -> None:
    code, told = ran(install(tmp_path / "installed"), "app.py", "check", "--config", str(config))
    first, *others = told.splitlines()
    assert (code, first) == (0, f"{config}: no complaints; routes: shop")
    assert others[-4:] == FOUND


def test_a_server_that_wants_what_is_broken_does_not_start_and_says_why(tmp_path: Path, config: Path) -> None:
    environ = install(tmp_path / "installed", vendor=("PCM = ", "import acme_sdk\n\nPCM = "))
    code, told = ran(environ, "app.py", "serve", "--port", "0", "--config", str(config))
    assert code == 2
    assert "unknown vendor 'acme'; known: openai" in told
    assert (
        "vendor 'acme' by hookswitch-acme 1.0.0 (hookswitch_acme.vendor:VENDOR) is left out: it cannot be loaded: "
        "ModuleNotFoundError: No module named 'acme_sdk', at vendor.py:11; mend it, or uninstall hookswitch-acme"
    ) in told


def test_the_example_passes_the_contract_from_anywhere(tmp_path: Path) -> None:
    environ = install(tmp_path / "installed")
    few = f"--hypothesis-profile={FEW}"  # that the tests run is to be shown, not what they find
    code, told = ran(environ, *CONTRACT, few, "--extensions", str(SAMPLES), folder=tmp_path)
    assert (code, "FAILED" in told) == (0, False), told


WRONG = {
    "vendor": ("unknown=OF_OPENAI | {", 'unknown=OF_OPENAI | {"tools", '),
    "platform": ("self._odd_byte.join(b64decode(payload.encode(), validate=True))", "b64decode(payload)[:1]"),
    "tool": ("courier.soon(answer, ", "answer("),
    "transport": ("if fault := request.reach.fault(request.url):", "if fault := None:"),
}
CAUGHT_BY = {
    "vendor": "test_l22_the_documented_verb_is_said_in_the_vendors_words[acme]",
    "platform": "test_a_recorded_call_starts_once_and_loses_no_sample[media-8k]",
    "tool": "test_a_call_gets_one_answer_whatever_is_asked[ok-prices0]",
    "transport": "test_what_leads_nowhere_fails_in_time_and_says_no_secret[a stranger's-unix]",
}


def test_one_that_breaks_the_contract_is_told_so(tmp_path: Path) -> None:
    environ = install(tmp_path / "installed", **WRONG)
    some = " or ".join(name.partition("[")[0] for name in CAUGHT_BY.values())
    code, told = ran(environ, *CONTRACT, "--extensions", str(SAMPLES), "-k", some)
    failed = re.findall(r"^FAILED \S+?::(.*?)(?: - .*)?$", told, re.MULTILINE)
    assert code == 1, told
    assert set(CAUGHT_BY.values()) <= set(failed), told


def test_where_nothing_is_installed_the_contract_has_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "scope", replace(under_test.scope))
    good, broken = Extension("tool", "a", "b 1", "c:D"), Extension("tool", "a", "b 1", "c:D", "it is broken")
    monkeypatch.setattr(under_test, "extensions", tuple)
    with pytest.raises(pytest.UsageError, match=r"no extension is installed .*: see docs/extending.md"):
        under_test.look_at_what_is_installed(SAMPLES)
    monkeypatch.setattr(under_test, "extensions", lambda: (good, broken))
    with pytest.raises(pytest.UsageError, match=r"tool 'a' by b 1 \(c:D\) is left out: it is broken; mend it, or"):
        under_test.look_at_what_is_installed(SAMPLES)
    assert not under_test.scope.installed


# A call


class Application:
    """An application that listens on a unix socket, and is told by it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, JsonObject]] = []

    @asynccontextmanager
    async def serving(self, path: Path) -> AsyncIterator[None]:
        application = web.Application()
        application.router.add_post("/{path:.*}", self._answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.UnixSite(runner, str(path)).start()
        yield
        await runner.cleanup()

    def bodies(self, path: str) -> list[JsonObject]:
        return [body for asked, body in self.told if asked == path]

    async def _answer(self, request: web.Request) -> web.Response:
        self.told.append((request.path, await request.json()))
        return web.Response(status=204)


@asynccontextmanager
async def served(config: Path, environ: Mapping[str, str]) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Serve in a process of its own, for what is installed is there for good."""
    command = python("app.py", "serve", "--port", "0", "--config", str(config))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=dict(environ), stdout=pipe, stderr=pipe)
    assert process.stdout
    try:
        async with asyncio.timeout(3 * PATIENCE_S):
            line = (await process.stdout.readline()).decode()
        yield line.removeprefix("listening on ").strip(), process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
def for_a_test(config: Path) -> Path:
    """Give the page's configuration, with what a platform and a short life of the server need."""
    written = yaml.safe_load(config.read_text(encoding="utf-8"))
    written |= {"store": "memory://", "server": {"drain_s": 0}}
    written["platform"]["webhook_secrets"] = [WEBHOOK_SECRET]
    config.write_text(json.dumps(written), encoding="utf-8")
    return config


@pytest.fixture
def sockets() -> Iterator[Path]:
    """Give a folder whose name is short enough for a unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="hs"))
    yield folder
    shutil.rmtree(folder)


async def test_a_call_goes_by_somebody_elses_platform_model_tool_and_transport(
    tmp_path: Path, for_a_test: Path, sockets: Path
) -> None:
    script = {"greeting": {"say": "One moment.", "tools": [{"name": "price", "arguments": {"thing": "tea"}}]}}
    application = Application()
    async with rehearsing({**script, "otherwise": "Well."}) as model, application.serving(sockets / "app.sock"):
        installed = install(tmp_path / "installed")
        environ = installed | {"ACME_API_KEY": "k-1", "ACME_REALTIME_URL": model.url, "ACME_SOCKETS": str(sockets)}
        async with served(for_a_test, environ) as (url, process), ClientSession() as client:
            platform = Platform(client, url)
            document = await platform.ring()
            assert "/media/pbx/" in listen_in(document)["url"]
            media = await client.ws_connect(listen_in(document)["url"])
            await media.send_json({"event": "start", "call_sid": "c-1"})
            await media.send_json({"event": "media", "payload": b64encode(FRAME).decode()})
            async with asyncio.timeout(PATIENCE_S):
                assert (await media.receive_json())["event"] == "media"
            await until(lambda: outputs(model.heard))
            await media.close()
            assert await platform.ended(document, call_status="completed") == []
            await platform.post("/call/status", {"call_sid": "c-1", "call_status": "completed"})
            await until(lambda: application.bodies("/final") and application.bodies("/status"))
            process.terminate()
            _, log = await process.communicate()
    assert process.returncode == 0
    assert [json.loads(output) for output in outputs(model.heard)] == [{"price": "3.20"}]
    assert [tool["name"] for tool in model.heard[0]["session"]["tools"]] == ["price"]
    assert {"session.created", "response.done"} <= {body["type"] for body in application.bodies("/event")}
    assert application.bodies("/final")[0]["reason_code"] == "caller_hung_up"
    told = [json.loads(line) for line in log.decode().splitlines()]
    assert [line["message"] for line in told if line["event"] == "extension"] == FOUND


def outputs(heard: list[JsonObject]) -> list[str]:
    items = [event["item"] for event in heard if event["type"] == "conversation.item.create"]
    return [item["output"] for item in items if item["type"] == "function_call_output"]
