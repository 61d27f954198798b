"""Each claim is proved on lines as they leave the process."""

import asyncio
import base64
import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from _pytest.logging import LogCaptureHandler
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

import logs

SECRET = 'pass "w0rd" für/alle'


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


class Lines(io.StringIO):
    """What was written, line by line."""

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def only(self) -> dict[str, Any]:
        [line] = self.all()
        return line


@pytest.fixture(autouse=True)
def _nothing_stays_set_up() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in logs.FLOORS:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()
    logs._secrets.clear()


def set_up(**environ: str) -> Lines:
    lines = Lines()
    logs.set_up({f"HOOKSWITCH_LOG_{name.upper()}": value for name, value in environ.items()}, lines)
    return lines


def test_an_event_is_one_json_line_with_its_fields() -> None:
    lines = set_up()
    with structlog.contextvars.bound_contextvars(call_sid="c-1", route="support"):
        structlog.get_logger("media").info("barge_in", heard_ms=450, late=False, item_id=None, share=0.5)
    line = lines.only()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "barge_in",
        "level": "info",
        "logger": "media",
        "call_sid": "c-1",
        "route": "support",
        "heard_ms": 450,
        "late": False,
        "item_id": None,
        "share": 0.5,
    }


def test_a_person_at_a_terminal_gets_readable_lines() -> None:
    screen = Screen()
    logs.set_up({}, screen)
    structlog.get_logger().info("barge_in", heard_ms=450)
    assert "barge_in" in screen.getvalue()
    assert not screen.getvalue().startswith("{")


def test_a_traceback_on_a_terminal_is_readable_and_indented() -> None:
    screen = Screen()
    logs.set_up({}, screen)
    try:
        fail_with(ValueError("first\n2026-01-01 [error] forged line"))
    except ValueError:
        structlog.get_logger().exception("call_failed")
    assert "  Traceback (most recent call last):" in screen.getvalue()
    assert "\n  2026-01-01 [error] forged line" in screen.getvalue()


@pytest.mark.parametrize(
    ("level", "seen"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("INFO", ["info", "warning", "error"]),
        ("", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
@pytest.mark.parametrize("get_logger", [structlog.get_logger, logging.getLogger], ids=["structlog", "stdlib"])
def test_the_level_is_taken_from_the_environment(get_logger: Callable[..., Any], level: str, seen: list[str]) -> None:
    lines = set_up(level=level)
    log = get_logger("room")
    for name in logs.LEVELS:
        getattr(log, name)("happened")
    assert [line["level"] for line in lines.all()] == seen


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="HOOKSWITCH_LOG_LEVEL: unknown level 'loud'; write debug, info, warning"):
        set_up(level="loud")


def test_setting_up_again_replaces_the_first_set_up() -> None:
    first, second = set_up(), set_up()
    structlog.get_logger().info("once")
    assert first.getvalue() == ""
    assert second.only()["event"] == "once"


@pytest.mark.parametrize("name", ["aiohttp.server", "asyncio", "websockets.client", "some.library"])
def test_the_libraries_lines_look_like_ours(name: str) -> None:
    lines = set_up()
    with structlog.contextvars.bound_contextvars(call_sid="c-1"):
        logging.getLogger(name).warning("lost %d of %s", 3, "five")
    line = lines.only()
    assert (line["event"], line["level"], line["logger"]) == ("lost 3 of five", "warning", name)
    assert line["call_sid"] == "c-1"


def test_libraries_never_print_frames_and_paths_even_at_debug() -> None:
    lines = set_up(level="debug")
    logging.getLogger("websockets.client").debug("> TEXT '%s'", "what the caller said")
    logging.getLogger("aiohttp.access").info('"GET /media/jambonz/%s"', "ticket")
    logging.getLogger("asyncio").debug("Using selector")
    assert lines.all() == []


@pytest.mark.parametrize(
    "key",
    [
        "authorization",
        "Authorization",
        "proxy-authorization",
        "auth",
        "api_key",
        "apiKey",
        "X-API-Key",
        "secret",
        "webhook_secrets",
        "client_secret",
        "password",
        "passwd",
        "token",
        "admin_token",
        "cookie",
        "Set-Cookie",
        "signature",
        "Jambonz-Signature",
        "credentials",
        "privateKey",
        "ticket",
    ],
)
@pytest.mark.parametrize("value", ["hush", 12345, ["hush"], {"a": "hush"}, b"hush"], ids=type)
def test_what_stands_under_a_secret_name_is_hidden(key: str, value: object) -> None:
    lines = set_up()
    structlog.get_logger().info("asked", **{key: value}, headers={"x": [{key: value}]})
    assert lines.only()[key] == "***"
    assert lines.only()["headers"] == {"x": [{key: "***"}]}


@pytest.mark.parametrize("key", ["input_tokens", "tokens", "token_count", "max_tokens", "keys", "author"])
def test_a_name_that_only_resembles_one_is_shown(key: str) -> None:
    lines = set_up()
    structlog.get_logger().info("used", **{key: 42})
    assert lines.only()[key] == 42


@pytest.mark.parametrize("value", [None, True, False])
def test_whether_there_is_a_secret_may_be_told(value: object) -> None:
    lines = set_up()
    structlog.get_logger().info("loaded", api_key=value)
    assert lines.only()["api_key"] is value


FORMS = {
    "plain": SECRET,
    "in a URL": "pass%20%22w0rd%22%20f%C3%BCr/alle",
    "in a query": "pass%20%22w0rd%22%20f%C3%BCr%2Falle",
    "in JSON": json.dumps(SECRET)[1:-1],
    "in base64": base64.b64encode(SECRET.encode()).decode(),
}


def says(log: Any, what: str, how: str) -> None:
    text = f"before {what} after"
    match how:
        case "event":
            log.error(text)
        case "field":
            log.error("said", detail=text)
        case "nested":
            log.error("said", detail={"a": [(text, {"x"})]})
        case "key":
            log.error("said", detail={text: 1})
        case "exception":
            log.error("failed", exc_info=raised(ValueError(text)))
        case "error":
            log.error("said", error=ValueError(text))
        case "object":
            log.error("said", detail=Shown(text))
        case "stdlib":
            logging.getLogger("library").error("said %s", text)
        case "stdlib by name":
            logging.getLogger("library").error("said %(what)s", {"what": text})
        case _:
            logging.getLogger("library").error("failed", exc_info=raised(ValueError(text)))


def fail_with(error: Exception, cause: Exception | None = None) -> None:
    raise error from cause


def raised(error: Exception) -> Exception:
    """Return the error with a traceback."""
    try:
        fail_with(error)
    except type(error) as caught:
        return caught
    raise AssertionError


class Shown:
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"<Shown {self.text}>"


WAYS = [
    *("event", "field", "nested", "key", "exception", "error", "object"),
    *("stdlib", "stdlib by name", "stdlib exception"),
]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_known_secret_is_hidden_wherever_it_stands(how: str, form: str) -> None:
    lines = set_up()
    logs.register_secret(SECRET)
    says(structlog.get_logger(), form, how)
    line = json.dumps(lines.only(), ensure_ascii=False)
    assert "before" in line
    assert "after" in line
    assert "w0rd" not in line
    assert form not in line


def test_a_secret_inside_a_longer_one_does_not_uncover_it() -> None:
    logs.register_secret("hook")
    logs.register_secret("hookswitch-key")
    assert logs.without_secrets("a hookswitch-key and a hook") == "a *** and a ***"


def test_a_secret_at_the_cut_is_hidden_whole() -> None:
    lines = set_up()
    logs.register_secret("s3cret-value")
    structlog.get_logger().info("said", detail="x" * 507 + "s3cret-value")
    assert "s3c" not in lines.getvalue()


def test_a_secret_is_hidden_as_long_as_anybody_wants_it_hidden() -> None:
    logs.register_secret("key-of-the-server")
    text = "key-of-the-server key-of-calls key-of-one"
    show_first = logs.hide(["key-of-the-server", "key-of-calls"])
    show_second = logs.hide(["key-of-calls", "key-of-one", "x"])
    assert logs.without_secrets(text) == "*** *** ***"
    show_second()
    show_second()
    assert logs.without_secrets(text) == "*** *** key-of-one"
    show_first()
    assert logs.without_secrets(text) == "*** key-of-calls key-of-one"


def test_what_is_shown_again_leaves_nothing_behind() -> None:
    before = len(logs._secrets)
    for number in range(100):
        logs.hide([f"key-of-call-{number}"])()
    assert len(logs._secrets) == before


@pytest.mark.parametrize("value", ["", "a", "abc"])
def test_a_secret_too_short_to_hide_is_not_hidden(value: str) -> None:
    logs.register_secret(value)
    assert logs.without_secrets("abc, a cabbage") == "abc, a cabbage"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdefgh.ijk-lm", "Authorization: Bearer ***"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "{'Authorization': 'Basic ***'}"),
        ("Incorrect API key provided: sk-proj-abcdEFGH1234.", "Incorrect API key provided: ***."),
        ("signed with whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "signed with ***"),
        ("cannot reach postgresql://hook:switch@db/calls", "cannot reach postgresql://***@db/calls"),
        ("GET /media/jambonz/AbC.dEf_9 HTTP/1.1", "GET /media/jambonz/*** HTTP/1.1"),
        ("POST /call/ended/AbC.dEf_9?x=1", "POST /call/ended/***?x=1"),
        ('POST "/call/hook/AbC.dEf_9"', 'POST "/call/hook/***"'),
        ("GET /x?api_key=abc&y=1", "GET /x?api_key=***&y=1"),
        ("{'apiKey': 'a, b', 'model': 'm'}", "{'apiKey': ***, 'model': 'm'}"),
        ('{"client_secret":"a b","model":"m"}', '{"client_secret":***,"model":"m"}'),
        ("Cookie: id=7; other", "Cookie: ***; other"),
        ("got b'\\x00\\'abc' and b\"it's\" here", "got <bytes> and <bytes> here"),
        ("verb 'say': text is missing", "verb 'say': text is missing"),
        ("basic auth is missing", "basic auth is missing"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_in_running_text(text: str, shown: str) -> None:
    assert logs.without_secrets(text) == shown


@pytest.mark.parametrize(
    "text", ["a-" * 40_000, "b'" + "\\" * 80_000, "token " * 20_000, "//:" * 30_000, "basic " * 9_000]
)
def test_no_text_takes_long_to_look_through(text: str) -> None:
    lines = set_up()
    structlog.get_logger().info("said", detail=text)
    assert len(lines.only()["detail"]) == logs.MAX_CHARS


@pytest.mark.parametrize(
    "key", ["from", "to", "caller", "called", "from_", "From", "callerId", "caller_name", "numbers"]
)
@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+15551230001", "…01"),
        ("15551230001", "…01"),
        (15551230001, "…01"),
        ("+1 (555) 123-00 01", "…01"),
        ("sip:+15551230001@10.0.0.1:5060", "…01"),
        ("sip:alice@example.com", "…"),
        ("alice", "…"),
        ("101", "…"),
        ("anonymous", "…"),
    ],
)
def test_of_a_phone_number_the_last_two_digits_are_shown(key: str, number: str | int, shown: str) -> None:
    lines = set_up()
    structlog.get_logger().info("call", **{key: number}, attributes={key: [number]})
    assert lines.only()[key] == shown
    assert lines.only()["attributes"] == {key: [shown]}


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("number", ["+15551230001", "%2B15551230001"])
def test_a_phone_number_in_running_text_is_shortened_too(how: str, number: str) -> None:
    lines = set_up()
    says(structlog.get_logger(), number, how)
    assert "5551230001" not in lines.getvalue()
    assert "before \\u202601 after" in lines.getvalue()


def test_an_operator_may_ask_for_full_numbers() -> None:
    lines = set_up(pii="true")
    structlog.get_logger().info("call from +15551230001", caller="+15551230001", to=15551230001)
    line = lines.only()
    assert (line["event"], line["caller"], line["to"]) == ("call from +15551230001", "+15551230001", 15551230001)


@pytest.mark.parametrize("value", ["1", "false", "yes", ""])
def test_numbers_are_shown_for_the_word_true_only(value: str) -> None:
    lines = set_up(pii=value)
    structlog.get_logger().info("call", caller="+15551230001")
    assert lines.only()["caller"] == "…01"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb", "a\\r\\nb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("nul\x00 bell\x07 del\x7f", "nul\\x00 bell\\x07 del\\x7f"),
        ("\x85\u2028\u2029", "\\x85\\u2028\\u2029"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("\ud800", "\\ud800"),
        ("für 日本 🙂", "für 日本 🙂"),
    ],
)
@pytest.mark.parametrize("stream", [Lines, Screen])
def test_control_characters_do_nothing(stream: type[Lines | Screen], text: str, shown: str) -> None:
    lines = stream()
    logs.set_up({}, lines)
    for handler in [each for each in logging.getLogger().handlers if isinstance(each, LogCaptureHandler)]:
        logging.getLogger().removeHandler(handler)  # pytest's processes cannot tell each other half of a surrogate pair
    structlog.get_logger().info("said", detail={text: text}, what=text)
    structlog.get_logger().info(text)
    logging.getLogger("library").warning("%s", text)
    assert len(lines.getvalue().splitlines()) == 3
    if isinstance(lines, Lines):
        first, second, third = lines.all()
        assert (first["detail"], first["what"]) == ({shown: shown}, shown)
        assert second["event"] == third["event"] == shown


@given(st.text(alphabet=st.characters(), max_size=700))
def test_whatever_is_said_is_one_short_line(text: str) -> None:
    event = logs.Redaction()(None, "info", {"event": text, "detail": [text]})
    line = structlog.processors.JSONRenderer()(None, "info", event)
    assert isinstance(line, str)
    assert len(line.splitlines()) == 1
    assert len(event["event"]) <= logs.MAX_CHARS


def test_a_long_string_is_cut() -> None:
    lines = set_up()
    structlog.get_logger().info("y" * 600, exact="x" * 512, longer="x" * 513, nested=["x" * 100_000])
    line = lines.only()
    assert line["event"] == "y" * 511 + "…"
    assert line["exact"] == "x" * 512
    assert line["longer"] == line["nested"][0] == "x" * 511 + "…"


def test_a_long_traceback_keeps_its_end() -> None:
    lines = set_up()
    message = "\n".join(f"line {n} {'x' * 600}" for n in range(100))
    structlog.get_logger().error("failed", exc_info=raised(ValueError(message)))
    trace = lines.only()["exception"].splitlines()
    assert len(trace) == logs.MAX_TRACE_LINES
    assert trace[-1].startswith("  line 99 x")
    assert max(len(line) for line in trace) == logs.MAX_CHARS + 2


def test_collections_are_cut_in_breadth_and_depth() -> None:
    lines = set_up()
    deep: object = "ground"
    for _ in range(50):
        deep = [deep]
    structlog.get_logger().info("said", deep=deep, wide=list(range(1000)), table={n: n for n in range(1000)})
    line = lines.only()
    assert json.dumps(line["deep"], ensure_ascii=False) == '[[[[[["…"]]]]]]'
    assert len(line["wide"]) == len(line["table"]) == logs.MAX_ITEMS


AUDIO = b"\x00\x01SOUND" * 90


@pytest.mark.parametrize("data", [AUDIO, bytearray(AUDIO), memoryview(AUDIO)], ids=type)
def test_bytes_are_counted_and_never_printed(data: bytes | bytearray | memoryview) -> None:
    lines = set_up()
    structlog.get_logger().info("frame", pcm=data, nested=[{"pcm": data}], error=ValueError(data), shown=Holds(AUDIO))
    logging.getLogger("library").warning("got %r and %s", data, data)
    logging.getLogger("library").warning("got %(pcm)r", {"pcm": AUDIO})
    assert "SOUND" not in lines.getvalue()
    first, second, third = lines.all()
    assert (first["pcm"], first["nested"]) == ("<630 bytes>", [{"pcm": "<630 bytes>"}])
    assert second["event"] == "got '<630 bytes>' and <630 bytes>"
    assert third["event"] == "got <bytes>"


class Holds:
    def __init__(self, pcm: bytes) -> None:
        self.pcm = pcm

    def __repr__(self) -> str:
        return f"Holds(pcm={self.pcm!r})"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_line_stays_json_whatever_the_number(number: float) -> None:
    lines = set_up()
    structlog.get_logger().info("measured", seconds=number)
    assert lines.only()["seconds"] == str(number)


class Silent:
    def __repr__(self) -> str:
        raise RuntimeError("secret state of Silent")


def test_a_line_that_cannot_be_made_is_counted_not_dumped() -> None:
    logging.getLogger().handlers.clear()  # pytest's own would raise
    lines = set_up()
    structlog.get_logger("media").warning("odd", thing=Silent(), hint="hush")
    assert lines.only() == {"event": "log_line_lost", "logger": "media", "level": "warning"}


def test_a_closed_stream_ends_no_call() -> None:
    lines = set_up()
    lines.close()
    structlog.get_logger().warning("nobody hears this")


def test_an_exception_is_told_in_its_line() -> None:
    lines = set_up()
    try:
        fail_with(ValueError("why"))
    except ValueError as error:
        structlog.get_logger().exception("now")
        caught = error
    structlog.get_logger().error("later", exc_info=caught)
    structlog.get_logger().error("nothing", exc_info=True)
    now, later, nothing = lines.all()
    for line in (now, later):
        assert line["exception"].startswith("  Traceback (most recent call last):\n")
        assert line["exception"].endswith("\n  ValueError: why")
    assert nothing["event"] == "nothing"


async def test_a_failing_handler_is_told_with_its_traceback() -> None:
    lines = set_up()

    async def fail(_: web.Request) -> web.Response:
        raise RuntimeError("the handler's own fault")

    await ask(fail, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    assert "the handler's own fault" in lines.only()["exception"]


BROKEN = {
    "header": b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Hidd\x00en: hush\r\n\r\n",
    "start line": b"GET /?hush HTTP/9.9 hush\r\nHost: localhost\r\n\r\n",
    "chunk": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nhush\r\nhush\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"hush" * 5000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("level", ["info", "debug"])
@pytest.mark.parametrize("request_bytes", BROKEN.values(), ids=BROKEN)
async def test_a_broken_requests_bytes_are_not_in_the_log(request_bytes: bytes, level: str) -> None:
    lines = set_up(level=level)

    async def read(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    await ask(read, request_bytes)
    [line] = [line for line in lines.all() if line["logger"] == "aiohttp.server"]
    assert line["event"].startswith(("Error handling request", "Unhandled exception"))
    assert line["error"]
    assert "hush" not in lines.getvalue()


async def ask(handler: Callable[[web.Request], Any], request: bytes) -> None:
    """Send bytes to a server and wait until it has closed the connection or answered."""
    app = web.Application()
    app.router.add_post("/", handler)
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(request)
        writer.write_eof()
        await reader.read()
        writer.close()
        await writer.wait_closed()


def test_a_parser_error_behind_another_error_is_found() -> None:
    lines = set_up()
    try:
        fail_with(ValueError("outer"), BadHttpMessage("hush"))
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "hush" not in lines.getvalue()
    assert lines.only()["error"] == "BadHttpMessage"


def test_a_very_long_chain_of_causes_ends() -> None:
    lines = set_up()
    error: Exception = ValueError("0")
    for n in range(20):
        outer = ValueError(str(n + 1))
        outer.__cause__ = error
        error = outer
    structlog.get_logger().error("failed", exc_info=error)
    assert "ValueError: 20" in lines.only()["exception"]


def test_a_mapping_of_any_kind_is_looked_into() -> None:
    lines = set_up()
    headers: Mapping[str, str] = Headers({"Authorization": "hush", "Accept": "*/*"})
    structlog.get_logger().info("asked", headers=headers)
    assert lines.only()["headers"] == {"Authorization": "***", "Accept": "*/*"}


class Headers(Mapping[str, str]):
    def __init__(self, items: dict[str, str]) -> None:
        self._items = items

    def __getitem__(self, key: str) -> str:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


def test_lines_can_be_made_when_no_file_can_be_opened() -> None:
    program = """
import io, logging, os, resource, logs
lines = io.StringIO()
logs.set_up({}, lines)
resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
try:
    while True:
        os.open("/dev/null", os.O_RDONLY)
except OSError as error:
    logging.getLogger("asyncio").error("accept failed\\nsocket: 7", exc_info=error)
assert "Too many open files" in lines.getvalue(), lines.getvalue()
"""
    subprocess.run([sys.executable, "-c", program], cwd=Path(logs.__file__).parent, check=True)  # noqa: S603  # our own program
