"""What of a call is secret."""

import json

import pytest

from calls.masking import masked, own_secrets, told, without_secrets
from tests.calls.exchange import LLM, SAY, JsonObject
from verbs import lint
from verbs.llm import Llm


def connecting(**options: object) -> JsonObject:
    return {"connectOptions": options}


MCP = {"type": "mcp", "server_label": "crm", "authorization": "key-of-mcp", "headers": {"X-Api-Key": "key-2"}}
REMOTE = {
    "type": "mcp",
    "server_url": "https://u:p%40w@x.example/mcp?key=key-7&v=1&q=any+words&flag",
    "headers": {"X-Tenant": "tenant-9", "X-N": "1", "Authorization": "Bearer key-8", "odd": None},
}
FUNCTION = {
    "type": "function",
    "name": "f",
    "parameters": {"type": "object", "properties": {"token": {"type": "string"}}},
}


@pytest.mark.claim("J7")
@pytest.mark.parametrize(
    ("changes", "secrets"),
    [
        ({}, []),
        ({"auth": {"apiKey": "sk-own", "region": "north"}}, ["sk-own", "north"]),
        (connecting(host="h"), []),
        (connecting(headers={"Authorization": "Bearer sk-1", "X-A": "1", "api-key": "sk-2"}), ["sk-1", "sk-2"]),
        (connecting(query={"api-key": "sk-3", "model": "gpt-realtime"}), ["sk-3"]),
        (connecting(url="wss://h/v1?api-key=sk-4&model=m"), ["sk-4"]),
        (connecting(host="h", path="v1?token=sk-5"), ["sk-5"]),
        (
            connecting(proxy="http://u:p%40w@h", subprotocols=["x", "openai-insecure-api-key.sk-6"]),
            ["p%40w", "p@w", "sk-6"],
        ),
        ({"llmOptions": {"session_update": {"tools": [MCP, FUNCTION]}}}, ["key-of-mcp", "key-2"]),
        (
            {"llmOptions": {"session_update": {"tools": (REMOTE, {"server_url": "https://token-x@h", "key": None})}}},
            ["key-8", "p%40w", "p@w", "key-7", "any+words", "any words", "tenant-9", "token-x"],
        ),
        ({"llmOptions": {"session_update": {"headers": 5, "server_url": 5}}}, []),
        ({"mcpServers": [{"url": "https://x.example/sse", "auth": {"token": "key-3"}}]}, ["key-3"]),
        (
            {"mcpServers": [{"url": "https://u:p%40w@x.example/sse?api_key=key-4&v=1"}]},
            ["key-4", "p%40w", "p@w", "dTpwQHc="],
        ),
        ({"mcpServers": [{"url": "ftp://x.example"}]}, []),
    ],
)
def test_a_verbs_own_secrets_are_known(changes: JsonObject, secrets: list[str]) -> None:
    assert own_secrets(Llm.model_validate(LLM | changes)) == secrets


@pytest.mark.claim("J7")
@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (SAY, SAY),
        (LLM | {"auth": {"apiKey": "x"}}, LLM | {"auth": "***"}),
        (LLM | {"auth": None, "connectOptions": None}, LLM | {"auth": None, "connectOptions": None}),
        (
            LLM | connecting(host="me:pw@h:1", headers={"X-Any": "k"}, query={"a": "k", "model": "m"}),
            LLM | connecting(host="***@h:1", headers={"X-Any": "***"}, query={"a": "***", "model": "***"}),
        ),
        (
            LLM | connecting(url="wss://me:p/w@h/v1?a=b?c", path="v1/realtime", other=5),
            LLM | connecting(url="wss://***@h/v1?***", path="v1/realtime", other=5),
        ),
        (
            LLM | connecting(proxy="http://u:pw@h:3128", subprotocols=["realtime", "api-key.k"], tls={"ca": "x"}),
            LLM | connecting(proxy="http://***@h:3128", subprotocols=["***", "***"], tls={"ca": "***"}),
        ),
        (
            {"llm": {"mcpServers": [{"url": "https://u:pw@x/sse?key=1", "auth": {"token": "t"}}, 5]}},
            {"llm": {"mcpServers": [{"url": "https://***@x/sse?***", "auth": "***"}, 5]}},
        ),
        (
            {
                "verb": "dial",
                "target": [{"type": "sip", "auth": {"username": "u", "password": "p"}}],
                "headers": {"X": "1"},
            },
            {"verb": "dial", "target": [{"type": "sip", "auth": "***"}], "headers": {"X": "1"}},
        ),
        (
            {"verb": "gather", "finishOnKey": "#", "listen": {"wsAuth": {"password": "p"}}},
            {"verb": "gather", "finishOnKey": "#", "listen": {"wsAuth": "***"}},
        ),
        (
            {"llm": {"llmOptions": {"session_update": {"tools": [MCP, FUNCTION]}}}},
            {
                "llm": {
                    "llmOptions": {
                        "session_update": {
                            "tools": [MCP | {"authorization": "***", "headers": {"X-Api-Key": "***"}}, FUNCTION]
                        }
                    }
                }
            },
        ),
    ],
)
def test_verbs_are_kept_without_their_keys(written: JsonObject, kept: JsonObject) -> None:
    before = json.dumps(written)
    assert masked([written]) == [kept]
    assert json.dumps(written) == before


@pytest.mark.parametrize(
    ("sip", "kept"),
    [
        (
            {"headers": {"Proxy-Authorization": "Digest x", "X-A": "1"}, "uri": "u"},
            {"headers": {"X-A": "1"}, "uri": "u"},
        ),
        ({"uri": "u"}, {"uri": "u"}),
    ],
)
def test_attributes_are_kept_without_credentials(sip: JsonObject, kept: JsonObject) -> None:
    assert without_secrets({"sip": sip, "env_vars": {"A": "b"}, "from": "+1"}) == {"sip": kept, "from": "+1"}


def test_complaints_are_told_without_the_values_of_secrets() -> None:
    complaints = lint([LLM | {"auth": "not-sk-like"}, {"verb": "sway", "text": "x"}], version="0.9")
    text = told(complaints)
    assert text.startswith("verbs[0].auth: is not what it must be; verbs[1].verb: unknown verb 'sway'")
    assert len(told(complaints * 10)) == 300
