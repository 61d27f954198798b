"""Inworld: today's shape; the language model is named in the session, and any of its voices can be had.

    wss://api.inworld.ai/api/v1/realtime/session?key=<any session id>&protocol=realtime       Authorization: Basic <key>

The key is the Base64 text of its portal; a JWT goes as Bearer. `temperature` is still known. Its linear audio has the
rate that is asked for. A verb that says nothing of turns gets the detection of its own examples.

Sources: docs.inworld.ai realtime/openai-migration and realtime/usage/using-realtime-models; pipecat
services/inworld/realtime.
"""

from typing import Any
from uuid import uuid4

from media.audio import AudioFormat
from media.realtime import protocol
from media.realtime.base import Vendor
from media.realtime.capabilities import Capabilities
from media.realtime.dialect import OF_OPENAI, Dialect
from media.realtime.dialling import Dialler
from verbs.llm import Llm
from verbs.vendors import VENDORS

RATES = tuple(AudioFormat("pcm16", rate_hz) for rate_hz in (8000, 16000, 24000, 32000, 44100, 48000))
CAN = Capabilities(hears=RATES, speaks=RATES, echo_metadata=False)
JWT_DOTS = 2


class Realtime(protocol.Realtime):
    can = CAN
    dialect = Dialect(
        unknown=OF_OPENAI | {"audio.input.noise_reduction"},
        keeps=frozenset({"temperature"}),
        response={
            **{name: name for name in ("instructions", "max_output_tokens", "metadata", "tool_choice", "tools")},
            "output_modalities": "modalities",
        },
        turns={"type": "semantic_vad", "create_response": True, "interrupt_response": True},
    )

    def __init__(self, llm: Llm, **audio: Any) -> None:
        super().__init__(with_model_in_session(llm), **audio)


def with_model_in_session(llm: Llm) -> Llm:
    """Name the model where a session names it, unless that is said already."""
    told = llm.llm_options.get("session_update")
    session = told if isinstance(told, dict) else {}
    if not llm.model or session.get("model"):
        return llm
    options = {**llm.llm_options, "session_update": {**session, "model": llm.model}}
    return llm.model_copy(update={"llm_options": options})


def authorization(key: str) -> dict[str, str]:
    return {"Authorization": f"{'Bearer' if key.count('.') == JWT_DOTS else 'Basic'} {key}"}


def session_query(_: Llm, query: dict[str, str]) -> dict[str, str]:
    return {"key": f"hookswitch-{uuid4().hex}", "protocol": "realtime", **query}


VENDOR = Vendor(Realtime, Dialler("api/v1/realtime/session", authorization, session_query), CAN, VENDORS["inworld"])
