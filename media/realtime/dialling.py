"""Where a model that speaks OpenAI's protocol is reached, and with which key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from media.realtime import models
from media.realtime.base import Dial, JsonObject, ModelError
from media.realtime.dialect import Dialect
from verbs.llm import Llm
from verbs.vendors import KEY_HEADERS, VENDORS

REFUSED_HEADERS = frozenset({"openai-beta"})
"OpenAI closes a session that asks for its beta, since 2026-05-12 (close code 4000)."


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def with_model(llm: Llm, query: dict[str, str]) -> dict[str, str]:
    """Name the model in the query, where nothing names one there.

    :raises ModelError: nothing does, and the vendor has no default
    """
    return query if query.get("model") else {**query, "model": _named(llm)}


@dataclass(frozen=True, slots=True)
class Dialler:
    """Called as `base.Vendor.dial`; the fields are what differs from vendor to vendor."""

    path: str = "v1/realtime"
    "Of a host that a verb names without one."
    authorize: Callable[[str], dict[str, str]] = bearer
    "The headers that carry a key."
    query: Callable[[Llm, dict[str, str]], dict[str, str]] = with_model

    def __call__(self, llm: Llm, *, url: str, api_key: str) -> Dial:
        """Say where this verb's session is to be reached, with the key that may go there.

        The key of the configuration goes to the configured host only; a verb that names another brings its own.

        :raises ModelError: no address, no key for that host, or no model
        """
        options = llm.connect_options or {}
        target = address(options, url, self.path)
        if not target.netloc:
            raise ModelError(f"no address: set vendors.{llm.vendor}.url, or connectOptions.host in the verb")
        theirs = _strings(options.get("headers"))
        ours = api_key if (target.scheme, target.netloc) == urlsplit(url)[:2] else ""
        key = (llm.auth or {}).get("apiKey") or ours
        brought = any(name.lower() in KEY_HEADERS for name in theirs)
        if not (key or brought or VENDORS[llm.vendor].keyless):
            remedy = f"set auth.apiKey in the verb, or vendors.{llm.vendor}.api_key"
            raise ModelError(f"no key for {target.hostname}: {remedy}")
        headers = self.authorize(key) if key and not brought else {}
        headers |= {name: value for name, value in theirs.items() if name.lower() not in REFUSED_HEADERS}
        query = self.query(llm, queried(options, target))
        return Dial(urlunsplit(target._replace(query=urlencode(query))), headers)


dial = Dialler()


def model_of(llm: Llm, dialect: Dialect) -> tuple[str, str | None]:
    """Say which model a verb asks for, and what to tell whoever named one that is gone."""
    options = llm.connect_options or {}
    in_url = queried(options, address(options, "", "")).get("model")
    name = in_url or llm.model or VENDORS[llm.vendor].model or ""
    return models.resolve_model(name) if dialect.of_openai else (name, None)


def address(options: JsonObject, url: str, path: str) -> SplitResult:
    """Say where `connectOptions` lead to: a URL, a host with a path, or else the configured `url`."""
    named = str(options.get("url") or url)
    if host := options.get("host"):
        path = str(options.get("path") or path).lstrip("/")
        named = f"{_scheme(host)}://{host}/{path}"
    try:
        return urlsplit(named)
    except ValueError:  # such as an IPv6 address that does not end
        return urlsplit("")


def queried(options: JsonObject, target: SplitResult) -> dict[str, str]:
    return dict(parse_qsl(target.query, keep_blank_values=True)) | _strings(options.get("query"))


def _named(llm: Llm) -> str:
    known = VENDORS[llm.vendor]
    if name := llm.model or known.model:
        return name
    raise ModelError(f"no model: set `model` in the verb, vendor {llm.vendor} has no default")


def _scheme(host: str) -> str:
    return "ws" if host.split(":", maxsplit=1)[0] in {"127.0.0.1", "localhost"} else "wss"


def _strings(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}
