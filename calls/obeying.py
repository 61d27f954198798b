"""What an application behind us wants of its call, unasked: the platform's commands, carried out on our bridge.

Commands as jambonz-feature-server knows them (lib/session/call-session.js, `_onCommand`). Those that a platform alone
can carry out are passed on: by the call's control socket, else by the platform's REST API (`updateCall`).
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from calls import natively
from calls.applications import NO_CHANGE
from calls.bounds import look_at, session_in
from calls.commanded import see_that_it_can_be_done
from calls.commands import Commands
from calls.control import CallUnknownError, CommandError, ControlError
from calls.leg import Leg
from calls.live import LiveCall
from calls.masking import told
from calls.midcall import COMMANDS, heed
from calls.register import Register
from hooks.applications.base import over_socket
from hooks.control_socket import Command
from hooks.replies import tool_output, verbs_in
from hooks.transports.base import HookReply
from media.platforms import PLATFORMS
from media.remote import RemoteError
from verbs import DocumentError, parse, serialise
from verbs.base import JsonObject
from verbs.rewrite import TERMINAL

PASSED_ON: Final = frozenset(
    {
        *("boostAudioSignal", "conf:hold-status", "conf:mute-status", "conf:participant-action", "dtmf", "dub"),
        *("listen:status", "media:path", "mute:status", "noiseIsolation:status", "record", "sip:request"),
        *("stream:status", "tag", "transcribe:status", "tts:clear", "tts:flush", "tts:tokens", "whisper"),
    }
)
"What holds no hook and no verb of ours to carry out."
BESIDES: Final = (
    *("conversation.item.retrieve", "input_audio_buffer.clear", "input_audio_buffer.commit", "response.create"),
)
"Events of `llm:update` that jambonz does not take."
Made = Callable[[str], Awaitable[None]]
"Waits for a call's first document, while that is being made."
OVER: Final = ("completed", "no-answer")


class Obeying:
    """A command that cannot be carried out is answered with a sentence, and changes nothing."""

    def __init__(self, calls: Register, commands: Commands, made: Made) -> None:
        """`made`: an application may command its call before we have done with its first verbs."""
        self._calls = calls
        self._made = made
        self._commands = commands

    async def heed(self, call_sid: str, command: Command) -> str | None:
        """Carry a command out, or say why not."""
        await self._made(call_sid)
        live = self._calls.by_sid(call_sid)
        try:
            if live is None or live.over:
                raise CallUnknownError
            return await self._heed(live, command)
        except DocumentError as error:
            return told(error.complaints)
        except (ControlError, CommandError, RemoteError) as error:
            return str(error)

    def left_alone(self, call_sid: str) -> None:
        """A call whose application commands nothing more waits for nothing more."""
        if (live := self._calls.by_sid(call_sid)) and not live.over:
            live.wait_no_more()

    async def _heed(self, live: LiveCall, command: Command) -> str | None:
        if command.call_sid not in {"", live.sid} and command.name not in PASSED_ON:
            return f"the command {command.name} is carried out here, for the call itself only: leave callSid out"
        match command.name, command.data:
            case "redirect", list(verbs):
                return await self._redirect(live, verbs, queued=command.queued)
            case "redirect", {"call_hook": hook}:
                return await self._redirect_by(live, hook, queued=command.queued)
            case "call:status", {"call_status": status} if status in OVER:
                await self._commands.hang_up(live.sid, live.settings)
                return None
            case (name, _) if name in PASSED_ON or (name == natively.UPDATE and natively.goes_on(live)):
                if name == natively.UPDATE:
                    live.keys.learn(command.data)
                await self._commands.pass_on(live, command)
                return None
            case _:
                return await _heed_here(live, command)

    async def _redirect(self, live: LiveCall, verbs: list[Any], *, queued: bool) -> str | None:
        see_that_it_can_be_done(live, verbs, written_here=False)
        if not queued:
            await self._commands.redirect(live.sid, verbs)
        elif (told_instead := _told_instead(live)) is not None:
            if parse(told_instead, strict=False)[-1].verb in TERMINAL:
                return "the call ends after what it was told to do: nothing can be queued behind that"
            told_instead += serialise(parse(verbs, strict=False))
        elif (nth := _ahead(live)) is not None:
            live.remaining[nth] = [*live.remaining[nth], *serialise(parse(verbs, strict=False))]
        elif live.control is None and not live.waiting.ahead:
            return "verbs can be queued while an `llm` verb runs only: redirect without queueCommand"
        else:
            await self._commands.queue(live.sid, verbs)
        return None

    async def _redirect_by(self, live: LiveCall, hook: object, *, queued: bool) -> str | None:
        """Ask the hook what the call does now, as the platform does; a relative one is the application's own."""
        if over_socket(hook):
            return NO_CHANGE
        url = live.application.address({"url": hook, "message": "session:redirect"})
        if url is None:
            return "call_hook must be a URL or a path"
        body = PLATFORMS[live.settings.platform.kind].call.hook_attributes(live.attributes)
        verbs, complaint = verbs_in(await live.hooks.forward(url, body))
        return await self._redirect(live, verbs, queued=queued) if verbs else complaint or "call_hook gave no verbs"


async def _heed_here(live: LiveCall, command: Command) -> str | None:
    match command.name, command.data:
        case "llm:update", {"type": str(type_)} if type_ in BESIDES:
            return await heed(live, "events", {"event": command.data})
        case "llm:update", dict(event):
            return await _update(live, event)
        case (name, data) if name in COMMANDS:
            return await heed(live, COMMANDS[name], {} if data is None else data)
        case "llm:tool-output", data:
            return _answer_late(live, command.tool_call_id, data)
        case _:
            return f"the command {command.name} is not known here, or its data is none that it has"


async def _update(live: LiveCall, event: JsonObject) -> str | None:
    await look_at(session_in(event))
    nth = live.talking
    if nth is None:
        return "there is no conversation to update"
    live.keys.learn(event)
    refusal = live.legs[nth].update(event)
    return refusal and str(live.keys.shown(refusal))


def _told_instead(live: LiveCall) -> list[JsonObject] | None:
    """Give what the call was told to do in place of its conversation, while it has not begun to."""
    if live.held:
        return live.held.verbs
    nth = max(live.llms, default=None)
    return None if nth is None or nth in live.answers else live.instead.get(nth)


def _ahead(live: LiveCall) -> int | None:
    """Give the number of the conversation that goes on, or else that the call is to come to."""
    nth = max(live.llms, default=None)
    if nth is None or nth in live.beside or nth in live.instead or nth < live.superseded.llms:
        return None
    if nth in live.legs:
        return live.talking
    return nth if live.undecided(nth) else None


def _answer_late(live: LiveCall, call_id: str, data: Any) -> str | None:
    """Give the model what nobody waits for any more: a note to it, where it has had another output."""
    nth = live.talking
    if nth is None or not call_id:
        return "no tool call waits for this output"
    leg: Leg = live.legs[nth]
    reply = HookReply(200, "application/json", json.dumps(data).encode())
    leg.line.tool_answered(call_id, tool_output(reply, call_id).text)
    return None
