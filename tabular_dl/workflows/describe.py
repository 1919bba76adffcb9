"""`tabular-dl spec` and `tabular-dl schema`: what a pipeline says in full, and what any pipeline may say."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tabular_dl.spec.defaults import fill_defaults
from tabular_dl.spec.json_schema import pipeline_schema
from tabular_dl.spec.reader import load_spec
from tabular_dl.spec.yaml_io import write_yaml

__all__ = ["full_text", "schema_text"]


def full_text(pipeline: str, overrides: Sequence[str] = ()) -> str:
    """Return a pipeline as YAML with every default filled, which can be fitted as it is.

    Raises
    ------
    SpecError
        If there is no such pipeline, or a mistake in it.
    """
    return write_yaml(fill_defaults(load_spec(pipeline, overrides)))


def schema_text() -> str:
    """Return the JSON schema of pipeline files."""
    return json.dumps(pipeline_schema(), indent=2)
