"""A call that is placed, spoken with, sent elsewhere and hung up by a REST API, with the whole server."""

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from tests.live.serving import (
    FRAME,
    LLM,
    Application,
    JsonObject,
    Platform,
    a_config,
    names,
    rehearsing,
    serving,
    serving_application,
    until,
    until_audio,
    until_closed,
)

TOKEN = "token of the operators"
DIAL: JsonObject = {"verb": "dial", "target": [{"type": "phone", "number": "+15550000000"}], "actionHook": "/dialled"}


class Rest:
    """jambonz' API server and what its feature server then does (create-call.js, update-call.js)."""

    def __init__(self) -> None:
        self.platform: Platform | None = None
        self.document: list[JsonObject] = []
        self.told: list[JsonObject] = []
        self.tag: JsonObject = {}

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_post("/v1/Accounts/acc/Calls", self._create)
        application.router.add_put("/v1/Accounts/acc/Calls/{sid}", self._update)
        return application

    async def _create(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer key-of-the-api"
        body = await request.json()
        self.tag = body["tag"]
        return web.json_response({"sid": "c-1", "callId": "x"}, status=201)

    async def answered(self) -> None:
        """The callee answers: only now is the application asked."""
        assert self.platform
        self.document = await self.platform.ring(direction="outbound", customerData=self.tag)

    async def _update(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.told.append(body)
        if hook := body.get("call_hook"):
            self._asking = asyncio.create_task(self._ask(hook["url"]))
        return web.Response(status=202, text="Accepted")

    async def _ask(self, url: str) -> None:
        assert self.platform
        status, document, _ = await self.platform.post(url, {"call_sid": "c-1", "call_status": "in-progress"})
        assert status == 200
        self.document = document


async def test_a_call_is_placed_and_controlled_by_rest(tmp_path: Path) -> None:
    application, rest = Application(), Rest()
    async with (
        rehearsing() as model,
        application.serving() as base,
        serving_application(rest.application()) as api,
        ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as client,
    ):
        access = {"base_url": api, "account_sid": "acc", "api_key": "key-of-the-api"}
        config = a_config(model, base, route={"verbs": [LLM, DIAL]}, platform={"api": access})
        async with serving(tmp_path, {**config, "server": {"admin_token": TOKEN}}) as running:
            rest.platform = Platform(client, running.url)

            async def ask(path: str, body: Any = None) -> tuple[int, JsonObject]:
                async with client.post(f"{running.url}/api/calls{path}", json=body) as answer:
                    return answer.status, await answer.json()

            order = {"to": "+15551230001", "from": "+15557654321", "route": "r"}
            assert await ask("", order) == (202, {"call_sid": "c-1"})
            await rest.answered()
            media = await rest.platform.open(rest.document)
            await media.send_bytes(FRAME * 2)
            await until_audio(media)

            assert (await ask("/c-1/redirect", {"verbs": [DIAL]}))[0] == 202
            await until_closed(media)
            assert names(await rest.platform.ended(rest.document)) == ["dial", "hangup"]
            assert rest.told == []

            rest.document = []
            assert (await ask("/c-1/redirect", {"verbs": [LLM]}))[0] == 202
            await until(lambda: rest.document)
            media = await rest.platform.open(rest.document)
            await media.send_bytes(FRAME * 2)
            await until_audio(media)

            assert (await ask("/c-1/hangup"))[0] == 202
            await until_closed(media)
            assert await rest.platform.ended(rest.document) == [{"verb": "hangup"}]
            await until(lambda: len(application.bodies("/final")) == 2)
            ends = [(body["reason_code"], body["ended_by"]) for body in application.bodies("/final")]
            assert ends == [("redirected", "operator"), ("operator_hung_up", "operator")]
            assert "key-of-the-api" not in running.journal.getvalue()
