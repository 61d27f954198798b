"""Where a model that speaks OpenAI's protocol is reached, and with which key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from media.realtime import models
from media.realtime.base import JsonObject, ModelError
from media.realtime.dial import Dial, Tls
from media.realtime.dialect import Dialect
from verbs import connecting
from verbs.llm import Llm
from verbs.vendors import KEY_HEADERS, VENDORS

REFUSED_HEADERS = frozenset({"openai-beta"})
"OpenAI closes a session that asks for its beta, since 2026-05-12 (close code 4000)."
AS_THE_SYSTEM_HAS_IT = Tls()


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

    def __call__(self, llm: Llm, *, url: str, api_key: str, proxy: str = "", tls: Tls = AS_THE_SYSTEM_HAS_IT) -> Dial:
        """Say where this verb's session is to be reached, and what of the configuration may go there.

        Its key, its proxy and its TLS are for its address, reached as it says: a verb that names another, or a way of
        its own there, brings its own key.

        :raises ModelError: no address, no key for that host, no model, or what no socket can be opened with
        """
        options = _as_text(llm.connect_options or {})
        if fault := next(connecting.faults(options), None):
            raise ModelError(fault)
        target = address(options, url, self.path)
        if not target.netloc:
            raise ModelError(f"no address: set vendors.{llm.vendor}.url, or connectOptions.host in the verb")
        configured = (target.scheme, target.netloc) == urlsplit(url)[:2] and not connecting.leads_elsewhere(options)
        query = urlencode(self.query(llm, queried(options, target)), errors="replace")
        own = options.get("tls") or {}
        return Dial(
            urlunsplit(target._replace(query=query)),
            self._headers(llm, options, target.hostname or "", api_key if configured else ""),
            subprotocols=tuple(options.get("subprotocols") or ()),
            proxy=proxy if configured else options.get("proxy") or "",
            tls=tls if configured else Tls(ca_pem=own.get("ca") or "", server_name=own.get("server_name") or ""),
        )

    def _headers(self, llm: Llm, options: JsonObject, host: str, ours: str) -> dict[str, str]:
        theirs = options.get("headers") or {}
        own = (llm.auth or {}).get("apiKey")
        brought = any(name.lower() in KEY_HEADERS for name in theirs)
        if not (own or ours or brought or VENDORS[llm.vendor].keyless):
            remedy = f"set auth.apiKey in the verb, or vendors.{llm.vendor}.api_key"
            if connecting.leads_elsewhere(options):
                remedy = f"beside `proxy` and `tls` set auth.apiKey, or set vendors.{llm.vendor}.proxy and .tls instead"
            raise ModelError(f"no key for {host}: {remedy}")
        headers = {} if brought or not (own or ours) else self.authorize(str(own or ours))
        if not all(map(connecting.fits_header, headers.values())):
            whose = "auth.apiKey" if own else f"vendors.{llm.vendor}.api_key"
            raise ModelError(f"{whose} must be one line that HTTP can carry")
        return headers | {name: value for name, value in theirs.items() if name.lower() not in REFUSED_HEADERS}


dial = Dialler()


def model_of(llm: Llm, dialect: Dialect) -> tuple[str, str | None]:
    """Say which model a verb asks for, and what to tell whoever named one that is gone."""
    options = llm.connect_options or {}
    in_url = queried(options, address(options, "", "")).get("model")
    name = in_url or llm.model or VENDORS[llm.vendor].model or ""
    return models.resolve_model(name) if dialect.of_openai else (name, None)


def address(options: JsonObject, url: str, path: str) -> SplitResult:
    """Say where `connectOptions` lead to: a URL, a host with a path, or else the configured `url`."""
    try:
        if host := options.get("host"):
            path = str(options.get("path") or path).lstrip("/")
            return urlsplit(connecting.at_host(host, path))
        return urlsplit(str(options.get("url") or url))
    except ValueError:  # such as an IPv6 address that does not end, which dialling refuses
        return urlsplit("")


def queried(options: JsonObject, target: SplitResult) -> dict[str, str]:
    query = options.get("query")
    named = {str(name): str(value) for name, value in query.items()} if isinstance(query, Mapping) else {}
    return dict(parse_qsl(target.query, keep_blank_values=True)) | named


def _named(llm: Llm) -> str:
    known = VENDORS[llm.vendor]
    if name := llm.model or known.model:
        return name
    raise ModelError(f"no model: set `model` in the verb, vendor {llm.vendor} has no default")


def _as_text(value: Any) -> Any:
    """Read numbers as the texts that they are in a header and a URL."""
    if isinstance(value, Mapping):
        return {str(name): _as_text(inner) for name, inner in value.items()}
    return str(value) if isinstance(value, int | float) else value
