"""The proof that a call is one of ours."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.outbound import RINGS_S, TAG, Placed, placed_call, seal, unseal
from tests.properties import changed, edited, json_values

SECRET = b"secret of the tickets"
PLACED = Placed("support", "/machine")


@given(st.text(max_size=50), st.text(max_size=50))
def test_what_was_sealed_comes_back(route: str, hook: str) -> None:
    text = seal(Placed(route, hook), SECRET, now_s=1000.0)
    assert text.isascii()
    assert not set(text) & set("/+=?#")
    assert unseal(text, SECRET, now_s=1000.0 + RINGS_S) == Placed(route, hook)
    assert unseal(text, SECRET, now_s=1002.0 + RINGS_S) is None


def test_nobody_else_can_seal() -> None:
    text = seal(PLACED, SECRET, now_s=0.0)
    assert unseal(text, b"another secret", now_s=0.0) is None
    for place in range(len(text) - 1):
        other = "A" if text[place] != "A" else "B"
        assert unseal(text[:place] + other + text[place + 1 :], SECRET, now_s=0.0) is None


@pytest.mark.parametrize(
    "text", [None, 5, "", "x", "é", "!" * 40, "A" * 5000, base64.urlsafe_b64encode(bytes(40)).decode()]
)
def test_any_other_text_is_none(text: object) -> None:
    assert unseal(text, SECRET, now_s=0.0) is None


def test_it_comes_back_in_the_calls_tag() -> None:
    sealed = seal(PLACED, SECRET, now_s=0.0)
    assert placed_call({"customerData": {TAG: sealed}}, SECRET, now_s=0.0) == PLACED
    others: list[dict[str, Any]] = [{}, {"customerData": sealed}, {"customerData": {}}, {"customerData": None}]
    for attributes in others:
        assert placed_call(attributes, SECRET, now_s=0.0) is None


SEALED = seal(PLACED, SECRET, now_s=0.0)


@given(text=edited([SEALED, ""], ["A", "-", "_", "+", "/", "=", "", "é", "\udcff", SEALED]) | st.text())
def test_what_is_changed_in_a_seal_makes_it_none(text: str) -> None:
    if unseal(text, SECRET, now_s=0.0) is not None:
        assert base64.urlsafe_b64decode(text + "==") == base64.urlsafe_b64decode(SEALED + "==")


@given(attributes=changed([{"customerData": {TAG: SEALED}, "call_sid": "c-1"}], json_values()))
def test_whatever_the_calls_tag_is_it_is_ours_or_none(attributes: dict[str, Any]) -> None:
    assert placed_call(attributes, SECRET, now_s=0.0) in {PLACED, None}
