"""A request of `/chat/completions`, as OpenAI's clients, Vapi and Tavus send it.

Vapi adds `call`, `phoneNumber`, `customer` and `metadata`, and with `metadataSendMode: destructured` the fields of that
one (docs.vapi.ai: CustomLLMModel): no model knows them, and `phoneNumber` may hold a carrier's token. They are facts of
the call here, and never sent on. Tavus names its conversation in a header (docs.tavus.io: custom LLM onboarding).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from brains.base import Question
from brains.context import SYSTEM, ChatContext
from brains.errors import QuestionError
from brains.perception import perceived
from verbs.base import JsonObject, shown

OF_VAPI: Final = frozenset(
    {"call", "phoneNumber", "customer", "metadata", "assistant", "org", "timestamp", "credentials"}
)
MARKS_OF_VAPI: Final = frozenset({"call", "phoneNumber", "customer"})
# https://platform.openai.com/docs/api-reference/chat/create: all that goes on where a platform adds what is its own.
OF_OPENAI: Final = frozenset(
    {
        *("audio", "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens", "modalities"),
        *("n", "parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "reasoning_effort"),
        *(
            "response_format",
            "safety_identifier",
            "seed",
            "service_tier",
            "stop",
            "store",
            "temperature",
            "top_logprobs",
        ),
        *("top_p", "user", "verbosity", "web_search_options"),
    }
)
READ: Final = frozenset(
    {"messages", "model", "stream", "stream_options", "tools", "tool_choice", "functions", "function_call"}
)
ROLES: Final = SYSTEM | {"user", "assistant", "tool", "function"}
MAX_MESSAGES = 4_096
CONVERSATION_HEADERS: Final = ("conversation_id", "conversation-id", "x-conversation-id", "x-call-id")
"The first is Tavus'."


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    model: str
    question: Question
    stream: bool
    include_usage: bool


def read_request(raw: bytes, headers: Mapping[str, str]) -> Asked:
    """Read a request; `headers` by their names in lower case.

    :raises QuestionError: it is none; names the parameter
    """
    body = _body(raw)
    stream = _flag(body, "stream")
    options = body.get("stream_options")
    foreign = bool(MARKS_OF_VAPI & body.keys())
    names = body.keys() - READ - OF_VAPI if not foreign else body.keys() & OF_OPENAI
    context, seen = perceived(ChatContext(_messages(body)))
    question = Question(
        context,
        tuple(_tools(body)),
        _choice(body),
        {name: body[name] for name in sorted(names)},
        stream=stream,
        facts={**_facts(body, foreign=foreign), **({"perception": seen} if seen else {})},
        conversation=_conversation(body, headers),
    )
    include = isinstance(options, dict) and options.get("include_usage") is True
    model = body.get("model")
    if model is not None and not isinstance(model, str):
        raise QuestionError(f"model must be a text, not {shown(model)}", "model")
    return Asked(model or "", question, stream, include)


def with_instructions(question: Question, instructions: str) -> Question:
    """Put instructions before all that is said."""
    context = ChatContext([{"role": "system", "content": instructions}, *question.context.messages])
    return replace(question, context=context)


def _body(raw: bytes) -> JsonObject:
    try:
        body = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise QuestionError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise QuestionError("the body must be a JSON object")
    return body


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _messages(body: JsonObject) -> list[JsonObject]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise QuestionError("messages must be a list of messages, at least one: [{role: user, content: …}]", "messages")
    if len(messages) > MAX_MESSAGES:
        raise QuestionError(f"there are more than {MAX_MESSAGES} messages", "messages")
    for place, message in enumerate(messages):
        if not isinstance(message, dict):
            raise QuestionError(f"messages[{place}] must be an object with role and content", f"messages[{place}]")
        if not (isinstance(message.get("role"), str) and message["role"] in ROLES):
            known = ", ".join(sorted(ROLES))
            raise QuestionError(f"messages[{place}].role must be one of {known}", f"messages[{place}].role")
        content = message.get("content")
        if not (content is None or isinstance(content, str | list)):
            raise QuestionError(f"messages[{place}].content must be a text or a list", f"messages[{place}].content")
    return messages


def _tools(body: JsonObject) -> list[JsonObject]:
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise QuestionError("tools must be a list of objects", "tools")
    functions = body.get("functions") or []  # Vapi, and others, from before there were tools
    if not isinstance(functions, list) or not all(isinstance(function, dict) for function in functions):
        raise QuestionError("functions must be a list of objects", "functions")
    return [*tools, *({"type": "function", "function": function} for function in functions)]


def _choice(body: JsonObject) -> Any:
    if body.get("tool_choice") is not None:
        return body["tool_choice"]
    chosen = body.get("function_call")
    return {"type": "function", "function": chosen} if isinstance(chosen, dict) else chosen


def _flag(body: JsonObject, name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise QuestionError(f"{name} must be true or false", name)
    return bool(value)


def _facts(body: JsonObject, *, foreign: bool) -> JsonObject:
    told = OF_VAPI if not foreign else body.keys() - READ - OF_OPENAI
    return {name: body[name] for name in sorted(told & body.keys())}


def _conversation(body: JsonObject, headers: Mapping[str, str]) -> str:
    call = body.get("call")
    named = [call.get("id"), call.get("callId")] if isinstance(call, dict) else []
    named += [headers.get(name) for name in CONVERSATION_HEADERS]
    return next((name for name in named if isinstance(name, str) and name), "")
