"""Other names that the platform takes for a verb, and what they imply, per version of the platform.

jambonz: lib/normalize.js of @jambonz/schema 0.4.15 and of @jambonz/verb-specifications 0.1.13.
"""

from collections.abc import Mapping

from verbs.base import JsonObject


def _speech_to_speech(*vendors: str) -> dict[str, tuple[str, JsonObject]]:
    return {f"{vendor}_s2s": ("llm", {"vendor": vendor}) for vendor in vendors}


_FROM_THE_START: dict[str, tuple[str, JsonObject]] = {
    "stream": ("listen", {}),
    "s2s": ("llm", {}),
    **_speech_to_speech("openai", "microsoft", "google", "elevenlabs", "deepgram", "voiceagent", "ultravox"),
}
SYNONYMS: Mapping[str, Mapping[str, tuple[str, JsonObject]]] = {
    "0.9": _FROM_THE_START,
    "10": {**_FROM_THE_START, "room": ("conference", {}), **_speech_to_speech("qwen", "gptlive")},
}
