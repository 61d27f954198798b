"""An `llm` verb in the YAML: what is wrong with it is told when the file is read, at its place."""

from pathlib import Path

import pytest

import cli
from tests.test_cli import never

CONFIG = """\
store: memory://
vendors: {{openai: {{api_key: "{key}"}}}}
hooks: {{base_url: https://app.example.com}}
routes:
  - name: a
    verbs:
      - verb: answer
      - {{verb: llm, {properties}}}
"""


def checked(
    folder: Path, capsys: pytest.CaptureFixture[str], properties: str, key: str = "sk-1"
) -> tuple[int, list[str]]:
    path = folder / "c.yaml"
    path.write_text(CONFIG.format(properties=properties, key=key), encoding="utf-8")
    code = cli.main(["check", "--config", str(path)], serve=never)
    return code, [line.removeprefix(f"{path}:") for line in capsys.readouterr().out.splitlines()]


@pytest.mark.claim("J2", "vendor")
@pytest.mark.parametrize(
    ("vendor", "hint"), [("opena1", " (did you mean 'openai'?)"), ("ultravox", "; known: openai, ")]
)
def test_a_vendor_that_is_not_known_is_told_with_its_place_and_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], vendor: str, hint: str
) -> None:
    code, [line] = checked(tmp_path, capsys, f"vendor: {vendor}, llmOptions: {{}}")
    assert code == 2
    assert line.startswith("8:")
    assert f"routes[0].verbs[1].vendor: unknown vendor '{vendor}'{hint}" in line
    assert "openai" in line
    assert ("llm_mode: native" in line) == (vendor == "ultravox")


@pytest.mark.claim("J5", "vendor")
def test_a_verb_without_a_vendor_is_told_by_its_path_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, [line] = checked(tmp_path, capsys, "model: gpt-realtime-2.1, llmOptions: {}")
    assert code == 2
    assert "routes[0].verbs[1].vendor: is missing and required" in line


@pytest.mark.claim("J19", "llmOptions.response_create.max_output_tokens")
def test_a_number_out_of_its_range_is_told_before_a_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "llmOptions: {response_create: {max_output_tokens: 5000}}"
    code, [line] = checked(tmp_path, capsys, f"vendor: openai, {options}")
    assert code == 2
    assert 'llmOptions.response_create.max_output_tokens: must be from 1 to 4096, or "inf"' in line


@pytest.mark.claim("J7", "auth")
def test_a_missing_key_is_told_before_a_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = checked(tmp_path, capsys, "vendor: openai, llmOptions: {}", key="")
    assert code == 0
    assert any("api_key" in line for line in told)
