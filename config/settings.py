"""The configuration as the other rooms see it: frozen, with a default for every key that has a sensible one."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, InstanceOf, SecretStr, model_validator

from config.agents import Agent
from config.brain import Brain
from config.budget import Budget
from config.fields import (
    Count,
    Delay,
    Flag,
    Json,
    MaybeApplication,
    MaybeHost,
    MaybeText,
    MaybeUrl,
    Mode,
    Name,
    Networks,
    OneOrMore,
    Patterns,
    Proxy,
    Rate,
    Seconds,
    Secret,
    Secrets,
    Section,
    SigningSecrets,
    Store,
    Text,
    Verbs,
    WebUrl,
    Whole,
    Word,
    fault,
)
from config.manners import Conversation, Strict
from config.nodes import Scalar
from config.prices import shipped
from cost.prices import Prices
from verbs.base import did_you_mean, shown
from verbs.vendors import VENDORS


class Server(Strict):
    host: Name = "127.0.0.1"
    port: Annotated[Whole, Field(ge=0, le=65_535)] = 3000
    "0 takes a free port."
    public_url: MaybeUrl = None
    "How the platform reaches us, without a slash at the end; None: http://host:port."
    admin_token: Secret = SecretStr("")
    ticket_secret: Secret = SecretStr("")
    brains_token: Secret = SecretStr("")
    "Of whoever asks brains."
    insecure: Flag = False
    "Serve strangers without a secret, and let a vendor be reached without TLS."
    max_calls: Count = 200
    "Per process; the next call gets its route's `busy` verbs."
    max_calls_per_s: Annotated[Whole, Field(ge=1)] | None = None
    max_calls_per_caller: Annotated[Whole, Field(ge=1)] | None = None
    drain_s: Delay = 300.0
    retention_days: Annotated[Whole, Field(ge=1, le=36_500)] = 30
    recordings_dir: Name = "recordings"
    "Where sound is kept; a relative path starts at the configuration's folder."
    metrics_public: Flag = False
    body_timeout_s: Seconds = 5.0
    heartbeat_s: Seconds = 20.0
    send_timeout_s: Seconds = 10.0
    orphan_grace_s: Delay = 30.0


class BasicAuth(Strict):
    username: Name
    password: Annotated[Secret, Field(min_length=1)]


class PlatformApi(Strict):
    """The platform's REST API: outbound calls and call control."""

    base_url: WebUrl
    "As `https://jambonz.cloud/api/v1`; `/v1` is added where no version stands at its end."
    account_sid: Name
    api_key: Annotated[Secret, Field(min_length=1)]
    application_sid: MaybeText = None
    "The application of the portal that outbound calls take; None: this server's own hooks."
    timeout_s: Seconds = 5.0


class EnvVariable(Strict):
    """One field of the form that the portal makes of `OPTIONS /call` (jambonz node-sdk: webhook/env-vars.ts)."""

    type: Annotated[Literal["string", "number", "boolean"], Word]
    description: Text
    required: Flag = False
    default: Any = None
    enum: list[Any] | None = None
    obscure: Flag = False
    uiHint: Text | None = None  # noqa: N815  # the portal's spelling
    jambonzResource: Text | None = None  # noqa: N815  # the portal's spelling


class Platform(Strict):
    kind: Name = "jambonz"
    version: Annotated[Literal["0.9", "10"], Word] = "0.9"
    webhook_secrets: Secrets = ()
    basic_auth: BasicAuth | None = None
    api: PlatformApi | None = None
    env: Json = Field(default_factory=dict)
    "{NAME: EnvVariable} as written."


class Tls(Strict):
    """By what a model's certificate is judged, and the one that we show. Files start at the configuration's folder."""

    ca: MaybeText = None
    "A file of certificates (PEM) to trust in place of the system's."
    server_name: MaybeHost = None
    "Whose certificate it must be; None: that of the host in `url`."
    verify: Flag = True
    client_cert: MaybeText = None
    client_key: MaybeText = None
    "None: the key stands in `client_cert` too."


class Vendor(Strict):
    api_key: Secret = SecretStr("")
    url: Text
    "Empty: there is none to be had without asking, and each verb names its own."
    proxy: Proxy = SecretStr("")
    "What connects us to `url`; empty: nothing does."
    tls: Annotated[Tls, Section] = Tls()
    "Of `url`, as `proxy` is: a verb that names another address brings its own."
    aliases: dict[str, Text] = Field(default_factory=dict)
    "Models by the names that verbs may have for them; goes before what is known of names that are gone."
    connect_timeout_s: Seconds = 5.0
    session_timeout_s: Seconds = 3.0
    response_timeout_s: Seconds = 8.0
    request_timeout_s: Seconds = 5.0
    max_session_s: Seconds | None = None
    "None: until the vendor's own `expires_at`."


class Shape(Strict):
    """What an application gets to see: its hooks' bodies, how `events` is read, and that it is us who asks."""

    envelope: Annotated[Literal["full", "jambonz"], Word] = "full"
    "`jambonz`: bodies as jambonz' own `llm` verb sends them, without what is ours."
    filter: Annotated[Literal["default", "jambonz-oss"], Word] = "default"
    "`jambonz-oss`: `events` as open-source jambonz reads it, quirks included."
    secrets: SigningSecrets = ()
    "What is sent is signed with each: `whsec_…`, or the `wh_secret_…` of the account that the application knows."


class Hooks(Shape):
    base_url: MaybeUrl = None
    timeout_s: Seconds = 5.0
    tool_timeout_s: Seconds = 8.0
    action_timeout_s: Seconds = 8.0
    "All tries together, while the platform waits."
    retry_s: tuple[Delay, ...] = (0.5, 2.0, 5.0, 300.0, 1800.0, 7200.0)


class Media(Strict):
    sample_rate_hz: Annotated[Literal[8000, 16000, 24000], Rate] = 24000
    lead_ms: Annotated[Whole, Field(ge=0, le=2000)] = 200
    "How far ahead of the caller's ear audio is sent."
    record: Flag = False
    "Whether the sound of its calls is kept, in `server.recordings_dir`."
    hold_clip: MaybeText = None
    "A WAV file that is heard instead of the soft tone; a relative path starts at the configuration's folder."
    open_timeout_s: Seconds = 10.0
    metadata_timeout_s: Seconds = 5.0
    silence_tone_after_s: Seconds = 2.5


class Other(Strict):
    """Another model for the same `llm` verb; `vendor/model` is the short form."""

    vendor: Name
    model: MaybeText = None
    auth: Json = Field(default_factory=dict, repr=False)
    llm_options: Json = Field(default_factory=dict, alias="llmOptions", repr=False)
    "Laid over the verb's own, setting by setting."

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, Scalar):
            vendor, _, model = value.text.partition("/")
            return {"vendor": vendor, "model": model or None}
        return value

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        known = VENDORS.get(self.vendor)
        if known is None:
            raise fault(f"unknown vendor {shown(self.vendor)}{did_you_mean(self.vendor, VENDORS)}")
        if not (self.model or known.model):
            raise fault(f"must name a model, such as {self.vendor}/…: that vendor has none that could be asked for")
        return self


class Route(Strict):
    name: Name
    numbers: Patterns = ()
    "Of the called number; none: any."
    from_: Patterns = Field(default=(), alias="from")
    direction: Annotated[Literal["inbound", "outbound"] | None, Word] = None
    headers: dict[str, Text] = Field(default_factory=dict)
    llm_mode: Mode = "bridge"
    verbs: Verbs = Field(default_factory=list, repr=False)
    url: MaybeApplication = Field(default=None, repr=False)
    "The jambonz application that is asked for the verbs; a user name and a password may stand in it."
    python: MaybeText = None
    "`module:function`: the application is a function in this process."
    fallback: Verbs = Field(
        default_factory=lambda: [{"verb": "say", "text": "Sorry, something went wrong."}, {"verb": "hangup"}],
        repr=False,
    )
    busy: Verbs = Field(default_factory=lambda: [{"verb": "sip:decline", "status": 486}], repr=False)
    brain: MaybeText = None
    "Which brain answers as this route does where it is asked in text; None: `openai-sse`."
    status_hook: MaybeText = None
    amd_hook: MaybeText = None
    "Who is told whether a machine has answered a call that we have placed."
    hooks: Annotated[Shape, Section] = Field(default_factory=Shape)
    "What is not said here is said by the section `hooks` of the file."
    max_call_s: Seconds = 3600.0
    max_calls: Count | None = None
    "Of this route, at once and per process."
    budget: Annotated[Budget, Section] = Field(default_factory=Budget)
    start_paused: Flag = False
    "Whether the model hears nothing of the caller before an operator, or an application, says so."
    media: Annotated[Media, Section] = Field(default_factory=Media)
    conversation: Annotated[Conversation, Section] = Field(default_factory=Conversation)
    llm_fallback: Annotated[tuple[Other, ...], OneOrMore] = ()
    "The models that a call falls back on, in this order."
    agents: tuple[Agent, ...] = Field(default=(), repr=False)
    "Who talks, in place of one; the first begins."
    max_handovers: Annotated[Whole, Field(ge=1, le=1000)] = 10
    "Between them, in one call."
    tools: Json = Field(default_factory=dict, repr=False)
    "As written; what serves them is in `Settings.tools`."

    @property
    def native(self) -> bool:
        """Whether the platform carries out the `llm` verbs of its calls, and not this server."""
        return self.llm_mode == "native"


class Outward(Strict):
    """Where URLs may lead that are not the operator's: those of requests, and of other people's documents."""

    allow_cidrs: Networks = ()
    "Besides the internet."


class Settings(Strict):
    server: Server = Field(default_factory=Server)
    store: Store = Field(default="sqlite:///hookswitch.db", repr=False)
    platform: Platform = Field(default_factory=Platform)
    vendors: dict[str, Vendor] = Field(
        default_factory=lambda: {name: Vendor(url=known.url) for name, known in VENDORS.items()}
    )
    brains: dict[str, Brain] = Field(default_factory=dict, repr=False)
    hooks: Hooks = Field(default_factory=Hooks)
    egress: Outward = Field(default_factory=Outward)
    prices: InstanceOf[Prices] = Field(default_factory=shipped, repr=False)
    routes: tuple[Route, ...] = ()
    tools: dict[str, dict[str, Any]] = Field(default_factory=dict, repr=False)
    applications: dict[str, Any] = Field(default_factory=dict, repr=False)
    "The functions that are the applications of routes, by the routes' names."
    "By the names of routes and of their tools, what serves each: `hooks.tools.Tool`, which this room does not know."
    other_secrets: tuple[SecretStr, ...] = ()
    "Values of variables that are named like a secret, wherever in the file they stand."
    warnings: tuple[str, ...] = ()
    "What an operator should know, in sentences; nothing that keeps the server from serving."
