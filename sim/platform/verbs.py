"""The verbs that jambonz 0.9.x knows, and its own check of a document (@jambonz/verb-specifications 0.1.13).

An unknown verb, an unknown property or a missing one makes the platform refuse the whole document.
"""

from collections.abc import Mapping
from typing import Any

from sim.platform.bodies import JsonObject


class DocumentRefusedError(ValueError):
    """The platform would refuse this document; the text is what it would put into X-Reason."""


_SAY = "text instructions stream loop synthesizer earlyMedia disableTtsCache closeStreamOnEmpty"
_LISTEN = (
    "actionHook auth wsAuth mixType sampleRate bidirectionalAudio disableBidirectionalAudio metadata passDtmf "
    "finishOnKey maxLength playBeep transcribe earlyMedia timeout channel"
)
_CONFIG = (
    "synthesizer recognizer bargeIn ttsStream record listen stream transcribe amd fillerNoise notifyEvents "
    "notifySttLatency reset onHoldMusic actionHookDelayAction sipRequestWithinDialogHook boostAudioSignal vad "
    "referHook earlyMedia autoStreamTts disableTtsCache trackTtsPlayout noiseIsolation turnTaking"
)
_GATHER = (
    "actionHook finishOnKey input numDigits minDigits maxDigits interDigitTimeout partialResultHook speechTimeout "
    "listenDuringPrompt dtmfBargein bargein minBargeinWordCount timeout recognizer play say fillerNoise "
    "actionHookDelayAction"
)
_DIAL = (
    "actionHook onHoldHook answerOnBridge callerId callerName confirmHook referHook dialMusic dtmfCapture dtmfHook "
    "headers anchorMedia exitMediaPath boostAudioSignal listen stream timeLimit timeout proxy transcribe amd dub tag "
    "forwardPAI srtpEncryption"
)
_CONFERENCE = (
    "beep memberTag speakOnlyTo startConferenceOnEnter endConferenceOnExit endConferenceDuration maxParticipants "
    "joinMuted actionHook waitHook statusEvents statusHook enterHook record listen distributeDtmf"
)
_LLM = "model auth connectOptions mcpServers actionHook eventHook toolHook events"

_KNOWN: Mapping[str, tuple[str, str]] = {
    # verb: (required, optional)
    "answer": ("", ""),
    "leave": ("", ""),
    "alert": ("message", ""),
    "config": ("", _CONFIG),
    "say": ("", _SAY),
    "play": ("url", "loop earlyMedia seekOffset timeoutSecs actionHook"),
    "gather": ("", _GATHER),
    "dial": ("target", _DIAL),
    "listen": ("url", _LISTEN),
    "llm": ("vendor llmOptions", _LLM),
    "conference": ("name", _CONFERENCE),
    "transcribe": ("", "transcriptionHook translationHook recognizer earlyMedia channel"),
    "enqueue": ("name", "actionHook waitHook priority"),
    "dequeue": ("name", "actionHook timeout beep callSid"),
    "dtmf": ("dtmf", "duration"),
    "dub": ("action track", "play say loop gain"),
    "hangup": ("", "headers"),
    "message": ("to from", "carrier account_sid message_sid text media actionHook"),
    "pause": ("length", ""),
    "redirect": ("actionHook", "statusHook"),
    "tag": ("data", ""),
    "sip:decline": ("status", "reason headers"),
    "sip:request": ("method", "body headers actionHook"),
    "sip:refer": ("referTo", "referredBy referredByDisplayName headers actionHook eventHook"),
}
_SYNONYMS = {"stream": "listen", "s2s": "llm"}


def checked(item: Any) -> JsonObject:
    """Return one verb in the form {"verb": …, …}; DocumentRefusedError if the platform would not take it."""
    if not isinstance(item, dict) or not item:
        raise DocumentRefusedError("malformed jambonz payload: invalid verb")
    verb = _flat(item)
    name = str(verb["verb"])
    name = _SYNONYMS.get(name, name)
    if name not in _KNOWN:
        raise DocumentRefusedError(f"malformed jambonz payload: unknown verb {name}")
    required, optional = (names.split() for names in _KNOWN[name])
    for wanted in required:
        if wanted not in verb:
            raise DocumentRefusedError(f"{name}: missing value for {wanted}")
    for given in verb.keys() - {"verb", "id", *required, *optional}:
        raise DocumentRefusedError(f"{name}: unknown property {given}")
    return verb | {"verb": name}


def _flat(item: JsonObject) -> JsonObject:
    """{"say": {"text": "x"}} says the same as {"verb": "say", "text": "x"}."""
    if isinstance(item.get("verb"), str):
        return item
    name, properties = next(iter(item.items()))
    if len(item) > 1 or not isinstance(properties, dict):
        raise DocumentRefusedError("malformed jambonz payload: missing verb property")
    return {"verb": name, **properties}
