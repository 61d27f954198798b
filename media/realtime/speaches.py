"""speaches: the beta's shape and names, on a machine of one's own; it can neither cancel nor truncate.

    ws://localhost:8000/v1/realtime?model=<text model>       no key, or Authorization: Bearer <key>

24 kHz linear audio both ways, which a session must not say. It answers every setting that it does not know with an
error without a code, and applies the rest all the same. Its turn detection is taken whole or not at all. (After that
version both cancel and truncate were added; a server says nowhere which it is.)

Source: speaches 870e1e1, src/speaches/realtime (session_event_router, response_event_router) and types/realtime.py.
"""

from media.audio import AudioFormat
from media.realtime import protocol
from media.realtime.base import Vendor
from media.realtime.capabilities import Capabilities
from media.realtime.dialect import FLAT, FORMATS, OF_OPENAI, Dialect
from media.realtime.dialling import dial
from verbs.vendors import VENDORS

PCM = AudioFormat("pcm16", 24000)
CAN = Capabilities(hears=(PCM,), speaks=(PCM,), truncate=False, cancel=False, echo_metadata=False)


class Realtime(protocol.Realtime):
    can = CAN
    dialect = Dialect(
        moved=FLAT,
        unknown=OF_OPENAI
        | {"type", *FORMATS, "audio.input.noise_reduction", "audio.output.speed", "reasoning", "parallel_tool_calls"},
        keeps=frozenset({"temperature"}),
        response={
            **{name: name for name in ("instructions", "tool_choice", "tools")},
            "max_output_tokens": "max_response_output_tokens",
            "output_modalities": "modalities",
        },
        server_vad={
            "type": "server_vad",
            "threshold": 0.6,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 350,
            "create_response": True,
        },
        semantic_vad=False,
        text_part="text",
        pause_ms=350.0,
        benign=("is not supported. The server either",),
    )


VENDOR = Vendor(Realtime, dial, CAN, VENDORS["speaches"])
