"""Settings of a specification by dotted path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tabular_dl.spec.models import PipelineSpec
from tabular_dl.spec.yaml_io import Key

__all__ = ["leaves"]


def leaves(spec: PipelineSpec) -> dict[str, Any]:
    """Return all settings of a specification by dotted path, except its search space, and the model of networks.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec
    >>> leaves(load_spec("wine"))["data.target"]
    'cultivar'
    """
    excluded = {"search", "submission", *(["model"] if spec.model.is_network else [])}
    content = spec.model_dump(mode="json", exclude_none=True, exclude=excluded)
    for rule in content["columns"]:
        if not rule["parameters"]:
            del rule["parameters"]
    return {".".join(map(str, key)): value for key, value in _walk(content, ())}


def _walk(node: object, key: Key) -> Iterator[tuple[Key, object]]:
    """Yield all settings with their keys; a list of plain values is one setting."""
    if isinstance(node, dict) and node:
        for name, value in node.items():
            yield from _walk(value, (*key, name))
    elif isinstance(node, list) and any(isinstance(value, dict) for value in node):
        for index, value in enumerate(node):
            yield from _walk(value, (*key, index))
    else:
        yield key, node
