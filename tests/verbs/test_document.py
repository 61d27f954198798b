"""Documents are read, refused with a reason, and written back as they were."""

import json
from contextlib import suppress
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verbs.examples import changed, document
from tests.verbs.seed import SEED, SEED_YAML
from verbs import VERBS, DocumentError, lint, parse, serialise
from verbs.llm import Llm
from verbs.passthrough import Passthrough
from verbs.say import Say

OURS: list[Any] = [
    [],
    [SEED],
    [{"llm": {key: value for key, value in SEED.items() if key != "verb"}}],
    [{"verb": "answer"}, {"verb": "pause", "length": 1}, {"verb": "pause", "length": 0.5}, {"verb": "hangup"}],
    [{"verb": "say", "text": "x"}, {"say": {"text": ["x", "y"], "loop": "forever"}}],
    [{"text": "x", "verb": "say", "id": "a"}],
    [{"hangup": {}}, {"answer": None}],
    [{"verb": "say", "text": "x", "synthesizer": None, "loop": None}],
    [{"verb": "stream", "url": "wss://x.example/y"}, {"stream": {"url": "wss://x.example/y"}}],
    [{"verb": "s2s", "vendor": "openai", "llmOptions": {}}, {"openai_s2s": {"llmOptions": {}, "model": None}}],
    [{"verb": "gather", "input": ["speech", "digits"], "say": {"text": "x"}, "actionHook": {"url": "/x"}}],
    [{"verb": "dial", "target": [{"type": "phone", "number": "+1"}], "forwardPAI": True, "dtmfCapture": ["*1"]}],
    [{"verb": "enqueue", "name": "x", "_": {"any": "thing"}}],
    [{"verb": "tag", "data": {"a": {"b": [None, 1, 1.0, True, "é"]}}}, {"verb": "sip:decline", "status": 486}],
    [{"verb": "redirect", "actionHook": "/x"}, {"verb": "play", "url": "https://x.example/y.wav"}, {"verb": "leave"}],
]


@pytest.mark.claim("J4")
@pytest.mark.parametrize("written", OURS)
def test_a_good_document_comes_back_to_the_byte(written: list[Any]) -> None:
    assert json.dumps(serialise(parse(written))) == json.dumps(written)
    assert lint(written, version="0.9") == []


@pytest.mark.claim("J4")
def test_the_documented_verb_is_taken_as_json_and_as_yaml() -> None:
    assert serialise(parse(SEED)) == [SEED]
    assert serialise(parse(yaml.safe_load(SEED_YAML))) == [SEED]


def test_one_verb_is_a_document_of_one() -> None:
    assert serialise(parse({"verb": "hangup"})) == [{"verb": "hangup"}]


def test_a_verb_has_its_properties_by_name() -> None:
    say, tag, listen = parse(
        [
            {"verb": "say", "text": "x", "earlyMedia": True},
            {"tag": {"data": {"k": 1}}},
            {"verb": "stream", "url": "u"},
        ]
    )
    assert isinstance(say, Say)
    assert (say.text, say.early_media, say.loop) == ("x", True, None)
    assert isinstance(tag, Passthrough)
    assert (tag.verb, tag.properties) == ("tag", {"data": {"k": 1}})
    assert listen.plain() == {"verb": "listen", "url": "u"}


def test_what_a_synonym_implies_is_there_and_what_is_given_goes_before() -> None:
    implied, given_ = parse(
        [{"verb": "openai_s2s", "llmOptions": {}}, {"google_s2s": {"llmOptions": {}, "vendor": "openai"}}]
    )
    assert isinstance(implied, Llm)
    assert isinstance(given_, Llm)
    assert (implied.vendor, given_.vendor) == ("openai", "openai")
    assert implied.plain() == {"verb": "llm", "vendor": "openai", "llmOptions": {}}
    assert implied.in_plain_form().to_wire() == implied.plain()


@pytest.mark.claim("J4")
def test_a_verb_can_be_made_without_a_document() -> None:
    assert Say(text="x", early_media=True).to_wire() == {"verb": "say", "text": "x", "earlyMedia": True}
    assert Passthrough.model_validate({"verb": "tag", "data": {}}).to_wire() == {"verb": "tag", "data": {}}


def test_nobody_can_change_a_verb_from_outside() -> None:
    item: dict[str, Any] = {"verb": "tag", "data": {"k": 1}}
    [tag] = parse(item)
    item["data"]["k"] = 2
    tag.to_wire()["data"]["k"] = 3
    assert tag.to_wire() == {"verb": "tag", "data": {"k": 1}}


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (5, "verbs: a document is a list of verbs, not 5"),
        (None, "verbs: a document is a list of verbs, not null"),
        ("x" * 99, f"verbs: a document is a list of verbs, not '{'x' * 40}…'"),
        ([1], 'verbs[0]: must be a verb, as {"verb": "say", "text": "…"}, not 1'),
        ([[]], 'verbs[0]: must be a verb, as {"verb": "say", "text": "…"}, not a list'),
        ([{}], 'verbs[0]: must be a verb, as {"verb": "say", "text": "…"}, not an object'),
        ([{"say": {}, "play": {}}], 'verbs[0]: must be a verb, as {"verb": "say", "text": "…"}, not an object'),
        ([{"say": "x"}], 'verbs[0]: must be a verb, as {"verb": "say", "text": "…"}, not an object'),
        ([{"verb": 5}], "verbs[0].verb: must be a verb's name, not 5"),
        ([{"verb": "pause"}], "verbs[0].length: is missing and required"),
        ([{"verb": "pause", "length": None}], "verbs[0].length: is missing and required"),
        ([{"verb": "pause", "length": True}], "verbs[0].length: must be a number, not true"),
        ([{"verb": "say", "text": 5}], "verbs[0].text: must be text or a list, not 5"),
        ([{"verb": "gather", "say": {"text": {}}}], "verbs[0].say.text: must be text or a list, not an object"),
        ([{"verb": "dial", "target": [5]}], "verbs[0].target[0]: must be an object, not 5"),
        ([{"verb": "dial", "target": [{}]}], "verbs[0].target[0].type: is missing and required"),
        ([{"verb": "listen"}], "verbs[0].url: is missing and required"),
        ([{"verb": "later", "id": 5}], "verbs[0].id: must be text, not 5"),
        ([{"verb": "say", "text": {1: 2}}], "verbs[0].text: has a name that is no text"),
        ([{"verb": "say", "text": "\ud800"}], "verbs[0].text: is nothing that JSON can carry: str"),
        ([{"verb": "say", "\ud800": 1}], "verbs[0]: has a name that is no text"),
        ([{"verb": "pause", "length": float("nan")}], "verbs[0].length: is nothing that JSON can carry: float"),
        ([{"verb": "pause", "length": float("inf")}], "verbs[0].length: is nothing that JSON can carry: float"),
        ([{"verb": "tag", "data": {"x": {1, 2}}}], "verbs[0].data.x: is nothing that JSON can carry: set"),
        ([{"verb": "llm"}], "verbs[0].vendor: is missing and required"),
        ([{"verb": "llm", "vendor": "openai", "llmOptions": []}], "verbs[0].llmOptions: must be an object, not a list"),
    ],
)
def test_what_cannot_be_used_is_refused_even_where_we_are_not_strict(written: Any, complaint: str) -> None:
    for strict in (True, False):
        with pytest.raises(DocumentError) as error:
            parse(written, strict=strict)
        assert complaint in map(str, error.value.complaints)
        assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"verb": "sya", "text": "x"}, "verbs[0].verb: unknown verb 'sya' (did you mean 'say'?)"),
        ({"sya": {"text": "x"}}, "verbs[0].sya: unknown verb 'sya' (did you mean 'say'?)"),
        ({"verb": "sip_decline", "status": 486}, "unknown verb 'sip_decline' (did you mean 'sip:decline'?)"),
        ({"verb": "zzz"}, "verbs[0].verb: unknown verb 'zzz'"),
        ({"verb": "rest:dial"}, "verbs[0].verb: unknown verb 'rest:dial'"),
        ({"verb": "synthesizer", "vendor": "x"}, "verbs[0].verb: unknown verb 'synthesizer'"),
        ({"verb": "agent", "llm": {}}, "verbs[0].verb: 'agent' needs a later platform: set platform.version: \"10\""),
        ({"verb": "room", "name": "x"}, "verbs[0].verb: 'room' needs a later platform: set platform.version: \"10\""),
        ({"verb": "say", "txet": "x"}, "verbs[0].txet: unknown property 'txet' (did you mean 'text'?)"),
        ({"say": {"verb": "say"}}, "verbs[0].verb: unknown property 'verb'"),
        ({"verb": "say", "early_media": True}, "unknown property 'early_media' (did you mean 'earlyMedia'?)"),
        ({"verb": "say", "synthesizer": {"vendor": "x", "voise": "y"}}, "verbs[0].synthesizer.voise: unknown property"),
        (
            {"verb": "dial", "target": [{"type": "phone"}], "codecs": ["PCMU"]},
            "verbs[0].codecs: 'codecs' needs a later platform: set platform.version: \"10\", or leave it out",
        ),
        (
            {"verb": "llm", "vendor": "openai", "llmOptions": {}, "responseTimeoutMS": 1},
            "verbs[0].responseTimeoutMS: unknown property 'responseTimeoutMS' (did you mean 'responseTimeoutMs'?)",
        ),
        (
            {"verb": "llm", "vendor": "opnai", "llmOptions": {}},
            "verbs[0].vendor: unknown vendor 'opnai' (did you mean 'openai'?)",
        ),
        (
            {"verb": "google_s2s", "llmOptions": {}},
            "verbs[0].vendor: unknown vendor 'google'; known: openai, microsoft",
        ),
        ({"verb": "gather", "input": ["dtmf"]}, "verbs[0].input[0]: unknown value 'dtmf'; it can be speech, digits"),
        ({"verb": "gather", "actionHook": {"method": "POST"}}, "verbs[0].actionHook.url: is missing: a hook is a URL"),
        ({"verb": "say", "text": [1]}, "verbs[0].text[0]: must be text, not 1"),
        ({"verb": "dial", "target": []}, "verbs[0].target: must not be empty"),
        ({"verb": "hangup", "headers": {"X": True}}, "verbs[0].headers.X: must be text or a number, not true"),
        (
            {"verb": "config", "vad": {"threshold": 2, "mode": 1.5}},
            "verbs[0].vad.threshold: must be from 0 to 1, not 2; verbs[0].vad.mode: must be a whole number, not 1.5",
        ),
    ],
)
def test_what_we_do_not_know_is_refused_only_where_we_are_strict(written: Any, complaint: str) -> None:
    with pytest.raises(DocumentError) as error:
        parse(written)
    assert complaint in str(error.value)
    assert error.value.complaints == lint(written, version="0.9")
    assert serialise(parse(written, strict=False)) == [written]


@pytest.mark.parametrize(
    "written",
    [
        {"verb": "agent", "llm": {"vendor": "x", "llmOptions": {"messages": [{"role": "user", "content": "x"}]}}},
        {"verb": "room", "name": "x", "stream": {}},
        {"verb": "transfer", "mode": "blind", "target": [{"type": "phone", "number": "+1"}]},
        {"verb": "dial", "target": [{"type": "phone"}], "codecs": ["PCMU"]},
        {"verb": "dialogflow", "project": "p", "credentials": {}, "lang": "en", "sessionId": "a-1"},
    ],
)
def test_a_later_platform_takes_more(written: dict[str, Any]) -> None:
    assert serialise(parse(written, version="10")) == [written]
    assert lint(written, version="0.9") != []


def test_what_we_carry_out_ourselves_may_hold_what_a_later_platform_knows() -> None:
    written = {
        "verb": "llm",
        "vendor": "openai",
        "llmOptions": {},
        "responseTimeoutMs": 500,
        "handoff": {"mode": "blind", "target": [{"type": "phone", "number": "+1"}]},
        "hangup": {"reason": "x"},
        "cancelOnBargeIn": True,
        "cancelOnResponseTimeout": False,
    }
    assert serialise(parse(written, version="0.9")) == [written]


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (
            {"verb": "dialogflow", "project": "p", "credentials": {}, "lang": "en", "sessionId": "a b"},
            "sessionId: does not fit [A-Za-z0-9_-]{1,200}",
        ),
        (
            {"verb": "llm", "vendor": "openai", "llmOptions": {}, "responseTimeoutMs": 0},
            "responseTimeoutMs: must be 1 at least, not 0",
        ),
        ({"verb": "agent", "autoLockLanguage": "x"}, "autoLockLanguage: unknown value 'x'; it can be always"),
    ],
)
def test_a_later_platform_has_limits_too(written: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DocumentError) as error:
        parse(written, version="10")
    assert complaint in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(sorted(VERBS)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["verb", "say", "llm", "llmOptions", "vendor", "url"]) | st.text(), inner)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(JSON, st.booleans())
def test_whatever_comes_is_read_or_refused(written: Any, strict: bool) -> None:  # noqa: FBT001  # hypothesis draws it
    items = [written] if isinstance(written, dict) else written
    with suppress(DocumentError):
        assert json.dumps(serialise(parse(written, strict=strict))) == json.dumps(items)


@pytest.mark.parametrize("version", ["0.9", "10"])
def test_what_the_tables_allow_is_taken_whatever_is_changed_is_read_or_refused(version: str) -> None:
    rng = Random(version)  # noqa: S311  # the same documents every time
    for name in sorted(VERBS.keys() - ({"agent", "transfer"} if version == "0.9" else set())):
        for _ in range(30):
            good = document(name, version, rng)
            assert [
                c
                for c in lint(good, version=version)
                if c.path[1] not in {"vendor", "llmOptions", "events", "handoff", "mcpServers"}
            ] == []
            read_or_refused(changed(good, rng), version)


def read_or_refused(written: dict[str, Any], version: str) -> None:
    for strict in (True, False):
        with suppress(DocumentError):
            assert serialise(parse(written, version=version, strict=strict)) == [written]


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"x": [value]}
    return value


@pytest.mark.parametrize("depth", [40, 500, 20_000])
def test_deep_nesting_is_refused_in_one_line(depth: int) -> None:
    with pytest.raises(DocumentError, match=r"^verbs\[0\]\.data: is nested deeper than 64 levels$"):
        parse([{"verb": "tag", "data": nested(depth)}], strict=False)


def test_a_circle_is_refused() -> None:
    data: dict[str, Any] = {}
    data["again"] = [data, data]
    with pytest.raises(DocumentError, match="nested deeper"):
        parse([{"verb": "tag", "data": data}])


def test_long_texts_do_not_make_long_complaints() -> None:
    long = "y" * 100_000
    for written in ({"verb": long}, {"say": {long: long}}, {"verb": "say", long: 1}, {"verb": "pause", "length": long}):
        with pytest.raises(DocumentError) as error:
            parse([written])
        assert len(str(error.value)) < 300


def test_a_complaint_stays_on_one_line() -> None:
    with pytest.raises(DocumentError) as error:
        parse([{"verb": "tag", "data": {}, "a\nb\x1b[2J\u2028": 1}])
    assert str(error.value).startswith("verbs[0].a?b?[2J?: unknown property")
    assert str(error.value).isprintable()


def test_a_flood_of_faults_ends() -> None:
    with pytest.raises(DocumentError) as error:
        parse([{"verb": "say", **{f"property{index}": 1 for index in range(5_000)}}], strict=False)
    assert str(error.value) == "verbs: has too many faults to tell them all"
    assert len(lint([{"verb": "sya"}] * 5_000, version="0.9")) == 201


@pytest.mark.parametrize(
    ("item", "itself"),
    [
        ({"verb": "say", "text": "Hello."}, True),
        ({"verb": "say", "id": "7", "text": "Hello."}, True),
        ({"text": "Hello.", "verb": "say"}, False),
        ({"say": {"text": "Hello."}}, False),
        ({"verb": "llm", "model": "openai/gpt-realtime-2.1", "llmOptions": {}}, False),
    ],
)
def test_a_verb_in_its_plain_form_is_read_once(item: dict[str, Any], *, itself: bool) -> None:
    [verb] = parse([item])
    plain = verb.in_plain_form()
    assert (plain is verb) is itself
    assert [*plain.to_wire().items()] == [*verb.plain().items()]


def test_what_a_verb_gives_of_itself_is_a_copy_at_any_depth() -> None:
    options = {"session_update": {"tools": [{"type": "function", "name": "f"}]}}
    [verb] = parse([{"verb": "llm", "vendor": "openai", "llmOptions": options}])
    options["session_update"]["tools"].clear()
    for wire in (verb.to_wire(), verb.plain(), verb.properties):
        assert wire["llmOptions"]["session_update"]["tools"].pop() == {"type": "function", "name": "f"}
