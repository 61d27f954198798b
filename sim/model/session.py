"""The rehearsal model as a machine: what a client of the Realtime API says in, what the server says out.

Sans-I/O: `receive` takes a websocket message, `tick` the time, both return the events to send; `next_due` says when
`tick` has something to do. Times are seconds of any monotonic clock. When `closing` is set, the door sends what was
returned and closes the socket.

A response answers to what is new since the one before: tool outputs, else the user's turns, else nothing (then it is
the greeting). What is said and called comes from the script; the model understands no speech.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from sim.model.agenda import Close, faults_to_come
from sim.model.audio import decoded, wire_format
from sim.model.checks import JsonObject, RequestError, error_of
from sim.model.client_events import CLIENT_EVENT, parsed
from sim.model.conversation import Conversation, Sound, spoken_entry
from sim.model.ear import Ear
from sim.model.generation import Generation
from sim.model.ids import Ids
from sim.model.items import Items
from sim.model.responding import check_voice, generation
from sim.model.script import Script
from sim.model.settings import check_known, new_session, updated
from sim.model.transcript import Untold, transcript
from sim.model.vad import Detection, SpeechStarted, detection

MIN_COMMIT_MS = 100


class RehearsalSession:
    def __init__(
        self,
        script: Script,
        now: float,
        *,
        model: str = "rehearsal",
        nonce: str = "",
        unix_s: float = 0,
        caller: deque[str] | None = None,
    ) -> None:
        """`nonce` makes the identifiers of this session its own; `unix_s` is the time of day, for `expires_at`.

        `caller`: what is left to be said of the script's `caller`, where several sessions hear one; None: all.
        """
        self._script = script
        self._ids = Ids(f"{script.seed}/{nonce}")
        self._session = new_session(self._ids.new("sess"), model, int(unix_s + script.session_s))
        self._conversation = Conversation(self._ids.new("conv"), deque(script.caller) if caller is None else caller)
        self._items = Items(self._conversation, self._ids, self._emit)
        self._ear = Ear(wire_format(self._session["audio"]["input"]["format"]))
        self._agenda = faults_to_come(script, now)
        self._generations: list[Generation] = []
        self._spoken = False
        self._times_heard = 0
        self._untold = Untold()
        self._speaker_item: str | None = None
        "The id that the item of the turn being spoken will have."
        self._owes_response = False
        self._idle_at_s = math.inf
        self._out: list[JsonObject] = []
        self.closing: Close | None = None
        if not script.faults.no_session_created:
            self._agenda.add(now, [{"type": "session.created", "session": self._session}])

    # --- the door's side ---

    def receive(self, message: str | bytes, now: float) -> list[JsonObject]:
        """Take one websocket message; what was due before it comes first."""
        events = self.tick(now)
        if self.closing:
            return events
        event: Any = None
        try:
            event = parsed(message)
            CLIENT_EVENT(event, "")
            self._take(event, now)
        except RequestError as refusal:
            self._emit("error", error=error_of(refusal, event))
        return events + self._sent()

    def _take(self, event: JsonObject, now: float) -> None:
        if event["type"].startswith("conversation.item."):
            self._items.take(event)
        else:
            self._TAKES[event["type"]](self, event, now)

    def tick(self, now: float) -> list[JsonObject]:
        """Send what is due."""
        while self.closing is None and (due_s := self._due_s()) <= now:
            self._step(due_s)
        return self._sent()

    def next_due(self) -> float | None:
        due_s = self._due_s()
        return None if self.closing or math.isinf(due_s) else due_s

    @property
    def lost_line(self) -> str | None:
        """What the caller said last, if this session neither told the words nor said anything to them.

        A client that is left so lets another session hear it again.
        """
        return self._untold.last(self._conversation.said_since)

    # --- time ---

    def _due_s(self) -> float:
        sending = (each.due_s for each in self._generations if each.due_s is not None)
        return min(self._agenda.due_s, self._idle_at_s, *sending)

    def _step(self, now: float) -> None:
        if self._agenda.due_s <= now:
            self._later(self._agenda.pop())
        elif self._idle_at_s <= now:
            self._nobody_spoke(now)
        for each in list(self._generations):
            self._advance(each, now)

    def _later(self, what: "Iterable[JsonObject] | Close") -> None:
        if isinstance(what, Close):
            self.closing = what
        else:
            self._send(what)

    def _advance(self, each: Generation, now: float) -> None:
        self._send(each.advance(now))
        self._spoken = self._spoken or each.said_ms > 0
        self.closing = self.closing or each.close
        if each.due_s is None:
            self._over(each, now)

    def _over(self, each: Generation, now: float) -> None:
        self._generations.remove(each)
        wanted = self._wanted()
        if self._owes_response and each.in_conversation:
            self._owes_response = False
            self._respond({}, now)
        elif wanted and wanted.idle_ms is not None and each.in_conversation:
            # Counted from the end of the answer as it is heard, not as it is sent.
            unheard_s = each.said_ms / 1000 * (1 - 1 / self._script.delta_rate)
            self._idle_at_s = now + max(0.0, unheard_s) + wanted.idle_ms / 1000

    # --- what is sent ---

    def _emit(self, type_: str, **fields: Any) -> None:
        self._send([{"type": type_, **fields}])

    def _send(self, events: Iterable[JsonObject]) -> None:
        told = [{"event_id": self._ids.new("event"), **event} for event in events]
        self._out += told
        self._untold.tell(told)

    def _sent(self) -> list[JsonObject]:
        sent, self._out = self._out, []
        return sent

    # --- the caller's audio ---

    def _wanted(self) -> Detection | None:
        turn_detection = self._session["audio"]["input"]["turn_detection"]
        return detection(turn_detection) if turn_detection else None

    def _append(self, event: JsonObject, now: float) -> None:
        wanted = self._wanted()
        for change in self._ear.hear(decoded(event["audio"]), wanted):
            assert wanted is not None  # noqa: S101  # without turn detection nothing changes
            if isinstance(change, SpeechStarted):
                self._speech_started(change.audio_start_ms, wanted)
            else:
                self._speech_stopped(change.audio_end_ms, wanted, now)

    def _speech_started(self, audio_start_ms: int, wanted: Detection) -> None:
        self._idle_at_s = math.inf
        self._speaker_item = self._ids.new("item")
        self._emit("input_audio_buffer.speech_started", audio_start_ms=audio_start_ms, item_id=self._speaker_item)
        main = self._main()
        if main and wanted.interrupt_response:
            self._stop(main, "turn_detected")

    def _speech_stopped(self, audio_end_ms: int, wanted: Detection, now: float) -> None:
        item_id = self._speaker_item
        self._emit("input_audio_buffer.speech_stopped", audio_end_ms=audio_end_ms, item_id=item_id)
        line = self._conversation.next_line()
        self._times_heard += 1
        if self._times_heard in self._script.faults.noise:
            self._speaker_item = None
            return
        self._take_turn(self._ear.take(), line, now)
        if wanted.create_response:
            self._respond_when_free(now)

    def _take_turn(self, sound: Sound, line: str | None, now: float, *, silent: bool = False) -> None:
        """Make the user's item of what was heard."""
        item_id, self._speaker_item = self._speaker_item or self._ids.new("item"), None
        before = self._conversation.last_id
        self._emit("input_audio_buffer.committed", previous_item_id=before, item_id=item_id)
        self._items.add(spoken_entry(item_id, sound, line, silent=silent))
        self._untold.add(item_id, line)
        if self._session["audio"]["input"]["transcription"] and sound.ms:
            events = transcript(item_id, line, sound.ms, failed=self._script.faults.transcription_failed)
            self._agenda.add(now + self._script.transcription_s, events)

    def _nobody_spoke(self, now: float) -> None:
        self._idle_at_s = math.inf
        self._speaker_item = self._ids.new("item")
        span = {"audio_start_ms": self._ear.position_ms - self._ear.held_ms, "audio_end_ms": self._ear.position_ms}
        self._emit("input_audio_buffer.timeout_triggered", item_id=self._speaker_item, **span)
        self._take_turn(self._ear.take(), "", now, silent=True)
        self._respond_when_free(now)

    def _commit(self, _event: JsonObject, now: float) -> None:
        held_ms = self._ear.held_ms
        if held_ms < MIN_COMMIT_MS:
            message = (
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
                f"but buffer only has {held_ms:.2f}ms of audio."
            )
            raise RequestError("input_audio_buffer_commit_empty", message)
        self._take_turn(self._ear.take(), self._conversation.next_line(), now)

    def _clear(self, _event: JsonObject, _now: float) -> None:
        self._ear.clear()
        self._emit("input_audio_buffer.cleared")

    def _clear_output(self, _event: JsonObject, _now: float) -> None:
        raise RequestError(None, "output_audio_buffer.clear is only supported for WebRTC and SIP connections.", "type")

    # --- session and items ---

    def _update(self, event: JsonObject, now: float) -> None:
        check_known(event, self._script.faults.unknown_parameters)
        self._session = updated(self._session, event["session"], spoken=self._spoken)
        self._ear.listen_in(wire_format(self._session["audio"]["input"]["format"]))
        faults = self._script.faults
        if not faults.no_session_updated:
            ack = {"type": "session.updated", "session": self._session}
            self._agenda.add(now + faults.session_updated_delay_s, [ack])
            self._send_due(now)

    def _send_due(self, now: float) -> None:
        while self._agenda.due_s <= now:
            self._later(self._agenda.pop())

    # --- responses ---

    def _main(self) -> Generation | None:
        return next((each for each in self._generations if each.in_conversation), None)

    def _create_response(self, event: JsonObject, now: float) -> None:
        options = event.get("response") or {}
        active = self._main()
        if active and options.get("conversation") != "none":
            message = (
                f"Conversation already has an active response in progress: {active.id}. "
                "Wait until the response is finished before creating a new one."
            )
            raise RequestError("conversation_already_has_active_response", message)
        check_voice(self._session, options, spoken=self._spoken)
        self._respond(options, now)

    def _respond_when_free(self, now: float) -> None:
        """Answer a turn; with interruptions off, after the answer that is being sent."""
        if self._main():
            self._owes_response = True
        else:
            self._respond({}, now)

    def _respond(self, options: JsonObject, now: float) -> None:
        self._idle_at_s = math.inf
        if self._script.faults.no_response:
            return
        each = generation(self._script, self._session, options, self._conversation, self._ids, now=now)
        self._generations.append(each)
        self._advance(each, now)

    def _cancel(self, event: JsonObject, _now: float) -> None:
        wanted = event.get("response_id")
        active = [each for each in self._generations if wanted in {None, each.id}]
        if not active:
            raise RequestError("response_cancel_not_active", "Cancellation failed: no active response found")
        self._stop(active[0], "client_cancelled")

    def _stop(self, each: Generation, reason: str) -> None:
        self._generations.remove(each)
        self._send(each.stop(reason))

    _TAKES: ClassVar[dict[str, Callable[["RehearsalSession", JsonObject, float], None]]] = {
        "session.update": _update,
        "input_audio_buffer.append": _append,
        "input_audio_buffer.commit": _commit,
        "input_audio_buffer.clear": _clear,
        "output_audio_buffer.clear": _clear_output,
        "response.create": _create_response,
        "response.cancel": _cancel,
    }
