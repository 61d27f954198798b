"""`python -m sim run` (`make run`): the server, and with no key for a real model the rehearsal model beside it."""

import asyncio
import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from dotenv import dotenv_values

from sim.children import ChildError, child
from sim.stage import SERVER, server_environ

KEY, URL = "OPENAI_API_KEY", "OPENAI_REALTIME_URL"
NOTICE = (
    "No OPENAI_API_KEY: the rehearsal model answers at {url} (not an AI, it follows a script). "
    "To go live: set OPENAI_API_KEY in the environment or in .env, and start again."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="F", help="the configuration (default: config.yaml)")


def main(options: Namespace) -> int:
    try:
        return asyncio.run(_run(options.config))
    except ChildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def needs_rehearsal(environ: Mapping[str, str], dotenv: Mapping[str, str | None]) -> bool:
    """Tell whether there is neither a key nor an address of a model. An empty value is none."""
    return not any(environ.get(name) or dotenv.get(name) for name in (KEY, URL))


async def _run(config: Path | None) -> int:
    dotenv = dotenv_values((config or Path("config.yaml")).parent / ".env")
    async with AsyncExitStack() as stack:
        environ: Mapping[str, str] = {}
        if needs_rehearsal(os.environ, dotenv):
            command = ["-m", "sim", "model", "--port", "0"]
            model = await stack.enter_async_context(child("the rehearsal model", command, None))
            environ = server_environ(model.url)
            print(NOTICE.format(url=model.url), flush=True)
        return await _serve(config, environ)


async def _serve(config: Path | None, environ: Mapping[str, str]) -> int:
    """Run the server in the foreground, hand it our signals, and return its exit code."""
    given = ["--config", str(config)] if config else []
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *SERVER,
        *given,
        env={**os.environ, **environ},
        start_new_session=True,  # or Ctrl-C would reach it twice: from the terminal, and from us
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, process.send_signal, number)
    code = await process.wait()
    return code if code >= 0 else 128 - code
