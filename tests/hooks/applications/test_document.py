"""The configuration as a call's application."""

import pytest

from hooks.applications.base import absolute
from hooks.applications.document import Document


@pytest.mark.claim("J8", "actionHook")
@pytest.mark.parametrize(
    ("hook", "base_url", "url"),
    [
        ("/final", "https://app.example.com/", "https://app.example.com/final"),
        ("final", "https://app.example.com/x", "https://app.example.com/x/final"),
        ("http://other.example.com/y", "https://app.example.com", "http://other.example.com/y"),
        ({"url": "/final", "method": "POST"}, "https://app.example.com", "https://app.example.com/final"),
        ("/final", None, None),
        ("", "https://app.example.com", None),
        (None, "https://app.example.com", None),
        ({"method": "POST"}, "https://app.example.com", None),
        ("wss://other.example.com/ws", "https://app.example.com", None),
        ({"url": "WS://other.example.com/ws"}, "https://app.example.com", None),
    ],
)
def test_a_hook_is_resolved_against_the_base_url(hook: object, base_url: str | None, url: str | None) -> None:
    assert absolute(hook, base_url) == url


async def test_a_routes_verbs_are_what_its_calls_do() -> None:
    document = Document([{"verb": "hangup"}], base_url="https://app.example.com")
    assert await document.answer({"from": "+1"}) == [{"verb": "hangup"}]
    assert document.address("/final") == "https://app.example.com/final"
    await document.close()
