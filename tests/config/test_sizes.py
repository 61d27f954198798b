"""A document that no control socket can carry is refused before a call needs it."""

import re
from typing import Any

import pytest

from calls.document import as_bytes
from config import ConfigError, Settings
from config.sizes import MAX_DOCUMENT_BYTES
from media.platforms import PLATFORMS
from tests.calls.exchange import PLACE, Exchange, JsonObject, in_virtual_time, settings_of
from tests.config.conftest import Load

LLM = "{verb: llm, vendor: openai, llmOptions: {response_create: {instructions: %s}}}"


def complaints(loaded: Load, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refusal:
        loaded(f"store: memory://\n{text}")
    return [str(complaint).partition("yaml:")[2] for complaint in refusal.value.complaints]


def test_the_limit_is_the_platforms() -> None:
    dialect = PLATFORMS["jambonz"].control
    assert dialect
    assert dialect.max_document_bytes == MAX_DOCUMENT_BYTES


@pytest.mark.parametrize("key", ["verbs", "fallback", "busy"])
def test_a_route_whose_document_is_too_long_is_refused_with_its_name_and_size(loaded: Load, key: str) -> None:
    long = f"[{{verb: say, text: {'x' * 25_000}}}]"
    others = "" if key == "verbs" else "verbs: [{verb: hangup}], "
    [complaint] = complaints(loaded, f"routes: [{{name: sales, {others}{key}: {long}}}]")
    assert re.search(rf"2:\d+: routes\[0\]\.{key}: the document of route 'sales' has 250\d\d bytes as it", complaint)
    assert complaint.endswith("jambonz reads 24320 at most on its websocket API: shorten its texts")


def test_the_fallback_leaves_with_the_document(loaded: Load) -> None:
    verbs = f"[{{verb: say, text: {'x' * 13_000}}}, {LLM % 'Help.'}]"
    route = f"{{name: a, verbs: {verbs}, fallback: [{{verb: say, text: {'y' * 13_000}}}]}}"
    assert ["routes[0].verbs" in complaint for complaint in complaints(loaded, f"routes: [{route}]")] == [True]


def test_what_the_model_is_told_does_not_leave(loaded: Load) -> None:
    loaded(f"store: memory://\nroutes: [{{name: a, verbs: [{LLM % ('x' * 30_000)}]}}]")


def test_unless_the_platform_carries_it_out(loaded: Load) -> None:
    verb = LLM.replace("llmOptions", "auth: {apiKey: k}, connectOptions: {host: h.example}, llmOptions") % (
        "x" * 25_000
    )
    [complaint] = complaints(loaded, f"routes: [{{name: a, llm_mode: native, verbs: [{verb}]}}]")
    assert "routes[0].verbs: the document of route 'a' has 25" in complaint


def test_the_key_and_the_tools_that_leave_with_it_count() -> None:
    platform: JsonObject = {"basic_auth": {"username": "jambonz", "password": "pw"}}
    vendors = {"openai": {"url": "wss://llm.example.com/v1", "api_key": "k" * 2_000}}
    tools = {"look": {"url": "https://app.example.com/look", "description": "d" * 2_000, "parameters": {}}}

    def settings(instructions: str, **sections: Any) -> Settings:
        options = {"response_create": {"instructions": instructions}}
        llm = {"verb": "llm", "vendor": "openai", "model": "m", "connectOptions": {"host": "llm.example.com"}}
        verbs = [{**llm, "toolHook": "/tool", "llmOptions": options}]
        return settings_of({"llm_mode": "native", "verbs": verbs, "tools": tools}, **sections)

    @in_virtual_time
    async def story() -> None:
        sections: JsonObject = {"platform": platform, "vendors": vendors, "server": {"public_url": PLACE.public_url}}
        exchange = Exchange(settings("x", **sections))
        exchange.authenticated = True
        size_bytes = len(as_bytes(await exchange.ring()))
        assert size_bytes > 4_000
        longest = "x" * (MAX_DOCUMENT_BYTES - size_bytes + 1)
        assert any(f"has {MAX_DOCUMENT_BYTES} bytes" in told for told in settings(longest, **sections).warnings)
        with pytest.raises(ConfigError, match="24321 bytes"):
            settings(longest + "x", **sections)
        settings(longest + "x", **(sections | {"platform": {}, "server": {}}))  # then the key does not leave

    story()


def test_a_document_with_another_fault_has_that_complaint_alone(loaded: Load) -> None:
    [complaint] = complaints(loaded, f"routes: [{{name: a, verbs: [{{verb: say, txt: {'x' * 25_000}}}]}}]")
    assert "unknown property 'txt'" in complaint


@pytest.mark.parametrize("text", ["x" * 20_000, "é" * 4_000])
def test_what_is_measured_is_what_leaves(text: str) -> None:
    def settings(text: str) -> Settings:
        menu = {"verb": "gather", "actionHook": "/menu", "say": {"text": text}}
        server = {"public_url": PLACE.public_url, "insecure": True}
        return settings_of({"verbs": [menu]}, server=server)

    @in_virtual_time
    async def story() -> None:
        size_bytes = len(as_bytes(await Exchange(settings(text)).ring()))
        longest = text + "x" * (MAX_DOCUMENT_BYTES - size_bytes)
        assert len(as_bytes(await Exchange(settings(longest)).ring())) == MAX_DOCUMENT_BYTES
        with pytest.raises(ConfigError, match="24321 bytes"):
            settings(longest + "x")

    story()
