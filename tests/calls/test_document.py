"""From verbs to the document that leaves and the row that is kept."""

import json

import pytest

from calls.document import Place, as_bytes, extend, filled, new_call, route_verbs, values
from config.settings import Settings
from media.ticket import Ticket, read
from store.base import CallRow
from tests.calls.exchange import HANGUP, LLM, PLACE, SAY, SECRET, JsonObject, a_call, names, settings_of
from verbs import DocumentError, parse

SETTINGS = settings_of({"verbs": [LLM, SAY]})
[ROUTE] = SETTINGS.routes
MENU: JsonObject = {"verb": "gather", "input": ["digits"], "actionHook": "/menu"}


def a_row() -> CallRow:
    return new_call(a_call(), platform="jambonz", route="route-0", at_s=5.0)


def ticket_of(url: str) -> Ticket | None:
    return read(url.rpartition("/")[2], SECRET)


@pytest.mark.parametrize(
    ("public_url", "media", "ended"),
    [
        ("http://127.0.0.1:3000", "ws://127.0.0.1:3000/media/jambonz/", "http://127.0.0.1:3000/call/ended/"),
        ("https://v.example/agent", "wss://v.example/agent/media/jambonz/", "https://v.example/agent/call/ended/"),
    ],
)
def test_urls_keep_the_public_urls_path_and_safety(public_url: str, media: str, ended: str) -> None:
    place = Place(public_url, SECRET)
    row_id = bytes(range(12))
    assert place.media("jambonz", row_id, 3).startswith(media)
    assert place.ended(row_id, 3).startswith(ended)
    assert ticket_of(place.media("jambonz", row_id, 3)) == Ticket(row_id, 3, "media")
    assert ticket_of(place.ended(row_id, 3)) == Ticket(row_id, 3, "ended")
    assert ticket_of(place.hook(row_id, 7)) == Ticket(row_id, 0, "hook", 7)


def test_an_llm_becomes_a_listen_and_the_row_knows_what_comes_after() -> None:
    first, second = (LLM | {"auth": {"apiKey": key}} for key in ("sk-first", "sk-second"))
    next_ = extend(a_row(), parse([SAY, first, SAY, second]), ROUTE, PLACE, fallback=parse([SAY]))
    assert names(next_.document) == ["say", "listen", "say", "hangup"]
    [leg] = next_.row.legs
    hidden = LLM | {"auth": "***"}
    assert (leg.llm, leg.remaining, leg.fallback) == (hidden, (SAY, hidden), (SAY,))
    assert next_.llm
    assert next_.llm.auth == {"apiKey": "sk-first"}
    assert next_.remaining == [SAY, second]
    assert (next_.soon, next_.returns) == (False, True)


@pytest.mark.parametrize(
    ("verbs", "soon", "returns"),
    [
        ([LLM], True, True),
        ([{"verb": "answer"}, {"verb": "config"}, LLM], True, True),
        ([{"verb": "pause", "length": 1}, LLM], False, True),
        ([SAY], False, False),
        ([MENU], False, True),
    ],
)
def test_what_is_to_be_expected_of_a_document(verbs: list[JsonObject], soon: bool, returns: bool) -> None:  # noqa: FBT001
    next_ = extend(a_row(), parse(verbs), ROUTE, PLACE, fallback=[])
    assert (next_.soon, next_.returns) == (soon, returns)


def test_hooks_and_conversations_are_counted_over_the_whole_call() -> None:
    first = extend(a_row(), parse([MENU, LLM]), ROUTE, PLACE, fallback=[])
    second = extend(first.row, parse([MENU | {"actionHook": "/again"}, LLM]), ROUTE, PLACE, fallback=[])
    assert second.row.hooks == ("/menu", "/again")
    assert ticket_of(second.document[0]["actionHook"]) == Ticket(first.row.id, 0, "hook", 1)
    assert ticket_of(second.document[1]["url"]) == Ticket(first.row.id, 1, "media")
    assert len(second.row.legs) == 2


def test_verbs_that_are_heard_beside_a_document_need_no_last_one() -> None:
    wait = {"verb": "enqueue", "name": "x", "waitHook": "/wait", "actionHook": "/done"}
    first = extend(a_row(), parse([MENU, wait]), ROUTE, PLACE, fallback=[])
    assert first.asides == {1: "waitHook"}
    assert extend(first.row, parse([SAY]), ROUTE, PLACE, fallback=[], closed=False).document == [SAY]


def test_a_hook_that_has_a_message_of_its_own_is_known_by_it() -> None:
    target = {"type": "phone", "number": "+15085551212", "confirmHook": "/confirm"}
    dial, away = {"verb": "dial", "target": [target]}, {"verb": "redirect", "actionHook": "/elsewhere"}
    first = extend(a_row(), parse([MENU, dial, away]), ROUTE, PLACE, fallback=[])
    assert first.messages == {1: "dial:confirm", 2: "session:redirect"}


def test_templates_take_the_calls_values() -> None:
    attributes = {
        "from": "+1",
        "caller_name": "Ann",
        "sip": {"headers": {"X-Id": "7"}},
        "customerData": {"tier": "gold"},
        "env_vars": {"CITY": "Oslo"},
    }
    text = "{{from}} {{to}} {{caller_name}} {{sip.headers.x-id}} {{customerData.tier}} {{env.CITY}} {{env.NO}}"
    [route] = settings_of({"verbs": [{"verb": "say", "text": text}]}).routes
    [say] = route_verbs(route, attributes)
    assert say["text"] == "+1  Ann 7 gold Oslo "
    assert values({})["sip"] == {}


def test_a_value_that_makes_a_document_impossible_is_told_or_becomes_a_hangup() -> None:
    host = [LLM | {"connectOptions": {"host": "{{caller_name}}"}}]
    [route] = settings_of({"verbs": host}).routes
    with pytest.raises(DocumentError):
        parse(route_verbs(route, {"caller_name": "a/b"}))
    assert [verb.to_wire() for verb in filled([{"verb": 7}], {})] == [HANGUP]
    said = filled([SAY | {"text": "{{from}}"}], {"from": "x"})
    assert [verb.to_wire() for verb in said] == [SAY | {"text": "x"}, HANGUP]
    assert [verb.to_wire() for verb in filled([SAY, HANGUP], {})] == [SAY, HANGUP]


def test_a_new_row_keeps_the_attributes_but_no_secret() -> None:
    call = a_call(env_vars={"KEY": "sk-of-the-portal"}, direction="outbound")
    row = new_call(call, platform="jambonz", route="r", at_s=5.0)
    assert (row.call_sid, row.direction, row.created_at_s) == ("c-1", "outbound", 5.0)
    assert "env_vars" not in row.attributes
    assert call.attributes["env_vars"] == {"KEY": "sk-of-the-portal"}


def test_a_document_is_encoded_as_json() -> None:
    assert json.loads(as_bytes([SAY])) == [SAY]


def test_the_configuration_is_not_changed_by_a_call() -> None:
    before = repr(ROUTE.verbs)
    extend(a_row(), parse(route_verbs(ROUTE, {})), ROUTE, PLACE, fallback=[])
    assert repr(ROUTE.verbs) == before
    assert isinstance(SETTINGS, Settings)
