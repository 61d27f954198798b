"""The commands' words and exit codes."""

import json
from pathlib import Path

import pytest

import cli
from calls.extending import Extension

CONFIG = """
store: memory://
vendors: {openai: {api_key: "${OPENAI_API_KEY:-}"}}
hooks: {base_url: https://app.example.com}
routes:
  - name: support
    numbers: ["+15551230001"]
    verbs: [{verb: llm, vendor: openai, actionHook: /final, llmOptions: {response_create: {}}}, {verb: hangup}]
  - name: transfer
    numbers: ["+15551230002"]
    verbs:
      - {verb: llm, vendor: openai, connectOptions: {host: "{{sip.headers.X-Host}}"}, llmOptions: {}}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-of-explain")
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def never(config: Path, *, host: str | None, port: int | None) -> int:
    raise AssertionError("nothing is to be served")


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_check_says_that_all_is_well_or_where_it_is_not(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--config", str(config)], serve=never) == 0
    assert "no complaints" in said(capsys)
    config.write_text(CONFIG.replace("vendor: openai, actionHook", "vendor: opnai, actionHook"), encoding="utf-8")
    assert cli.main(["check", "--config", str(config)], serve=never) == 2
    [line] = said(capsys).splitlines()
    assert line.startswith(f"{config}:8:")
    assert "routes[0].verbs[0].vendor: unknown vendor 'opnai' (did you mean 'openai'?)" in line


def test_what_is_installed_is_told_and_what_is_left_out_is_told_always(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = Extension("vendor", "acme", "acme 1.0", "acme:VENDOR")
    monkeypatch.setattr(cli, "extensions", lambda: (good, good._replace(name="odd", fault="it is broken")))
    found = "vendor 'acme' by acme 1.0 (acme:VENDOR)"
    left_out = "vendor 'odd' by acme 1.0 (acme:VENDOR) is left out: it is broken; mend it, or uninstall acme"
    assert cli.main(["check", "--config", str(config)], serve=never) == 0
    assert said(capsys).splitlines()[-2:] == [found, f"warning: {left_out}"]
    assert cli.main(["explain", "+15551230001", "--config", str(config)], serve=never) == 0
    assert capsys.readouterr().err == f"warning: {left_out}\n"
    config.write_text("routes: []", encoding="utf-8")
    assert cli.main(["check", "--config", str(config)], serve=never) == 2
    told = said(capsys)
    assert (found in told, f"warning: {left_out}" in told) == (False, True)
    assert cli.main(["doctor", "--config", str(config)], serve=never) == 2
    assert said(capsys).splitlines()[:2] == [f"ok: {found}", f"warning: {left_out}"]


def test_explain_shows_the_route_and_the_document(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["explain", "+15551230001", "--from", "+15557654321", "--config", str(config)]
    assert cli.main(asked, serve=never) == 0
    told = capsys.readouterr()
    first, second, *document = told.out.splitlines()
    assert first.startswith("support: takes the call")
    assert second.startswith("transfer: does not")
    verbs = json.loads("\n".join(document))
    assert [verb["verb"] for verb in verbs] == ["listen", "say", "hangup"]
    assert verbs[0]["url"].startswith("ws://127.0.0.1:3000/media/jambonz/")
    assert told.err == ""


def test_explain_shows_the_fallback_where_a_call_would_get_it(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["explain", "+15551230002", "--config", str(config)], serve=never) == 0
    monkeypatch.delenv("OPENAI_API_KEY")
    assert cli.main(["explain", "+15551230001", "--config", str(config)], serve=never) == 0
    told = capsys.readouterr()
    assert told.out.count("Sorry, something went wrong.") == 2
    assert "vendors.openai.api_key" in told.err


def test_explain_says_when_no_route_takes_a_call(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "+1999", "--config", str(config)], serve=never) == 1
    assert "no route takes a call to +1999" in said(capsys)


def test_serve_is_given_what_was_asked_for() -> None:
    asked: list[tuple[Path, str | None, int | None]] = []

    def serve(config: Path, *, host: str | None, port: int | None) -> int:
        asked.append((config, host, port))
        return 7

    assert cli.main(["serve"], serve=serve) == 7
    assert cli.main(["serve", "--config", "x.yaml", "--host", "0.0.0.0", "--port", "0"], serve=serve) == 7  # noqa: S104
    assert asked == [(Path("config.yaml"), None, None), (Path("x.yaml"), "0.0.0.0", 0)]  # noqa: S104


@pytest.mark.parametrize(
    "wrong", [[], ["servee"], ["serve", "--port", "70000"], ["serve", "--port", "x"], ["explain"], ["check", "--x"]]
)
def test_wrong_usage_is_told_on_stderr_with_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(wrong, serve=never)
    assert caught.value.code == 2
    told = capsys.readouterr()
    assert (told.out, "usage:" in told.err) == ("", True)


@pytest.mark.parametrize(
    "command", [[], ["serve"], ["check"], ["explain"], ["outbox", "list"], ["outbox", "replay"], ["outbox", "purge"]]
)
def test_every_command_says_what_it_does(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([*command, "--help"], serve=never)
    assert caught.value.code == 0
    told = said(capsys)
    assert told.startswith("usage: app.py")
    assert len(told) > 150
