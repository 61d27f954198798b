"""Acme's realtime models: OpenAI's protocol, less what belongs to the services around OpenAI's models."""

from media.audio import AudioFormat
from media.realtime import protocol
from media.realtime.base import Vendor
from media.realtime.capabilities import Capabilities
from media.realtime.dialect import OF_OPENAI, Dialect
from media.realtime.dialling import dial
from verbs.vendors import KnownVendor

PCM = AudioFormat("pcm16", 24000)
CAN = Capabilities(hears=(PCM,), speaks=(PCM,))


class Realtime(protocol.Realtime):
    can = CAN
    dialect = Dialect(unknown=OF_OPENAI | {"reasoning", "audio.input.noise_reduction"})


VENDOR = Vendor(
    Realtime,
    dial,
    CAN,
    # ACME_API_KEY and ACME_REALTIME_URL, the address, and the model of a verb that names none
    KnownVendor("ACME", "wss://realtime.acme.example/v1/realtime", "acme-voice-1"),
)
