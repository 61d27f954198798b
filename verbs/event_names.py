"""The seven events that have one name in the Realtime API of today and another in its beta.

LiteLLM's `_GA_TO_BETA_EVENT_TYPES` and LiveKit's `_AZURE_EVENT_MAPPING` hold the same pairs.
"""

BETA_OF: dict[str, str] = {
    "conversation.item.added": "conversation.item.created",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
GA_OF: dict[str, str] = {beta: today for today, beta in BETA_OF.items()}
