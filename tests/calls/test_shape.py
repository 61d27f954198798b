"""What an application gets to see where its route asks for jambonz' own shape."""

import asyncio
import json

import pytest

from media.ends import HANGUP as AGENT
from tests.calls.exchange import LLM, Exchange, in_virtual_time, settings_of, settled
from tests.calls.test_switchboard import end_of

FIRST = {"call_sid": "c-1", "caller_name": "Alice", "call_id": "x", "local_sip_address": "10.0.0.5:5070"}
LATER = {"call_sid": "c-1", "direction": "inbound", "call_status": "in-progress", "fs_sip_address": "10.0.0.5:5070"}


@pytest.mark.claim("J9", "actionHook")
@pytest.mark.parametrize("asked", [True, False])
@in_virtual_time
async def test_an_end_in_jambonz_envelope_holds_what_jambonz_would_tell_whoever_asks(*, asked: bool) -> None:
    exchange = Exchange(settings_of({"verbs": [LLM | {"id": "v1"}], "hooks": {"envelope": "jambonz"}}))
    verbs = await exchange.ring(**FIRST)
    await exchange.open(verbs)
    end_of(exchange.lines.made[0], AGENT)
    if asked:
        await exchange.ended(verbs, digits="5", **LATER)
    else:
        exchange.status("in-progress", **{key: value for key, value in LATER.items() if key[:5] != "call_"})
        await asyncio.sleep(3)  # nobody asks in time
    await settled()
    [body] = exchange.applications.bodies("/final")
    assert json.dumps(body) == json.dumps(
        {
            "call_sid": "c-1",
            "direction": "inbound",
            "from": "+15557654321",
            "to": "+15551230001",
            "call_id": "x",
            "call_status": "in-progress",
            "fs_sip_address": "10.0.0.5:5070",
            "completion_reason": "normal conversation end",
            "verb_id": "v1",
        }
    )


@pytest.mark.claim("J9", "actionHook")
@in_virtual_time
async def test_an_end_in_the_full_envelope_names_its_verb_too() -> None:
    exchange = Exchange(settings_of({"verbs": [LLM | {"id": "v1"}]}))
    verbs = await exchange.ring()
    await exchange.open(verbs)
    end_of(exchange.lines.made[0], AGENT)
    await exchange.ended(verbs, **LATER)
    [body] = exchange.applications.bodies("/final")
    assert (body["verb_id"], body["reason_code"], body["transcript"]) == ("v1", "agent_hung_up", [])
