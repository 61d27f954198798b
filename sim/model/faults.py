"""What goes wrong with the rehearsal model, as a script says it."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

JsonObject = dict[str, Any]
BROKEN_OFF = 1006
"The close code that stands for none: the connection just ends."
Seconds = Annotated[float, Field(ge=0)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _sent_by_servers(code: int) -> int:
    if code in {1000, 1001, 1002, 1003, BROKEN_OFF, *range(1007, 1015)} or 3000 <= code < 5000:
        return code
    raise ValueError(f"no server closes with {code}; {BROKEN_OFF} breaks the connection off")


CloseCode = Annotated[int, AfterValidator(_sent_by_servers)]
CloseReason = Annotated[str, Field(max_length=120)]


# As seen in the wild: livekit/agents issues 2358 and 1122; the others as the REST API says them.
OPENAIS_ERRORS = {
    "insufficient_quota": (
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "rate_limit_exceeded": (
        "tokens",
        "Rate limit reached on tokens per min (TPM): Limit 200000, Used 200000. Please try again in 1.5s.",
    ),
    "server_error": ("server_error", "The server had an error while processing your request. Sorry about that!"),
    "session_expired": ("invalid_request_error", "Your session hit the maximum duration of 60 minutes."),
}


class Failure(Part):
    """An error as `response.done` or `error` carries it; a code alone will do, and brings OpenAI's words for it."""

    type: str = "server_error"
    code: str | None = None
    message: str = "The rehearsal script wants this to fail."

    @model_validator(mode="before")
    @classmethod
    def _in_openais_words(cls, value: Any) -> Any:
        given = {"code": value} if isinstance(value, str) else value
        code = given.get("code") if isinstance(given, dict) else None
        if not isinstance(code, str) or code not in OPENAIS_ERRORS:
            return given
        return dict(zip(("type", "message"), OPENAIS_ERRORS[code], strict=True)) | given


class InjectedError(Failure):
    after_s: Seconds = 0


class Faults(Part):
    """What goes wrong, whatever is said."""

    http_status: int | None = None
    "Refuse the upgrade with this status."
    no_session_created: bool = False
    no_session_updated: bool = False
    session_updated_delay_s: Seconds = 0
    errors: tuple[InjectedError, ...] = ()
    close_after_s: Seconds | None = None
    close_code: CloseCode = 1011
    close_reason: CloseReason = ""
    drop_after_s: Seconds | None = None
    "Break the connection without a close frame."
    duplicate_tool_call: bool = False
    response_failed: Failure | None = None
    "Every response fails with this."
    no_response: bool = False
    "Take every response.create and never answer."
    transcription_failed: bool = False
    unknown_parameters: tuple[Annotated[str, Field(pattern=r"^session\.")], ...] = ()
    'Settings that this model does not know, by their path: "session.audio.input.noise_reduction".'
    noise: tuple[int, ...] = ()
    "Which times that somebody speaks, from 1, are none: they interrupt, and are not committed."
