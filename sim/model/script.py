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

A call may need several sessions, of one model or of another. What is named here replaces what stands above:

    sessions: [{faults: {close_after_s: 4, close_code: 1012}}]     # the first session is cut off, later ones are not
    models: {gpt-realtime-2.1: {greeting: {fail: insufficient_quota}}}     # this model is without means, others are not
"""

import re
import warnings
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from sim.model.faults import CloseCode, CloseReason, Failure, Faults, JsonObject, Part, Seconds
from sim.yaml_file import UnreadableError, read_yaml


class ScriptError(ValueError):
    """A script that cannot be followed; the text names every place and what is wrong there."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


class When(Part):
    """All that is given must fit; nothing given fits every spoken turn."""

    turn: int | None = None
    "The n-th turn of the user, spoken or typed, from 1."
    heard: re.Pattern[str] | None = None
    "A regular expression, looked for in the caller's words without regard to case; its named groups can be said."
    asked: re.Pattern[str] | None = None
    "Looked for, likewise, in the instructions that the request for this response brings: a filler, a goodbye."
    tool_result: str | None = None
    'The tool whose result has come; "*" is any.'
    tool_error: bool = False
    "Whether that result is an error."
    silence: bool = False
    "Whether nobody has spoken for `idle_timeout_ms`."
    greeting: bool = False
    "Whether it is the first answer, and nobody has spoken."


class Tool(Part):
    name: str | None = None
    "None: the first tool that the session declares; without one the turn does not fit."
    arguments: JsonObject | str | None = None
    "None: made from the tool's schema and the words heard. A text is sent as it is, valid JSON or not."
    duplicate: bool = False
    "Send the same call twice in one response."


class Reply(Part):
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


class Script(Part):
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
    sessions: tuple["Script", ...] = ()
    "What is different in the n-th session; what the caller says goes on from one session to the next."
    models: dict[str, "Script"] = Field(default_factory=dict)
    "What is different for a model, by its name."

    def for_session(self, nth: int, model: str) -> "Script":
        """Return what a session goes by, the n-th from 0, with a model of this name."""
        parts = [*self.sessions[nth : nth + 1], *([self.models[model]] if model in self.models else [])]
        return self.model_copy(update={name: getattr(part, name) for part in parts for name in part.model_fields_set})

    @classmethod
    def of(cls, document: Any) -> "Script":
        """Read a script, or the script inside a scene: its `model` mapping; ScriptError if it cannot be followed.

        A scene's caller lines (`turns[].user`) are what the model hears, unless its script lists them itself.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", FutureWarning)
                return cls.model_validate(_script_in(document))
        except FutureWarning as warning:
            raise ScriptError(f"a pattern that a later Python may read otherwise: {warning}") from warning
        except ValidationError as error:
            places = (f"{_place(problem['loc'])}: {problem['msg']}" for problem in error.errors())
            raise ScriptError("; ".join(places)) from error


def load(path: Path) -> Script:
    """Read a script or a scene from a YAML file; an empty one is the default script."""
    try:
        document = read_yaml(path)
    except UnreadableError as error:
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
    """Return what the callers of a scene's turns say, a noise being no words; none for the turns of a script."""
    if not isinstance(turns, list):
        return []
    return [line for turn in turns if isinstance(turn, dict) for line in _said_in(turn)]


def _said_in(turn: JsonObject) -> list[Any]:
    noise = turn.get("noise")
    if isinstance(noise, dict):
        times = noise.get("times", 1)
        return [""] * times if isinstance(times, int) else []
    return [] if turn.get("user") is None else [turn["user"]]


def _place(loc: tuple[int | str, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc)
    return "".join(steps).lstrip(".") or "script"
