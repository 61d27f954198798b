"""The applications of examples/, as a user has them: read from their files, served on a free port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from aiohttp import web

from tests.live.serving import serving_application

EXAMPLES = Path(__file__).parents[2] / "examples"


def module_of(name: str) -> ModuleType:
    spec = spec_from_file_location(f"example_{name}", EXAMPLES / name / "app.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def config_of(name: str, *, application: str, model: str) -> dict[str, Any]:
    """Give an example's configuration with the addresses of this run in it."""
    config: dict[str, Any] = yaml.safe_load((EXAMPLES / name / "config.yaml").read_text(encoding="utf-8"))
    config["hooks"]["base_url"] = application
    return {**config, "vendors": {"openai": {"api_key": "sk-of-the-example", "url": model}}}


@asynccontextmanager
async def serving_routes(*routes: web.RouteDef) -> AsyncIterator[str]:
    application = web.Application()
    application.add_routes(routes)
    async with serving_application(application) as url:
        yield url
