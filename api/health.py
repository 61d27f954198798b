"""Alive and ready, for load balancers and supervisors. Neither tells anything about a call."""

from collections.abc import Callable

from aiohttp import web

from calls.switchboard import Switchboard
from store.base import Store

# Why there is no place for a new call; what a human reads beside the code.
REASONS = {
    "starting": "the server is starting",
    "draining": "the server is shutting down; live calls go on, new ones go elsewhere",
    "full": "server.max_calls calls are live",
    "degraded": "something that calls need is failing; the log names it",
}
RETRY_AFTER_S = 5


def state_of(switchboard: Switchboard, store: Store) -> str | None:
    """Say what keeps a server that has started from taking a new call, as `routes` wants it."""
    if switchboard.draining:
        return "draining"
    if trouble := store.degraded:
        return f"degraded: nothing can be written to the store ({trouble}); calls go on in memory"
    if short := switchboard.shortage:
        return f"degraded: {short}"
    return "full" if switchboard.full else None


def routes(state: Callable[[], str | None]) -> list[web.RouteDef]:
    """Serve `/healthz` and `/readyz`; `state()` is None when ready, else a key of REASONS.

    `key: detail` replaces the key's sentence by the detail.
    """

    async def alive(_: web.Request) -> web.Response:
        return _answer({"status": "ok"})

    async def ready(_: web.Request) -> web.Response:
        return readiness(state())

    return [web.get("/healthz", alive), web.get("/readyz", ready)]


def readiness(state: str | None) -> web.Response:
    if state is None:
        return _answer({"status": "ready"})
    code, _, detail = state.partition(":")
    message = detail.strip() or REASONS.get(code, code)
    body = {"error": {"code": code, "message": message}}
    return _answer(body, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})


def _answer(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers={"Cache-Control": "no-store", **(headers or {})})
