"""Where a model that speaks OpenAI's protocol is reached, and with which key."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from media.realtime import legacy
from media.realtime.base import Dial, ModelError
from verbs.llm import Llm


def dial(llm: Llm, *, url: str, api_key: str) -> Dial:
    """Where this verb's session is to be reached, with the key that may go there.

    The key of the configuration goes to the configured host only; a verb that names another brings its own.

    :raises ModelError: no key for that host
    """
    options = llm.connect_options or {}
    target = urlsplit(str(options.get("url") or url))
    if host := options.get("host"):
        path, _, asked = str(options.get("path") or "v1/realtime").partition("?")
        target = urlsplit(f"{_scheme(host)}://{host}/{path.lstrip('/')}?{asked}")
    own = (llm.auth or {}).get("apiKey")
    ours = api_key if (target.scheme, target.netloc) == urlsplit(url)[:2] else ""
    if not (own or ours):
        raise ModelError(f"no key for {target.hostname}: set auth.apiKey in the verb, or vendors.openai.api_key")
    query = dict(parse_qsl(target.query, keep_blank_values=True)) | _strings(options.get("query"))
    query.setdefault("model", legacy.resolve_model(llm.model)[0])
    headers = {"Authorization": f"Bearer {own or ours}"} | _strings(options.get("headers"))
    return Dial(urlunsplit(target._replace(query=urlencode(query))), headers)


def _scheme(host: str) -> str:
    return "ws" if host.split(":", maxsplit=1)[0] in {"127.0.0.1", "localhost"} else "wss"


def _strings(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}
