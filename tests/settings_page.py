"""What stands in docs/settings.md before its claims: how settings are changed, and tables made from the code."""

import json
from dataclasses import fields

from media.realtime import VENDORS
from media.realtime.capabilities import Capabilities
from media.realtime.dialect import REASONING, Dialect
from media.realtime.models import DEFAULT_MODEL
from media.settings import CLEARED, ELSEWHERE, FIELDS, IN_SESSION, MADE_HERE
from verbs.vendors import VENDORS as KNOWN

HEAD = """\
# Settings of a conversation that goes on

Made by `make conformance`, not by hand.

```sh
curl -X PATCH -H "$auth" -H "Content-Type: application/json" "$api/calls/$sid/llm" \\
  -d '{"instructions": "They are a VIP.", "turn_detection": null}'
# {"changed": {"instructions": {"old": "Help.", "new": "They are a VIP."}, "turn_detection": {"old": {…}, "new": null}}}
```

The names are those of the settings of pipecat's OpenAI Realtime service, and so is what they mean:

- A setting that is absent stays, null clears it, a value sets it. `old` is null where nobody had set it; a turn
  detection of which nobody spoke is `server_vad`, which null switches off.
- It is answered when the model has agreed. What the model refuses comes back as 422 in its own words (`error` is what
  it said), and nothing of the request has changed. What is so already is not sent.
- `session_properties` take the place of those that were, but for the voice and the instructions where they name none;
  with `?merge=deep` objects are merged into what is so. A setting of the session may also stand flat among the others:
  then it is that one alone, and the others stay. (In pipecat a flat one replaces them all.)
- Of a conflict what is given on top wins over `session_properties`, also where it only says what is so already. (In
  pipecat it then loses, by a slip.)
- What the vendor's model has not, what the call itself needs (`audio.*.format`), and what nobody knows is in `ignored`,
  with the reason. A name that is not known here goes to the model if it stands in `session_properties`.
- `model`, a voice that was heard, and clearing what no word can clear (`prompt`, a voice, …) are refused with 409
  (`session_fixed`). With `"recycle": true` in the request they are done by a new session, which is told what was said;
  where that one does not come about, the conversation goes on in one as before, and the request is 422. `recycled` says
  that it took one. The caller hears at most the tone of a wait.
- What is changed outlives the session, and holds for a model that is fallen back on, as far as that has it.
- A `model` that is gone is the one that has taken its place, as in a verb; `ignored` says so.
- One change has 64 settings and 64 KiB at most. A model that has 32 of them to answer is told no more (429); after half
  a minute it counts as one that answers none, and takes what it is told.
- Keys (`authorization`, `headers`, the user, password and query of a `server_url`, … of `mcp` tools) are `***` in every
  answer, of this request and of later ones, and from then on in the log and in what the call's hooks are told.

By the control socket of a websocket application, `llm:update` does the same with a `session.update`: a `model` in its
`session` is refused, or done by a new session with `"recycle": true` beside it.

| status | code | when |
|---|---|---|
| 200 | | done: `{"changed": {name: {"old", "new"}}, "ignored"?: {name: why}, "recycled"?: true}` |
| 401, 403 | | no operator's token |
| 404 | `call_unknown` | nobody knows such a call |
| 409 | `call_over`, `call_elsewhere` | it has ended, or does not go on here |
| 409 | `no_conversation` | no agent of this server talks on it |
| 409 | `no_session` | the agent's model is being reached, or was lost or left before it had answered |
| 409 | `session_fixed` | a session that goes on cannot be changed so |
| 422 | `bad_request` | a value that a setting cannot have, or more than can be changed at once |
| 422 | the model's | the model refused it |
| 429 | `too_many_requests` | the model has not answered the 32 changes before this one |
| 504 | `model_silent` | the model has not said in `session_timeout_s` whether it takes it |
"""


def tables() -> list[str]:
    return [
        *("## The settings\n", _settings()),
        *("## What each vendor's models have, and can do\n", _had(), _flags()),
    ]


def _settings() -> str:
    rows = [
        f"| `{name}` | `{'.'.join(path)}` | {kind.wants} | {_cleared(path)} |" for name, (path, kind) in FIELDS.items()
    ]
    nested = sorted(IN_SESSION - {path[0] for path in MADE_HERE})
    return "\n".join(
        [
            "| name | in the session | what it may be | cleared, it is |",
            "|---|---|---|---|",
            "| `model` | the connection | the name of a model of this vendor | cannot be |",
            "| `session_properties` | the session | an object | the model's own |",
            *rows,
            "| `extra` | nowhere | an object of what nobody knows | without it |",
            "",
            f"In the session, or flat: {', '.join(f'`{name}`' for name in nested)}.",
            "",
            f"Of pipecat's own pipeline, and not done here: {', '.join(f'`{name}`' for name in sorted(ELSEWHERE))}.",
            "",
        ]
    )


def _cleared(path: tuple[str, ...]) -> str:
    return f"`{json.dumps(CLEARED[path])}`" if path in CLEARED else "not said, in a new session"


def _had() -> str:
    """Say which of the settings that are not everybody's the models of each vendor have."""
    asked = {name: path for name, (path, _) in FIELDS.items()} | {name: (name,) for name in REASONING}
    names = [name for name, path in asked.items() if any(_lacks(vendor, path) for vendor in VENDORS)]
    rows = [
        f"| {vendor} | " + " | ".join("no" if _lacks(vendor, asked[name]) else "yes" for name in names) + " |"
        for vendor in sorted(VENDORS)
    ]
    head = f"| | {' | '.join(f'`{name}`' for name in names)} |"
    return "\n".join([head, "|---" * (len(names) + 1) + "|", *rows, ""])


def _lacks(vendor: str, path: tuple[str, ...]) -> bool:
    dialect: Dialect = VENDORS[vendor].realtime.dialect  # type: ignore[attr-defined]  # of all that share the protocol
    return dialect.lacks(path, model=DEFAULT_MODEL, known=KNOWN[vendor].settings)


def _flags() -> str:
    names = [flag.name for flag in fields(Capabilities) if flag.type in {bool, "bool"}]
    rows = [
        f"| {vendor} | " + " | ".join("yes" if getattr(of.can, name) else "no" for name in names) + " |"
        for vendor, of in sorted(VENDORS.items())
    ]
    return "\n".join([f"| | {' | '.join(f'`{name}`' for name in names)} |", "|---" * (len(names) + 1) + "|", *rows, ""])
