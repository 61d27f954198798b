import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, ValidationError

import verbs
from calls.readers import READERS
from config import ConfigError, Hooks, Media, Platform, Route, Server, Settings, Vendor, load
from config.brain import BrainEntry, Say, Size
from config.budget import Budget
from config.environment import read_dotenv
from config.load import Source, settings_of
from config.manners import Conversation, IdleStep
from config.prices import PriceKeys, RateKeys
from tests.config.conftest import Load
from tests.properties import changed, edited, tries

OPENAI = "wss://api.openai.com/v1/realtime"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def at(settings: Settings, path: str) -> Any:
    """Follow `routes.0.media.lead_ms`; a secret is shown as its text."""
    value: Any = settings
    for key in path.split("."):
        match value:
            case dict():
                value = value[key]
            case tuple():
                value = value[int(key)]
            case _:
                value = getattr(value, key)
    if isinstance(value, tuple):
        return tuple(item.get_secret_value() if isinstance(item, SecretStr) else item for item in value)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


@pytest.mark.parametrize(
    ("path", "default"),
    [
        ("server.host", "127.0.0.1"),
        ("server.port", 3000),
        ("server.public_url", None),
        ("server.admin_token", ""),
        ("server.ticket_secret", ""),
        ("server.insecure", False),
        ("server.max_calls", 200),
        ("server.max_calls_per_s", None),
        ("server.max_calls_per_caller", None),
        ("server.drain_s", 300),
        ("server.retention_days", 30),
        ("server.metrics_public", False),
        ("server.body_timeout_s", 5),
        ("server.heartbeat_s", 20),
        ("server.send_timeout_s", 10),
        ("server.orphan_grace_s", 30),
        ("store", "sqlite:///hookswitch.db"),
        ("platform.kind", "jambonz"),
        ("platform.version", "0.9"),
        ("platform.webhook_secrets", ()),
        ("platform.basic_auth", None),
        ("platform.api", None),
        ("platform.env", {}),
        ("vendors.openai.api_key", ""),
        ("vendors.openai.url", OPENAI),
        ("vendors.openai.connect_timeout_s", 5),
        ("vendors.openai.session_timeout_s", 3),
        ("vendors.openai.response_timeout_s", 8),
        ("vendors.openai.max_session_s", None),
        ("vendors.openai.aliases", {}),
        ("vendors.microsoft.url", ""),
        ("vendors.xai.url", "wss://api.x.ai/v1/realtime"),
        ("vendors.inworld.url", "wss://api.inworld.ai/api/v1/realtime/session"),
        ("vendors.qwen.url", "wss://dashscope-intl.aliyuncs.com/api-ws/v1/realtime"),
        ("vendors.localai.url", "ws://localhost:8080/v1/realtime"),
        ("vendors.speaches.url", "ws://localhost:8000/v1/realtime"),
        ("hooks.base_url", None),
        ("hooks.envelope", "full"),
        ("hooks.filter", "default"),
        ("hooks.secrets", ()),
        ("hooks.timeout_s", 5),
        ("hooks.tool_timeout_s", 8),
        ("hooks.action_timeout_s", 8),
        ("hooks.retry_s", (0.5, 2, 5, 300, 1800, 7200)),
        ("routes.0.numbers", ()),
        ("routes.0.from_", ()),
        ("routes.0.direction", None),
        ("routes.0.headers", {}),
        ("routes.0.llm_mode", "bridge"),
        ("routes.0.fallback", [{"verb": "say", "text": "Sorry, something went wrong."}, {"verb": "hangup"}]),
        ("routes.0.busy", [{"verb": "sip:decline", "status": 486}]),
        ("routes.0.status_hook", None),
        ("routes.0.max_call_s", 3600),
        ("routes.0.max_calls", None),
        ("routes.0.tools", {}),
        ("routes.0.media.sample_rate_hz", 24000),
        ("routes.0.media.lead_ms", 200),
        ("routes.0.media.record", False),
        ("routes.0.media.hold_clip", None),
        ("routes.0.media.open_timeout_s", 10),
        ("routes.0.media.metadata_timeout_s", 5),
        ("routes.0.media.silence_tone_after_s", 2.5),
    ],
)
def test_every_key_has_its_default(loaded: Load, path: str, default: object) -> None:
    assert at(loaded(""), path) == default


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("server: {port: 0}", "server.port", 0),
        ("server: {port: '8080'}", "server.port", 8080),
        ("server: {port: '${N}'}", "server.port", 7),
        ("server: {port: '80${N}0'}", "server.port", 8070),
        ("server:\n  drain_s: ${N}", "server.drain_s", 7),
        ("server:\n  body_timeout_s: 0.1", "server.body_timeout_s", 0.1),
        ("server: {insecure: '${YES}'}", "server.insecure", True),
        ("server: {insecure: false}", "server.insecure", False),
        ("server: {admin_token: '${N}'}", "server.admin_token", "7"),
        ("server: {admin_token: 0123}", "server.admin_token", "0123"),
        ("server: {admin_token: null}", "server.admin_token", ""),
        ("server: {public_url: '${NONE:-}'}", "server.public_url", None),
        ("server: {public_url: 'http://127.0.0.1:3000/a/'}", "server.public_url", "http://127.0.0.1:3000/a"),
        ("server:", "server.port", 3000),
        ("vendors:", "vendors.openai.url", OPENAI),
        ("vendors: {openai: {max_session_s: 1800}}", "vendors.openai.url", OPENAI),
        ("vendors: {xai: {max_session_s: 1800}}", "vendors.openai.url", OPENAI),
        ("vendors: {openai: {aliases: {old: 5}}}", "vendors.openai.aliases", {"old": "5"}),
        ("vendors: {openai: {url: 'ws://127.0.0.1:9/x'}}", "vendors.openai.url", "ws://127.0.0.1:9/x"),
        ("vendors: {openai: {url: 'ws://model.lan/x'}}\nserver: {insecure: true}", "vendors.openai.url", "ws://model.lan/x"),
        ("platform: {version: 0.9}", "platform.version", "0.9"),
        ("platform: {version: 10}", "platform.version", "10"),
        ("platform: {webhook_secrets: ['', a, '${NONE:-}', '${N}']}", "platform.webhook_secrets", ("a", "7")),
        ("platform: {webhook_secrets: a}", "platform.webhook_secrets", ("a",)),
        ("platform: {basic_auth: {username: u, password: 0123}}", "platform.basic_auth.password", "0123"),
        (
            "platform: {api: {base_url: 'https://j.example/', account_sid: a, api_key: b}}",
            "platform.api.base_url",
            "https://j.example",
        ),
        (
            "platform: {env: {KEY: {type: string, description: d, obscure: true, default: 5, uiHint: input}}}",
            "platform.env",
            {"KEY": {"type": "string", "description": "d", "obscure": True, "default": 5, "uiHint": "input"}},
        ),
        ("platform: {env: null}", "platform.env", {}),
        (f"hooks: {{secrets: ['', {SECRET}]}}", "hooks.secrets", (SECRET,)),
        ("hooks: {secrets: wh_secret_cJqgtMDPzDhhnjmaJH6Mtk}", "hooks.secrets", ("wh_secret_cJqgtMDPzDhhnjmaJH6Mtk",)),
        ("hooks: {retry_s: [0.1, 0]}", "hooks.retry_s", (0.1, 0)),
        ("store: memory://", "store", "memory://"),
        ("store: postgresql://u:p@db/x", "store", "postgresql://u:p@db/x"),
        ("routes: [{name: 5, verbs: {verb: hangup}}]", "routes.0.verbs", [{"verb": "hangup"}]),
        ("routes: [{name: 5, verbs: {verb: hangup}}]", "routes.0.name", "5"),
        ("routes: [{name: a, numbers: 15551234567, verbs: [{verb: hangup}]}]", "routes.0.numbers", ("15551234567",)),
        ("routes: [{name: a, numbers: [+1555, 0123], verbs: [{verb: hangup}]}]", "routes.0.numbers", ("+1555", "0123")),
        ("routes: [{name: a, from: '+1*', verbs: [{verb: hangup}]}]", "routes.0.from_", ("+1*",)),
        ("routes: [{name: a, headers: {X-A: 5}, verbs: [{verb: hangup}]}]", "routes.0.headers", {"X-A": "5"}),
        ("routes: [{name: a, media: , verbs: [{verb: hangup}]}]", "routes.0.media.lead_ms", 200),
        ("routes: [{name: a, tools: {}, verbs: [{verb: hangup}]}]", "routes.0.tools", {}),
        ("routes: [{name: a, url: , verbs: [{verb: hangup}]}]", "routes.0.url", None),
        (
            "routes: [{name: a, fallback: {say: {text: '$${x}'}}, verbs: [{verb: hangup}]}]",
            "routes.0.fallback",
            [{"say": {"text": "${x}"}}],
        ),
        ("routes: [{name: a, verbs: [{verb: pause, length: '${N}'}, {verb: hangup}]}]", "routes.0.name", "a"),
    ],
)  # fmt: skip
def test_a_key_reads_what_was_written(loaded: Load, text: str, path: str, value: object) -> None:
    assert at(loaded(f"{text}\n", {"N": "7", "YES": "true"}), path) == value


@pytest.mark.parametrize(
    ("name", "value", "path", "expected"),
    [
        ("OPENAI_API_KEY", "sk-1", "vendors.openai.api_key", "sk-1"),
        ("OPENAI_REALTIME_URL", "ws://localhost:1/v1", "vendors.openai.url", "ws://localhost:1/v1"),
        ("AZURE_OPENAI_API_KEY", "k", "vendors.microsoft.api_key", "k"),
        (
            "AZURE_OPENAI_REALTIME_URL",
            "wss://r.example/openai/v1/realtime",
            "vendors.microsoft.url",
            "wss://r.example/openai/v1/realtime",
        ),
        ("XAI_API_KEY", "k", "vendors.xai.api_key", "k"),
        ("DASHSCOPE_API_KEY", "k", "vendors.qwen.api_key", "k"),
        ("JAMBONZ_WEBHOOK_SECRET", "wh-1", "platform.webhook_secrets", ("wh-1",)),
        ("HOOKSWITCH_ADMIN_TOKEN", "t", "server.admin_token", "t"),
        ("HOOKSWITCH_TICKET_SECRET", "s", "server.ticket_secret", "s"),
    ],
)
def test_the_usual_variables_need_no_key(loaded: Load, name: str, value: str, path: str, expected: object) -> None:
    assert at(loaded("", {name: value}), path) == expected


def test_the_environment_goes_before_the_dotenv_file(loaded: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=from-file\nHOOKSWITCH_ADMIN_TOKEN=from-file\n")
    settings = loaded("", {"OPENAI_API_KEY": "from-environment"})
    assert at(settings, "vendors.openai.api_key") == "from-environment"
    assert at(settings, "server.admin_token") == "from-file"


def test_a_route_goes_before_the_defaults_key_by_key(loaded: Load) -> None:
    settings = loaded(
        "defaults: {max_call_s: 60, media: {lead_ms: 100, sample_rate_hz: 8000}, busy: [{verb: hangup}]}\n"
        "routes:\n"
        "  - {name: a, numbers: ['1'], verbs: [{verb: hangup}]}\n"
        "  - {name: b, max_call_s: 5, media: {lead_ms: 50}, busy: [{verb: answer}], verbs: [{verb: hangup}]}\n"
    )
    seen = [(r.max_call_s, r.media.lead_ms, r.media.sample_rate_hz, r.busy) for r in settings.routes]
    assert seen == [(60, 100, 8000, [{"verb": "hangup"}]), (5, 50, 8000, [{"verb": "answer"}])]


@pytest.mark.claim("J9", "J28")
def test_the_shape_of_hooks_is_said_for_all_for_the_defaults_or_for_a_route(loaded: Load) -> None:
    settings = loaded(
        "hooks: {envelope: jambonz, filter: jambonz-oss, timeout_s: 2}\n"
        "defaults: {hooks: {filter: default}}\n"
        "routes:\n"
        "  - {name: a, numbers: ['1'], verbs: [{verb: hangup}]}\n"
        "  - {name: b, numbers: ['2'], hooks: {envelope: full}, verbs: [{verb: hangup}]}\n"
        "  - {name: c, hooks: , verbs: [{verb: hangup}]}\n"
    )
    assert [(route.hooks.envelope, route.hooks.filter) for route in settings.routes] == [
        ("jambonz", "default"),
        ("full", "default"),
        ("jambonz", "default"),
    ]
    alone = loaded("hooks: {filter: jambonz-oss}\nroutes: [{name: a, verbs: [{verb: hangup}]}]\n").routes[0].hooks
    assert (alone.envelope, alone.filter) == ("full", "jambonz-oss")


def test_a_hold_clip_starts_at_the_folder_of_the_file(loaded: Load, tmp_path: Path) -> None:
    (tmp_path / "tune.wav").write_bytes(b"RIFF")
    route = loaded("routes: [{name: a, media: {hold_clip: tune.wav}, verbs: [{verb: hangup}]}]").routes[0]
    assert route.media.hold_clip == str(tmp_path / "tune.wav")


def test_no_secret_is_ever_shown(loaded: Load) -> None:
    settings = loaded(
        "server: {admin_token: hide-me}\n"
        "platform: {basic_auth: {username: u, password: hide-me}, webhook_secrets: [hide-me]}\n"
        "store: postgresql://u:hide-me@db/x\n"
        "routes:\n"
        "  - name: a\n"
        "    verbs:\n"
        "      - verb: llm\n"
        "        vendor: openai\n"
        "        model: gpt-realtime\n"
        "        auth: {apiKey: hide-me}\n"
        "        llmOptions: {response_create: {}}\n",
        {"OPENAI_API_KEY": "hide-me"},
    )
    assert "hide-me" not in f"{settings!r} {settings} {settings.routes[0]!r} {settings.vendors!r}"


def test_what_was_read_never_changes(loaded: Load) -> None:
    settings = loaded("")
    with pytest.raises(ValidationError, match="frozen"):
        settings.server.port = 1  # type: ignore[misc]


def test_the_default_verbs_are_valid() -> None:
    route = Route(name="a")
    assert len(verbs.parse([*route.fallback, *route.busy])) == 3


def test_the_defaults_of_the_models_are_those_of_a_file(loaded: Load) -> None:
    dumped = [settings.model_dump(exclude={"routes", "warnings", "brains"}) for settings in (Settings(), loaded(""))]
    folders = [Path(each["server"].pop("recordings_dir")) for each in dumped]
    assert dumped[0] == dumped[1]
    assert not folders[0].is_absolute()


def test_recordings_are_beside_the_configuration_unless_it_says_otherwise(loaded: Load, tmp_path: Path) -> None:
    for text, folder in (("", tmp_path / "recordings"), ("{recordings_dir: /var/calls}", Path("/var/calls"))):
        assert Path(loaded(f"server: {text}" if text else "").server.recordings_dir) == folder


def seconds(least: float) -> st.SearchStrategy[float]:
    return st.integers(1, 99).map(lambda tenths: least + tenths / 10)


def name_of(route: Any) -> str:
    return str(route["name"])


def share_no_number(routes: list[Any]) -> bool:
    """A route all of whose numbers an earlier one takes is a fault."""
    numbers = [number for route in routes for number in route["numbers"]]
    return len(set(numbers)) == len(numbers)


words = st.text("ab+0- :#{}[]'\"é", min_size=1, max_size=8).filter(str.strip)
valid: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "server": st.fixed_dictionaries(
            {}, optional={"port": st.integers(0, 65_535), "admin_token": words, "drain_s": seconds(0)}
        ),
        "hooks": st.fixed_dictionaries({}, optional={"retry_s": st.lists(seconds(0), max_size=3)}),
        "routes": st.lists(
            st.fixed_dictionaries(
                {
                    "name": words,
                    "numbers": st.lists(st.integers(0, 10**12).map("+{}".format), min_size=1, max_size=2),
                    "verbs": st.just([{"verb": "answer"}, {"verb": "say", "text": "it's: {a} #1"}]),
                },
                optional={"max_call_s": seconds(1), "media": st.just({"sample_rate_hz": 8000})},
            ),
            min_size=1,
            max_size=2,
            unique_by=name_of,
        ).filter(share_no_number),
    }
)


@given(valid)
@settings(deadline=None)
def test_every_valid_configuration_survives_dump_and_load(document: dict[str, Any]) -> None:
    def read(text: str) -> Settings:
        return settings_of(Source(Path("c.yaml"), text.encode(), b""), environ={})

    text = json.dumps(document)
    from_json, from_yaml = read(text), read(yaml.safe_dump(json.loads(text), allow_unicode=True))
    assert from_json == from_yaml
    assert [route.name for route in from_json.routes] == [route["name"] for route in document["routes"]]
    assert [list(route.numbers) for route in from_json.routes] == [r["numbers"] for r in document["routes"]]


PROXY = "http://u:${KEY}@proxy.example:3128"
WHOLE: dict[str, Any] = {
    **yaml.safe_load(Path("config.yaml").read_text("utf-8")),
    "store": "memory://",
    "vendors": {"openai": {"api_key": "${KEY}", "proxy": PROXY, "aliases": {"a": "b"}}},
    "hooks": {"base_url": "https://app.example.com", "secrets": ["${KEY}"], "retry_s": [1, 2]},
}


def test_the_whole_configuration_that_is_changed_below_is_a_good_one() -> None:
    assert read_whole(WHOLE).hooks.secrets


def read_whole(document: dict[str, Any], **how: Any) -> Settings:
    source = Source(Path("c.yaml"), json.dumps(document, **how).encode(), f"KEY={SECRET}".encode())
    return settings_of(source, environ={}, read=READERS)


@settings(max_examples=tries(30), deadline=None)
@given(document=changed([WHOLE]))
def test_whatever_is_changed_in_a_configuration_is_taken_or_complained_of_at_its_place(
    document: dict[str, Any],
) -> None:
    written = json.dumps(document, indent=1).splitlines()
    try:
        read = read_whole(document, indent=1)
    except ConfigError as error:
        complaints = error.complaints
        assert all(0 < complaint.line <= len(written) for complaint in complaints)
        assert all(str(complaint).isprintable() and SECRET not in str(complaint) for complaint in complaints)
    else:
        assert SECRET not in repr(read)
        assert read_whole(document) == read


SECRETS = ["server.admin_token", "server.ticket_secret", "platform.webhook_secrets", "platform.basic_auth.password"]
SECRETS += ["platform.api.api_key", "vendors.openai.api_key", "vendors.openai.proxy", "hooks.secrets"]
WRITTEN = edited(
    ["s3cr3t", "whsec_s3cr3t", "http://u:s3cr3t@h.example:1"], ["é", "@", "/", ":", " ", "=", "[", "\n", "$"]
)


@settings(max_examples=tries(50), deadline=None)
@given(
    place=st.sampled_from(SECRETS),
    text=WRITTEN,
    wrapped=st.sampled_from([str, lambda text: [text], lambda text: {text: text}]),
)
def test_whatever_is_written_for_a_secret_stands_in_no_complaint(place: str, text: str, wrapped: Any) -> None:
    document: dict[str, Any] = {"store": "memory://", "routes": WHOLE["routes"]}
    *parents, leaf = place.split(".")
    inner = document
    for parent in parents:
        inner = inner.setdefault(parent, {})
    inner[leaf] = wrapped(text)
    try:
        assert "s3cr3t" not in repr(read_whole(document))
    except ConfigError as error:
        assert "s3cr3t" not in str(error)  # noqa: PT017


def test_the_shipped_example_needs_no_environment() -> None:
    source = Source(Path("config.yaml"), Path("config.yaml").read_bytes(), b"")
    settings = settings_of(source, environ={})
    assert [route.name for route in settings.routes] == ["support", "default"]
    assert list(settings.brains) == ["basic", "openai-sse", "openai-advanced"]
    assert settings.model_copy(update={"routes": (), "warnings": (), "brains": {}}) == Settings()


@pytest.mark.parametrize(
    "model",
    [Server, Platform, Vendor, Hooks, Media, Route, Conversation, Budget, PriceKeys, RateKeys, BrainEntry, Size, Say],
    ids=lambda model: model.__name__,
)
def test_the_shipped_example_shows_every_key(model: type[BaseModel]) -> None:
    text = Path("config.yaml").read_text()
    keys = {field.alias or name for name, field in model.model_fields.items()} - {"url", "python", "source", "read"}
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}:", text)] == []


def test_the_example_of_the_environment_names_every_variable() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+):-", Path("config.yaml").read_text())) - {"NAME"}
    named, complaints = read_dotenv(Path(".env.example").read_text(), file=".env.example")
    assert (set(named), complaints) == (used, [])


def test_load_reads_a_file() -> None:
    assert load(Path("config.yaml"), environ={"OPENAI_API_KEY": "sk"}).warnings == ()


def test_a_model_to_fall_back_on_has_a_short_form(loaded: Load) -> None:
    route = loaded(
        "routes:\n  - name: a\n    verbs: [{verb: hangup}]\n"
        "    llm_fallback: [openai/gpt-realtime-mini, openai, {vendor: openai, model: m, auth: {apiKey: k}}]\n"
    ).routes[0]
    assert [(other.vendor, other.model, other.auth) for other in route.llm_fallback] == [
        ("openai", "gpt-realtime-mini", {}),
        ("openai", None, {}),
        ("openai", "m", {"apiKey": "k"}),
    ]


def test_a_step_about_a_silent_caller_does_something() -> None:
    with pytest.raises(ValidationError, match="must say something"):
        IdleStep.model_validate({"after_s": 5})
    assert IdleStep.model_validate({"after_s": 5, "end": True}).end
