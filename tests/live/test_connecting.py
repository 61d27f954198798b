"""Whole calls whose model is not reached straight."""

from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.live.proxy import WHO_IN_URL, Proxy, a_proxy
from tests.live.serving import (
    LLM,
    WEBHOOK_SECRET,
    Application,
    Platform,
    a_config,
    a_good_call,
    rehearsing,
    serving,
)


@pytest.mark.claim("J27", "connectOptions")
@pytest.mark.parametrize("whose", ["the configuration's", "the verb's"])
async def test_a_call_through_a_proxy(tmp_path: Path, whose: str) -> None:
    proxy = Proxy()
    async with (
        rehearsing() as model,
        Application().serving() as base,
        a_proxy(proxy) as url,
        ClientSession() as client,
    ):
        verb = (
            LLM if whose == "the configuration's" else LLM | {"auth": {"apiKey": "k"}, "connectOptions": {"proxy": url}}
        )
        vendor = {"proxy": url} if verb is LLM else {}
        secrets = {"webhook_secrets": [WEBHOOK_SECRET]}
        config = a_config(model, base, route={"verbs": [verb]}, vendor=vendor, platform=secrets)
        async with serving(tmp_path, config) as running:
            await a_good_call(Platform(client, running.url))
    assert [request.split()[1] for request in proxy.asked] == [model.url.split("/")[2]]
    assert WHO_IN_URL.partition(":")[2] not in running.journal.getvalue()
