"""The port by which the platform is told what it has not asked for."""

from typing import Protocol

from calls.admission import Refusal
from verbs.base import JsonObject

RECONNECT_S = 60.0
"How long a call waits for a control socket that broke: the platform's last tries are half a minute apart."


class Control(Protocol):
    """A way to tell the platform something about a live call that it has not asked for."""

    def redirect(self, document: bytes, *, queue: bool = False) -> None:
        """Replace what the call does, the running verb included; with `queue`, add to it."""
        ...

    def hang_up(self) -> None:
        """End the call, if it was answered."""
        ...

    def command(self, command: JsonObject) -> None:
        """Send any other command, as the platform writes it: `{"command", "data", …}`.

        :raises CommandTooLongError: the platform would drop the socket for it
        """
        ...


class ControlError(Exception):
    """A call cannot be told anything. The text says why, and what to do."""


class CallUnknownError(ControlError):
    """No call with this sid is going on here."""

    def __init__(self) -> None:
        super().__init__("no call with this call_sid is going on here")


class ApiMissingError(ControlError):
    """There is no way to place a call."""

    def __init__(self, lacking: str) -> None:
        super().__init__(f"calls are placed by the platform's REST API: set {lacking}")


class OrderError(ControlError):
    """The call that is wanted cannot be placed."""


class CallRefusedError(ControlError):
    """There is no room for one more call."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.reason = refusal.reason


class CallUnreachableError(ControlError):
    """Nothing leads to the call at this moment."""

    def __init__(self) -> None:
        super().__init__(
            "nothing leads to this call: no agent is talking on it and it has no control socket. Set platform.api, or "
            "let the platform's application ask by websocket (wss://…/call)"
        )


class NobodyTalksError(ControlError):
    """There is no conversation of ours to change."""

    def __init__(self) -> None:
        super().__init__("no agent of this server is talking on this call at this moment")


class PlatformTalksError(ControlError):
    """The platform carries the conversation out, and cannot be told this."""

    def __init__(self) -> None:
        super().__init__(
            "the platform carries this conversation out (llm_mode: native): it takes items, an interruption, and the "
            "events session.update, conversation.item.create, conversation.item.delete and response.cancel, for models "
            "of openai and microsoft, and only where its application asks by websocket (wss://…/call)"
        )


class CallOverError(ControlError):
    """The call has ended: there is its record, and nothing more to be done to it."""

    def __init__(self) -> None:
        super().__init__("this call is over; GET /api/calls/{sid} has its record")


class CallElsewhereError(ControlError):
    """The call is known, and not going on here."""

    def __init__(self) -> None:
        super().__init__("this call does not go on here: another server has it, or nobody has told its end yet")


class SessionAwayError(ControlError):
    """The conversation has no session with its model at this moment: it is renewed, or over."""


class ModelBusyError(ControlError):
    """The model has many changes to answer yet."""


class SettingError(ControlError):
    """Settings cannot be what is wanted; the text says why."""


class SettingFixedError(ControlError):
    """A session that goes on cannot be changed so."""


class ModelDeclinedError(ControlError):
    """The model has refused what was asked of it, and all is as it was."""

    def __init__(self, body: JsonObject) -> None:
        """`body` is the model's error; its `code` and `message` are texts."""
        super().__init__(body["message"])
        self.body = body


class ModelSilentError(ControlError):
    """The model has not said in time whether it takes a change."""

    def __init__(self) -> None:
        super().__init__("the model has not said in time whether it takes this: it may be so from now on, or not")


class CommandError(Exception):
    """An application's command cannot be passed on. No `ControlError`: no operator sends such commands."""


class LegUnknownError(CommandError):
    """Nothing is told to a leg of which the platform has not said that it is the call's."""

    def __init__(self) -> None:
        super().__init__("callSid names no leg of this call: the platform has told no status of it")


class HookUnknownError(CommandError):
    """What stands where a hook is wanted is none."""

    def __init__(self) -> None:
        super().__init__("wait_hook must be a URL or a path")


class CommandUnknownError(CommandError):
    """The platform's REST API cannot do this, or not with this data."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the command {name} is not known here, or its data is none that it has, where the platform asks by "
            "webhook: its REST API does less than its websocket. Let its application ask by websocket (wss://…/call)"
        )


class DocumentTooLongError(ControlError):
    """The platform would drop the socket that brings it this."""

    def __init__(self, size_bytes: int, max_bytes: float) -> None:
        super().__init__(f"these verbs make a document of {size_bytes} bytes; the platform takes {max_bytes} at most")


class CommandTooLongError(CommandError):
    """The platform would drop the socket that brings it this."""

    def __init__(self, size_bytes: int, max_bytes: int) -> None:
        super().__init__(f"this command has {size_bytes} bytes; the platform takes {max_bytes} at most")
