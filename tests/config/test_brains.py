"""The section `brains` of a configuration."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from calls.readers import READERS
from config import ConfigError, Settings, load, secret_values
from config.brain import Brain
from config.egress import egress_of
from config.tools import UNREAD
from tests.hooks.modules import Write

JsonObject = dict[str, Any]
ROUTE: JsonObject = {"name": "a", "verbs": [{"verb": "hangup"}]}
SEED = {  # docs.tavus.io, persona/llm: `layers.llm` of the example
    "model": "gpt-4o",
    "base_url": "https://your-azure-openai.openai.azure.com/openai/deployments/gpt-4o",
    "api_key": "your-api-key",
    "speculative_inference": True,
    "default_query": {"api-version": "2024-02-15-preview"},
}


class Folder:
    def __init__(self, path: Path) -> None:
        self._path = path / "config.yaml"

    def settings(self, brains: Any, environ: dict[str, str] | None = None, **route: Any) -> Settings:
        document = {"store": "memory://", "brains": brains, "routes": [{**ROUTE, **route}]}
        self._path.write_text(json.dumps(document), encoding="utf-8")
        return load(self._path, environ=environ or {}, read=READERS)

    def brain(self, brain: Any, **environ: str) -> Brain:
        return self.settings({"x": brain}, environ).brains["x"]

    def complaints(self, brains: Any, **route: Any) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self.settings(brains, **route)
        return [re.sub(r"^.*?:\d+:\d+: ", "", str(complaint)) for complaint in caught.value.complaints]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.claim("V12")
@pytest.mark.parametrize("brains", [None, {}, {"mine": "openai/gpt-4o"}])
def test_v12_three_brains_are_there_unasked_by_the_names_of_vapis_servers(folder: Folder, brains: Any) -> None:
    found = folder.settings(brains).brains
    assert list(found)[-3:] == ["basic", "openai-sse", "openai-advanced"]
    assert [found[name].ruled for name in ("basic", "openai-sse", "openai-advanced")] == [True, True, True]
    with_key = folder.settings(brains, {"OPENAI_API_KEY": "sk-1234567"}).brains
    assert [with_key[name].ruled for name in ("basic", "openai-sse", "openai-advanced")] == [True, False, False]
    assert with_key["openai-advanced"].entry.rewrite["template"].startswith("{{prompt}}\n\n(Answer in one")


def test_one_that_is_written_takes_the_place_of_the_one_of_its_name_as_a_whole(folder: Folder) -> None:
    found = folder.settings({"openai-advanced": {"form": "openai-advanced", "model": "groq/m"}}).brains
    assert (found["openai-advanced"].entry.rewrite, found["openai-advanced"].built_in) == ({}, False)
    assert list(found) == ["openai-advanced", "basic", "openai-sse"]


@pytest.mark.claim("T8", "T19", "T6", "T15")
def test_t8_t19_the_llm_layer_of_a_persona_of_tavus_is_a_brain_as_it_stands(folder: Folder) -> None:
    brain = folder.brain(SEED)
    assert brain.endpoint.url == f"{SEED['base_url']}/chat/completions?api-version=2024-02-15-preview"
    assert (brain.entry.speculative_inference, brain.endpoint.headers) == (True, {"api-key": "your-api-key"})


@pytest.mark.claim("L8")
def test_l8_the_short_form_is_the_long_one(folder: Folder) -> None:
    short, long = folder.brain("openai/gpt-4.1-mini"), folder.brain({"model": "openai/gpt-4.1-mini"})
    assert short.endpoint == long.endpoint


@pytest.mark.claim("L11", "T13")
def test_l11_keys_come_from_the_environment_and_those_that_lack_are_told_of(folder: Folder) -> None:
    brains = {"a": "groq/m", "b": {"model": "ollama/m", "fallback": ["cerebras/m", "a"]}, "c": "bedrock/m"}
    environ = {"GROQ_API_KEY": "gsk-secret-01", "BEDROCK_BASE_URL": "http://10.0.0.1/v1"}
    settings = folder.settings(brains, environ)
    assert settings.brains["a"].endpoint.headers == {"Authorization": "Bearer gsk-secret-01"}
    assert "gsk-secret-01" in secret_values(settings)
    assert "gsk-secret-01" not in repr(settings)
    assert [text for text in settings.warnings if text.startswith("brain")] == [
        "brain 'b': no key for cerebras/m: set CEREBRAS_API_KEY, or api_key",
        "brain 'c': no key for bedrock/m: set BEDROCK_API_KEY or AWS_BEARER_TOKEN_BEDROCK, or api_key",
        "brain 'c': bedrock/m is asked without TLS: key and conversation can be read on the way",
    ]


def test_what_is_written_is_hidden_and_may_be_reached_wherever_it_is(folder: Folder) -> None:
    written = {
        "model": "m",
        "base_url": "http://10.0.0.1:8000/v1",
        "api_key": "key-of-mine",
        "tokens": ["token-of-mine"],
        "headers": {"X-Api-Key": "key-in-a-header"},
        "fallback": "openai/m",
    }
    settings = folder.settings({"x": written})
    assert {"key-of-mine", "token-of-mine", "key-in-a-header"} <= secret_values(settings)
    egress = egress_of(settings)
    assert [egress.reach(url).trusted for url in ("http://10.0.0.1:8000/v1/chat/completions", "http://10.0.0.2")] == [
        True,
        False,
    ]
    assert egress.reach("https://api.openai.com/v1").trusted


@pytest.mark.claim("L13", "L15")
def test_l13_l15_a_function_in_place_of_a_model_is_found_beside_the_configuration(folder: Folder, write: Write) -> None:
    write("mine.py", "async def answer(context):\n    yield 'Hi'\n\ndef sync(context):\n    return 'Hi'\n")
    assert folder.brain({"python": "mine:answer"}).node.__name__ == "answer"
    assert folder.complaints({"x": {"python": "mine:sync"}}) == [
        "brains.x.python: mine:sync: must be an async function: `async def`, with `yield` for each piece of the answer"
    ]
    assert "did you mean 'answer'" in folder.complaints({"x": {"python": "mine:answr"}})[0]
    with pytest.raises(ConfigError, match="nobody here can run a function"):
        load(Path(folder._path), environ={}, read=UNREAD)


@pytest.mark.claim("T14", "T5")
def test_t14_tools_are_those_of_the_voice_side_or_declarations(folder: Folder, write: Write) -> None:
    write("mine.py", "def add(a: int, b: int) -> int:\n    return a + b\n")
    served = {"add": {"python": "mine:add"}, "look": {"url": "https://x.com/look", "description": "Looks."}}
    brain = folder.brain({"model": "openai/m", "tools": served})
    assert list(brain.tools) == ["add", "look"]
    assert egress_of(folder.settings({"x": {"model": "openai/m", "tools": served}})).reach("https://x.com").trusted
    declared = [{"type": "function", "function": {"name": "f"}}]
    assert folder.brain({"model": "openai/m", "tools": declared}).entry.tools == declared
    assert folder.complaints({"x": {"model": "openai/m", "tools": [{"type": "function", "function": {}}]}}) == [
        "brains.x.tools[0].name: is missing and required"
    ]
    bad = {"look": {"url": "https://x.com"}, "add": {"python": "mine:add", "confirm": True}}
    assert folder.complaints({"x": {"model": "openai/m", "tools": bad}}) == [
        "brains.x.tools.look: must say what it takes (description, parameters): no verb declares it here",
        "brains.x.tools.add.confirm: cannot be confirmed here: whoever asks a brain is not a caller who hears it",
    ]
    assert folder.brain("openai/m").tools == {}


def test_what_rewrites_and_looks_up_is_asked_as_tools_are(folder: Folder, write: Write) -> None:
    write("mine.py", "def rewrite(prompt: str) -> str:\n    return prompt\n")
    form = {"form": "openai-advanced", "model": "openai/m"}
    brain = folder.brain({**form, "rewrite": {"python": "mine:rewrite"}, "lookup": {"url": "https://x.com/look"}})
    assert (brain.rewrite.target, brain.lookup.target) == ("mine:rewrite", "https://x.com/look")
    assert folder.brain({**form, "rewrite": {"instructions": "Expand."}}).rewrite is None
    assert "there is no 'other'" in folder.complaints({"x": {**form, "lookup": {"python": "mine:other"}}})[0]


@pytest.mark.claim("T9", "T3", "L8")
@pytest.mark.parametrize(
    ("brain", "complaint"),
    [
        (
            {},
            "brains.x.model: is missing: write provider/model, such as openai/gpt-4.1-mini, or base_url with the model",
        ),
        ({"base_url": "https://x.com"}, "brains.x.model: is missing: write"),
        ("opnai/gpt-4o", "brains.x.model: unknown provider 'opnai' (did you mean 'openai'?)"),
        ({"model": "gpt-4o"}, "brains.x.model: names no provider: write it as provider/model, such as openai/gpt-4o"),
        ("tavus-gpt-oss", "brains.x.model: Tavus: Tavus' own models are not to be had outside of Tavus"),
        ("azure/gpt-4o", "brains.x.base_url: Azure OpenAI: set base_url (or AZURE_OPENAI_BASE_URL)"),
        (
            {"model": "openai/m", "provider": "azur"},
            "brains.x.provider: unknown provider 'azur' (did you mean 'azure'?)",
        ),
        ({"model": "m", "base_url": "ftp://x"}, "brains.x.base_url: must begin with 'https://' or 'http://'"),
        (
            {"model": "openai/m", "fallback": ["nobody"]},
            "brains.x.fallback: 'nobody': neither a brain of this file nor a",
        ),
        ({"model": "openai/m", "fallback": ["x"]}, "brains.x.fallback: falls back on itself in the end"),
        ({"model": "openai/m", "python": "a:b"}, "brains.x.python: stands beside `model`"),
        ({"model": "openai/m", "rewrite": {"template": "x"}}, "brains.x.rewrite: is of form openai-advanced"),
        (
            {"model": "openai/m", "form": "openai-advanced", "lookup": {"template": "x"}},
            "brains.x.lookup: must have one of python, url",
        ),
        ({"model": "openai/m", "otherwise": "x"}, "brains.x.otherwise: is of form basic without a model"),
        (
            {"model": "openai/m", "context": {"soft_tokens": 200, "hard_tokens": 100}},
            "brains.x.context: soft_tokens must be",
        ),
        (
            {"model": "openai/m", "form": "sse"},
            "brains.x.form: must be 'basic', 'openai-sse' or 'openai-advanced', is 'sse'",
        ),
        ({"modle": "openai/m"}, "brains.x.modle: unknown key 'modle' (did you mean 'model'?)"),
    ],
)
def test_t9_what_is_wrong_with_a_brain_is_told_at_its_place(folder: Folder, brain: Any, complaint: str) -> None:
    assert [told for told in folder.complaints({"x": brain}) if told.startswith(complaint)]


@pytest.mark.claim("T4")
def test_t4_instructions_that_are_too_long_from_the_start_are_told_of(folder: Folder) -> None:
    brains = {"long": {"model": "ollama/m", "instructions": "x" * 130_000}, "short": {"model": "ollama/m"}}
    [told] = [text for text in folder.settings(brains).warnings if text.startswith("brain")]
    assert told.startswith(
        "brain 'long': its instructions and tools have about 32505 tokens: more than context.soft_tokens"
    )


def test_brains_that_fall_back_on_each_other_are_told_of(folder: Folder) -> None:
    circle = {"a": {"model": "groq/m", "fallback": "b"}, "b": {"model": "groq/m", "fallback": ["basic", "a"]}}
    assert [told.split(":")[0] for told in folder.complaints(circle)] == ["brains.a.fallback", "brains.b.fallback"]


def test_brains_have_names_and_are_keys_with_values(folder: Folder) -> None:
    assert folder.complaints({"a/b": "openai/m"}) == [
        "brains.a/b: must be named by 1 to 64 of letters, digits, . _ and -"
    ]
    assert folder.complaints(["openai/m"])[0].startswith("brains: must be keys with values below it")


def test_a_route_names_a_brain_that_there_is(folder: Folder) -> None:
    assert folder.settings({}, brain="basic").routes[0].brain == "basic"
    assert folder.complaints({}, brain="bsic") == ["routes[0].brain: there is no brain 'bsic' (did you mean 'basic'?)"]
