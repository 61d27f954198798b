"""What is done to a call from outside its course: it is redirected, or hung up."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from calls.commanded import see_that_it_can_be_done
from calls.control import (
    CallUnknownError,
    CallUnreachableError,
    CommandUnknownError,
    Control,
    DocumentTooLongError,
    HookUnknownError,
    LegUnknownError,
)
from calls.course import Course
from calls.document import HANGUP, NOTHING, Before, Next, as_bytes
from calls.fitting import max_document_bytes
from calls.live import LiveCall
from calls.masking import told
from calls.register import Register
from calls.remotely import REDIRECT, Remotely
from calls.standing import Held
from calls.states import row_of
from config.settings import Settings
from hooks.control_socket import Command
from media.effects import End
from media.ends import OPERATOR_HUNG_UP, REDIRECTED
from media.remote import RemoteRefused
from store.base import CallRow, Store
from verbs import Complaint, DocumentError, parse, rewrite
from verbs.base import JsonObject, Verb
from verbs.llm import Llm

CONFERENCE = ("conf:hold-status", "conf:participant-action")
WAIT_HOOKS = ("wait_hook", "waitHook")
"What these two commands call it; jambonz 0.9 knows the first name."


class Commands:
    """By the call's control socket where it has one; else by the conversation that goes on; else by REST.

    Where there is no REST, a call that is to come to a conversation is told then.
    """

    def __init__(self, store: Store, calls: Register, course: Course, remotely: Remotely) -> None:
        self._store = store
        self._calls = calls
        self._course = course
        self._remotely = remotely

    async def order(self, call_sid: str, wanted: Sequence[JsonObject]) -> None:
        """Let a call do this instead, by the word of an operator, who is held to the configuration's own rules.

        :raises DocumentError: these verbs are no document, or none that can be done
        :raises ControlError: the call cannot be told
        """
        see_that_it_can_be_done(self._live(call_sid), wanted, written_here=True)
        await self.redirect(call_sid, wanted)

    async def redirect(self, call_sid: str, wanted: Sequence[JsonObject]) -> None:
        """Let a call do this instead of what it does.

        The platform stops the running verb, which asks its hook what comes next; the answer must be nothing, for it
        would replace these verbs (jambonz-feature-server lib/tasks/task.js performAction).

        :raises DocumentError: these verbs are no document
        :raises ControlError: the call cannot be told
        """
        live = self._live(call_sid)
        verbs = _some(wanted)
        with live.waiting.replaced():
            if live.control:
                await self._redirect_by_socket(live, wanted, verbs)
            elif live.waiting.reached:
                live.waiting.add(wanted)
            elif not await self._instead_of_conversation(live, REDIRECTED, wanted):
                await self._redirect_remotely(live, wanted)

    async def queue(self, call_sid: str, wanted: Sequence[JsonObject]) -> None:
        """Let a call do this after all that it does: by its control socket, or when it asks what to do now.

        The platform reaches it where the call's document has no last verb of its own, as of a call that waits.

        :raises DocumentError: these verbs are no document that can stand behind another
        :raises ControlError: the call cannot be told
        """
        live = self._live(call_sid)
        verbs = _some(wanted)
        if live.control is None and live.waiting.ahead:
            live.waiting.add(wanted)
            return
        control = self._control(live)
        if any(isinstance(verb, Llm) for verb in verbs):
            raise DocumentError([Complaint((), "an `llm` verb cannot be queued: redirect the call to it")])
        _see_that_it_fits(live, live.next(await row_of(live, self._store), verbs))
        next_ = await self._course.heed(live, wanted)
        live.left = live.left and not next_.returns
        control.redirect(as_bytes(next_.document), queue=True)
        live.log.info("call_queued", verbs=[verb["verb"] for verb in next_.document])

    async def hang_up(self, call_sid: str, settings: Settings) -> None:
        """End a call. One that is not going on here may still be ringing somewhere.

        :raises ControlError: the call cannot be told
        """
        if self._calls.known(call_sid) is None and self._remotely.possible(settings):
            await self._hang_up_elsewhere(call_sid, settings)
            return
        live = self._live(call_sid)
        if live.control is None and live.waiting.reached:
            live.waiting.add([HANGUP])
            return
        if live.control is None and await self._instead_of_conversation(live, OPERATOR_HUNG_UP, [HANGUP]):
            return
        row = await row_of(live, self._store)
        if live.control:
            live.control.hang_up()
        else:
            await self._remotely.hang_up(call_sid, live.settings)
        live.superseded = Before(len(row.legs), len(row.hooks))
        live.log.info("call_hung_up")
        self._finish_superseded(live, row, OPERATOR_HUNG_UP)

    async def pass_on(self, live: LiveCall, command: Command) -> None:
        """Let the platform carry out what it alone can do: by the control socket, else by REST.

        :raises ControlError: the call cannot be told
        :raises RemoteError: the platform has not done it
        :raises CommandError: it cannot be passed on
        """
        if command.name in CONFERENCE:
            command = command._replace(data=await self._with_our_hook(live, command.data))
        if live.control:
            told = {"command": command.name, "callSid": command.call_sid or None, "data": command.data}
            live.control.command({key: value for key, value in told.items() if value is not None})
            return
        if command.call_sid not in {"", live.sid} and not live.statuses.knows(command.call_sid):
            raise LegUnknownError  # our key reaches every call of the account
        if not await self._remotely.command(command.call_sid or live.sid, command.name, command.data, live.settings):
            raise CommandUnknownError(command.name)

    async def _with_our_hook(self, live: LiveCall, data: Any) -> Any:
        """Give a command's data with a hook of ours in place of its application's: what is played comes by us.

        Its verbs are run beside the call's document, for as long as the hold lasts (lib/tasks/conference.js).
        """
        if not isinstance(data, dict):
            return data
        ours = {name: await self._aside(live, data[name]) for name in WAIT_HOOKS if data.get(name)}
        return {**data, **ours}

    async def _aside(self, live: LiveCall, hook: object) -> str:
        """Give the URL of a hook of ours that asks this one; the same again where the call has it."""
        target = hook.get("url") if isinstance(hook, dict) else hook
        if not isinstance(target, str):
            raise HookUnknownError
        row = await row_of(live, self._store)
        known = (i for i in sorted(live.asides) if i >= live.superseded.hooks and row.hooks[i] == target)
        if (index := next(known, None)) is None:
            row = await self._store.update(live.row_id, partial(_with_wait_hook, target))
            index = len(row.hooks) - 1
            live.asides = {**live.asides, index: rewrite.CONFERENCE["waitHook"]}
        return live.hook_url(index)

    async def redirected(self, live: LiveCall, index: int) -> bytes:
        """Give the document for which the platform was told to ask by this hook, the same however often it asks."""
        wanted = live.redirects[index]
        if isinstance(wanted, bytes):
            return wanted
        document = live.redirects[index] = await self._instead(live, wanted)
        return document

    async def machine(self, live: LiveCall, target: str | None, body: JsonObject) -> bytes:
        """Tell whoever wants to know what has answered the call; what they want comes before all that it does."""
        wanted = await self._course.legs.ask(live, target, body)
        if not wanted:
            return NOTHING
        try:
            return await self._instead(live, wanted)
        except DocumentError as error:
            live.log.warning("hook_verbs_refused", complaint=told(error.complaints))
            return NOTHING

    async def _instead(self, live: LiveCall, wanted: Sequence[JsonObject], end: End = REDIRECTED) -> bytes:
        """Give the document that the platform carries out from now on, instead of what it does."""
        next_ = await self._course.heed(live, wanted)
        live.superseded = next_.before
        live.log.info("call_redirected", verbs=[verb["verb"] for verb in next_.document])
        self._finish_superseded(live, next_.row, end)
        live.left = live.apart = False
        if not next_.returns:
            self._course.leave(live)
        return as_bytes(next_.document)

    async def _hang_up_elsewhere(self, call_sid: str, settings: Settings) -> None:
        try:
            await self._remotely.hang_up(call_sid, settings)
        except RemoteRefused as refusal:
            if refusal.why != "request":
                raise
            # Of the request only the sid is the asker's: the platform takes none that is no UUID for a call's.
            raise RemoteRefused("unknown", str(refusal)) from refusal

    async def _redirect_by_socket(self, live: LiveCall, wanted: Sequence[JsonObject], verbs: Sequence[Verb]) -> None:
        trial = live.next(await row_of(live, self._store), verbs)
        _see_that_it_fits(live, trial)
        next_ = await self._course.heed(live, wanted)
        control = self._control(live)
        live.superseded, live.left, live.held = next_.before, not next_.returns, None
        control.redirect(as_bytes(next_.document))
        live.log.info("call_redirected", verbs=[verb["verb"] for verb in next_.document])
        self._finish_superseded(live, next_.row, REDIRECTED)

    async def _redirect_remotely(self, live: LiveCall, wanted: Sequence[JsonObject]) -> None:
        """Let the platform ask us for another document; until it does, the call goes on as it is."""
        if not self._remotely.possible(live.settings):
            raise CallUnreachableError
        row = await self._store.update(live.row_id, lambda row: replace(row, hooks=(*row.hooks, REDIRECT)))
        index = len(row.hooks) - 1
        live.redirects[index] = list(wanted)
        await self._remotely.redirect(live.sid, live.hook_url(index), live.settings)

    async def _instead_of_conversation(self, live: LiveCall, end: End, wanted: Sequence[JsonObject]) -> bool:
        """Let a call do this in place of the conversation that goes on, or, without REST, of the one to come.

        The platform asks what comes next when a conversation has ended. False where there is none.
        """
        row = await row_of(live, self._store)
        nth = len(row.legs) - 1
        if not live.undecided(nth) or row.legs[nth].end:
            return False
        if nth in live.legs and row.legs[nth].media_state == "open":
            self._end_conversation(live, nth, end, wanted)
            return True
        if row.legs[nth].media_state != "unopened" or self._remotely.possible(live.settings):
            return False
        live.held = Held(end, list(wanted))
        live.log.info("command_held")
        return True

    def meet(self, live: LiveCall, nth: int) -> None:
        """Do what was held back for a conversation to which the platform has now come."""
        if held := live.held:
            live.held = None
            self._end_conversation(live, nth, held.end, held.verbs)

    async def asked(self, live: LiveCall, index: int, target: str, body: JsonObject) -> bytes:
        """Answer a hook of the call: with what was held back, if the platform asks for it before the conversation."""
        held = live.held
        if held is None or index in live.asides or index < live.superseded.hooks:
            return await self._course.hook(live, index, target, body)
        live.held = None
        self._course.tell(live, target, body)
        return await self._instead(live, held.verbs, held.end)

    def _end_conversation(self, live: LiveCall, nth: int, end: End, wanted: Sequence[JsonObject]) -> None:
        live.instead[nth] = list(wanted)
        live.log.info("call_redirected" if end is REDIRECTED else "call_hung_up")
        live.legs[nth].finish(end)

    def _finish_superseded(self, live: LiveCall, row: CallRow, end: End) -> None:
        """End what the call was to hear, that it was hearing, and that it would have come to."""
        for nth, leg in enumerate(row.legs[: live.superseded.llms]):
            if leg.end is None and leg.ended_answer is None:
                self._course.finish(live, nth, end)

    def _live(self, call_sid: str) -> LiveCall:
        live = self._calls.by_sid(call_sid)
        if live is None or live.over or live.gone:
            raise CallUnknownError
        return live

    def _control(self, live: LiveCall) -> Control:
        if live.control is None:  # it was there a moment ago
            raise CallUnreachableError
        return live.control


def _with_wait_hook(target: str, row: CallRow) -> CallRow:
    names = {**row.hook_names, len(row.hooks): rewrite.CONFERENCE["waitHook"]}
    return replace(row, hooks=(*row.hooks, target), hook_names=names)


def _some(wanted: Sequence[JsonObject]) -> list[Verb]:
    if not wanted:
        raise DocumentError([Complaint((), "must hold at least one verb")])
    return parse(list(wanted), strict=False)


def _see_that_it_fits(live: LiveCall, trial: Next) -> None:
    if (size_bytes := len(as_bytes(trial.document))) > (max_bytes := max_document_bytes(live)):
        raise DocumentTooLongError(size_bytes, max_bytes)
