"""Which server a model is asked at, by all the ways in which it can be written."""

from typing import Any

import pytest

from brains.base import Question
from brains.endpoints import NamingError, endpoint, named
from brains.presets import ALIASES, OWNERS, PROVIDERS
from tests.brains.asking import context

JsonObject = dict[str, Any]
OPENAI, AZURE = "https://api.openai.com/v1", "https://acme.openai.azure.com/openai/v1"
BASETEN, GROQ, CEREBRAS = (
    "https://inference.baseten.co/v1",
    "https://api.groq.com/openai/v1",
    "https://api.cerebras.ai/v1",
)
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/openai"
VARIABLES = {"AZURE_OPENAI_BASE_URL": AZURE}

# docs.livekit.io/agents/models/llm.md, "LiveKit Inference": the name there, who provides it, and what is asked here.
# The ids are those of the pages of each family.
GPT = [
    *(
        (f"openai/{model}", provider, url, variable, model)
        for model in (
            "gpt-4o",
            "gpt-4o-mini",
            "gpt-4.1",
            "gpt-4.1-mini",
            "gpt-4.1-nano",
            "gpt-5",
            "gpt-5-mini",
            "gpt-5-nano",
        )
        for provider, url, variable in (("openai", OPENAI, "OPENAI_API_KEY"), ("azure", AZURE, "AZURE_OPENAI_API_KEY"))
    ),
    ("openai/gpt-oss-120b", "baseten", BASETEN, "BASETEN_API_KEY", "openai/gpt-oss-120b"),
    ("openai/gpt-oss-120b", "groq", GROQ, "GROQ_API_KEY", "openai/gpt-oss-120b"),
    ("openai/gpt-oss-120b", "cerebras", CEREBRAS, "CEREBRAS_API_KEY", "gpt-oss-120b"),
]
GEMINI = [
    (f"google/{model}", "google", GOOGLE, "GEMINI_API_KEY", model)
    for model in (
        "gemini-2.5-pro",
        "gemini-2.5-flash",
        "gemini-2.5-flash-lite",
        "gemini-2.0-flash",
        "gemini-2.0-flash-lite",
    )
]
OTHERS = [
    ("qwen/qwen3-235b-a22b-instruct", "baseten", BASETEN, "BASETEN_API_KEY", "Qwen/Qwen3-235B-A22B-Instruct-2507"),
    ("moonshotai/kimi-k2-instruct", "baseten", BASETEN, "BASETEN_API_KEY", "moonshotai/Kimi-K2-Instruct-0905"),
    ("deepseek-ai/deepseek-v3", "baseten", BASETEN, "BASETEN_API_KEY", "deepseek-ai/DeepSeek-V3-0324"),
]
# The page's table of plugins: an example of a model, and its address, or what is said in place of one.
PLUGINS = [
    ("Amazon Bedrock", "bedrock/openai.gpt-oss-120b", "set base_url (or BEDROCK_BASE_URL)"),
    ("Anthropic", "anthropic/claude-sonnet-4-5", "https://api.anthropic.com/v1/chat/completions"),
    ("Baseten", "baseten/openai/gpt-oss-120b", f"{BASETEN}/chat/completions"),
    ("Google Gemini", "google/gemini-2.5-flash", f"{GOOGLE}/chat/completions"),
    ("Groq", "groq/llama-3.3-70b-versatile", f"{GROQ}/chat/completions"),
    ("LangChain", "langchain", "call it in an async generator"),
    ("Mistral AI", "mistral/mistral-medium-latest", "https://api.mistral.ai/v1/chat/completions"),
    ("OpenAI", "openai/gpt-4o", f"{OPENAI}/chat/completions"),
    ("Azure OpenAI", "azure/gpt-4o", "set base_url (or AZURE_OPENAI_BASE_URL)"),
    ("Cerebras", "cerebras/llama3.1-8b", f"{CEREBRAS}/chat/completions"),
    ("DeepSeek", "deepseek/deepseek-chat", "https://api.deepseek.com/v1/chat/completions"),
    ("Fireworks", "fireworks/accounts/fireworks/models/x", "https://api.fireworks.ai/inference/v1/chat/completions"),
    ("Letta", "letta/agent-1", "https://api.letta.com/v1/chat/completions"),
    ("Ollama", "ollama/llama3.1", "http://localhost:11434/v1/chat/completions"),
    ("OpenRouter", "openrouter/auto", "https://openrouter.ai/api/v1/chat/completions"),
    ("Perplexity", "perplexity/sonar", "https://api.perplexity.ai/chat/completions"),
    ("Telnyx", "telnyx/meta-llama/Meta-Llama-3.1-70B-Instruct", "https://api.telnyx.com/v2/ai/chat/completions"),
    ("Together AI", "together/meta-llama/x", "https://api.together.xyz/v1/chat/completions"),
    ("xAI", "xai/grok-3-fast", "https://api.x.ai/v1/chat/completions"),
]


def row(name: str, provider: str, url: str, variable: str, model: str, *, chosen: bool) -> None:
    found = endpoint(name, provider=provider if chosen else "", environ={**VARIABLES, variable: "sk-1"})
    assert (found.url, found.model, found.key, found.needs_key) == (f"{url}/chat/completions", model, "sk-1", False)
    assert endpoint(name, provider=provider, environ=VARIABLES).needs_key


@pytest.mark.claim("L4", "L7")
@pytest.mark.parametrize("line", GPT, ids=lambda line: f"{line[0]}@{line[1]}")
def test_l4_l7_gpt_models_are_asked_at_each_of_their_providers(line: tuple[str, str, str, str, str]) -> None:
    row(*line, chosen=True)


@pytest.mark.claim("L5")
@pytest.mark.parametrize("line", GEMINI, ids=lambda line: line[0])
def test_l5_gemini_models_are_asked_at_google(line: tuple[str, str, str, str, str]) -> None:
    row(*line, chosen=False)
    assert endpoint(line[0], environ={"GOOGLE_API_KEY": "g"}).key == "g"


@pytest.mark.claim("L6")
@pytest.mark.parametrize("line", OTHERS, ids=lambda line: line[0])
def test_l6_qwen_kimi_and_deepseek_are_asked_at_baseten(line: tuple[str, str, str, str, str]) -> None:
    row(*line, chosen=False)


@pytest.mark.claim("L12")
@pytest.mark.parametrize(("plugin", "model", "told"), PLUGINS, ids=lambda value: value)
def test_l12_each_plugin_of_livekits_has_an_address_or_a_reason(plugin: str, model: str, told: str) -> None:
    assert plugin in {provider.title for provider in PROVIDERS.values()}
    if told.startswith("http"):
        assert endpoint(model).url == told
        return
    with pytest.raises(NamingError) as caught:
        endpoint(model)
    assert (plugin in str(caught.value), told in str(caught.value)) == (True, True)


def test_there_are_nineteen_plugins_and_every_alias_and_owner_is_a_providers() -> None:
    assert len(PLUGINS) == 19
    assert (
        set(ALIASES.values()) | {provider for served in OWNERS.values() for provider, _ in served} <= PROVIDERS.keys()
    )


@pytest.mark.claim("L8")
@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("openai/gpt-4.1-mini", ("openai", "gpt-4.1-mini")),
        ("groq/openai/gpt-oss-120b", ("groq", "openai/gpt-oss-120b")),
        ("Gemini/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("x-ai/grok-3", ("xai", "grok-3")),
        ("OpenAI/GPT-OSS-120B", ("groq", "openai/gpt-oss-120b")),
    ],
)
def test_l8_a_model_is_written_as_provider_and_name(written: str, found: tuple[str, str]) -> None:
    assert named(written) == found


@pytest.mark.claim("L8", "L7")
@pytest.mark.parametrize(
    ("model", "provider", "told", "key"),
    [
        ("opnai/gpt-4o", "", "unknown provider 'opnai' (did you mean 'openai'?)", "model"),
        ("gpt-4o", "", "write it as provider/model, such as openai/gpt-4o", "model"),
        ("openai/gpt-4o", "azur", "unknown provider 'azur' (did you mean 'azure'?)", "provider"),
        ("openai/", "", "which model shall be asked", "model"),
        ("", "", "write it as provider/model", "model"),
        ("", "openai", "which model shall be asked", "model"),
    ],
)
def test_l8_what_is_no_model_is_told_with_what_to_write(model: str, provider: str, told: str, key: str) -> None:
    with pytest.raises(NamingError) as caught:
        endpoint(model, provider=provider)
    assert told in str(caught.value)
    assert caught.value.key == key


@pytest.mark.claim("L7")
def test_l7_a_provider_that_is_not_known_for_a_model_is_asked_for_it_by_its_own_name() -> None:
    assert endpoint("openai/gpt-oss-120b", provider="together").model == "openai/gpt-oss-120b"
    assert endpoint("groq/llama", provider="groq").model == "llama"


@pytest.mark.claim("T3")
@pytest.mark.parametrize("model", ["tavus-gpt-oss", "tavus-gpt-4o", "tavus-gpt-4o-mini", "tavus/anything"])
def test_t3_tavus_own_models_are_told_what_to_write_instead(model: str) -> None:
    with pytest.raises(NamingError, match="not to be had outside of Tavus: write openai/gpt-4o"):
        endpoint(model)


@pytest.mark.claim("T12", "L3")
@pytest.mark.parametrize(
    "base_url",
    [
        "https://your-llm.com/api/v1",
        "https://your-llm.com/api/v1/",
        "https://your-llm.com/api/v1/chat/completions",
        "https://your-llm.com/api/v1/chat/completions/",
    ],
)
def test_t12_l3_a_base_url_is_one_address_however_it_is_written(base_url: str) -> None:
    found = endpoint("gpt-3.5-turbo", base_url=base_url, api_key="k")
    assert (found.url, found.model) == ("https://your-llm.com/api/v1/chat/completions", "gpt-3.5-turbo")


@pytest.mark.claim("T11", "T13", "T16")
def test_t11_t13_t16_a_model_of_ones_own_has_its_name_key_and_headers() -> None:
    found = endpoint("a/b:c", base_url="https://x.com", api_key="k", headers={"authorization": "Basic x", "X-T": "1"})
    assert (found.model, dict(found.headers)) == ("a/b:c", {"authorization": "Basic x", "X-T": "1"})
    assert dict(endpoint("m", base_url="https://x.com", api_key="k").headers) == {"Authorization": "Bearer k"}
    assert dict(endpoint("m", base_url="https://x.com").headers) == {}
    assert not endpoint("m", base_url="https://x.com").needs_key
    assert endpoint("openai/m").needs_key
    assert not endpoint("openai/m", headers={"Authorization": "x"}).needs_key
    assert not endpoint("openai/m", environ={"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}).needs_key
    assert not endpoint("ollama/m").needs_key
    assert "k-secret" not in repr(endpoint("m", base_url="https://x.com", api_key="k-secret"))


@pytest.mark.claim("T18", "T19")
def test_t18_t19_the_example_of_azure_is_asked_as_it_stands() -> None:
    base_url = "https://your-azure-openai.openai.azure.com/openai/deployments/gpt-4o"
    found = endpoint("gpt-4o", base_url=base_url, api_key="k", default_query={"api-version": "2024-02-15-preview"})
    assert found.url == f"{base_url}/chat/completions?api-version=2024-02-15-preview"
    assert dict(found.headers) == {"api-key": "k"}
    assert endpoint("gpt-4o", base_url=base_url).needs_key
    merged = endpoint("m", base_url="https://x.com/v1?a=1&b=", default_query={"a": 2, "c": True})
    assert merged.url == "https://x.com/v1/chat/completions?a=2&b=&c=true"


@pytest.mark.claim("T7", "T17", "L10")
def test_t7_t17_l10_the_body_has_what_the_asker_and_then_what_the_operator_says() -> None:
    extra = {"temperature": 0.5, "top_p": 0.9, "frequency_penalty": 0.5, "messages": [], "stream": False}
    found = endpoint("m", base_url="https://x.com", extra_body=extra)
    question = Question(context("Hi"), settings={"temperature": 1, "seed": 5, "stop": None})
    assert found.body(question, question.context) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "frequency_penalty": 0.5,
        "seed": 5,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.claim("L10")
@pytest.mark.parametrize(
    ("model", "sent", "left_out"),
    [
        ("openai/gpt-5-mini", {"max_completion_tokens": 9}, ["temperature"]),
        ("openai/o3", {"max_completion_tokens": 9}, ["temperature"]),
        ("openai/gpt-5-chat-latest", {"temperature": 0.7, "max_completion_tokens": 9}, []),
        ("openai/gpt-4o", {"temperature": 0.7, "max_completion_tokens": 9}, []),
        ("groq/llama-3.3-70b-versatile", {"temperature": 0.7, "max_tokens": 9}, []),
        ("mistral/m", {"temperature": 0.7, "max_tokens": 9}, []),
    ],
)
def test_l10_a_parameter_goes_by_the_name_that_the_provider_has_or_is_left_out(
    model: str, sent: JsonObject, left_out: list[str]
) -> None:
    question = Question(context("Hi"), settings={"temperature": 0.7, "max_tokens": 9}, stream=False)
    body = endpoint(model).body(question, question.context)
    assert {name: body[name] for name in body if name not in {"model", "messages", "stream"}} == sent
    assert endpoint(model).not_taken(question) == left_out


def test_usage_is_asked_for_where_it_may_be_and_tools_go_with_their_choice() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    asked = Question(context("Hi"), (tool,), "auto")
    assert "stream_options" not in endpoint("mistral/m").body(asked, asked.context)
    body = endpoint("openai/m").body(asked, asked.context)
    assert (body["tools"], body["tool_choice"]) == ([tool], "auto")
    assert "tool_choice" not in endpoint("openai/m").body(Question(context("Hi"), (tool,)), asked.context)
