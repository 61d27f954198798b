"""LocalAI: today's shape, on a machine of one's own, from voice detection, recognition, a text model and synthesis.

    ws://localhost:8080/v1/realtime?model=<pipeline>       no key, or Authorization: Bearer <key>

Linear audio at any rate that is asked for. A field of turn detection that is absent is read as zero, also the pause
that ends a turn, so all are said; `create_response` and `interrupt_response` are taken and never looked at. A truncate
removes the whole text of the item.

Source: LocalAI 82c191a, core/http/endpoints/openai/realtime.go and types/.
"""

from media.audio import AudioFormat
from media.realtime import protocol
from media.realtime.base import Vendor
from media.realtime.capabilities import Capabilities
from media.realtime.dialect import OF_OPENAI, Dialect
from media.realtime.dialling import dial
from verbs.vendors import VENDORS

RATES = tuple(AudioFormat("pcm16", rate_hz) for rate_hz in (8000, 16000, 24000, 48000))
CAN = Capabilities(hears=RATES, speaks=RATES, leave_turns=False, echo_metadata=False)


class Realtime(protocol.Realtime):
    can = CAN
    dialect = Dialect(
        unknown=OF_OPENAI,
        server_vad={"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500},
    )


VENDOR = Vendor(Realtime, dial, CAN, VENDORS["localai"])
