"""Scene files: a call as YAML, with what the caller does, how the others misbehave, and what is to be seen.

Keys that pipecat's eval scenarios have keep their names: `turns`, `user`, `dtmf`, `send_after`, `expect`, `event`,
`within_ms`, `text_contains`, `calls`, `absent`. A scene:

    name: weather
    model: {}                       # the rehearsal model's script; empty: its own
    turns:
      - expect: [{event: response, text_contains: "help you"}]
      - user: "What is the weather in Boston?"
        expect:
          - {event: function_call, calls: [{name: get_weather, args: {location: Boston}}]}
          - {event: response, text_contains: "72 degrees", within_ms: 5000}
      - user: "Stop, please."
        send_after: {event: agent_started_speaking, delay_ms: 2500}
        expect: [{event: interrupted, within_ms: 400, truncated_within_ms: 20}]
      - hangup: true
    expect: [{event: action_hook, text_contains: "normal conversation end"}]
    delivered: [event, tool, action]
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

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
    """A name of ours (see happening names in `sim scene --help`), a vendor's event type as a hook brought it, or
    `to_model:<type>` for what the model was sent."""
    within_ms: int | None = None
    "From the end of the turn's line; of a turn that only watches, from its beginning."
    text_contains: str | None = None
    "Without regard to case."
    calls: tuple[WantedCall, ...] = ()
    absent: bool = False
    "None of it may come within `within_ms` (default: 1000)."
    times: int | None = None
    "Exactly so many in the whole call; for the scene's own `expect`."
    truncated_within_ms: int | None = None
    "How far what the model was told of its last item may be from what was heard; with `event: interrupted`."

    def __str__(self) -> str:
        return " ".join(f"{key}={value!r}" for key, value in self.model_dump(exclude_defaults=True).items())


class SendAfter(_Part):
    event: str | None = None
    "Seen since the turn before was sent; None: count from the end of that turn."
    delay_ms: int = 0


def _digits(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value


class Turn(_Part):
    user: str | None = None
    dtmf: Annotated[str | None, BeforeValidator(_digits), Field(pattern=r"^[0-9*#A-D]+$")] = None
    hangup: bool = False
    send_after: SendAfter | None = None
    "None: as soon as the agent has finished speaking."
    expect: tuple[Expectation, ...] = ()

    @model_validator(mode="after")
    def _one_thing(self) -> "Turn":
        if sum((self.user is not None, self.dtmf is not None, self.hangup)) > 1:
            raise ValueError("a turn speaks (user), presses keys (dtmf) or hangs up (hangup), one of them")
        return self


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
    from_: str = Field("+15557654321", alias="from")
    to: str = "+15551230001"


class Scene(_Part):
    name: str
    description: str = ""
    call: Caller = Caller()
    model: JsonObject = {}
    "The rehearsal model's script; what the caller says is told to it."
    hooks: Applications = Applications()
    server: JsonObject = {}
    "Laid over the configuration of the server under test, mapping by mapping."
    turns: tuple[Turn, ...]
    expect: tuple[Expectation, ...] = ()
    "After the call."
    delivered: tuple[Kind, ...] = ()
    "Every hook of the call has arrived, once and rightly signed, and there was one of each of these at least."


def load(path: Path) -> Scene:
    try:
        return Scene.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise SceneError(f"{path}: {error}") from error
    except ValidationError as error:
        places = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise SceneError(f"{path}: {'; '.join(places)}") from error
