"""What a scene is played on: the server under test, the rehearsal model and the hook receiver, each on a free port."""

import json
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import yaml

from sim.children import child
from sim.happening import Watcher
from sim.hooks import HookReceiver
from sim.human import named
from sim.model_log import Diary
from sim.platform.bodies import identify
from sim.platform.client import Dial
from sim.platform.manner import Manner
from sim.platform.rest import Account, RestPlatform
from sim.platform.rooms import Rooms
from sim.portal import Portal, portal
from sim.scene import Scene
from sim.server_log import ServerLog

JsonObject = dict[str, Any]
SERVER = (str(Path(__file__).parent.parent / "app.py"), "serve")
BASE = Path(__file__).parent / "server.yaml"
MODEL_KEY = (
    "the-rehearsal-model-needs-no-key"  # unlike any word of a call, for the server takes keys out of what it tells
)
SECRET_BYTES = 32
USERNAME = "rehearsal"


@dataclass(frozen=True, slots=True)
class Secrets:
    """Made for one run."""

    webhook: str
    "Signs the platform's webhooks."
    hooks: str
    "whsec_…: signs the server's hooks."
    password: str = ""
    "Of the control socket, which is not signed; empty: none."


def new_secrets(transport: str) -> Secrets:
    password = secrets.token_hex(SECRET_BYTES) if transport == "ws" else ""
    signs = "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return Secrets(secrets.token_hex(SECRET_BYTES), signs, password)


@dataclass(frozen=True, slots=True)
class Stage:
    portal: Portal
    receiver: HookReceiver | None = None
    diary: Diary | None = None
    server_log: ServerLog | None = None
    rest: RestPlatform | None = None
    "The platform's REST API, in a scene in which it calls somebody."


def configuration(
    scene: Scene, receiver_url: str, made: Secrets, model_url: str = "", api: JsonObject | None = None
) -> JsonObject:
    """Return the config.yaml of the server under test.

    `model_url` is where the model of a native scene is, `api` what it is told of the platform's REST API.
    """
    base = yaml.safe_load(BASE.read_text(encoding="utf-8"))
    ours = {
        "platform": {"webhook_secrets": [made.webhook], **_basic_auth(made), **(api or {})},
        "hooks": {"base_url": receiver_url, "secrets": [made.hooks]},
    }
    llm = scene.llm
    if scene.wire == "beta":
        llm = laid_over({"connectOptions": {"host": urlsplit(model_url).netloc}}, llm)
    routes = {"routes": [_route(scene, llm, *base["routes"])]}
    whole: JsonObject = laid_over(laid_over(base, ours | routes), scene.server)
    return whole


def _basic_auth(made: Secrets) -> JsonObject:
    return {"basic_auth": {"username": USERNAME, "password": made.password}} if made.password else {}


def _route(scene: Scene, llm: JsonObject, base: JsonObject) -> JsonObject:
    verbs = [laid_over(verb, llm) if verb["verb"] == "llm" else verb for verb in base["verbs"]]
    route: JsonObject = laid_over({**base, "verbs": verbs}, scene.route)
    return route


def laid_over(below: Any, above: Any) -> Any:
    """Merge mappings key by key; anything else of `above` replaces what is below."""
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {key: laid_over(below.get(key), value) for key, value in above.items()}
    return above


@asynccontextmanager
async def whole_stage(
    scene: Scene,
    scene_file: Path,
    logs: Path,
    watch: Watcher,
    server: Sequence[str] = SERVER,
    *,
    transport: str = "webhook",
) -> AsyncIterator[Stage]:
    """Start all three; `logs` is the folder for what they write, and is there."""
    transport = scene.call.transport or transport
    made = new_secrets(transport)
    receiver = HookReceiver(scene.hooks, watch, made.hooks)
    async with AsyncExitStack() as stack:
        # With its secrets, for this run only.
        config = Path(stack.enter_context(TemporaryDirectory(prefix="hookswitch-"))) / "config.yaml"
        receiver_url = await stack.enter_async_context(receiver.serving())
        events = logs / "model-events.log"
        events.unlink(missing_ok=True)
        says = ["-m", "sim", "model", "--port", "0", "--scene", str(scene_file)]
        says += ["--log", str(events), "--wire", scene.wire]
        model = await stack.enter_async_context(child("the rehearsal model", says, logs / "model.log"))
        rest = _rest(scene, watch, made)
        api = await stack.enter_async_context(_api(rest)) if rest else None
        written = configuration(scene, receiver_url, made, model.url, api)
        # JSON is YAML, without anchors.
        config.write_text(json.dumps(written, indent=1), encoding="utf-8")
        serves = [*server, "--config", str(config), "--port", "0"]
        environ = server_environ(model.url)
        log = logs / "server.log"
        served = await stack.enter_async_context(child("the server", serves, log, environ))
        auth = (USERNAME, made.password) if made.password else None
        entered = portal(served.url, transport, made.webhook, auth=auth, status=scene.call.status)
        yield Stage(entered, receiver, Diary(events), ServerLog(log), rest)


def _rest(scene: Scene, watch: Watcher, made: Secrets) -> RestPlatform | None:
    """Make the REST API of a scene that calls somebody. Whoever orders a call says where its application is."""
    if scene.call.human is None:
        return None
    nobody = Dial(identify("", "", lambda: ""), "", None, made.webhook, Manner(rooms=Rooms()))
    account = Account(nobody, secrets.token_hex(SECRET_BYTES))
    return RestPlatform(account, named(watch), scene.call.human.behaviour())


@asynccontextmanager
async def _api(rest: RestPlatform) -> AsyncIterator[JsonObject]:
    async with rest.serving() as base_url:
        account = rest.account
        yield {"api": {"base_url": base_url, "account_sid": account.account_sid, "api_key": account.api_key}}


def server_environ(model_url: str) -> Mapping[str, str]:
    """Point a server at the rehearsal model."""
    return {"OPENAI_REALTIME_URL": model_url, "OPENAI_API_KEY": MODEL_KEY}
