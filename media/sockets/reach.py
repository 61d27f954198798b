"""Reaching a model: dialled, and again where that may help."""

import asyncio
import ssl
from typing import NamedTuple

from structlog.typing import FilteringBoundLogger
from websockets.exceptions import InvalidProxyStatus, InvalidStatus, WebSocketException

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


class Failure(NamedTuple):
    """Why a model was not reached."""

    reason_code: str
    message: str
    final: bool
    "Whether another try is of no use."
    wait_s: float = 0.0
    "How long the model wants to be left alone first."


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
        log.warning("model_connect_failed", reason_code=failure.reason_code, message=failure.message)
        if failure.final or pause_s is None:
            break
        wait_s = max(pause_s, failure.wait_s)
        if loop.time() + wait_s >= give_up_at:
            break
        await asyncio.sleep(wait_s)
    return failure


class _Leaving(Deaf):
    """Ears of somebody who only looks in."""

    socket: ModelSocket | None = None

    def model_opened(self, socket: ModelSocket) -> None:
        self.socket = socket


async def tried(dial: Dial, *, tls: ssl.SSLContext, timeout_s: float) -> Failure | None:
    """Reach the model once, key and all, and leave it at once."""
    ears = _Leaving()
    failure = await _dial_once(dial, ears, tls=tls, timeout_s=timeout_s)
    if ears.socket:
        await ears.socket.close()
    return failure


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
        return Failure("connect_failed", f"the model cannot be reached: {type(failure).__name__}", final=False)
    except ValueError as failure:
        return Failure("connect_failed", str(failure), final=True)
    return None


def _seconds(retry_after: str) -> float:
    """Read a Retry-After in seconds; a date, which no realtime model sends, counts as none."""
    return float(retry_after) if retry_after.isdecimal() and len(retry_after) < MAX_DIGITS else 0.0
