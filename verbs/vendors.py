"""The vendors whose models an `llm` verb can talk with: where they are, and what else the outer rooms must know.

How each of them is spoken to is a file of its own, `media/realtime/<vendor>.py`. A vendor has a line here because the
ground floor refuses an unknown one before any model is dialled, and may not look upstairs for it.
"""

import re
from dataclasses import dataclass

KEY_HEADERS = frozenset({"authorization", "api-key", "x-api-key"})
"A verb that brings one of these in `connectOptions.headers` needs no other key."


MCP = frozenset({"mcp"})


@dataclass(frozen=True, slots=True)
class KnownVendor:
    variables: str
    "Begins the names of what the environment supplies: `…_API_KEY` and `…_REALTIME_URL`."
    url: str = ""
    "Where its models are; nothing: every customer has an address of their own."
    model: str | None = None
    "Asked for where a verb names none; nothing: the vendor has a default; None: a verb must name one."
    keyless: bool = False
    "Whether a server may be reached without a key."
    settings: frozenset[str] = frozenset()
    "Settings of a session that it knows beyond OpenAI's, by their dotted names."
    tools: frozenset[str] = frozenset()
    "The types of the tools that it serves itself."
    serves: str = ""
    "The vendor whose models it serves, voices and all; nothing: they are its own."


VENDORS: dict[str, KnownVendor] = {
    "openai": KnownVendor("OPENAI", "wss://api.openai.com/v1/realtime", "gpt-realtime-2.1", tools=MCP),
    "microsoft": KnownVendor("AZURE_OPENAI", tools=MCP, serves="openai"),
    # docs.x.ai: guides/voice/agent
    "xai": KnownVendor(
        "XAI",
        "wss://api.x.ai/v1/realtime",
        "grok-voice-latest",
        settings=frozenset(
            {
                *("resumption", "audio.input.transcription.language_hint", "audio.input.transcription.keyterms"),
                *("input_audio_transcription.language_hint", "input_audio_transcription.keyterms"),
            }
        ),
        tools=frozenset({"web_search", "x_search", "file_search"}) | MCP,
    ),
    # docs.inworld.ai: realtime/usage/using-realtime-models
    "inworld": KnownVendor(
        "INWORLD",
        "wss://api.inworld.ai/api/v1/realtime/session",
        "",
        settings=frozenset({"audio.output.model", "providerData", "provider_data"}),
    ),
    # alibabacloud.com/help/en/model-studio: omni-realtime-websocket-access (2026-11-06), client-events. Its newest
    # models answer under a customer's own address only.
    "qwen": KnownVendor(
        "DASHSCOPE",
        "wss://dashscope-intl.aliyuncs.com/api-ws/v1/realtime",
        "qwen3.5-omni-flash-realtime",
        settings=frozenset(
            {
                *("enable_search", "max_tokens", "presence_penalty", "repetition_penalty", "search_options", "seed"),
                *("smooth_output", "top_k", "top_p"),
            }
        ),
    ),
    # localai.io: features/openai-realtime
    "localai": KnownVendor(
        "LOCALAI", "ws://localhost:8080/v1/realtime", keyless=True, settings=frozenset({"localai_classifier"})
    ),
    # speaches.ai: usage/realtime-api
    "speaches": KnownVendor(
        "SPEACHES", "ws://localhost:8000/v1/realtime", keyless=True, settings=frozenset({"speech_model"})
    ),
}


_VARIABLES = re.compile(r"[A-Z][A-Z0-9_]*")
_URL = re.compile(r"wss?://[!#-\[\]-z|~]+")
"An address without what would end a text of YAML, or begin a template."


def know(name: str, known: KnownVendor) -> None:
    """Let a vendor be one that verbs may name.

    :raises ValueError: it cannot be; the text says why
    """
    if VENDORS.get(name) is known:
        return
    others = {other.variables: vendor for vendor, other in VENDORS.items()}
    if other := others.get(known.variables):
        raise ValueError(f"its variables {known.variables}_… are those of vendor {other}, whose key they hold")
    if not _VARIABLES.fullmatch(known.variables):
        raise ValueError("the names of its variables must be of A-Z, 0-9 and _, such as ACME")
    if known.url and not _URL.fullmatch(known.url):
        raise ValueError("its url must be a ws:// or wss:// URL")
    VENDORS[name] = known
