"""Settings that stand flat in a verb's `llmOptions`, as pipecat writes them."""

from typing import Any

import pytest

from verbs import lint, parse
from verbs.base import JsonObject
from verbs.flat_options import ON_TOP
from verbs.llm import Llm
from verbs.llm_options import SESSION

UPDATE = "session_update"


def read(options: Any, **properties: Any) -> Llm:
    [verb] = parse([{"verb": "llm", "vendor": "openai", "llmOptions": options, **properties}], version="0.9")
    assert isinstance(verb, Llm)
    return verb


@pytest.mark.claim("P15")
@pytest.mark.parametrize("name", sorted({*SESSION, *ON_TOP} - {"model"}))
def test_p15_a_flat_setting_of_a_verb_is_one_of_its_session(name: str) -> None:
    kept = {"response_create": {"instructions": "Greet."}, "extra": {UPDATE: {"raw": 1}}}
    written = {"vendor": "openai", "llmOptions": {name: "x", **kept}}
    assert Llm.completed(written)["llmOptions"] == {**kept, UPDATE: {ON_TOP.get(name, name): "x"}}


@pytest.mark.claim("P15", "P9")
@pytest.mark.parametrize(
    ("options", "session"),
    [
        ({UPDATE: {"voice": "ash", "speed": 1.1}, "voice": "marin"}, {"voice": "marin", "speed": 1.1}),
        ({"session_properties": {"voice": "ash"}}, {"voice": "ash"}),
        ({UPDATE: {"voice": "ash"}, "session_properties": {"voice": "sage"}}, {"voice": "sage"}),
        ({"instructions": "A.", "system_instruction": "B."}, {"instructions": "B."}),
        ({UPDATE: {"instructions": "A."}, "system_instruction": "B."}, {"instructions": "B."}),
    ],
)
def test_p15_the_name_on_top_of_a_verb_wins(options: JsonObject, session: JsonObject) -> None:
    assert read(options).llm_options == {UPDATE: session}


@pytest.mark.claim("P15", "P4")
def test_p15_the_model_of_a_verb_is_never_its_sessions() -> None:
    options = {"model": "gpt-realtime-2.1", "voice": "marin"}
    assert (read(options).model, read(options).llm_options) == ("gpt-realtime-2.1", {UPDATE: {"voice": "marin"}})
    assert read(options, model="gpt-realtime-mini").model == "gpt-realtime-mini"
    assert read({"model": "m"}).llm_options == {}


@pytest.mark.claim("P15", "P5")
def test_p15_a_flat_name_that_nobody_knows_is_complained_of() -> None:
    options = {"max_tokens": 400, "system_instruction": "Be brief.", "voice": "marin"}
    verb = {"verb": "llm", "vendor": "openai", "model": "gpt-realtime-2.1", "llmOptions": options}
    assert lint([verb], version="0.9") == []
    [complaint] = lint([{**verb, "llmOptions": {**options, "foo": 1}}], version="0.9")
    assert "llmOptions.foo: unknown property 'foo'" in str(complaint)


@pytest.mark.parametrize("options", [{}, {"voice": "x", UPDATE: "odd"}, {"session_properties": 5}, {UPDATE: {"a": 1}}])
def test_what_has_no_flat_settings_or_no_place_for_them_stays_as_it_is_written(options: JsonObject) -> None:
    written = {"vendor": "openai", "llmOptions": options}
    assert Llm.completed(written) == written


@pytest.mark.parametrize("said", [{"vendor": "ultravox"}, {"vendor": ["openai"]}, {}])
def test_a_vendor_of_the_platforms_has_options_of_its_own(said: JsonObject) -> None:
    written = {**said, "llmOptions": {"voice": "x", "model": "m"}}
    assert Llm.completed(written) == written
