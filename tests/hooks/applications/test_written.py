"""Verbs as an application in Python writes them."""

from typing import Any

import pytest

from hooks.applications.written import Function, WritingError, written
from hookswitch import Dial, Gather, Hangup, Listen, Llm, Play, Say, other

LLM = {"verb": "llm", "vendor": "openai", "llmOptions": {}}


def done() -> None:
    """Stand where a hook stands."""


def named(name: str, function: Function) -> str:
    return f"{name}={function.__name__}"


@pytest.mark.parametrize(
    ("returned", "document"),
    [
        (None, []),
        ([], []),
        (Hangup(), [{"verb": "hangup"}]),
        ({"verb": "hangup"}, [{"verb": "hangup"}]),
        ((Say(text="Hi."), {"say": {"text": "Ho."}}), [{"verb": "say", "text": "Hi."}, {"say": {"text": "Ho."}}]),
        (
            [Llm(vendor="openai", llm_options={}, action_hook=done, event_hook="/event")],
            [
                {
                    "verb": "llm",
                    "vendor": "openai",
                    "llmOptions": {},
                    "actionHook": "actionHook=done",
                    "eventHook": "/event",
                }
            ],
        ),
        (
            [Dial(target=[{"type": "phone", "number": "+1", "confirmHook": done}])],
            [{"verb": "dial", "target": [{"type": "phone", "number": "+1", "confirmHook": "confirmHook=done"}]}],
        ),
        ([Gather(say={"text": "Hi."}, num_digits=4)], [{"verb": "gather", "say": {"text": "Hi."}, "numDigits": 4}]),
        ([Gather(say=Say(text="Hi."))], [{"verb": "gather", "say": {"text": "Hi."}}]),
        (
            [Gather(play=Play(url="a.mp3", action_hook=done))],
            [{"verb": "gather", "play": {"url": "a.mp3", "actionHook": "actionHook=done"}}],
        ),
        (
            [Dial(target=[], listen=Listen(url="wss://app.example.com", mix_type="mono"))],
            [{"verb": "dial", "target": [], "listen": {"url": "wss://app.example.com", "mixType": "mono"}}],
        ),
        ([{"verb": "gather", "say": Say(text="Hi.")}], [{"verb": "gather", "say": {"text": "Hi."}}]),
        (
            [other("enqueue", name="q", wait_hook=done, action_hook={"url": "/over"})],
            [{"verb": "enqueue", "name": "q", "waitHook": "waitHook=done", "actionHook": {"url": "/over"}}],
        ),
        (
            [{"verb": "tag", "data": {"a": (1, 2.5, True, None)}}],
            [{"verb": "tag", "data": {"a": [1, 2.5, True, None]}}],
        ),
    ],
)
def test_what_a_function_returns_becomes_a_document(returned: Any, document: list[Any]) -> None:
    assert written(returned, named) == document


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("Hello.", "a verb is wanted, such as Say(text=…), and this is of type str"),
        ([Say], "a verb is wanted, such as Say(text=…), and this is the ModelMetaclass Say"),
        ([Say(text="Hi."), 7], "a verb is wanted, such as Say(text=…), and this is of type int"),
        ([{"verb": "tag", "data": {"who": object()}}], "who is of type object, which a document cannot hold"),
        ([{"verb": "say", "text": done}], "text is the function done, which a document cannot hold"),
        ([{"verb": "tag", "data": deep(70)}], "data is nested deeper than 64 levels"),
    ],
)
def test_what_is_no_document_is_told(returned: Any, words: str) -> None:
    with pytest.raises(WritingError) as caught:
        written(returned, named)
    assert str(caught.value) == words
