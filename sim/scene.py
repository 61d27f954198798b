"""Scene files: a call as YAML, with what the caller does, how the others misbehave, and what is to be seen.

Keys that pipecat's eval scenarios have keep their names: `turns`, `user`, `dtmf`, `send_after`, `expect`, `event`,
`within_ms`, `text_contains`, `calls`, `absent`. Ours are `noise`, `fields`, `times`, `truncated_within_ms`, `heard`,
`delivered`, `nowhere`, and what the parties are made of. A scene:

    name: weather
    model: {}                       # the rehearsal model's script; empty: its own
    llm: {actionHook: null}         # laid over the llm verb of sim/server.yaml, `route` over its route
    turns:
      - expect: [{event: response, text_contains: "help you"}]
      - user: "What is the weather in Boston?"
        expect:
          - {event: function_call, calls: [{name: get_weather, args: {location: Boston}}]}
          - {event: response, text_contains: "72 degrees", within_ms: 5000}
      - user: "Stop, please."
        send_after: {event: agent_started_speaking, delay_ms: 2500}
        expect: [{event: interrupted, within_ms: 400, truncated_within_ms: 20}]
      - noise: {ms: 200, times: 3, gap_ms: 150}
      - hangup: true
    expect: [{event: action_hook, fields: {reason_code: caller_hung_up}}]
    heard: [{text_contains: "help you"}, {text_contains: "Once upon", at_most_ms: 3200}]
    delivered: [event, tool, action]
    nowhere: ["4711 0815"]
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from sim.human import Human
from sim.yaml_file import UnreadableError, read_yaml

JsonObject = dict[str, Any]
Seconds = Annotated[float, Field(ge=0)]
Kind = Literal["event", "tool", "action", "status", "other"]


class SceneError(ValueError):
    """A scene that cannot be played; the text names the file, every place and what is wrong there."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WantedCall(_Part):
    name: str
    args: JsonObject = {}
    "Each of these must be there and equal; others may be."


class Expectation(_Part):
    event: str
    """A name of ours (see happening names in `sim scene --help`), a vendor's event type as a hook brought it,
    `to_model:<type>` for what the model was sent, or `log:<event>` for what the server under test logged."""
    within_ms: int | None = None
    "From the end of the turn's line; of a turn that only watches, from its beginning."
    text_contains: str | None = None
    "Without regard to case."
    fields: JsonObject = {}
    "Each of these must be there and equal, in the event, the hook's body or the line of the log; others may be."
    calls: tuple[WantedCall, ...] = ()
    absent: bool = False
    "None of it may come within `within_ms` (default: 1000)."
    times: int | None = None
    "Exactly so many in the whole call; for the scene's own `expect`."
    at_least: int | None = None
    "So many in the whole call, or more."
    truncated_within_ms: int | None = None
    "How far what the model was told of its last item may be from what was heard; with `event: interrupted`."

    def __str__(self) -> str:
        return " ".join(f"{key}={value!r}" for key, value in self.model_dump(exclude_defaults=True).items())


class SendAfter(_Part):
    event: str | None = None
    "Seen since the turn before was sent; None: count from the end of that turn."
    delay_ms: int = 0


class Noise(_Part):
    """What is no speech: so many bursts of it, as loud as a voice."""

    ms: Annotated[int, Field(ge=20)] = 200
    times: Annotated[int, Field(ge=1)] = 1
    gap_ms: Annotated[int, Field(ge=0)] = 0


def _digits(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value


class Turn(_Part):
    user: str | None = None
    dtmf: Annotated[str | None, BeforeValidator(_digits), Field(pattern=r"^[0-9*#A-D]+$")] = None
    noise: Noise | None = None
    hangup: bool = False
    send_after: SendAfter | None = None
    "None: as soon as the agent has finished speaking."
    expect: tuple[Expectation, ...] = ()

    @model_validator(mode="after")
    def _one_thing(self) -> "Turn":
        if sum((self.user is not None, self.dtmf is not None, self.noise is not None, self.hangup)) > 1:
            raise ValueError("a turn is words (user), keys (dtmf), noise or the end (hangup), one of them")
        return self

    @property
    def acts(self) -> bool:
        """Whether the caller does something in it, or only listens."""
        return self.hangup or not (self.user is None and self.dtmf is None and self.noise is None)


class Hearing(_Part):
    """How much the caller heard of something that the model said; neither bound: all of it."""

    text_contains: str
    "In the model's own transcript of it, without regard to case."
    at_least_ms: int | None = None
    at_most_ms: int | None = None


class HookFault(_Part):
    """How the application answers wrongly; the first fault that fits is used."""

    kind: Kind
    times: int | None = None
    "None: always."
    status: int = 200
    content_type: str = "application/json"
    body: str | None = None
    "None: the right answer, only late or under another status."
    delay_s: Seconds = 0
    drop: bool = False
    "Close the connection without an answer."


class Applications(_Part):
    """The customer's applications behind the hooks."""

    tools: JsonObject = {"get_weather": {"temperature": 72, "conditions": "sunny"}}
    "What a tool returns; the call's arguments are added to a mapping."
    action: tuple[JsonObject, ...] = ()
    "The verbs that the actionHook answers with."
    faults: tuple[HookFault, ...] = ()


class Caller(_Part):
    """Who calls, and how the platform goes about it."""

    from_: str = Field("+15557654321", alias="from")
    to: str = "+15551230001"
    transport: Literal["webhook", "ws"] | None = None
    "None: whichever the runner is told, webhooks else."
    status: bool = True
    "Whether a call_status_hook is configured."
    drop_control_s: tuple[Seconds, ...] = ()
    "When the control socket breaks, in seconds of the call."
    reconnect: bool = True
    "Whether a control socket that was lost is opened again."
    human: Human | None = None
    """Who answers what the server places by the platform's REST API, which it has only then; their leg's happenings
    are named `human:…`."""
    answer_dials: bool = False
    "Whether somebody answers what the server dials."


class Scene(_Part):
    name: str
    description: str = ""
    call: Caller = Caller()
    model: JsonObject = {}
    "The rehearsal model's script; what the caller says is told to it."
    wire: Literal["ga", "beta"] = "ga"
    """What the model speaks. With the beta's, the platform is to carry out the `llm` verb by itself: the verb's
    `connectOptions.host` is the rehearsal model's."""
    hooks: Applications = Applications()
    llm: JsonObject = {}
    "Laid over the llm verb of the server under test, mapping by mapping; `route` over its route."
    route: JsonObject = {}
    server: JsonObject = {}
    "Laid over its whole configuration, likewise."
    turns: tuple[Turn, ...]
    expect: tuple[Expectation, ...] = ()
    "After the call."
    heard: tuple[Hearing, ...] = ()
    delivered: tuple[Kind, ...] = ()
    "Every hook of the call has arrived, once and rightly signed, and there was one of each of these at least."
    nowhere: tuple[str, ...] = ()
    "Texts that stand in no line of the server's log and in no hook but the tools'. Long ones: identifiers are random."


def load(path: Path) -> Scene:
    try:
        return Scene.model_validate(read_yaml(path))
    except UnreadableError as error:
        raise SceneError(f"{path}: {error}") from error
    except ValidationError as error:
        places = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise SceneError(f"{path}: {'; '.join(places)}") from error
