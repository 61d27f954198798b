"""Who may ask what: one decision, made from facts alone.

Every path is guarded by a secret. Where that secret is not configured, the path answers a caller on this
machine only, and only one who came straight: a loopback peer, a loopback `Host` (else a web page could reach
us by DNS rebinding), no trace of a proxy (a tunnel such as ngrok or cloudflared is a loopback peer too), and
no foreign `Origin` (else any page in a browser on this machine could place calls).
"""

import binascii
import hmac
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from typing import Literal, assert_never

from aiohttp import web

from media.platforms.base import Signature

PathClass = Literal[
    "webhook",  # POST /call, /call/status, /adulting: signature or basic auth
    "control",  # GET /call + Upgrade: basic auth; nobody signs it (feature-server lib/utils/ws-requestor.js)
    "discovery",  # OPTIONS /call: sent bare by the portal's API server (api-server lib/utils/appenv_utils.js)
    "ticket",  # media, /call/ended, /call/hook: the ticket in the path is the secret, checked by its handler
    "admin",  # /api, /console: bearer token
    "metrics",  # bearer token, unless metrics_public
    "brain",  # /brains, /v1: a token of those that ask brains, or the admin's
    "open",  # /healthz, /readyz
]

PROXY_HEADERS = re.compile(
    r"forwarded|x-forwarded-.*|cf-.*|via|x-real-ip|x-original-.*|(x|true)-client-ip|tailscale-.*|ngrok-.*"
)
HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")
SCHEME = re.compile(r"^https?://")
UNSIGNED = Signature("absent")

KEY_TO_SET: dict[PathClass, str] = {
    "webhook": "platform.webhook_secrets or platform.basic_auth",
    "control": "platform.basic_auth",
    "discovery": "platform.webhook_secrets or platform.basic_auth",
    "admin": "server.admin_token",
    "metrics": "server.admin_token or server.metrics_public",
    "brain": "server.brains_token, or tokens of the brain,",
}


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is configured; an empty string is not a secret."""

    signed_webhooks: bool = False
    "platform.webhook_secrets holds at least one."
    basic_auth: tuple[str, str] | None = None
    "platform.basic_auth: user name and password."
    admin_token: str = ""
    metrics_public: bool = False
    brain_tokens: tuple[str, ...] = ()
    "Of server.brains_token, and of the brain that is asked."
    insecure: bool = False
    "server.insecure: the operator vouches for the network between the platform and us."


@dataclass(frozen=True, slots=True)
class Facts:
    """All of a request that the decision may rest on."""

    path: PathClass
    peer: str | None
    "Address of the other end of the TCP connection, never one that a header tells."
    host: str | None
    "The `Host` header; None where there is none, or more than one."
    origin: str | None = None
    proxied_by: str | None = None
    "Name of the first header that a proxy leaves."
    authorization: str = ""
    signature: Signature = UNSIGNED


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not: 401 where a secret is configured and was not shown; 403 where none is, to a request from afar."""

    status: Literal[401, 403]
    code: str
    message: str
    challenge: str | None = None
    "Value for WWW-Authenticate."
    skew_s: int | None = None
    "How far two clocks are apart, where that is why."
    reason: str = ""
    "Which of the several things that one code stands for; empty where the code says it."


def decide(facts: Facts, secrets: Secrets) -> Refusal | None:
    """Return None where the request may go on."""
    match facts.path:
        case "open" | "ticket":
            return None
        case "webhook":
            return _platform(facts, secrets, signed=secrets.signed_webhooks)
        case "control":
            return _platform(facts, secrets, signed=False)
        case "discovery":
            guarded = secrets.signed_webhooks or secrets.basic_auth or secrets.insecure
            return None if guarded else _only_local(facts)
        case "metrics" if secrets.metrics_public:
            return None
        case "admin" | "metrics" | "brain":
            own = secrets.brain_tokens if facts.path == "brain" else ()
            tokens = [token for token in (*own, secrets.admin_token) if token]
            return _bearer(facts, tokens) if tokens else _only_local(facts)
        case _:
            assert_never(facts.path)


def is_authenticated(facts: Facts, secrets: Secrets) -> bool:
    """Tell whether a webhook has shown a secret of the platform's; one that may be answered need not have."""
    shown = secrets.basic_auth and _same(_basic(facts.authorization), ":".join(secrets.basic_auth).encode())
    return (secrets.signed_webhooks and facts.signature.state == "valid") or bool(shown)


def is_loopback(address: str | None) -> bool:
    """Tell whether a peer's address is this machine; a name is not an address."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:  # a dual-stack socket's IPv4 peer
        return parsed.ipv4_mapped.is_loopback
    return parsed.is_loopback


def _platform(facts: Facts, secrets: Secrets, *, signed: bool) -> Refusal | None:
    """One proof is enough, but a wrong signature is never outweighed."""
    if not signed and secrets.basic_auth is None:
        return None if secrets.insecure else _only_local(facts)
    if signed and facts.signature.state in {"wrong", "stale"}:
        return _mistrusted(facts.signature)
    if signed and facts.signature.state == "valid":
        return None
    if secrets.basic_auth is None:
        return Refusal(401, "unsigned", "the webhook is not signed")
    if _same(_basic(facts.authorization), ":".join(secrets.basic_auth).encode()):
        return None
    message = "basic auth is missing or wrong"
    return Refusal(401, "unauthorized", message, challenge='Basic realm="hookswitch", charset="UTF-8"')


def _mistrusted(signature: Signature) -> Refusal:
    if signature.state == "wrong":
        return Refusal(401, "wrong_signature", "the signature matches none of platform.webhook_secrets")
    skew_s = signature.skew_s
    when = f"{skew_s} s ago" if skew_s > 0 else f"{-skew_s} s ahead of our clock"
    message = f"the webhook was signed {when}: set the clocks of both machines; if they are right, it is an old one"
    return Refusal(401, "stale_signature", message, skew_s=skew_s)


def _bearer(facts: Facts, tokens: Sequence[str]) -> Refusal | None:
    scheme, _, shown = facts.authorization.partition(" ")
    # Each is compared: how long it takes tells nothing of which.
    if scheme.lower() == "bearer" and any([_same(_bytes(shown.strip()), token.encode()) for token in tokens]):  # noqa: C419
        return None
    whose = "a token of this brain" if facts.path == "brain" else "the admin token"
    message = f"send {whose}: Authorization: Bearer <token>"
    return Refusal(401, "unauthorized", message, challenge='Bearer realm="hookswitch"')


def _only_local(facts: Facts) -> Refusal | None:
    strange = _not_local_because(facts)
    if strange is None:
        return None
    reason, sentence = strange
    message = f"{sentence}; without {KEY_TO_SET[facts.path]} only a direct request from this machine is answered"
    return Refusal(403, "not_trusted", message, reason=reason)


def _not_local_because(facts: Facts) -> tuple[str, str] | None:
    """Give the reason in a word and in a sentence."""
    if not is_loopback(facts.peer):
        return "another_machine", "the request comes from another machine"
    if facts.proxied_by is not None:
        return "proxied", f"the request came through a proxy (it carries {facts.proxied_by})"
    if not _names_loopback(facts.host):
        return "foreign_host", "the Host header is not a loopback name"
    if facts.origin is not None and not _names_loopback(SCHEME.sub("", facts.origin)):
        return "foreign_origin", "the request was made by a web page of another origin"
    return None


def _names_loopback(host: str | None) -> bool:
    found = HOST.fullmatch(host or "")
    name = found["name"].strip("[]").lower() if found else None
    return name == "localhost" or is_loopback(name)


def _basic(authorization: str) -> bytes:
    """Return `user:password`; empty where the header holds no basic auth."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return b64decode(_bytes(encoded.strip()), validate=True)
    except binascii.Error:
        return b""


def _same(shown: bytes, secret: bytes) -> bool:
    # compare_digest tells the length apart; two digests are of one length.
    return hmac.compare_digest(sha256(shown).digest(), sha256(secret).digest())


def _bytes(header: str) -> bytes:
    # aiohttp decodes header bytes that are no UTF-8 into surrogates.
    return header.encode("utf-8", "surrogateescape")


def facts_of(request: web.Request, path: PathClass, *, signature: Signature = UNSIGNED) -> Facts:
    hosts = request.headers.getall("Host", [])
    return Facts(
        path=path,
        peer=request.remote,
        host=hosts[0] if len(hosts) == 1 else None,
        origin=request.headers.get("Origin"),
        proxied_by=next((name for name in request.headers if PROXY_HEADERS.fullmatch(name.lower())), None),
        authorization=request.headers.get("Authorization", ""),
        signature=signature,
    )


def refused(refusal: Refusal) -> web.Response:
    """Answer a refusal; no value of the request is echoed."""
    headers = {"Cache-Control": "no-store"}
    if refusal.challenge is not None:
        headers["WWW-Authenticate"] = refusal.challenge
    body = {"error": {"code": refusal.code, "message": refusal.message}}
    return web.json_response(body, status=refusal.status, headers=headers)
