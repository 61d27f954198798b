"""What a platform's REST API is to the rest: what it is asked, and how it can fail. `media/rest.py` carries it.

RemoteError                the platform has not done what it was asked
├── RemoteUnreachable      no whole answer came; it may have done it all the same
└── RemoteRefused          it said no: `why` in one of four words
"""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from verbs.handoff import Outcome

JsonObject = dict[str, Any]
Why = Literal["unknown", "state", "request", "platform"]
"The call is not known; its state does not allow it; the request is at fault; the platform, or our access to it, is."


class RemoteError(Exception):
    """The text is one line for an operator, without a secret."""


class RemoteUnreachable(RemoteError):  # noqa: N818  # see HookUnreachable
    pass


class RemoteRefused(RemoteError):  # noqa: N818  # see above
    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True, slots=True)
class RemoteRequest:
    method: Literal["POST", "PUT"]
    path: str
    "Below the API's base URL."
    body: JsonObject = field(repr=False)


@dataclass(frozen=True, slots=True)
class RemoteReply:
    status: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API is, and who we are there."""

    base_url: str
    account_sid: str
    api_key: str = field(repr=False)
    timeout_s: float = 5.0
    "For everything together."


@dataclass(frozen=True, slots=True)
class Application:
    """Who is asked what a call does, where the platform's own application is not named."""

    call_hook: str
    status_hook: str
    basic_auth: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """A call to be placed."""

    to: JsonObject
    "In the platform's words, such as {type: phone, number}."
    caller: str
    application: str | Application
    "The platform's sid of one, or what stands in for it."
    tag: JsonObject
    "Comes back with everything that the platform tells of the call."
    amd: JsonObject | None = None
    "How an answering machine is detected, and where that is told; None: it is not."
    rings_s: float | None = None
    "How long it may ring; None: as long as the platform lets it."


class Remote(Protocol):
    """Carries a request to the API."""

    async def ask(self, access: Access, request: RemoteRequest) -> RemoteReply:
        """Return what was answered, whatever its status; raise RemoteUnreachable where nothing whole came."""

    async def close(self) -> None: ...


class RemoteDialect(Protocol):
    """The requests and replies of a platform's REST API."""

    def destination(self, to: object) -> JsonObject | None:
        """Read whom to call, a text or an object in the platform's words; None: nobody can be called by that."""
        ...

    def place(self, access: Access, order: Order) -> RemoteRequest: ...

    def placed(self, reply: RemoteReply) -> str:
        """Give the sid of the new call. Raises RemoteRefused."""
        ...

    def hang_up(self, access: Access, call_sid: str, *, answered: bool) -> RemoteRequest: ...

    def redirect(self, access: Access, call_sid: str, url: str) -> RemoteRequest:
        """Let the call ask this URL for a document, now."""
        ...

    def command(self, access: Access, call_sid: str, name: str, data: Any) -> RemoteRequest | None:
        """Do what a command of the control socket does; None: the API has nothing for it, or its data is none."""
        ...

    def unanswered(self, attributes: JsonObject) -> Outcome:
        """Tell why nobody has taken a call that was placed, from its last status."""
        ...

    def is_machine(self, attributes: JsonObject) -> bool | None:
        """Tell from what the detection says whether a machine has answered; None: it cannot say."""
        ...

    def done(self, reply: RemoteReply) -> None:
        """Read the reply to any of these. Raises RemoteRefused."""
        ...
