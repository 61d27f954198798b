"""Where chat models are to be had: one table of providers, one of names.

Addresses and variables are those of the providers' own documentation and of LiveKit's plugins for them (LiveKit
agents: livekit-plugins-openai/livekit/plugins/openai/llm.py `with_…`, and its documentation, models/llm/plugins). A
provider is the part of `provider/model` before the first slash; what follows is the model's name as it is.
"""

from typing import Final, Literal, NamedTuple

Auth = Literal["bearer", "api-key", "none"]


class Provider(NamedTuple):
    title: str
    base_url: str = ""
    "Without `/chat/completions`; empty where every customer's is another."
    variables: str = ""
    "The beginning of the names of two variables: …_API_KEY, …_BASE_URL."
    key_variables: tuple[str, ...] = ()
    "Further variables in which a key may stand."
    auth: Auth = "bearer"
    advice: str = ""
    "What to put in front, or to write, where there is no address."
    reports_usage: bool = True
    "Whether `stream_options` may be asked of it."
    max_tokens: str = "max_tokens"
    "Its name for the most that may be answered."
    local: bool = False
    "Runs on a machine of one's own, and needs no key."

    @property
    def key_names(self) -> tuple[str, ...]:
        return (*((f"{self.variables}_API_KEY",) if self.variables and not self.local else ()), *self.key_variables)

    @property
    def url_name(self) -> str:
        return f"{self.variables}_BASE_URL" if self.variables else ""


GATEWAY = "put a gateway that speaks OpenAI's chat completions in front of it, such as LiteLLM, and name it in base_url"

PROVIDERS: Final[dict[str, Provider]] = {
    "openai": Provider("OpenAI", "https://api.openai.com/v1", "OPENAI", max_tokens="max_completion_tokens"),
    "azure": Provider(
        "Azure OpenAI",
        variables="AZURE_OPENAI",
        auth="api-key",
        advice="set base_url (or AZURE_OPENAI_BASE_URL) to https://RESOURCE.openai.azure.com/openai/v1, or to "
        "…/openai/deployments/DEPLOYMENT with default_query: {api-version: …}",
        max_tokens="max_completion_tokens",
    ),
    "google": Provider(
        "Google Gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI",
        ("GOOGLE_API_KEY",),
    ),
    "groq": Provider("Groq", "https://api.groq.com/openai/v1", "GROQ"),
    "cerebras": Provider("Cerebras", "https://api.cerebras.ai/v1", "CEREBRAS"),
    "baseten": Provider("Baseten", "https://inference.baseten.co/v1", "BASETEN"),
    "deepseek": Provider("DeepSeek", "https://api.deepseek.com/v1", "DEEPSEEK"),
    "mistral": Provider("Mistral AI", "https://api.mistral.ai/v1", "MISTRAL", reports_usage=False),
    "fireworks": Provider("Fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS"),
    "together": Provider("Together AI", "https://api.together.xyz/v1", "TOGETHER"),
    "openrouter": Provider("OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER"),
    "perplexity": Provider("Perplexity", "https://api.perplexity.ai", "PERPLEXITY", reports_usage=False),
    "telnyx": Provider("Telnyx", "https://api.telnyx.com/v2/ai", "TELNYX"),
    "xai": Provider("xAI", "https://api.x.ai/v1", "XAI"),
    "letta": Provider("Letta", "https://api.letta.com/v1", "LETTA", reports_usage=False),
    # For trying models out, as Anthropic says of it (platform.claude.com/docs: OpenAI SDK compatibility).
    "anthropic": Provider("Anthropic", "https://api.anthropic.com/v1", "ANTHROPIC"),
    "bedrock": Provider(
        "Amazon Bedrock",
        variables="BEDROCK",
        key_variables=("AWS_BEARER_TOKEN_BEDROCK",),
        advice="it has an address for each region and asks for a Bedrock API key: set base_url (or BEDROCK_BASE_URL) "
        f"to https://bedrock-mantle.REGION.api.aws/v1; for models that it does not serve there {GATEWAY}",
    ),
    "langchain": Provider(
        "LangChain",
        advice="it is a library and has no address: call it in an async generator, and name that in `python:`",
    ),
    "ollama": Provider("Ollama", "http://localhost:11434/v1", "OLLAMA", auth="none", local=True),
    "lmstudio": Provider("LM Studio", "http://localhost:1234/v1", "LMSTUDIO", auth="none", local=True),
    "llamacpp": Provider("llama.cpp", "http://localhost:8080/v1", "LLAMACPP", auth="none", local=True),
    "localai": Provider("LocalAI", "http://localhost:8080/v1", "LOCALAI", auth="none", local=True),
    "vllm": Provider("vLLM", "http://localhost:8000/v1", "VLLM", auth="none", local=True),
    "tavus": Provider(
        "Tavus",
        advice="Tavus' own models are not to be had outside of Tavus: write openai/gpt-4o, openai/gpt-4o-mini or "
        "groq/openai/gpt-oss-120b instead",
    ),
}

ALIASES: Final = {
    "azure-openai": "azure",
    "aws": "bedrock",
    "amazon": "bedrock",
    "gemini": "google",
    "mistralai": "mistral",
    "x-ai": "xai",
    "together-ai": "together",
    "lm-studio": "lmstudio",
    "llama.cpp": "llamacpp",
}
"Other names of providers."

OWNERS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    # The ids of LiveKit Inference name who made a model; who serves it, and by which name, is said here.
    "openai/gpt-oss-120b": (
        ("groq", "openai/gpt-oss-120b"),
        ("baseten", "openai/gpt-oss-120b"),
        ("cerebras", "gpt-oss-120b"),
    ),
    "qwen/qwen3-235b-a22b-instruct": (("baseten", "Qwen/Qwen3-235B-A22B-Instruct-2507"),),
    "moonshotai/kimi-k2-instruct": (("baseten", "moonshotai/Kimi-K2-Instruct-0905"),),
    "deepseek-ai/deepseek-v3": (("baseten", "deepseek-ai/DeepSeek-V3-0324"), ("deepseek", "deepseek-chat")),
    # Tavus' own names, which are no addresses: told with the provider's advice.
    "tavus-gpt-oss": (("tavus", "tavus-gpt-oss"),),
    "tavus-gpt-4o": (("tavus", "tavus-gpt-4o"),),
    "tavus-gpt-4o-mini": (("tavus", "tavus-gpt-4o-mini"),),
}
"Models by names that begin with no provider's: who serves each, the first unless `provider` says another."
