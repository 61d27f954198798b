"""The key of a model's account, in a whole server: said to the model, and to nobody else."""

import json
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from tests.live.serving import LLM, Application, Platform, a_config, serving, serving_application, until

CONFIGURED = "of-the-configuration-0001"
OF_A_VERB = "of-a-single-verb-0002"
"Neither looks like a key: what hides it knows it."


@pytest.mark.claim("P17", "J7")
@pytest.mark.parametrize("key", [CONFIGURED, OF_A_VERB])
async def test_p17_a_key_that_the_model_refuses_with_its_own_words_stands_in_no_log_and_no_hook(
    tmp_path: Path, key: str
) -> None:
    shown: list[str] = []

    async def refuse(request: web.Request) -> web.WebSocketResponse:
        shown.append(request.headers["Authorization"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        error = {"type": "invalid_request_error", "code": "invalid_api_key", "message": f"Incorrect API key: {key}"}
        await socket.send_str(json.dumps({"type": "error", "error": error}))
        await socket.close(code=3000, message=f"invalid key {key}".encode())
        return socket

    model = web.Application()
    model.router.add_get("/v1/realtime", refuse)
    application = Application()
    verb = LLM | ({"auth": {"apiKey": key}} if key == OF_A_VERB else {})
    async with (
        serving_application(model) as url,
        application.serving() as hooks,
        ClientSession() as client,
    ):
        vendor = {"api_key": CONFIGURED, "url": f"{url.replace('http', 'ws')}/v1/realtime"}
        config = a_config(None, hooks, route={"verbs": [verb]}, vendor=vendor)
        async with serving(tmp_path, config) as running:
            platform = Platform(client, running.url)
            document = await platform.ring()
            await platform.open(document)
            await platform.ended(document)
            await until(lambda: application.bodies("/final"))
    assert shown[0] == f"Bearer {key}"
    logged = running.journal.getvalue()
    assert "conversation_ended" in logged
    assert "Incorrect API key" in logged, "the model's words are told, but for the key"
    assert key not in logged
    assert key not in json.dumps(application.received)
