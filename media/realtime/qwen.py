"""Alibaba's Qwen-Omni-Realtime: the beta's shape and names; it hears 16 kHz and speaks 24 kHz.

    wss://<workspace>.ap-southeast-1.maas.aliyuncs.com/api-ws/v1/realtime?model=…       Authorization: Bearer <key>

Functions are declared as chat models know them, under `function`. A session says nothing of formats: there is one each
way, and its name has changed twice (`pcm16` and `pcm24`, now `pcm`). There are no events to truncate or delete an item
with, and the only items that it takes are the outputs of functions. A response is asked for with `instructions` and
`modalities`, and a cancel names none.

Sources: alibabacloud.com/help/en/model-studio: omni-realtime-websocket-access (2026-11-06), client-events and
server-events (2026-10-23); dashscope-sdk-python: audio/qwen_omni/omni_realtime.py.
"""

from media.audio import AudioFormat
from media.realtime import protocol
from media.realtime.base import JsonObject, Vendor
from media.realtime.capabilities import Capabilities
from media.realtime.dialect import FLAT, FORMATS, OF_OPENAI, Dialect
from media.realtime.dialling import Dialler
from verbs.vendors import VENDORS

CAN = Capabilities(
    hears=(AudioFormat("pcm16", 16000),),
    speaks=(AudioFormat("pcm16", 24000),),
    truncate=False,
    delete=False,
    add_text=False,
    choose_tools=False,
    echo_metadata=False,
)


def as_chat_models_know_it(tool: JsonObject) -> JsonObject:
    if tool.get("type") != "function":
        return tool
    return {"type": "function", "function": {name: tool[name] for name in tool if name != "type"}}


class Realtime(protocol.Realtime):
    can = CAN
    dialect = Dialect(
        moved={**FLAT, ("max_output_tokens",): ("max_tokens",)},
        unknown=OF_OPENAI
        | {"type", *FORMATS, "audio.input.noise_reduction", "audio.output.speed", "model", "reasoning"}
        | {"parallel_tool_calls"},
        keeps=frozenset({"temperature"}),
        response={"instructions": "instructions", "output_modalities": "modalities"},
        tool=as_chat_models_know_it,
        cancels_by_name=False,
        pause_ms=800.0,
    )


VENDOR = Vendor(Realtime, Dialler("api-ws/v1/realtime"), CAN, VENDORS["qwen"])
