"""`{{…}}` takes a value of the call, as data."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties import changed, json_values
from verbs.templates import fill, guessed, names

VALUES: dict[str, Any] = {
    "from": "+15551230001",
    "caller_name": "Ann {{to}} <break/>",
    "to": "200",
    "odd": "a\x00b\nc\x1b[1m\u2028\ud800d",
    "long": "y" * 1000,
    "sip": {"headers": {"X-Tenant": "acme", "x-lower": "low"}},
    "customerData": {"age": 7, "vip": True, "none": None, "list": [1, "é"], "deep": {"er": {"k": "v"}}},
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Hello {{from}}!", "Hello +15551230001!"),
        ("{{ from }} to {{to}}", "+15551230001 to 200"),
        ("{{sip.headers.X-Tenant}} {{sip.headers.x-tenant}} {{sip.headers.X-Lower}}", "acme acme low"),
        ("{{customerData.age}} {{customerData.vip}} {{customerData.none}}", "7 true "),
        ("{{customerData.list}} {{customerData.deep}}", '[1, "é"] {"er": {"k": "v"}}'),
        ("{{customerData.deep.er.k}}", "v"),
        ("[{{nobody}}] [{{from.x}}] [{{sip.headers.X-None}}] [{{sip..x}}]", "[] [] [] []"),
        ("{{caller_name}}", "Ann {{to}} <break/>"),
        ("{{odd}}", "abc[1md"),
        ("{{long}}", "y" * 256),
        ("<speak>Hi {{caller_name}}</speak>", "<speak>Hi Ann {{to}} &lt;break/&gt;</speak>"),
        ("{{}} {{ }} {from} {{two words}} {{{from}}}", "{{}} {{ }} {from} {{two words}} {+15551230001}"),
    ],
)
def test_a_text_is_filled_in_once(text: str, filled: str) -> None:
    assert fill(text, VALUES) == filled


def test_a_document_is_filled_in_but_for_its_names() -> None:
    document = [{"verb": "say", "text": ["{{to}}", "x"], "{{to}}": {"n": 1, "t": True, "z": None, "f": 1.5}}]
    filled = [{"verb": "say", "text": ["200", "x"], "{{to}}": {"n": 1, "t": True, "z": None, "f": 1.5}}]
    assert fill(document, VALUES) == filled
    assert document[0]["text"] == ["{{to}}", "x"]


def test_a_value_is_no_longer_than_it_may_be() -> None:
    assert fill(["{{long}}{{long}}"], VALUES, max_chars=3) == ["yyyyyy"]


def test_the_names_that_are_used_are_found() -> None:
    document = {"a": ["{{from}} {{ to }}", {"b": "{{sip.headers.X-Name}}"}], "{{no}}": 1, "c": None}
    assert names(document) == {"from", "to", "sip.headers.X-Name"}
    assert names("{{from}}") == {"from"}


@given(st.text())
def test_whatever_a_caller_is_named_stays_data(name: str) -> None:
    filled = fill("<{{caller_name}}>", {"caller_name": name, "to": "secret"})
    assert filled.startswith("<")
    assert filled.isprintable() or not name.isprintable()
    assert fill("{{a}}{{b}}", {"a": "{{", "b": "to}}", "to": "secret"}) == "{{to}}"


PIECES = ["{{", "}}", "{", "}", " ", "from", "sip", ".", "headers", "X-Tenant", "\n", "é", "odd", "<speak>", "none"]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join)


@given(document=changed([[{"verb": "say", "text": "{{from}}"}]], json_values(TEXTS)), values=json_values(TEXTS))
def test_any_document_keeps_its_form_and_only_its_names_are_filled_in(document: Any, values: Any) -> None:
    nothing: dict[str, Any] = {}
    for filled in (fill(document, {**VALUES, "x": values}), fill(document, nothing), guessed(document)):
        assert shape(filled) == shape(document)
    assert fill(document, nothing) == document or names(document)
    assert all(name and not set(name) & set("{} ") for name in names(document))


def shape(value: Any) -> Any:
    match value:
        case dict():
            return {key: shape(inner) for key, inner in value.items()}
        case list():
            return [shape(inner) for inner in value]
        case str():
            return str
        case _:
            return value
