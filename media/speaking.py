"""The agent's speech on its way from the model to the voice: what of it is spoken, and what was cut.

Barge-in, once it is one:
    nothing queued and nothing sounding → nothing to cut. Else our queue is dropped, the platform flushed, and
    the model told what was heard of every piece that was cut: 0 < heard → truncate; nothing heard → delete
    (a truncate at 0 ms is refused: livekit/agents #6157). Audio of the cut response that still arrives is
    dropped. The model is told to cancel only where it does not interrupt itself. A model that cannot be told one
    of these is not told: then it believes that more was heard, but nothing more is.
"""

from itertools import count

from media.audio import AudioFormat, converter
from media.effects import Effect, ToModel, Warn
from media.playout import ROUNDING_MS, Heard, Speech
from media.realtime.base import Realtime, SpeechReceived
from media.record import Record
from media.voice import Voice


class Speaking:
    """Effects go to `out`."""

    def __init__(self, voice: Voice, record: Record, out: list[Effect], audio: AudioFormat) -> None:
        """`audio` is the platform's format; `use` says for which model."""
        self._voice = voice
        self._record = record
        self._out = out
        self._audio = audio
        self._speech: Speech | None = None
        self._whole: Speech | None = None
        self._flows: Speech | None = None
        "The speech that is queued as it comes: the newest, and nothing has happened to it."
        self._silenced: set[str] = set()
        self._forgotten: set[str] = set()
        self._ids = count(1)
        self._spoke_in = ""
        self.has_spoken = False
        "Whether the agent's voice has ever come: it stays the one it is, for it may have been heard."
        self._announced: dict[str, str] = {}
        "The response of each item of which nothing has been spoken yet."

        self._written: dict[str, str] = {}
        "What each response says in text, while it is made."
        self._asked_to_speak = False
        self.brought = ""
        "The newest response of which anything came: speech, text, or the call of a tool."

    def use(self, model: Realtime) -> None:
        """Speak for this model from now on."""
        self._model, self._flows = model, None
        self._convert = converter(model.speaks, self._audio)

    def spoke_in(self, response_id: str) -> bool:
        """Say whether the newest speech was of this response, and was not cut."""
        return self._spoke_in == response_id

    def nothing_came(self, response_id: str) -> bool:
        """Say whether nothing came of a response that was not cut."""
        return self.brought != response_id and response_id not in self._silenced

    def left_off(self, response_id: str) -> bool:
        """Say of a response that was cancelled whether the model did that by itself, before its words were out."""
        whole = self._spoke_in == response_id and self._whole == self._speech
        return response_id not in self._silenced and not whole

    def goes_on(self, said: SpeechReceived) -> bool:
        """Queue a piece of the newest speech, to which nothing has happened; False: `speech` takes it."""
        if said.speech is not self._flows:
            return False
        self.brought = said.response_id
        self._voice.playout.queue(said.speech, self._convert.convert(said.audio))
        return True

    def speech(self, said: SpeechReceived, now: float) -> None:
        """Queue a piece of the agent's voice, or drop it where its response was cut."""
        item, self.has_spoken, self.brought = said.speech.item_id, True, said.response_id
        if item in self._forgotten:
            return
        if item in self._silenced or said.response_id in self._silenced:
            if item not in self._silenced:
                self._unheard(said.speech, now)
            return
        if said.speech != self._speech:
            self._announced.pop(item, None)
            self._convert.reset()
            self._speech, self._spoke_in = said.speech, said.response_id
        self._flows = said.speech
        self._voice.playout.queue(said.speech, self._convert.convert(said.audio))

    def wrote(self, response_id: str, text: str) -> None:
        """The model answers in text: mostly beside its speech, and sometimes in its place."""
        if text.strip() and response_id not in self._silenced:
            self._written[response_id], self.brought = text, response_id

    def must_speak(self, response_id: str, now: float) -> bool:
        """Look at a response that has ended; say, once in a conversation, that what it wrote is still to be said."""
        text = self._written.pop(response_id, "")
        if not text or self.spoke_in(response_id):
            return False
        self._record.unspoken(text, now)
        first, self._asked_to_speak = not self._asked_to_speak, True
        if first:
            self._out.append(Warn("answer_unspoken", {"response_id": response_id}))
        return first

    def complete(self, speech: Speech) -> None:
        """No more audio of this speech will come."""
        self._whole = speech
        self._announced.pop(speech.item_id, None)
        if speech == self._speech and (rest := self._convert.flush()):
            self._voice.playout.queue(speech, rest)
        self._voice.complete(speech)

    def cut(self, now: float) -> None:
        """Stop the agent's voice at once, and tell the model how much of it was heard."""
        self._flows = None
        self._speech, self._spoke_in = None, ""  # what the converter still holds of it goes with it
        for heard in self._voice.stop(now):
            self._silenced.add(heard.speech.item_id)
            if heard_ms := int(heard.heard_ms + ROUNDING_MS):
                self._send(self._model.truncate(heard.speech, heard_ms, self._id()))
            else:
                self.forget(heard.speech.item_id)

    def announced(self, response_id: str, item_id: str, now: float) -> None:
        """An item began; where its response was cut it is none that the caller hears."""
        if response_id in self._silenced:
            self._unheard(Speech(item_id), now)
        else:
            self._announced[item_id] = response_id

    def silence(self, response_id: str, now: float, *, cancel: bool) -> None:
        """Let nothing more of a response be heard, and the model forget what of it never was."""
        if response_id in self._silenced:
            return
        self._flows = None
        self._silenced.add(response_id)
        for item_id in [item for item, of in self._announced.items() if of == response_id]:
            del self._announced[item_id]
            self._unheard(Speech(item_id), now)
        if cancel:
            self.cancel(response_id)

    def cancel(self, response_id: str = "") -> None:
        """Let the model leave off a response: this one, or whichever it is making."""
        self._send(self._model.cancel(response_id, self._id()))

    def _unheard(self, speech: Speech, now: float) -> None:
        self._record.heard(Heard(speech, 0.0, 0.0), interrupted=True, now=now)
        self.forget(speech.item_id)

    def forget(self, item_id: str, event_id: str = "") -> bool:
        """Let the model forget an item of the conversation; False where it cannot be told."""
        self._flows = None
        self._forgotten.add(item_id)
        self._record.forgotten(item_id)
        return self._send(self._model.forget(item_id, event_id or self._id()))

    def _send(self, wire: bytes | None) -> bool:
        """Send, where the model can be told at all."""
        if wire:
            self._out.append(ToModel(wire))
        return wire is not None

    def _id(self) -> str:
        return f"bi-{next(self._ids)}"
