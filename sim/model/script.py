r"""What the rehearsal model says and does: a script, read from YAML or given as a mapping.

Keys that pipecat's eval scenarios know too keep their names (`turns`, `tool` with `name`). A script:

    greeting: "Hello."                       # answers the first response.create if nobody has spoken
    caller: ["Hello?", "What is the weather in Boston?"]     # what the n-th spoken turn is taken to say
    turns:                                   # the first that fits answers
      - when: {heard: "weather in (?P<city>\\w+)"}
        say: "Let me check."
        tool: {name: get_weather, arguments: {city: "{city}"}}
      - when: {tool_result: get_weather}
        say: "It is {temperature} degrees in {city}."
    otherwise: "Please go on."
    faults: {session_updated_delay_s: 2}

How to let it go wrong. In a reply (a turn, `greeting`, `otherwise`), with or without something that is said first:

    {fail: rate_limit_exceeded}              # response.done as failed, with OpenAI's error of that code
    {silent: true}                           # response.created, and then nothing
    {say: "One moment, please.", stall_s: .inf}   # half of the audio, and then nothing
    {no_response: true}                      # speech_stopped and committed, and then nothing
    {no_response: true, close_code: 1012}    # the socket closes; 1006: it is broken off without a close frame
    {when: {turn: 2}, fail: server_error, times: 1}   # once; asked again, the next turn that fits answers
    {when: {greeting: true}, silent: true, times: 1}  # the same for the first answer

And whatever is said (`faults`), among others:

    {unknown_parameters: [session.truncation]}        # a session.update that names it is refused
    {errors: [{after_s: 30, code: session_expired}]}  # an `error` event
    {noise: [2]}                             # the second time that somebody speaks it was nobody: not committed
"""

import re
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

JsonObject = dict[str, Any]
BROKEN_OFF = 1006
"The close code that stands for none: the connection just ends."
Seconds = Annotated[float, Field(ge=0)]


class ScriptError(ValueError):
    """A script that cannot be followed; the text names every place and what is wrong there."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _sent_by_servers(code: int) -> int:
    if code in {1000, 1001, 1002, 1003, BROKEN_OFF, *range(1007, 1015)} or 3000 <= code < 5000:
        return code
    raise ValueError(f"no server closes with {code}; {BROKEN_OFF} breaks the connection off")


CloseCode = Annotated[int, AfterValidator(_sent_by_servers)]
CloseReason = Annotated[str, Field(max_length=120)]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


class When(_Part):
    """All that is given must fit; nothing given fits every spoken turn."""

    turn: int | None = None
    "The n-th turn of the user, spoken or typed, from 1."
    heard: re.Pattern[str] | None = None
    "A regular expression, looked for in the caller's words without regard to case; its named groups can be said."
    tool_result: str | None = None
    'The tool whose result has come; "*" is any.'
    tool_error: bool = False
    "Whether that result is an error."
    silence: bool = False
    "Whether nobody has spoken for `idle_timeout_ms`."
    greeting: bool = False
    "Whether it is the first answer, and nobody has spoken."


class Tool(_Part):
    name: str | None = None
    "None: the first tool that the session declares; without one the turn does not fit."
    arguments: JsonObject | str | None = None
    "None: made from the tool's schema and the words heard. A text is sent as it is, valid JSON or not."
    duplicate: bool = False
    "Send the same call twice in one response."


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


class Failure(_Part):
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


class Reply(_Part):
    say: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    "Each text becomes an item of its own; {name} is filled from the words heard, the arguments and the result."
    tool: Tool | None = None
    tools: tuple[Tool, ...] = ()
    "Several calls in one response."
    thinking_s: Seconds | None = None
    stall_s: Seconds = 0
    "A pause in the supply of audio, in the middle of what is said; .inf: nothing more comes."
    fail: Failure | None = None
    "End the response as failed after what was said."
    close_code: CloseCode | None = None
    "Close the socket instead of ending the response."
    close_reason: CloseReason = "The rehearsal script closes here."
    silent: bool = False
    "Begin a response, and never say anything."
    no_response: bool = False
    "Not even begin one: nothing is said, nothing is called."

    @property
    def calls(self) -> tuple[Tool, ...]:
        return (*((self.tool,) if self.tool else ()), *self.tools)


class Turn(Reply):
    when: When = When()
    times: Annotated[int, Field(ge=1)] | None = None
    "How often it answers; then the next that fits does, also to what this one never said anything to. None: always."


class InjectedError(Failure):
    after_s: Seconds = 0


class Faults(_Part):
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


def _as_reply(value: Any) -> Any:
    return {"say": value} if isinstance(value, str | list) else value


Said = Annotated[Reply, BeforeValidator(_as_reply)]

LONG_STORY = (
    "Once upon a time there was a telephone that wanted to see the sea, so it followed its own wire out of the "
    "house, down the road, past the mill and over the hills, until it heard the water."
)
DEFAULT_TURNS: list[JsonObject] = [
    {"when": {"tool_result": "*", "tool_error": True}, "say": "Sorry, that did not work."},
    {
        "when": {"tool_result": "get_weather"},
        "say": "It is {temperature} degrees and {conditions} in {city}.",
    },
    {"when": {"tool_result": "*"}, "say": "Here is the answer. {result}"},
    {"when": {"silence": True}, "say": "Are you still there?"},
    {"when": {"heard": "who are you"}, "say": "I am not an AI, I only follow a script. How can I help you?"},
    {
        "when": {"heard": r"weather in (?P<city>[\w ]+)"},
        "say": "Let me check the weather in {city}.",
        "tool": {},
    },
    {"when": {"heard": "story"}, "say": LONG_STORY},
    {"when": {"heard": r"\bstop\b"}, "say": "Sure, I will stop."},
    {"when": {"heard": "bye"}, "say": "Goodbye, and thank you for calling."},
    {"when": {"turn": 1}, "say": "I heard you. You can ask me about the weather in a city."},
    {"when": {"turn": 2}, "say": "Let me check that for you.", "tool": {}},
]


GREETING = "Hello, this is the Hookswitch rehearsal voice. I am not an AI, I only follow a script. How can I help you?"


class Script(_Part):
    greeting: Said = Reply(say=(GREETING,))
    caller: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = Field(default=tuple(Turn.model_validate(turn) for turn in DEFAULT_TURNS))
    otherwise: Said = Reply(say=("I heard you. Please go on.",))
    faults: Faults = Faults()
    delta_rate: Annotated[float, Field(gt=0)] = 10
    "How many times faster than real time audio is sent."
    thinking_s: Seconds = 0.1
    "From response.created to the first word, in seconds."
    transcription_s: Seconds = 0.2
    "From the end of a spoken turn to its transcript, in seconds."
    session_s: Annotated[float, Field(gt=0)] = 3600
    "How long a session may last; then it is closed with 1001."
    seed: int = 0

    @classmethod
    def of(cls, document: Any) -> "Script":
        """Read a script, or the script inside a scene: its `model` mapping; ScriptError if it cannot be followed.

        A scene's caller lines (`turns[].user`) are what the model hears, unless its script lists them itself.
        """
        try:
            return cls.model_validate(_script_in(document))
        except ValidationError as error:
            places = (f"{_place(problem['loc'])}: {problem['msg']}" for problem in error.errors())
            raise ScriptError("; ".join(places)) from error


def load(path: Path) -> Script:
    """Read a script or a scene from a YAML file; an empty one is the default script."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ScriptError(f"{path}: {error}") from error
    return Script.of({} if document is None else document)


def _script_in(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    lines = _lines(document.get("turns"))
    if not lines and not {"name", "model"} & document.keys():
        return document
    script = document.get("model") or {}
    return {"caller": lines, **script} if isinstance(script, dict) else script


def _lines(turns: Any) -> list[Any]:
    """Return what the callers of a scene's turns say; none for the turns of a script."""
    if not isinstance(turns, list):
        return []
    return [turn["user"] for turn in turns if isinstance(turn, dict) and turn.get("user") is not None]


def _place(loc: tuple[int | str, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc)
    return "".join(steps).lstrip(".") or "script"
