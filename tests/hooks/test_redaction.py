import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooks.redaction import MASK, Redactor

KEY = "sk-proj-Zoë-0001"


@pytest.mark.parametrize(
    ("secret", "body", "sent"),
    [
        (KEY, {"a": "plain"}, {"a": "plain"}),
        (KEY, {"a": f"my key is {KEY}, yes {KEY}"}, {"a": "my key is ***, yes ***"}),
        (KEY, {"list": [1, None, True, {KEY: KEY}]}, {"list": [1, None, True, {"***": "***"}]}),
        (KEY, {"arguments": json.dumps({"key": KEY})}, {"arguments": '{"key": "***"}'}),
        ('say "hi"\n', {"a": 'x say "hi"\n x'}, {"a": "x *** x"}),
        ('say "hi"\n', {"arguments": json.dumps({"a": 'say "hi"\n'})}, {"arguments": '{"a": "***"}'}),
        ("12345678", {"n": 12345678, "s": "12345678"}, {"n": 12345678, "s": "***"}),
        ('":"', {"a": "b"}, {"a": "b"}),
        ("abc", {"a": "abc"}, {"a": "abc"}),
        ("", {"a": ""}, {"a": ""}),
        ("half\ud83d", {"a": "half\ud83d!"}, {"a": "***!"}),
    ],
)
def test_a_known_secret_is_replaced_wherever_it_stands(secret: str, body: dict[str, Any], sent: dict[str, Any]) -> None:

    assert json.loads(Redactor([secret]).encode(body)) == sent


def test_of_two_secrets_the_longer_goes_first() -> None:
    assert Redactor(["secret", "secret-and-more"]).encode({"a": "secret-and-more"}) == b'{"a":"***"}'


def test_a_secret_that_comes_later_is_hidden_from_then_on() -> None:
    redactor = Redactor(["secret"])
    redactor.learn(["secret-and-more", "abc"])
    assert redactor.encode({"a": "secret-and-more abc"}) == b'{"a":"*** abc"}'
    assert redactor.shown({"secret": ("x", 5, ["a secret"])}) == {"***": ["x", 5, ["a ***"]]}


def test_text_stays_as_utf8_and_half_a_surrogate_pair_as_an_escape() -> None:
    assert Redactor(()).encode({"a": "Zoë\u2028"}) == '{"a":"Zoë\u2028"}'.encode()
    assert Redactor(()).encode({"a": "\ud83d"}) == b'{"a":"\\ud83d"}'


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Redactor(()).encode({"a": float("nan")})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(body=st.dictionaries(st.text(), json_values, max_size=3), secret=st.text(min_size=4, max_size=6))
def test_no_string_keeps_a_secret_and_the_rest_keeps_its_form(body: dict[str, Any], secret: str) -> None:
    redactor = Redactor([secret])
    if MASK in secret:
        return
    sent = json.loads(redactor.encode({**body, "added": f"a{secret}b"}))
    assert secret not in sent["added"]
    if not any(secret in text for text in strings(body)):
        assert sent == {**body, "added": f"a{MASK}b"} or secret in f"a{secret}b".replace(secret, MASK, 1)


def strings(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [*value, *(text for item in value.values() for text in strings(item))]
        case list():
            return [text for item in value for text in strings(item)]
        case _:
            return []
