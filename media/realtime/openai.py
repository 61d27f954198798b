"""OpenAI: the protocol as it is.

Linear audio at 24 kHz only, G.711 at 8 kHz. Its G.711 *output* was once seen to be linear all the same (AVA, 2026-02),
so the session's answer is compared with what was asked for.
"""

from media.audio import AudioFormat
from media.realtime import dialect, models, protocol
from media.realtime.base import Vendor
from media.realtime.capabilities import Capabilities
from media.realtime.dialling import Dialler
from verbs.llm import Llm
from verbs.vendors import VENDORS

PCM = AudioFormat("pcm16", 24000)
ULAW = AudioFormat("ulaw", 8000)
CAN = Capabilities(hears=(PCM, ULAW), speaks=(PCM, ULAW))


class Realtime(protocol.Realtime):
    can = CAN
    dialect = dialect.OPENAI


def with_current_model(llm: Llm, query: dict[str, str]) -> dict[str, str]:
    """Name the model, or the one that took its place."""
    return {**query, "model": models.resolve_model(query.get("model") or llm.model)[0]}


VENDOR = Vendor(Realtime, Dialler(query=with_current_model), CAN, VENDORS["openai"])
