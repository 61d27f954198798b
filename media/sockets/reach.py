"""Reaching a model: dialled, and again where that may help."""

import asyncio
import ssl
from typing import NamedTuple

from structlog.typing import FilteringBoundLogger
from websockets.exceptions import InvalidProxyStatus, InvalidStatus, WebSocketException

from egress.guard import BlockedError
from media.realtime.base import ModelError, ModelRefused, Realtime, SessionOpened
from media.realtime.dial import Dial
from media.sockets.connecting import connect
from media.sockets.model import Deaf, Ears, ModelSocket

RETRY_S = (0.5, 1.0, 2.0)
"How long after each failed dial the next one starts."
REFUSED = {401: "invalid_api_key", 403: "invalid_api_key", 404: "model_not_found"}
"Answers at the upgrade that another try would not change."
PROXY_REFUSED = {403, 405, 407}
"Answers of a proxy that another try would not change: it knows us not, or may not connect to that port."

MAX_DIGITS = 6
MAX_TOLD = 200
"Characters of what a model says that are told of it."


class Failure(NamedTuple):
    """Why a model was not reached."""

    reason_code: str
    message: str
    final: bool
    "Whether another try is of no use."
    wait_s: float = 0.0
    "How long the model wants to be left alone first."
    blocked: str = ""
    "Of an address that must not be dialled: which, and why. For the log alone: whoever has named it may be probing."


async def reach(
    dial: Dial, ears: Ears, *, tls: ssl.SSLContext, connect_timeout_s: float, dial_s: float, log: FilteringBoundLogger
) -> Failure | None:
    """Dial until the ears have a model, or for `dial_s`, whatever is sooner."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + dial_s
    for pause_s in (*RETRY_S, None):
        timeout_s = min(connect_timeout_s, max(give_up_at - loop.time(), 0.1))
        failure = await _dial_once(dial, ears, tls=tls, timeout_s=timeout_s)
        if failure is None:
            return None
        event = "egress.blocked" if failure.blocked else "model_connect_failed"
        log.warning(event, reason_code=failure.reason_code, message=failure.blocked or failure.message)
        if failure.final or pause_s is None:
            break
        wait_s = max(pause_s, failure.wait_s)
        if loop.time() + wait_s >= give_up_at:
            break
        await asyncio.sleep(wait_s)
    return failure


class _Leaving(Deaf):
    """Ears of somebody who only looks in, and hears whether they are let in."""

    def __init__(self, model: Realtime) -> None:
        self.socket: ModelSocket | None = None
        self.welcome: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        self._model = model

    def model_opened(self, socket: ModelSocket) -> None:
        self.socket = socket
        if not self._model.can.speak_first:
            self._settle(None)

    def model_said(self, wire: bytes) -> None:
        try:
            meaning = self._model.receive(wire).meaning
        except ModelError as error:
            self._settle(
                Failure("model_bad_events", f"what the model said is not of its protocol: {error}", final=True)
            )
            return
        match meaning:
            case SessionOpened():
                self._settle(None)
            case ModelRefused(code, message) if not meaning.harmless:
                self._settle(Failure(code, f"the model refused the session: {code}: {message[:MAX_TOLD]}", final=True))
            case _:
                pass

    def model_lost(self, code: int | None, reason: str) -> None:
        told = f"the model closed the connection at once ({code or 'broken off'}{': ' if reason else ''}{reason})"
        self._settle(Failure("connect_failed", told, final=True))

    def _settle(self, failure: Failure | None) -> None:
        if not self.welcome.done():
            self.welcome.set_result(failure)


async def tried(
    dial: Dial, model: Realtime, *, tls: ssl.SSLContext, timeout_s: float, session_timeout_s: float
) -> Failure | None:
    """Reach the model once, key and all, and leave it when it has opened a session.

    A wrong key is refused by some after the upgrade only: by an `error` in place of `session.created`, or by closing
    with 3000.
    """
    ears = _Leaving(model)
    failure = await _dial_once(dial, ears, tls=tls, timeout_s=timeout_s)
    if ears.socket is None:
        return failure
    try:
        async with asyncio.timeout(session_timeout_s):
            return await ears.welcome
    except TimeoutError:
        told = f"the model took the connection, but opened no session within {session_timeout_s:g} s"
        return Failure("session_timeout", told, final=False)
    finally:
        await ears.socket.close()


async def _dial_once(dial: Dial, ears: Ears, *, tls: ssl.SSLContext, timeout_s: float) -> Failure | None:
    try:
        await connect(dial, ears, tls=tls, timeout_s=timeout_s)
    except InvalidStatus as refusal:
        status = refusal.response.status_code
        reason_code = REFUSED.get(status, "connect_failed")
        wait_s = _seconds(refusal.response.headers.get("Retry-After", ""))
        return Failure(reason_code, f"the model answered HTTP {status}", status in REFUSED, wait_s)
    except InvalidProxyStatus as refusal:
        status = refusal.response.status_code
        return Failure("connect_failed", f"the proxy answered HTTP {status}", status in PROXY_REFUSED)
    except ssl.SSLCertVerificationError as failure:
        told = f"the model's certificate is not trusted: {failure.verify_message}; see vendors.*.tls"
        return Failure("connect_failed", told, final=True)
    except (OSError, WebSocketException) as failure:
        return _unreached(failure)
    except ValueError as failure:
        return Failure("connect_failed", str(failure), final=True)
    return None


def _unreached(failure: Exception) -> Failure:
    if isinstance(failure, BlockedError):
        why = f"{failure.address} {failure.why}"
        return Failure("connect_failed", "the model's address is blocked", final=True, blocked=why)
    return Failure("connect_failed", f"the model cannot be reached: {type(failure).__name__}", final=False)


def _seconds(retry_after: str) -> float:
    """Read a Retry-After in seconds; a date, which no realtime model sends, counts as none."""
    return float(retry_after) if retry_after.isdecimal() and len(retry_after) < MAX_DIGITS else 0.0
