"""Routes in native mode: the key that goes to the platform, and what their operator is told."""

from pathlib import Path

import pytest

import cli
from config import load
from tests.test_cli import never

CONFIG = """\
store: memory://
platform: {{version: "{version}"{platform}}}
vendors: {{openai: {{api_key: sk-of-the-server, url: "wss://beta.example.com/v1/realtime"}}}}
hooks: {{base_url: https://app.example.com}}
routes:
  - name: a
    numbers: ["1"]
    llm_mode: native
    verbs: [{{verb: llm, llmOptions: {options}, {properties}}}]
    {more}
"""
SIGNED = ", webhook_secrets: [secret-of-the-webhooks]"
OPENAI = "vendor: openai, connectOptions: {host: beta.example.com}"


def written(folder: Path, properties: str, **others: str) -> Path:
    defaults = {"version": "0.9", "platform": SIGNED, "options": "{}", "more": ""}
    path = folder / "c.yaml"
    path.write_text(CONFIG.format(properties=properties, **defaults | others), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("properties", "others", "warnings"),
    [
        (OPENAI, {}, []),
        (OPENAI, {"platform": ", basic_auth: {username: u, password: p}"}, []),
        (OPENAI, {"platform": ""}, ["its documents leave without the model's key, until platform.webhook_secrets"]),
        (
            "vendor: openai, connectOptions: {host: other.example.com}",
            {"platform": ""},
            ["no key for vendor 'openai': put `auth` into the verb, or vendors.openai.api_key and .url for its host; "],
        ),
        ("vendor: openai, connectOptions: {host: other.example.com}, auth: {apiKey: sk-other}", {}, []),
        ("vendor: ultravox", {}, ["no key for vendor 'ultravox': put `auth` into the verb; its calls get `fallback`"]),
        ("vendor: ultravox", {"version": "10"}, []),
        ("vendor: elevenlabs", {}, ["no agent_id for vendor 'elevenlabs': put it into the verb's `auth`"]),
        ("vendor: elevenlabs, auth: {agent_id: a}", {}, []),
        (OPENAI, {"more": "conversation: {first_speaker: caller}"}, ["`conversation` has no effect in native mode"]),
        (OPENAI, {"more": "media: {record: true}"}, ["`media.record` has no effect in native mode"]),
        (OPENAI, {"options": "{response_create: {instructions: x}}"}, ["`instructions` only in response_create"]),
        (
            OPENAI,
            {"options": f"{{session_update: {{instructions: {'x' * 21_000}}}}}"},
            ["its document has 21"],
        ),
    ],
)
def test_what_an_operator_of_a_native_route_should_know_is_a_warning(
    tmp_path: Path, properties: str, others: dict[str, str], warnings: list[str]
) -> None:
    told = load(written(tmp_path, properties, **others), environ={}).warnings
    starts = [f"route 'a': {warning}" for warning in warnings]
    assert [text[: len(start)] for text, start in zip(told, starts, strict=True)] == starts


@pytest.mark.claim("J1", "J7")
def test_explain_shows_the_native_document_and_hides_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, OPENAI)
    assert cli.main(["explain", "1", "--config", str(path)], serve=never) == 0
    told = capsys.readouterr().out
    assert '"apiKey": "***"' in told
    assert '"verb": "llm"' in told
    assert '"listen"' not in told
    assert "sk-of" not in told
