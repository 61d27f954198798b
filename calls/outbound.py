"""The proof that a call, or what is told of it, is one that we have placed: it goes out with the call and comes back.

A tag comes back with the call's webhook (jambonz: customerData), and anybody with access to the platform's API can
write one. So the route that a call of ours takes, and the hook to which its answering machine is told, travel with a
signature. They hold for as long as a call may ring; nothing has to be remembered, here or in another process. Pure.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

TAG = "hookswitch"
"The key of the tag that is ours."
RINGS_S = 900
CONTEXT = b"hookswitch outbound 1\0"
"Keeps these signatures apart from all others that the same secret may make."
MAC_BYTES = 16
MAX_CHARS = 4096


class Placed(NamedTuple):
    route: str
    "The route that was asked for by name; nothing: by its number, as any other."
    amd_hook: str = ""
    "Who wants to know whether a machine has answered, as documents write hooks."
    consult: str = ""
    "The name of the transfer for which it is made; nothing: for none."


def seal(placed: Placed, secret: bytes, *, now_s: float) -> str:
    """Write it as a text that needs no escaping in a URL. `now_s`: Unix time."""
    told = json.dumps([*placed, round(now_s) + RINGS_S]).encode()
    return base64.urlsafe_b64encode(_mac(told, secret) + told).decode().rstrip("=")


def unseal(text: object, secret: bytes, *, now_s: float) -> Placed | None:
    """Read what `seal` has written; None for any other text, and after its time."""
    if not isinstance(text, str) or len(text) > MAX_CHARS or not text.isascii():
        return None
    try:
        signed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    mac, told = signed[:MAC_BYTES], signed[MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(told, secret)):
        return None
    *placed, until_s = json.loads(told)
    return Placed(*placed) if now_s <= until_s else None


def placed_call(attributes: Mapping[str, Any], secret: bytes, *, now_s: float) -> Placed | None:
    """Tell whether the call that this webhook announces is one of ours."""
    tag = attributes.get("customerData")
    return unseal(tag.get(TAG), secret, now_s=now_s) if isinstance(tag, dict) else None


def _mac(told: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, CONTEXT + told, "sha256")[:MAC_BYTES]
