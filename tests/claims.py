"""What the `llm` verb is claimed to do: the list that tests are marked with (`@pytest.mark.claim("J14")`).

Four lists: the properties of the verb in jambonz' own documentation, each option of its example down to the last; those
that came after it; the checklist that was read off that page and off the platform's source (J1 to J31: M must, S
should); and the turns that a conversation can take and the ways in which a session can go wrong.
"""

from typing import NamedTuple


class Claim(NamedTuple):
    id: str
    words: str
    level: str = "M"
    "M must, S should, C could."
    lacking: str = ""
    "What of it is not done, and why. Of a claim without a test: all of it."


EXAMPLE = "llmOptions"
SESSION = f"{EXAMPLE}.session_update"
RESPONSE = f"{EXAMPLE}.response_create"

OPTIONS = (
    Claim("vendor", "name of the LLM vendor; may be the beginning of `model`, as in openai/gpt-realtime-2.1"),
    Claim("model", "name of the model; the names that went with the beta are replaced, with one warning"),
    Claim("auth", "authentication; without it the server's own key for the vendor is used"),
    Claim("auth.apiKey", "the key; it goes to the model's host and nowhere else"),
    Claim("connectOptions", "where to connect: host, path, url, headers, query, subprotocols, proxy, tls"),
    Claim("actionHook", "called once when the session ends; its verbs are what the call does next"),
    Claim("eventHook", "called for each event that was asked for, in order"),
    Claim("toolHook", "called when the model wants a function; whatever it answers, the model gets one output"),
    Claim("events", "names of the events wanted, with wildcards and exclusions"),
    Claim(EXAMPLE, "instructions for the model, in its own words"),
    Claim(RESPONSE, "the first response"),
    Claim(f"{RESPONSE}.modalities", "[text, audio] → output_modalities: [audio]"),
    Claim(f"{RESPONSE}.instructions", "persona, of the first response and of all later ones"),
    Claim(f"{RESPONSE}.voice", "→ audio.output.voice of the session: a call has one voice"),
    Claim(f"{RESPONSE}.output_audio_format", "→ audio.output.format, as the call's media needs it"),
    Claim(f"{RESPONSE}.temperature", "no longer known to the model: left out with one warning"),
    Claim(
        f"{RESPONSE}.max_output_tokens", "1 to 4096, or inf; a response that runs out of them is told, the call goes on"
    ),
    Claim(SESSION, "the session, asked for and agreed to before the first response"),
    Claim(f"{SESSION}.tools", "the functions that the model may call"),
    Claim(f"{SESSION}.tools.name", "1 to 64 of letters, digits, _ and -; no two alike"),
    Claim(f"{SESSION}.tools.type", "function (or mcp)"),
    Claim(f"{SESSION}.tools.description", "when to call it"),
    Claim(
        f"{SESSION}.tools.parameters", "a JSON schema of an object; arguments that break it never reach the application"
    ),
    Claim(f"{SESSION}.tool_choice", "auto, none, required or one function; not forced again after its answer"),
    Claim(f"{SESSION}.input_audio_transcription", "whether the caller's words are written down"),
    Claim(f"{SESSION}.input_audio_transcription.model", "and by which model"),
    Claim(f"{SESSION}.turn_detection", "how the end of the caller's turn is found; null: not at all"),
    Claim(f"{SESSION}.turn_detection.type", "server_vad or semantic_vad"),
    Claim(f"{SESSION}.turn_detection.threshold", "0 to 1"),
    Claim(f"{SESSION}.turn_detection.prefix_padding_ms", "0 at least"),
    Claim(f"{SESSION}.turn_detection.silence_duration_ms", "0 at least; answers are timed from the end of the words"),
)

SINCE = (
    Claim("handoff", "a tool by which the model transfers the caller, blind or warm; after a failure it goes on"),
    Claim("mcpServers", "servers whose tools the model is offered besides: streamable HTTP or SSE, with `auth`"),
    Claim("hangup", "a tool by which the model ends the call, after words that are heard to their end"),
    Claim("responseTimeoutMs", "after how long a silent model is asked again, and `response.timeout` told"),
    Claim("cancelOnResponseTimeout", "whether it is told to leave off first"),
    Claim("cancelOnBargeIn", "whether it is told to leave off also where it interrupts itself"),
)
"Properties that came after the documentation's example."

CHECKLIST = (
    Claim(
        "J1",
        "a webhook for a route with an `llm` is answered by a valid document",
    ),
    Claim(
        "J2",
        "a vendor that is not known is refused when the configuration is read, with its place and what was meant",
    ),
    Claim("J3", "the weather example runs, also when the weather service does not"),
    Claim(
        "J4",
        "the documented verb is taken as it is written, in JSON, JavaScript, YAML and Python, and comes back unchanged",
    ),
    Claim("J5", "a verb without a vendor is refused by its path"),
    Claim("J6", "the model goes into the URL; retired names are replaced, with one warning, and by your own table"),
    Claim(
        "J7",
        "a missing key is told before a call, and fails `doctor`; no key is ever logged, kept or shown to a hook",
    ),
    Claim("J8", "the actionHook is called exactly once, however the session ends, and its verbs are next"),
    Claim(
        "J9",
        "events arrive in order, with the call's sid, or in jambonz' own envelope, which names no call; a slow hook "
        "delays no audio",
    ),
    Claim("J10", "any shape of a tool's reply, and any failure of it, is one output for the model"),
    Claim("J11", "events are matched by name, wildcard and exclusion, under their old and their new names"),
    Claim("J12", "options that nobody here knows reach the model, and are told of before a call"),
    Claim("J13", "the first response may be described, left to the model, or left out where the caller speaks first"),
    Claim("J14", "modalities"),
    Claim("J15", "instructions of the first response hold for the second turn"),
    Claim("J16", "voice; once it was heard, a change of it is refused here, with the reason"),
    Claim("J17", "audio formats follow the call's media, whatever the verb says"),
    Claim("J18", "temperature is left out with one warning"),
    Claim("J19", "max_output_tokens is checked; a response that runs out of them is told"),
    Claim("J20", "the session is configured, and has agreed, before the first response"),
    Claim("J21", "tools are checked before a call; what no model knows of a tool is left out, with a warning"),
    Claim("J22", "arguments that break the tool's schema are refused to the model, and the hook is not called", "S"),
    Claim("J23", "tool_choice"),
    Claim("J24", "transcription of the caller, or none"),
    Claim("J25", "turn detection, in all its kinds and ranges"),
    Claim("J26", "the table of options is made from the verb's own model, so that it cannot drift", "S"),
    Claim("J27", "connectOptions, with subprotocols, a proxy and whose certificates are trusted"),
    Claim("J28", "wildcards mean what they say; the platform's own quirks come back by `filter: jambonz-oss`"),
    Claim("J29", "the verb stands among any others, before it and after it"),
    Claim("J30", "completion_reason is in the platform's own words; reason_code says what really happened"),
    Claim(
        "J31",
        "what came after 0.9.2: playback events; hangup, handoff, llm:update, mcpServers, response timeouts",
        "S",
        lacking="a warm transfer briefs the human without the caller (callerPresent)",
    ),
)

TURNS = (
    Claim("barge-in in the middle", "the agent falls silent, and the model is told what was heard"),
    Claim("barge-in at 0 ms", "what was not heard at all is deleted, not truncated"),
    Claim("barge-in after the end", "nothing is sent"),
    Claim("storm of barge-ins", "twenty in a row: no request is refused, nothing old is heard"),
    Claim("two tools at once", "both outputs, then one request"),
    Claim("slow tool", "an error in time, and the late result as a note; a word to the caller meanwhile"),
    Claim("drop by 1001", "reached again, history told"),
    Claim("drop by 1006", "reached again; what the caller said meanwhile is heard"),
    Claim("drop by 1011", "reached again; what was sent before is heard to its end"),
    Claim("drop by 1012", "reached again; what was owed is answered"),
    Claim("expiry", "a session is renewed at a quiet moment before its end"),
    Claim("quota", "ends at once, with the fallback and the reason"),
    Claim("rate limit", "is waited for"),
    Claim("unknown parameter", "is left out with one warning"),
    Claim("ten times real time", "is heard at the pace of speech"),
    Claim("silent caller", "asked, asked again, taken leave of"),
    Claim("goodbye under noise", "heard to its end"),
    Claim("wrong API key", "ends at once, with the fallback within 9 s and the reason"),
    Claim("model that is down", "ends with the fallback within 9 s and the reason"),
    Claim("keypad entry", "is an item that the model answers; masked where it is confidential"),
    Claim("protected greeting", "is heard to its end, and the caller after it"),
    Claim("short noise", "does not interrupt where `min_speech_ms` says so"),
    Claim("resume", "an agent that was silenced by nothing goes on where it was"),
    Claim("fallback models", "another model takes over, and knows what was said"),
    Claim(
        "verbs by completion reason", "the official example's flow: answer, pause, llm, then what the reason asks for"
    ),
)

CLAIMS = (*OPTIONS, *SINCE, *CHECKLIST, *TURNS)
