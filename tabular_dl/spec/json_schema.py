"""The JSON schema of a pipeline file, by which editors complete keys, explain them and underline mistakes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema

from tabular_dl.estimators import Hyperparameters, KerasClassifier, KerasRegressor
from tabular_dl.preprocessing import ENCODERS, FEATURE_KEYS, IMPUTERS, SCALERS, ColumnRule
from tabular_dl.problems import METRICS, PROBLEMS
from tabular_dl.spec.reader import PipelineSpec, hyperparameters

__all__ = ["pipeline_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ENTRY = re.compile(r"^(?P<names>[a-z_0-9, ]+) : .*$")


def pipeline_schema() -> dict[str, Any]:
    """Return the JSON schema of a pipeline file.

    Returns
    -------
    dict
        In the dialect of 2020-12: pydantic's of the file, with the names that its keys may have.

    Examples
    --------
    >>> schema = pipeline_schema()
    >>> schema["properties"]["network"]["properties"]["batch_norm"]["type"]
    'boolean'
    >>> "rmse" in schema["properties"]["metric"]["enum"]
    True
    """
    schema = PipelineSpec.model_json_schema()
    properties = schema["properties"]
    said = _described(PipelineSpec.__doc__ or "")
    for name in properties:
        if name in said:
            properties[name]["description"] = said[name]
    properties["problem"]["enum"] = ["auto", *PROBLEMS]
    properties["metric"] = {"enum": [*METRICS, None], "default": None, "description": said["metric"]}
    for section in ("network", "training"):
        properties[section] |= {"properties": _hyperparameters(), "additionalProperties": False}
    keys: dict[str, Any] = {key: {} for key in FEATURE_KEYS}
    properties["features"]["additionalProperties"] = {
        "type": "object",
        "properties": keys,
        "additionalProperties": False,
    }
    for section in ("features", "network", "training", "search"):
        properties[section]["type"] = ["object", "null"]  # a section may be empty, which YAML reads as null
    schema["$defs"]["ColumnRule"] = _column_rule(schema["$defs"]["ColumnRule"])
    return {
        "$schema": DIALECT,
        **schema,
        "description": "A pipeline of tabular-dl: one YAML file about one competition.",
    }


def _column_rule(schema: dict[str, Any]) -> dict[str, Any]:
    """Name what a rule may say, in the short ways as well."""
    properties = schema["properties"]
    said = _described(ColumnRule.__doc__ or "")
    for name in properties:
        if name in said:
            properties[name]["description"] = said[name]
    for name, options in (("encode", ENCODERS), ("scale", SCALERS)):
        properties[name] |= {"enum": [*options, "none"]}
    constant = {
        "type": "object",
        "properties": {"constant": {}},
        "required": ["constant"],
        "additionalProperties": False,
    }
    named = {"enum": [*IMPUTERS, "none", None]}
    properties["impute"] = {"anyOf": [named, constant], **_said(properties["impute"])}
    return schema


def _said(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": schema["description"]} if "description" in schema else {}


def _hyperparameters() -> dict[str, Any]:
    """Return the schema of each hyperparameter: its type, default and description."""
    types = get_type_hints(Hyperparameters.__init__, include_extras=True)
    defaults = inspect.signature(Hyperparameters).parameters
    said = _hyperparameters_described()
    found = {}
    for name in hyperparameters():
        adapter: TypeAdapter[Any] = TypeAdapter(types[name], config=ConfigDict(arbitrary_types_allowed=True))
        found[name] = {
            **_json_schema(adapter),
            "default": defaults[name].default,
            **({"description": said[name]} if name in said else {}),
        }
    return found


def _json_schema(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    try:
        return adapter.json_schema()
    except PydanticInvalidForJsonSchema:  # a type that no file can write
        return {}


def _hyperparameters_described() -> dict[str, str]:
    """Return the description of each parameter from the docstrings of the estimators."""
    return _described(inspect.getdoc(KerasRegressor) or "") | _described(inspect.getdoc(KerasClassifier) or "")


def _described(docstring: str) -> dict[str, str]:
    """Return the description of each entry of a numpydoc section, by its name."""
    found: dict[str, str] = {}
    names: Iterable[str] = ()
    for line in inspect.cleandoc(docstring).splitlines():
        entry = _ENTRY.match(line)
        if entry:
            names = [name.strip() for name in entry["names"].split(",")]
            found |= dict.fromkeys(names, "")
        elif line.startswith("    "):
            found |= {name: f"{found[name]} {line.strip()}".strip() for name in names}
        elif line.strip():
            names = ()
    return {name: text.replace("``", "`") for name, text in found.items() if text}
