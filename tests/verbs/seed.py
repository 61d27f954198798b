"""The `llm` verb of jambonz's own documentation (docs/verbs/llm.md), in the words of the Realtime API's beta."""

from typing import Any

SEED: dict[str, Any] = {
    "verb": "llm",
    "vendor": "openai",
    "model": "gpt-4o-realtime-preview-2024-10-01",
    "auth": {"apiKey": "sk-example"},
    "actionHook": "/final",
    "eventHook": "/event",
    "toolHook": "/toolCall",
    "events": ["conversation.item.*", "response.audio_transcript.done", "input_audio_buffer.committed"],
    "llmOptions": {
        "response_create": {
            "modalities": ["text", "audio"],
            "instructions": "Please assist the user with their request.",
            "voice": "alloy",
            "output_audio_format": "pcm16",
            "temperature": 0.8,
            "max_output_tokens": 4096,
        },
        "session_update": {
            "tools": [
                {
                    "name": "get_weather",
                    "type": "function",
                    "description": "Get the weather at a given location",
                    "parameters": {
                        "type": "object",
                        "properties": {
                            "location": {"type": "string", "description": "Location to get the weather from"},
                            "scale": {"type": "string", "enum": ["fahrenheit", "celsius"]},
                        },
                        "required": ["location", "scale"],
                    },
                }
            ],
            "tool_choice": "auto",
            "input_audio_transcription": {"model": "whisper-1"},
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.8,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 500,
            },
        },
    },
}
SEED_YAML = """
verb: llm
vendor: openai
model: gpt-4o-realtime-preview-2024-10-01
auth: {apiKey: sk-example}
actionHook: /final
eventHook: /event
toolHook: /toolCall
events: ["conversation.item.*", response.audio_transcript.done, input_audio_buffer.committed]
llmOptions:
  response_create:
    modalities: [text, audio]
    instructions: Please assist the user with their request.
    voice: alloy
    output_audio_format: pcm16
    temperature: 0.8
    max_output_tokens: 4096
  session_update:
    tools:
      - name: get_weather
        type: function
        description: Get the weather at a given location
        parameters:
          type: object
          properties:
            location: {type: string, description: Location to get the weather from}
            scale: {type: string, enum: [fahrenheit, celsius]}
          required: [location, scale]
    tool_choice: auto
    input_audio_transcription: {model: whisper-1}
    turn_detection: {type: server_vad, threshold: 0.8, prefix_padding_ms: 300, silence_duration_ms: 500}
"""
