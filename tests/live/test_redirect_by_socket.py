"""A `redirect` verb over a control socket: the fake platform does with its hook what jambonz does."""

import json
from pathlib import Path

from aiohttp import web

from sim.happening import Happening
from sim.platform.bodies import identify
from sim.platform.client import Dial, LiveCall
from tests.live.serving import Application, a_config, serving

NEXT = [{"verb": "answer"}, {"verb": "pause", "length": 0.1}, {"verb": "hangup"}]


async def test_the_call_stays_on_its_socket_and_goes_on(tmp_path: Path) -> None:
    application = Application()
    application.answers["/next"] = lambda: web.Response(text=json.dumps(NEXT), content_type="application/json")
    seen: list[Happening] = []
    async with application.serving() as behind:
        route = {"verbs": [{"verb": "redirect", "actionHook": "/next", "statusHook": "/told"}]}
        async with serving(tmp_path, a_config(None, behind, route=route)) as running:
            socket = running.url.replace("http", "ws", 1)
            ids = iter(["c-1", "account", "application", "call-id", "trace-id"])
            identity = identify("+15557654321", "+15551230001", lambda: next(ids), None)
            over = await LiveCall(
                Dial(identity, f"{socket}/call", "/told-by-the-portal", "rehearsal"), seen.append
            ).run()
    assert (over.call_status, over.failed) == ("completed", False)
    asked = [happening for happening in seen if happening.name == "to_app:session:redirect"]
    assert [happening.text.rpartition("/")[0] for happening in asked] == ["/call/hook"]
    assert len(application.bodies("/next")) == 1
    # The path that the portal names is nowhere else than on the socket.
    assert application.bodies("/told")[-1]["call_status"] == "completed"
