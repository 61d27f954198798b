"""What is installed and adds to the server: taken in, or left out with a sentence that says what to do."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from calls import extending
from calls.diagnosis import hook_places
from calls.extending import Extension, extend, extensions, tell
from config import ConfigError
from config.egress import egress_of
from egress.origins import PORTS
from extensions import Registry, UnfitError
from hooks.applications.base import absolute
from hooks.tools import KINDS
from hooks.transports import SCHEMES, TRANSPORTS, by_scheme
from hooks.transports.base import HookReply, HookRequest
from media import realtime
from media.platforms import PLATFORMS
from tests.calls.exchange import settings_of
from verbs.vendors import VENDORS, KnownVendor


class Known(Distribution):
    """A distribution that is not installed."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read_text(self, filename: str) -> str | None:
        return f"Metadata-Version: 2.1\nName: {self._name}\nVersion: 1.2\n" if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        return Path(path)


def point(name: str, value: str, group: str = "hookswitch.things", by: str = "acme") -> EntryPoint:
    found = EntryPoint(name, value, group)
    vars(found)["dist"] = Known(by)
    return found


def things() -> Registry[Any]:
    def accept(_: str, thing: object) -> None:
        if not callable(thing):
            raise UnfitError(f"must be callable, not a {type(thing).__name__}")

    return Registry("thing", accept)


def test_what_is_installed_is_found_under_its_name_with_where_it_is_from() -> None:
    registry = things()
    [found] = extend([registry], [point("dumps", "json:dumps"), point("x", "json:dumps", group="console_scripts")])
    assert str(found) == "thing 'dumps' by acme 1.2 (json:dumps)"
    assert (list(registry), registry.origins) == (["dumps"], {"dumps": "acme 1.2"})


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "x7_fails.py").write_text("\n1 / 0\n")
    (tmp_path / "x7_exits.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "x7_syntax.py").write_text("def (\n")


@pytest.mark.usefixtures("modules")
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("a", "x7_nothing:THING", "it cannot be loaded: ModuleNotFoundError: No module named 'x7_nothing'"),
        ("a", "x7_fails:THING", "it cannot be loaded: ZeroDivisionError: division by zero, at x7_fails.py:2"),
        ("a", "x7_exits:THING", "it cannot be loaded: SystemExit: 3, at x7_exits.py:1"),
        ("a", "x7_syntax:THING", "it cannot be loaded: SyntaxError: "),
        ("a", "json:nothing", "it cannot be loaded: AttributeError: module 'json' has no attribute 'nothing'"),
        ("a", "json:__name__", "must be callable, not a str"),
        ("A b", "json:dumps", "its name must begin with a letter, and be of a-z, 0-9, _ and - only: give it another"),
        ("ours", "json:dumps", "its name is taken by Hookswitch itself: give it another"),
        ("theirs", "json:dumps", "its name is taken by other 1.0: give it another"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_told_with_what_to_do(name: str, value: str, words: str) -> None:
    registry = things()
    registry.enter("ours", len)
    registry.enter("theirs", len, origin="other 1.0")
    [found] = extend([registry], [point(name, value)])
    assert words in found.fault
    assert str(found).startswith(f"thing {name!r} by acme 1.2 ({value}) is left out: ")
    assert str(found).endswith("; mend it, or uninstall acme")
    assert list(registry) == ["ours", "theirs"]


def test_of_two_that_give_the_same_name_neither_is_taken() -> None:
    registry = things()
    two = [point("same", "json:dumps"), point("other", "json:dumps"), point("same", "json:loads", by="evil")]
    found = {(one.name, one.distribution): one.fault for one in extend([registry], two)}
    assert list(registry) == ["other"]
    assert found["same", "acme 1.2"] == "evil 1.2 gives the same name, and one of the two must go"
    assert found["same", "evil 1.2"] == "acme 1.2 gives the same name, and one of the two must go"


def test_an_entry_point_of_nobody_is_one_all_the_same() -> None:
    [found] = extend([things()], [EntryPoint("a", "json:nothing", "hookswitch.things")])
    assert "by nobody knows whom (json:nothing) is left out" in str(found)


def test_everything_is_looked_for_once_and_then_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def installed(group: str) -> list[EntryPoint]:
        asked.append(group)
        return [point("odd", "json:nothing", group)] if group == "hookswitch.tools" else []

    extensions.cache_clear()
    monkeypatch.setattr(extending, "entry_points", installed)
    try:
        found = extensions()
        assert extensions() is found
    finally:
        extensions.cache_clear()
    assert asked == [f"hookswitch.{kind}" for kind in ("vendors", "platforms", "tools", "transports")]
    with capture_logs() as logged:
        tell([*found, Extension("vendor", "a", "b 1", "c:D")], structlog.get_logger("app"))
    assert [(entry["log_level"], entry["message"].partition(" by ")[0]) for entry in logged] == [
        ("warning", "tool 'odd'"),
        ("info", "vendor 'a'"),
    ]


# The four kinds, and what each must be


@pytest.fixture
def restored() -> Iterator[None]:
    """Let nobody else see what a test enters."""
    shared: list[dict[str, Any]] = [VENDORS, SCHEMES, PORTS]
    before = [dict(one) for one in shared]
    yield
    for one, old in zip(shared, before, strict=True):
        one.clear()
        one.update(old)


def entered(registry: Registry[Any], name: str, thing: object) -> Registry[Any]:
    """Enter a thing where ours are not."""
    fresh = Registry(registry.what, registry._accept)
    fresh.enter(name, thing)
    return fresh


OPENAI = realtime.VENDORS["openai"]
JAMBONZ = PLATFORMS["jambonz"]
KNOWN = KnownVendor("ACME", "wss://realtime.acme.example/v1")


class Nats:
    schemes: tuple[str, ...] = ("nats",)

    async def send(self, request: HookRequest) -> HookReply:
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is open."""


class Loud(Nats):
    schemes = ("NATS",)


class Schemeless(Nats):
    schemes = ()


class Socket(Nats):
    schemes = ("nats", "wss")


class Web(Nats):
    schemes = ("https",)


class Picky(Nats):
    def __init__(self, url: str) -> None:
        self.url = url


def read(name: str, entry: Any, *, folder: Path, base_url: str | None) -> Any:
    raise NotImplementedError


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(
    ("registry", "thing"),
    [
        (realtime.VENDORS, replace(OPENAI, known=KNOWN)),
        (PLATFORMS, JAMBONZ),
        (PLATFORMS, replace(JAMBONZ, control=None, rest=None)),
        (KINDS, read),
        (TRANSPORTS, Nats),
    ],
)
def test_what_has_the_shape_of_its_kind_is_entered(registry: Registry[Any], thing: object) -> None:
    assert entered(registry, "acme", thing) == {"acme": thing}


def odd(thing: Any, **changes: Any) -> Any:
    return replace(thing, **changes)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(
    ("registry", "name", "thing", "words"),
    [
        (realtime.VENDORS, "acme", OPENAI.realtime, "must be a media.realtime.base.Vendor, not a ABCMeta|type"),
        (
            realtime.VENDORS,
            "acme",
            odd(OPENAI, dial="wss://x"),
            "its `dial` is not what media.realtime.base.Vendor",
        ),
        (realtime.VENDORS, "acme", odd(OPENAI, known="ACME"), "its `known` is not what"),
        (realtime.VENDORS, "acme", odd(OPENAI, can={}), "its `can` is not what"),
        (realtime.VENDORS, "acme", OPENAI, "its variables OPENAI_… are those of vendor openai, whose key they hold"),
        (realtime.VENDORS, "acme", odd(OPENAI, known=KnownVendor("acme")), "must be of A-Z, 0-9 and _"),
        (
            realtime.VENDORS,
            "acme",
            odd(OPENAI, known=KnownVendor("ACME", "https://x")),
            "must be a ws:// or wss://",
        ),
        (
            realtime.VENDORS,
            "acme",
            odd(OPENAI, known=KnownVendor("ACME", 'wss://x"}')),
            "must be a ws:// or wss://",
        ),
        (PLATFORMS, "acme", JAMBONZ.call, "must be a media.platforms.base.Platform, not a JambonzCalls"),
        (PLATFORMS, "acme", odd(JAMBONZ, call=JAMBONZ.llm), "its `call` lacks announced, hook_attributes, is_over"),
        (PLATFORMS, "acme", odd(JAMBONZ, call=None), "its `call` lacks announced, "),
        (
            PLATFORMS,
            "acme",
            odd(JAMBONZ, media=lambda _: JAMBONZ.call),
            r"its `media\(rate_hz\)` lacks clear, pacing",
        ),
        (PLATFORMS, "acme", odd(JAMBONZ, rest=JAMBONZ.call), "its `rest` lacks .*media.remote.RemoteDialect"),
        (KINDS, "headers", read, "headers is a key of every tool"),
        (KINDS, "acme", 5, "must be a function, not a int; see hooks.tools.base.Read"),
        (KINDS, "acme", lambda name: name, r"must take \(name, entry, \*, folder, base_url\): "),
        (TRANSPORTS, "acme", Nats(), "must be a class, not a Nats"),
        (TRANSPORTS, "acme", Exception, "lacks close, schemes, send, see hooks.transports.base.Transport"),
        (TRANSPORTS, "acme", Loud, "must be a tuple of words in small letters"),
        (TRANSPORTS, "acme", Schemeless, "must be a tuple of words"),
        (TRANSPORTS, "acme", Web, "https:// is served already: it needs a scheme of its own"),
        (TRANSPORTS, "acme", Socket, "wss:// is served already"),
    ],
)
def test_what_has_not_the_shape_of_its_kind_is_told_what_it_lacks(
    registry: Registry[Any], name: str, thing: object, words: str
) -> None:
    known = dict(VENDORS), dict(SCHEMES)
    with pytest.raises(UnfitError, match=words):
        entered(registry, name, thing)
    assert known == (VENDORS, SCHEMES)


@pytest.mark.usefixtures("restored")
def test_a_transport_that_cannot_be_made_is_left_out() -> None:
    registry = Registry("transport", TRANSPORTS._accept)
    [found] = extend([registry], [point("acme", f"{__name__}:Picky", "hookswitch.transports")])
    assert "it cannot be loaded: " in found.fault
    with pytest.raises(TypeError, match="url"):
        entered(TRANSPORTS, "acme", Picky)


@pytest.mark.usefixtures("restored")
def test_what_is_entered_is_known_on_every_floor() -> None:
    entered(realtime.VENDORS, "acme", replace(OPENAI, known=KNOWN))
    entered(TRANSPORTS, "acme", Nats)
    settings = settings_of(
        {
            "verbs": [{"verb": "llm", "vendor": "acme", "model": "m", "eventHook": "nats://here/e", "llmOptions": {}}],
            "status_hook": "nats://here/s",
        },
        environ={"ACME_API_KEY": "k-of-acme"},
    )
    assert settings.vendors["acme"].api_key.get_secret_value() == "k-of-acme"
    assert settings.vendors["acme"].url == KNOWN.url
    assert by_scheme()["nats"].schemes == ("nats",)
    assert absolute("nats://here/e", None) == "nats://here/e"
    assert hook_places(settings) == {}
    reach = egress_of(settings).reach
    assert (reach("nats://here/x").trusted, reach("nats://there/x").trusted) == (True, False)
    assert reach("nats://there/x").fault("nats://there/x") == "is in no plain http://, https://, ws:// or wss:// URL"


def test_a_hook_of_a_scheme_that_nobody_serves_is_told_which_are() -> None:
    with pytest.raises(ConfigError, match="the hook must begin with 'https://' or 'http://'"):
        settings_of({"verbs": [{"verb": "hangup"}], "status_hook": "nats://here/s"})
    with pytest.raises(ConfigError, match="the hook must begin with"):
        settings_of({"verbs": [{"verb": "hangup"}], "status_hook": "app://here/s"})
