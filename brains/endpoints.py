"""From what is written of a model to what is sent: which server, under which name, with which headers and body.

The keys are Tavus' (docs.tavus.io, persona/llm): `model`, `base_url`, `api_key`, `headers`, `extra_body`,
`default_query`. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from brains.base import Question
from brains.context import ChatContext
from brains.presets import ALIASES, OWNERS, PROVIDERS, Auth, Provider
from verbs.base import JsonObject, did_you_mean, shown

PATH = "/chat/completions"
OURS = frozenset({"messages", "stream", "stream_options"})
"What `extra_body` cannot say: it is the conversation's."
CUSTOM = Provider("an OpenAI-compatible server", local=True)
AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
KEY_HEADERS = frozenset({"authorization", "api-key", "x-api-key"})
# OpenAI's guide "Reasoning models": these are refused with 400, and Vapi sends a temperature whatever the model.
REASONING = re.compile(r"(gpt-5(?!-chat)|o[134](-|$))")
NOT_OF_REASONING = frozenset(
    {
        *("temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias"),
        "stop",
    }
)
MOST_TOKENS = ("max_tokens", "max_completion_tokens")


class NamingError(ValueError):
    """There is no such model to be had; `key` is the setting that is to be mended."""

    def __init__(self, message: str, key: str = "model") -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked, and how."""

    url: str
    model: str
    provider: Provider
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    extra_body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    key: str = field(default="", repr=False)
    needs_key: bool = False
    "Whether nobody has said a key where one is wanted."

    def not_taken(self, question: Question) -> list[str]:
        """Name what was asked for that the model would refuse; what the operator has written is left to it."""
        reasons = REASONING.match(self.model.rpartition("/")[2])
        return sorted(NOT_OF_REASONING & question.settings.keys()) if reasons else []

    def body(self, question: Question, context: ChatContext) -> JsonObject:
        """Write the request. What `extra_body` says goes before what the asker says."""
        left_out = self.not_taken(question)
        said = ((name, value) for name, value in question.settings.items() if name not in left_out)
        settings = {name: value for name, value in said if value is not None}
        most = next((settings.pop(name) for name in MOST_TOKENS if name in settings), None)
        body: JsonObject = {"model": self.model, "messages": context.messages, **settings}
        if most is not None:
            body[self.provider.max_tokens] = most
        if question.tools:
            body["tools"] = list(question.tools)
            if question.tool_choice is not None:
                body["tool_choice"] = question.tool_choice
        body["stream"] = question.stream
        if question.stream and self.provider.reports_usage:
            body["stream_options"] = {"include_usage": True}
        return body | {name: value for name, value in self.extra_body.items() if name not in OURS}


def named(model: str, provider: str = "") -> tuple[str, str]:
    """Give the provider and its name for a model: of `provider/model`, or of a name that LiveKit has for it.

    :raises NamingError: nobody is known to have it
    """
    if provider and provider_of(provider) not in PROVIDERS:
        raise NamingError(f"unknown provider {shown(provider)}{did_you_mean(provider, PROVIDERS)}", "provider")
    served = OWNERS.get(model.lower(), ())
    if served:
        wanted = provider_of(provider)
        found = [entry for entry in served if not provider or entry[0] == wanted]
        return found[0] if found else (wanted, model)
    if provider:
        owner = "openai/" if provider_of(provider) == "azure" else f"{provider}/"
        return provider_of(provider), model.removeprefix(owner)
    first, slash, rest = model.partition("/")
    if provider_of(first) in PROVIDERS:
        return provider_of(first), rest
    if slash:
        raise NamingError(
            f"unknown provider {shown(first)}{did_you_mean(first, PROVIDERS)}; known: {', '.join(PROVIDERS)}; "
            "any other OpenAI-compatible server: name it in base_url"
        )
    raise NamingError(f"names no provider: write it as provider/model, such as openai/{model}, or set base_url")


def provider_of(name: str) -> str:
    return ALIASES.get(name.lower(), name.lower())


def endpoint(  # the settings of one model
    model: str,
    *,
    provider: str = "",
    base_url: str = "",
    api_key: str = "",
    headers: Mapping[str, str] | None = None,
    extra_body: Mapping[str, Any] | None = None,
    default_query: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Endpoint:
    """Say where a model is asked. `environ` supplies the key and the address that are not written.

    :raises NamingError: it cannot be asked; says what to write
    """
    variables = environ or {}
    known, name = (CUSTOM, model) if base_url and not provider else _known(model, provider)
    address = base_url or variables.get(known.url_name, "") or known.base_url
    if not address:
        raise NamingError(f"{known.title}: {known.advice}", "base_url" if known.variables else "model")
    if not name:
        raise NamingError("is missing: which model shall be asked?")
    auth = known.auth if known is not CUSTOM else _auth_at(address)
    key = api_key or next((variables[name] for name in known.key_names if variables.get(name)), "")
    sent = {"api-key": key} if auth == "api-key" else {"Authorization": f"Bearer {key}"}
    if known is CUSTOM:
        known = known._replace(auth=auth, local=auth == "bearer")
    given = _merged(sent if key else {}, headers or {})
    brought = any(name.lower() in KEY_HEADERS for name in given)
    own_address = address == known.base_url or not known.base_url
    return Endpoint(
        url_of(address, default_query or {}),
        name,
        known,
        given,
        extra_body or {},
        key,
        needs_key=own_address and not (brought or known.local),
    )


def url_of(base_url: str, query: Mapping[str, Any]) -> str:
    """Give where questions are posted: `/chat/completions` behind the path, unless it was typed; the queries merged."""
    parts = urlsplit(base_url)
    path = parts.path.rstrip("/").removesuffix(PATH).rstrip("/") + PATH
    merged = {
        **dict(parse_qsl(parts.query, keep_blank_values=True)),
        **{name: _said(value) for name, value in query.items()},
    }
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(merged), ""))


def _known(model: str, provider: str) -> tuple[Provider, str]:
    found, name = named(model, provider)
    return PROVIDERS[found], name


def _auth_at(base_url: str) -> Auth:
    """Azure takes a key in a header of its own; any other server, as OpenAI."""
    host = (urlsplit(base_url).hostname or "").lower()
    return "api-key" if host.endswith(AZURE_HOSTS) else "bearer"


def _merged(under: Mapping[str, str], over: Mapping[str, str]) -> dict[str, str]:
    """Headers are names whatever their case."""
    names = {name.lower() for name in over}
    return {**{name: value for name, value in under.items() if name.lower() not in names}, **over}


def _said(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
