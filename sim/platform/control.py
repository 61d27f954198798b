"""Live call control: what an application commands over its socket, and an operator by REST, in the middle of a call.

From jambonz-feature-server 0.9.8, lib/session/call-session.js (`_onCommand`, `updateCall`, `_lcc…`). What cannot be
done in the call's present state is logged there, and shown here; nobody is told. What this platform has no sound or
no party for (whisper, mute, dub, record …) is shown.
"""

import json
from typing import Any, Protocol

from sim.platform.bodies import Identity, JsonObject, Progress, call_info
from sim.platform.effects import Effect, Note, PauseMedia
from sim.platform.replies import document
from sim.platform.tasks.base import Step, Task
from sim.platform.tasks.llm import Llm
from sim.platform.verbs import DocumentRefusedError

REDIRECT = "redirect"
SHOWN = frozenset(
    {
        *("config", "dial", "dub", "record", "mute:status", "conf:mute-status", "conf:hold-status"),
        *("conf:participant-action", "transcribe:status", "whisper", "sip:request", "dtmf", "boostAudioSignal"),
        *("media:path", "tts:tokens", "tts:flush", "tts:clear"),
    }
)
"Commands that are accepted, and shown."
IN_ORDER = (
    *("transcribe_status", "mute_status", "conf_hold_status", "conf_mute_status", "sip_request", "dtmf", "record"),
    *("tag", "conferenceParticipantAction", "dub", "boostAudioSignal", "media_path"),
)
"What else an update may ask for; of several only the first is done."


class Controlled(Protocol):
    identity: Identity
    progress: Progress

    @property
    def answered(self) -> bool: ...
    @property
    def task(self) -> Task | None: ...
    def take_over(self, verbs: tuple[JsonObject, ...], now: float) -> list[Effect]: ...
    def append(self, verbs: tuple[JsonObject, ...], now: float) -> list[Effect]: ...
    def redirect(self, hook: Any, body: JsonObject, now: float, ref: str) -> list[Effect]: ...
    def step(self, steps: list[Step], now: float) -> list[Effect]: ...
    def hang_up(self, why: str, now: float) -> list[Effect]: ...
    def give_up(self, now: float) -> list[Effect]: ...
    def tag(self, data: JsonObject) -> None: ...


def command(call: Controlled, message: JsonObject, now: float) -> list[Effect]:
    """Carry out a command of the control socket."""
    name, data = str(message["command"]), message.get("data")
    shown: list[Effect] = [Note("command", f"{name} {_brief(data)}".rstrip(), message)]
    return [*shown, *_done(call, name, data, now, queued=bool(message.get("queueCommand")))]


def _done(call: Controlled, name: str, data: Any, now: float, *, queued: bool) -> list[Effect]:
    match name:
        case "redirect" if isinstance(data, list):
            return _verbs(call, data, now, queued=queued)
        case "redirect":
            return _call_hook(call, _mapping(data), now)
        case "call:status":
            return _call_status(call, _mapping(data), now)
        case "listen:status" | "stream:status":
            return _listen_status(call, _mapping(data), now)
        case "llm:tool-output" | "llm:update":
            return _llm(call, name, data, now)
        case _:
            return [] if name in SHOWN else [Note("ignored", f"invalid command {name}")]


def update(call: Controlled, options: JsonObject, now: float) -> list[Effect]:
    """Carry out an update that came by REST (`PUT …/Calls/{sid}`)."""
    shown: list[Effect] = [Note("update", _brief(options), options)]
    if options.get("call_status"):
        return [*shown, *_call_status(call, options, now)]
    if options.get("call_hook"):
        return [*shown, *_call_hook(call, options, now)]
    if options.get("listen_status"):
        shown += _listen_status(call, options, now)
    first = next((name for name in IN_ORDER if options.get(name)), None)
    if first == "tag":
        call.tag(options["tag"])
    if first == "dtmf" and not call.answered:
        shown.append(Note("ignored", "dtmf: we do not have a stable call"))
    if options.get("whisper") and first != "tag":
        return [*shown, *_whisper(call)]
    return shown


def _verbs(call: Controlled, data: list[Any], now: float, *, queued: bool) -> list[Effect]:
    try:
        verbs = document(data)
    except DocumentRefusedError as error:
        return [Note("ignored", f"redirect: {error}")]  # an unhandled rejection there: logged, nothing happens
    named = " → ".join(verb["verb"] for verb in verbs)
    note = Note("document", f"{'queued: ' if queued else ''}{named}", {"verbs": list(verbs)})
    return [note, *(call.append(verbs, now) if queued else call.take_over(verbs, now))]


def _call_hook(call: Controlled, options: JsonObject, now: float) -> list[Effect]:
    hook = options.get("call_hook")
    if not hook:
        return [Note("ignored", "redirect: no call_hook in it")]
    return call.redirect(hook, call_info(call.identity, call.progress), now, REDIRECT)


def _call_status(call: Controlled, options: JsonObject, now: float) -> list[Effect]:
    match options.get("call_status"):
        case "completed" if call.answered:
            return call.hang_up("hung up by call control", now)
        case "no-answer" if not call.answered:
            return call.give_up(now)
        case status:
            return [Note("ignored", f"call status {status} in this state")]


def _listen_status(call: Controlled, options: JsonObject, now: float) -> list[Effect]:
    status = options.get("listen_status") or options.get("stream_status")
    if call.task is None or call.task.verb["verb"] != "listen":
        return [Note("ignored", "listen status: no listen is running")]
    return call.step([PauseMedia(status == "pause")] if status in {"pause", "resume"} else [], now)


def _llm(call: Controlled, name: str, data: Any, now: float) -> list[Effect]:
    task = call.task
    if not isinstance(task, Llm):
        return [Note("ignored", f"{name}: invalid command since we are not in an llm")]
    return call.step(task.tool_output(data) if name == "llm:tool-output" else task.update(data), now)


def _whisper(call: Controlled) -> list[Effect]:
    if call.task is None or call.task.verb["verb"] not in {"dial", "listen"}:
        return [Note("ignored", "whisper: we are not in a dial or listen")]
    return []


def _mapping(data: Any) -> JsonObject:
    return data if isinstance(data, dict) else {}


def _brief(data: Any) -> str:
    return "" if data is None else json.dumps(data, ensure_ascii=False)[:120]
