"""What stands in docs/brains.md before its claims: how brains are written and asked, and tables made from the code."""

from brains.presets import OWNERS, PROVIDERS

HEAD = """\
# Brains: models that are asked in text

Made by `make conformance`, not by hand.

A brain answers conversations in text, by OpenAI's `/chat/completions`. Give its address to Vapi (custom LLM), to Tavus
(`base_url`), to LiveKit or to any client of OpenAI's:

```sh
curl -H "Authorization: Bearer $HOOKSWITCH_BRAINS_TOKEN" -H "Content-Type: application/json" \\
  https://voice.example.com/brains/support/chat/completions \\
  -d '{"messages": [{"role": "user", "content": "Hello."}], "stream": true}'
```

`/v1/chat/completions` asks the brain that `model` names, or a route: then its `brain` answers (`openai-sse` unless it
names one), with the instructions of its `llm` verb and its tools. `/v1/models` lists them. Without a token
(`server.brains_token`, `tokens` of the brain, or the admin's) only this machine is answered.

```yaml
brains:
  fast: openai/gpt-4.1-mini            # provider/model; the key is OPENAI_API_KEY
  support:
    model: groq/openai/gpt-oss-120b
    fallback: [fast]                   # asked where that one fails before it has said anything
    instructions: You work at Acme. {{customer.name}} is on the line.
    extra_body: {temperature: 0.7}
  private: {base_url: "http://127.0.0.1:11434/v1", model: llama3.1}      # Ollama, llama.cpp, vLLM, LM Studio, …
  expanded:
    form: openai-advanced
    model: openai/gpt-4.1-mini
    rewrite: {template: "{{prompt}} (The caller has the {{metadata.plan}} plan.)"}
  mine: {python: "my_model:answer"}
```

| form | what it does | when |
|---|---|---|
| `basic` | answers by rules, in one piece | to try a platform's connection with no key; answers that never change |
| `openai-sse` | asks the model, and passes on each piece as it comes | where it matters how soon the first word comes |
| `openai-advanced` | the same, with the question prepared | where it needs knowledge, other words, or what was said |

- Three brains have these names and are there unasked. Without `OPENAI_API_KEY` the latter two answer by rules as well.
- `basic` answers Vapi in one piece also where it asks for a stream, as Vapi's own example does; all others get what
  they ask for.
- The keys of a model are those of Tavus' `layers.llm`: that object is a brain as it stands.
- Tools that the asker declares go back to the asker. Those of the brain (as a route's: `{python: …}` or `{url: …}`)
  are run here, and the model goes on with what they give; the asker sees the answer alone.
- What Vapi tells of the call (`call`, `customer`, `metadata`, …) is sent to no model and not logged; it fills
  `{{customer.name}}` in `instructions` and templates. Of what Tavus tells of what is seen, speech is passed on as
  speech, the scene as a system message; templates have it as `{{perception.user_appearance}}` and so on.
- `openai-advanced` remembers a conversation (Vapi's `call.id`, Tavus' header `conversation_id`, or `X-Conversation-Id`)
  for askers who send no more than the newest words; a thousand conversations, in this process alone.
- A context of more than `context.soft_tokens` is told in the log (`brain.long_context`); beyond `hard_tokens` the
  oldest turns are left out. A token is reckoned as four characters.
- Who leaves closes the connection to the model. `brain.answered`, `brain.failed` and `brain.fallback` in the log say
  how it went, and nothing of what was said.

A function in place of the model is given a `ChatContext`, the tools and the parameters, and yields texts or chunks:

```python
# my_model.py
from brains.context import ChatContext


async def answer(context: ChatContext, tools: list, settings: dict):
    yield "You said "
    yield context.messages[-1]["content"]
```

In Python a brain is asked so, without any call around it:

```py
async with brain.chat(context) as stream:
    async for chunk in stream:
        print(chunk.delta.content)
```

| status | when |
|---|---|
| 400, 413, 422, 429 | the request is none, or the model's server says so: then in its own words |
| 401, 403 | no token |
| 404 | no such brain |
| 502 | the model's server refuses us, cannot be reached, or breaks off |
| 503 | too many answers are under way, or the model's server is overloaded; ask again after `Retry-After` |
| 504 | the model has said nothing for `timeout_s` |

A fault after the first piece is an event `{"error": …}`, and no `[DONE]` follows.
"""


def tables() -> list[str]:
    return ["## Providers\n", _providers(), "## Names that LiveKit has for models\n", _owners()]


def _providers() -> str:
    rows = []
    for name, provider in PROVIDERS.items():
        keys = ", ".join(f"`{key}`" for key in provider.key_names) or "none"
        rows.append(f"| `{name}` | {provider.title} | {provider.base_url or provider.advice} | {keys} |")
    return "\n".join(["| `provider/…` | | address | key |", "|---|---|---|---|", *rows]) + "\n"


def _owners() -> str:
    rows = [
        f"| `{name}` | {', '.join(f'`{provider}` as `{model}`' for provider, model in served)} |"
        for name, served in OWNERS.items()
        if not name.startswith("tavus")
    ]
    return "\n".join(["| name | served by; `provider` chooses |", "|---|---|", *rows]) + "\n"
