"""Our tables are the published ones: a new release of either validator is seen here first."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.validators import published
from verbs import VERBS
from verbs.check import check_type
from verbs.passthrough import Passthrough
from verbs.synonyms import SYNONYMS
from verbs.tables import LATEST, TABLES

NO_VERBS = {"rest_dial"}
SAMPLES: list[Any] = [True, 1, 1.5, "x", ["x"], {"url": "x"}, [{"type": "phone"}]]


def schemas_with_names_of_ours() -> dict[str, dict[str, Any]]:
    verbs = {name.replace("sip-", "sip:"): schema for name, schema in published.schemas("verbs").items()}
    parts = {
        name.removeprefix("recognizer-"): schema
        for name, schema in published.schemas("components").items()
        if name not in {"hangup", "actionHook", "llm-base", "transferOptions"}
    }
    return {**parts, **verbs}


def properties_of(schema: dict[str, Any]) -> set[str]:
    parts = published.schemas("components")
    inherited = [parts[part["$ref"].rpartition("/")[2]] for part in schema.get("allOf", []) if "$ref" in part]
    return {name for part in (schema, *inherited) for name in part.get("properties", {})} - {"verb"}


def test_the_table_of_0_9_is_the_published_one() -> None:
    published.install()
    text = (Path(__file__).parents[2] / "verbs" / "tables" / "0.9.json").read_text(encoding="utf-8")
    assert json.loads(text) == published.specs()


def test_every_published_verb_is_known() -> None:
    published.install()
    names = {name.replace("sip-", "sip:") for name in published.schemas("verbs").keys() - NO_VERBS}
    assert names - VERBS.keys() - SYNONYMS[LATEST].keys() == set()


def test_every_published_property_is_known_and_no_other() -> None:
    published.install()
    table = TABLES[LATEST]
    for name, schema in schemas_with_names_of_ours().items():
        if name in table and name != "gladiaOptions":
            unknown = properties_of(schema) - table[name].properties.keys()
            added = table[name].properties.keys() - TABLES["0.9"].get(name, table[name]).properties.keys()
            assert (name, unknown) == (name, set())
            assert (name, added - properties_of(schema)) == (name, set())


def test_what_the_schema_requires_we_require() -> None:
    published.install()
    for name, schema in schemas_with_names_of_ours().items():
        if name in TABLES[LATEST]:
            required = {*schema.get("required", []), *TABLES["0.9"].get(name, TABLES[LATEST][name]).required}
            assert (name, {*TABLES[LATEST][name].required}) == (name, required)


@pytest.mark.parametrize("name", sorted(name for name, verb in VERBS.items() if verb is not Passthrough))
def test_a_typed_verb_has_the_properties_of_the_table(name: str) -> None:
    shape = TABLES[LATEST][name]
    fields = {field.alias: field for key, field in VERBS[name].model_fields.items() if key != "verb"}
    assert fields.keys() == shape.properties.keys()
    assert {alias for alias, field in fields.items() if field.is_required()} == {*shape.required}


@pytest.mark.parametrize("name", sorted(name for name, verb in VERBS.items() if verb is not Passthrough))
def test_a_typed_verb_holds_whatever_the_table_can_work_with(name: str) -> None:
    shape = TABLES[LATEST][name]
    needed = {key: sample_for(shape.properties[key]) for key in shape.required}
    for key, kind in shape.properties.items():
        usable = [
            sample for sample in fatal_free(kind) if not any(f.fatal for f in VERBS[name].findings({key: sample}))
        ]
        for sample in usable:
            made = VERBS[name].read(name, {}, {**needed, key: sample})
            field = next(field for field, info in VERBS[name].model_fields.items() if info.alias == key)
            assert getattr(made, field) == sample


def fatal_free(kind: Any) -> list[Any]:
    return [sample for sample in SAMPLES if not any(f.fatal for f in check_type(sample, kind, (), TABLES[LATEST]))]


def sample_for(kind: Any) -> Any:
    return fatal_free(kind)[0]
