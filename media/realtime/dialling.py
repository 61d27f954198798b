"""Where a model that speaks OpenAI's protocol is reached, and with which key."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from media.realtime import legacy
from media.realtime.base import Dial, ModelError
from verbs import connecting
from verbs.llm import Llm

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def dial(llm: Llm, *, url: str, api_key: str) -> Dial:
    """Where this verb's session is to be reached, with the key that may go there.

    The key of the configuration goes to the configured host only; a verb that names another brings its own.

    :raises ModelError: no key for that host, or `connectOptions` that no socket can be opened with
    """
    options = {name: _as_text(value) for name, value in (llm.connect_options or {}).items()}
    if fault := next(connecting.faults(options), None):
        raise ModelError(fault)
    target = urlsplit(options.get("url") or url)
    if host := options.get("host"):
        path, _, asked = (options.get("path") or "v1/realtime").partition("?")
        target = urlsplit(f"{_scheme(host)}://{host}/{path.lstrip('/')}?{asked}")
    own = (llm.auth or {}).get("apiKey")
    ours = api_key if (target.scheme, target.netloc) == urlsplit(url)[:2] else ""
    if not (own or ours):
        raise ModelError(f"no key for {target.hostname}: set auth.apiKey in the verb, or vendors.openai.api_key")
    bearer = f"Bearer {own or ours}"
    if not connecting.fits_header(bearer):
        raise ModelError(f"{'auth.apiKey' if own else 'vendors.openai.api_key'} must be one line that HTTP can carry")
    query = dict(parse_qsl(target.query, keep_blank_values=True)) | (options.get("query") or {})
    query.setdefault("model", legacy.resolve_model(llm.model)[0])
    headers = {"Authorization": bearer} | (options.get("headers") or {})
    return Dial(urlunsplit(target._replace(query=urlencode(query, errors="replace"))), headers)


def _scheme(host: str) -> str:
    return "ws" if urlsplit(f"//{host}").hostname in LOOPBACK else "wss"


def _as_text(value: Any) -> Any:
    """Read numbers as the texts that they are in a header and a URL."""
    if isinstance(value, Mapping):
        return {str(name): _as_text(inner) for name, inner in value.items()}
    return str(value) if isinstance(value, int | float) else value
