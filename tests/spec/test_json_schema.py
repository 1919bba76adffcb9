"""The JSON schema of pipeline files names what `load_spec` accepts, with words for each."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tabular_dl.estimators.model_table import MODELS
from tabular_dl.preprocessing.column_rules import ColumnRule
from tabular_dl.problems.metrics import METRICS
from tabular_dl.problems.problem_types import PROBLEMS
from tabular_dl.spec.defaults import fill_defaults
from tabular_dl.spec.json_schema import pipeline_schema
from tabular_dl.spec.pipeline_files import list_pipelines
from tabular_dl.spec.reader import PipelineSpec, hyperparameters, load_spec

SCHEMA = json.loads(json.dumps(pipeline_schema()))
TYPES: dict[str, Any] = {
    **{"object": dict, "array": list, "string": str, "number": (int, float)},
    **{"integer": int, "boolean": bool, "null": type(None)},
}


def mistakes(schema: dict[str, Any], value: Any, where: str = "") -> list[str]:
    """Validate by the few words of JSON Schema that pipeline files need."""
    if "$ref" in schema:
        return mistakes(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], value, where)
    if "anyOf" in schema:
        each = [mistakes(option, value, where) for option in schema["anyOf"]]
        # A mistake inside the only form that the value may have is told where it is.
        inside = [found for found in each if found and found[0].partition(":")[0] != where]
        return [] if [] in each else inside[0] if inside else [f"{where}: {value!r}"]
    kinds = schema.get("type", list(TYPES))
    fits = any(isinstance(value, TYPES[kind]) for kind in ([kinds] if isinstance(kinds, str) else kinds))
    pattern = schema.get("pattern") if isinstance(value, str) else None
    if not fits or value not in schema.get("enum", [value]) or (pattern and not re.search(pattern, value)):
        return [f"{where}: {value!r}"]
    found = []
    if isinstance(value, dict):
        known, more = schema.get("properties", {}), schema.get("additionalProperties", {})
        for key, item in value.items():
            if key not in known and more is False:
                found.append(f"{where}.{key}: unknown")
            found += mistakes(known.get(key, more if isinstance(more, dict) else {}), item, f"{where}.{key}")
        found += [f"{where}.{key}: lacking" for key in schema.get("required", []) if key not in value]
    if isinstance(value, list):
        each = [mistakes(schema.get("items", {}), item, f"{where}.{place}") for place, item in enumerate(value)]
        found = [text for texts in each for text in texts]
    return found


@pytest.mark.parametrize("name", ["titanic", "wine", "boston"])
def test_the_shipped_pipelines_fit_also_with_every_default(name: str) -> None:
    spec = load_spec(list_pipelines()[name])
    assert mistakes(SCHEMA, fill_defaults(spec)) == []
    assert mistakes(SCHEMA, json.loads(spec.model_dump_json(exclude_defaults=True))) == []


@pytest.mark.parametrize(
    ("override", "found"),
    [
        ({"metric": "acc"}, ".metric: 'acc'"),
        ({"problem": "binry"}, ".problem: 'binry'"),
        ({"colums": []}, ".colums: unknown"),
        ({"network": {"dropuot": 0.3}}, ".network.dropuot: unknown"),
        ({"network": {"mc_dropout": "many"}}, ".network.mc_dropout: 'many'"),
        ({"columns": [{"columns": ["a"], "scale": "standrd"}]}, ".columns.0.scale: 'standrd'"),
        ({"columns": [{"columns": ["a"], "bin_strategy": "trees"}]}, ".columns.0.bin_strategy: 'trees'"),
        ({"columns": [{"scale": "standard"}]}, ".columns.0.columns: lacking"),
        ({"model": "lightgmb"}, ".model: 'lightgmb'"),
        ({"model": {"name": "lightgmb"}}, ".model.name: 'lightgmb'"),
        ({"model": {"name": "knn", "parametrs": {}}}, ".model.parametrs: unknown"),
        ({"model": {"name": "knn", "early_stopping": 0.5}}, ".model.early_stopping: 0.5"),
        ({"baselines": "trees"}, ".baselines: 'trees'"),
        ({"features": {"Deck": {"from": "Cabin", "extrct": "x"}}}, ".features.Deck.extrct: unknown"),
    ],
)
def test_a_mistake_is_found_where_it_is(override: dict[str, Any], found: str) -> None:
    content = json.loads(load_spec("wine").model_dump_json(exclude_defaults=True))
    assert mistakes(SCHEMA, content | override) == [found]


@pytest.mark.parametrize(
    "model",
    [
        *("network", "lightgbm", "sklearn.svm:SVC", None, {}),
        {"name": "lightgbm", "parameters": {"num_leaves": 8}, "early_stopping": 10},
        {"name": "network", "parameters": None},
        {"estimator": "sklearn.svm:SVC", "parameters": {"C": 2.0}, "early_stopping": None},
    ],
)
def test_a_model_may_be_a_name_a_class_a_section_or_nothing(model: Any) -> None:
    content = json.loads(load_spec("wine").model_dump_json(exclude_defaults=True)) | {"model": model}
    assert mistakes(SCHEMA, content) == []
    PipelineSpec.model_validate(content)


def test_each_model_is_offered() -> None:
    offered = SCHEMA["properties"]["model"]["anyOf"][0]["enum"]
    assert offered == ["network", *MODELS]
    assert SCHEMA["$defs"]["ModelSpec"]["properties"]["name"]["anyOf"][0]["enum"] == offered


def test_each_word_of_a_file_is_there() -> None:
    properties = SCHEMA["properties"]
    assert list(properties) == list(PipelineSpec.model_fields)
    assert properties["problem"]["enum"] == ["auto", *PROBLEMS]
    assert properties["metric"]["anyOf"][0]["enum"] == [*METRICS, None]
    for section in ("network", "training"):
        assert list(properties[section]["properties"]) == list(hyperparameters())


def test_a_rule_may_say_what_the_schema_offers() -> None:
    offered = SCHEMA["$defs"]["ColumnRule"]["properties"]
    assert list(offered) == list(ColumnRule.model_fields)
    for key in ("encode", "scale"):
        for word in offered[key]["enum"]:
            assert getattr(ColumnRule.model_validate({"columns": ("a",), key: word}), key) == word
    for word in filter(None, offered["bin_strategy"]["enum"]):
        assert ColumnRule(columns=("a",), encode="piecewise", bin_strategy=word).bin_strategy == word


def test_every_key_is_explained() -> None:
    rule = SCHEMA["$defs"]["ColumnRule"]["properties"]
    for properties in (SCHEMA["properties"], SCHEMA["properties"]["network"]["properties"], rule):
        assert [name for name, schema in properties.items() if not schema.get("description")] == []
    dropout = SCHEMA["properties"]["network"]["properties"]["dropout"]
    assert dropout["default"] == "auto"
    assert "hidden activation" in dropout["description"]
