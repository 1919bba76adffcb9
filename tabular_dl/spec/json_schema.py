"""JSON schema of pipeline files, which editors use to complete and explain keys and to mark mistakes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema

from tabular_dl.estimators import MODELS, NETWORK, Hyperparameters, KerasClassifier, KerasRegressor
from tabular_dl.preprocessing import BIN_STRATEGIES, ENCODERS, FEATURE_KEYS, IMPUTERS, ROLLING, SCALERS, ColumnRule
from tabular_dl.problems import METRICS, PROBLEMS
from tabular_dl.spec.reader import PipelineSpec, hyperparameters

__all__ = ["pipeline_schema"]

PYTHON = (
    "Function or class in a Python file beside the pipeline file, as FILE.py:NAME, which adds columns to the table."
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Entry of a parameter section of a docstring, such as "train, test : DataFrame".
_ENTRY = re.compile(r"^(?P<names>[a-z_0-9, ]+) : .*$")


def pipeline_schema() -> dict[str, Any]:
    """Return the JSON schema of a pipeline file.

    Returns
    -------
    dict
        Schema in the dialect 2020-12: pydantic's schema of `PipelineSpec`, with the valid names and descriptions added.

    Examples
    --------
    >>> schema = pipeline_schema()
    >>> schema["properties"]["network"]["properties"]["mc_dropout"]["type"]
    'integer'
    >>> "rmse" in schema["properties"]["metric"]["anyOf"][0]["enum"]
    True
    """
    schema = PipelineSpec.model_json_schema()
    properties = schema["properties"]
    descriptions = _descriptions(PipelineSpec.__doc__ or "")
    for name in properties:
        if name in descriptions:
            properties[name]["description"] = descriptions[name]
    properties["problem"]["enum"] = ["auto", *PROBLEMS]
    properties["metric"] = {"anyOf": _metric(), "default": None, "description": descriptions["metric"]}
    for section in ("network", "training"):
        properties[section] |= {"properties": _hyperparameters(), "additionalProperties": False}
    keys: dict[str, Any] = {key: {"enum": [*words]} if words else {} for key, words in FEATURE_KEYS.items()}
    keys["rolling"] = {
        "type": "object",
        "properties": {"window": {"type": "integer", "minimum": 1}, "statistic": {"enum": [*ROLLING]}},
        "required": ["window", "statistic"],
        "additionalProperties": False,
    }
    properties["features"]["additionalProperties"] = {
        "type": "object",
        "properties": keys,
        "additionalProperties": False,
    }
    feature = properties["features"]["additionalProperties"]
    properties["features"]["properties"] = {
        "python": {"anyOf": [{"type": "string", "pattern": r"\.py:\w+$"}, feature], "description": PYTHON}
    }
    for section in ("features", "network", "training", "search"):
        properties[section]["type"] = ["object", "null"]  # a section may be empty, which YAML reads as null
    schema["$defs"]["ColumnRule"] = _column_rule(schema["$defs"]["ColumnRule"])
    properties["model"] = {**properties["model"], "anyOf": _model(schema["$defs"]["ModelSpec"])}
    del properties["model"]["$ref"]
    return {
        "$schema": DIALECT,
        **schema,
        "description": "Pipeline of tabular-dl for one competition.",
    }


def _column_rule(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a column rule with valid names, short forms and descriptions added."""
    properties = schema["properties"]
    descriptions = _descriptions(ColumnRule.__doc__ or "")
    for name in properties:
        if name in descriptions:
            properties[name]["description"] = descriptions[name]
    for name, options in (("encode", ENCODERS), ("scale", SCALERS)):
        properties[name] |= {"enum": [*options, "none"]}
    constant = {
        "type": "object",
        "properties": {"constant": {}},
        "required": ["constant"],
        "additionalProperties": False,
    }
    strategies = {"enum": [*BIN_STRATEGIES, None]}
    properties["bin_strategy"] = {**strategies, "default": None, **_described(descriptions.get("bin_strategy"))}
    names = {"enum": [*IMPUTERS, "none", None]}
    properties["impute"] = {"anyOf": [names, constant], **_described(descriptions.get("impute"))}
    return schema


def _metric() -> list[dict[str, Any]]:
    """Return the forms of a metric: a name, a name with the value of a parameter, a mapping of both, or Python."""
    forms: list[dict[str, Any]] = [{"enum": [*METRICS, None]}]
    for metric in METRICS.values():
        if metric.parameter is not None:
            keys = {"name": {"enum": [metric.name]}, metric.parameter.name: {"type": "number"}}
            forms.append({"type": "string", "pattern": f"^{metric.name}:[0-9.]+$"})
            forms.append({"type": "object", "properties": keys, "required": ["name"], "additionalProperties": False})
    return [*forms, {"$ref": "#/$defs/OwnMetric"}]


def _model(section: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the forms of a model: a name or class alone, a section, or nothing; the section is completed."""
    forms: list[dict[str, Any]] = [{"enum": [NETWORK, *MODELS]}, {"type": "string", "pattern": "^[^:]+:[^:]+$"}]
    keys = section["properties"]
    keys["name"] = {**keys["name"], "anyOf": forms}
    keys["estimator"] = {"anyOf": forms, "description": "Another word for name, for a class."}
    keys["parameters"]["type"] = ["object", "null"]
    return [*forms, {"$ref": "#/$defs/ModelSpec"}, {"type": "null"}]


def _described(description: str | None) -> dict[str, str]:
    """Return the part of a schema that holds the description, if there is one."""
    return {} if description is None else {"description": description}


def _hyperparameters() -> dict[str, Any]:
    """Return the schema of each hyperparameter: its type, default and description."""
    types = get_type_hints(Hyperparameters.__init__, include_extras=True)
    defaults = inspect.signature(Hyperparameters).parameters
    descriptions = _hyperparameter_descriptions()
    schemas = {}
    for name in hyperparameters():
        adapter: TypeAdapter[Any] = TypeAdapter(types[name], config=ConfigDict(arbitrary_types_allowed=True))
        schemas[name] = {
            **_json_schema(adapter),
            "default": defaults[name].default,
            **_described(descriptions.get(name)),
        }
    return schemas


def _json_schema(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    try:
        return adapter.json_schema()
    except PydanticInvalidForJsonSchema:  # a type without a form in YAML
        return {}


def _hyperparameter_descriptions() -> dict[str, str]:
    """Return the description of each hyperparameter from the docstrings of the estimators."""
    return _descriptions(inspect.getdoc(KerasRegressor) or "") | _descriptions(inspect.getdoc(KerasClassifier) or "")


def _descriptions(docstring: str) -> dict[str, str]:
    """Return the description of each parameter or attribute from a numpydoc docstring."""
    texts: dict[str, str] = {}
    names: Iterable[str] = ()
    for line in inspect.cleandoc(docstring).splitlines():
        entry = _ENTRY.match(line)
        if entry:
            names = [name.strip() for name in entry["names"].split(",")]
            texts |= dict.fromkeys(names, "")
        elif line.startswith("    "):
            texts |= {name: f"{texts[name]} {line.strip()}".strip() for name in names}
        elif line.strip():
            names = ()
    return {name: text.replace("``", "`") for name, text in texts.items() if text}
