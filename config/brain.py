"""One brain as it is written, and as it was read."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from brains.context import Limits
from config.fields import (
    Flag,
    Json,
    MaybeText,
    OneOrMore,
    Seconds,
    Secret,
    Secrets,
    Section,
    Text,
    Tools,
    Whole,
    Word,
    fault,
)
from config.manners import Strict
from config.nodes import Scalar
from config.urls import WEB, url_fault


def _model_url(text: str | None) -> str | None:
    if text is not None and (sentence := url_fault(text, WEB)):
        raise fault(sentence)
    return text


class Size(Strict):
    """How long a conversation may be, in tokens of about four characters."""

    soft_tokens: Annotated[Whole, Field(ge=100)] = Limits().soft_tokens
    hard_tokens: Annotated[Whole, Field(ge=100)] = Limits().hard_tokens

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.soft_tokens > self.hard_tokens:
            raise fault("soft_tokens must be at most hard_tokens")
        return self


class Say(Strict):
    """A rule of a brain without a model."""

    when: Text
    say: Text


class BrainEntry(Strict):
    """One brain, as it is written; a bare text is its `model`. Keys of a model are named as Tavus names them."""

    form: Annotated[Literal["basic", "openai-sse", "openai-advanced"], Word] = "openai-sse"
    model: MaybeText = None
    "`provider/model`, or with base_url the model's own name."
    provider: MaybeText = None
    "Who serves it, where several do."
    base_url: Annotated[MaybeText, AfterValidator(_model_url)] = None
    "Without `/chat/completions`; a query in it is kept."
    api_key: Secret = SecretStr("")
    "Empty: that of the provider in the environment."
    headers: dict[str, Text] = Field(default_factory=dict, repr=False)
    extra_body: Json = Field(default_factory=dict)
    "Goes into each request, over what the asker says."
    default_query: dict[str, Text] = Field(default_factory=dict, repr=False)
    tools: Tools = Field(default_factory=dict)
    "As a route's: what serves each by its name; or a list of declarations, whose calls go to the asker."
    speculative_inference: Flag = False
    "Of a voice made of it: whether it is asked before the caller has ended."
    fallback: Annotated[tuple[Text, ...], OneOrMore] = ()
    "Other brains, or `provider/model`, in this order."
    instructions: MaybeText = Field(default=None, repr=False)
    "Before whatever the asker says."
    context: Annotated[Size, Section] = Size()
    timeout_s: Seconds = 20.0
    "How long a model may say nothing."
    connect_timeout_s: Seconds = 5.0
    tokens: Secrets = ()
    "Bearer tokens of those who may ask it, besides server.brains_token."
    python: MaybeText = None
    "`module:function`: an async generator in place of the model."
    rules: tuple[Say, ...] = ()
    otherwise: MaybeText = None
    "Of form basic without a model: what is said where no rule fits; `{said}` stands for what the user said."
    rewrite: Json = Field(default_factory=dict)
    "Of form openai-advanced: {template}, {instructions}, {python} or {url}."
    lookup: Json = Field(default_factory=dict)
    "Of form openai-advanced: {python} or {url}."

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        return {"model": value} if isinstance(value, Scalar) else value

    @property
    def ruled(self) -> bool:
        """Whether it answers by rules."""
        return self.form == "basic" and not (self.model or self.python)


class Brain(Strict):
    """One brain, with what it is made of."""

    name: str
    entry: BrainEntry
    endpoint: Any = Field(default=None, repr=False)
    "Where its model is asked: a `brains.endpoints.Endpoint`; None: nowhere."
    spares: tuple[tuple[str, Any], ...] = Field(default=(), repr=False)
    "What it falls back on: the name of another brain and None, or a model and its Endpoint."
    keys: tuple[SecretStr, ...] = ()
    "Those that the environment has supplied."
    tools: dict[str, Any] = Field(default_factory=dict, repr=False)
    "By their names, what serves each: `hooks.tools.Tool`, which this room does not know."
    node: Any = Field(default=None, repr=False)
    rewrite: Any = Field(default=None, repr=False)
    lookup: Any = Field(default=None, repr=False)
    built_in: bool = False

    @property
    def ruled(self) -> bool:
        """Whether it answers by rules: also one that is there unasked, while there is no key for its model."""
        return self.entry.ruled or (self.built_in and self.keyless)

    @property
    def keyless(self) -> bool:
        """Whether its model wants a key, and there is none."""
        return self.endpoint is not None and self.endpoint.needs_key
