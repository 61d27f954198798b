"""An operator changes the settings of a spoken call, with the whole server and the rehearsal model."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.live.serving import FRAME, LLM, Platform, a_config, rehearsing, serving, until_audio

TALK = {key: value for key, value in LLM.items() if key != "actionHook"}
TOKEN = "token-of-the-operators"


@pytest.mark.claim("P1", "P4", "P12", "P36")
async def test_p12_settings_are_changed_refused_by_the_model_and_taken_to_a_new_session(tmp_path: Path) -> None:
    async with rehearsing() as model, ClientSession() as client:
        config = a_config(model, None, route={"verbs": [TALK]}, server={"admin_token": TOKEN})
        async with serving(tmp_path, config) as running:
            platform = Platform(client, running.url)
            media = await platform.open(await platform.ring())
            await media.send_bytes(FRAME * 2)
            await until_audio(media)

            async def patch(**settings: Any) -> tuple[int, Any]:
                headers = {"Authorization": f"Bearer {TOKEN}"}
                async with client.patch(f"{running.url}/api/calls/c-1/llm", json=settings, headers=headers) as answer:
                    return answer.status, await answer.json()

            changed = {"instructions": {"old": "Help.", "new": "Be brief."}}
            assert await patch(instructions="Be brief.") == (200, {"changed": changed})
            told = len(model.told())
            assert await patch(instructions="Be brief.") == (200, {"changed": {}})
            assert len(model.told()) == told
            status, answer = await patch(session_properties={"mood": "sunny"}, tool_choice="none")
            assert (status, answer["error"]["code"], answer["error"]["param"]) == (
                422,
                "unknown_parameter",
                "session.mood",
            )
            assert (await patch(tool_choice="none"))[1]["changed"]["tool_choice"]["old"] is None
            status, answer = await patch(voice="ash")
            assert (status, answer["error"]["code"]) == (409, "session_fixed")
            status, answer = await patch(voice="ash", model="gpt-realtime-2", recycle=True)
            assert (status, answer["recycled"], answer["changed"]["model"]["new"]) == (200, True, "gpt-realtime-2")
            [begun] = [event for event in model.heard if event["type"] == "session.update"][-1:]
            assert (len(model.sessions), begun["session"]["instructions"]) == (2, "Be brief.")
            assert begun["session"]["audio"]["output"]["voice"] == "ash"
            await media.close()
    assert "request_failed" not in running.journal.events()
