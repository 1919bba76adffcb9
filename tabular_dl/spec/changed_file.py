"""A pipeline file with other values at some leaves, and with its comments."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from tabular_dl.errors import SpecError
from tabular_dl.spec.models import PipelineSpec
from tabular_dl.spec.overrides import apply_override
from tabular_dl.spec.pipeline_files import find_pipeline
from tabular_dl.spec.reader import dump_spec, read_spec
from tabular_dl.spec.yaml_io import CoreResolver, UnsplitEmitter, read_value, read_yaml

__all__ = ["changed_file"]


def changed_file(pipeline: str | Path, overrides: Sequence[str], values: Mapping[str, Any], spec: PipelineSpec) -> str:
    """Write a changed specification as the file that it was read from, with the file's comments and search space.

    Parameters
    ----------
    pipeline : str or Path
        Name of the pipeline, or path of its YAML file.
    overrides : sequence of str
        Changes of single leaves that were made when the file was read, like ``"network.dropout=0.4"``.
    values : mapping of str to value
        Further changes, by the path of each leaf.
    spec : PipelineSpec
        Specification that the text has to give, except its search space. If the changed file gives another one, because
        it has changed since or some of its values share an anchor, the specification is written without comments.

    Returns
    -------
    str
        Text that `tabular_dl.spec.load_spec` reads as ``spec``.

    Examples
    --------
    >>> from tabular_dl.spec.reader import load_spec, with_values
    >>> changes = {"network.l2": 0.01}
    >>> text = changed_file("wine", [], changes, with_values(load_spec("wine"), changes))
    >>> text.splitlines()[0][:24], "l2: 0.01" in text
    ('# Which of three grape v', True)
    """
    changes = [*overrides, *(f"{leaf}={json.dumps(value)}" for leaf, value in values.items())]
    path = find_pipeline(pipeline)
    try:
        read_yaml(path)  # within limits
        text = _changed(path.read_text(encoding="utf-8"), changes)
        content = read_value(text)
        if _without_search(read_spec(content, (), path)) == _without_search(spec):
            return text
    except (SpecError, YAMLError, OSError):
        pass  # the file has changed since
    return dump_spec(spec)


def _changed(text: str, changes: Sequence[str]) -> str:
    yaml = YAML()
    yaml.Resolver, yaml.preserve_quotes, yaml.width = CoreResolver, True, 120
    yaml.Emitter = UnsplitEmitter
    yaml.indent(mapping=2, sequence=4, offset=2)
    root = yaml.load(text)
    for change in changes:
        apply_override(root, change)
    stream = io.StringIO()
    yaml.dump(_in_flow_style(root), stream)
    return stream.getvalue()


def _in_flow_style(node: Any) -> Any:
    """Return a node in which added values are written in one line, as in ``[64, 32]``."""
    if isinstance(node, (CommentedMap, CommentedSeq)):
        for key in list(node) if isinstance(node, CommentedMap) else range(len(node)):
            node[key] = _in_flow_style(node[key])
        return node
    if not isinstance(node, (dict, list)):
        return node
    added = (
        CommentedMap({key: _in_flow_style(value) for key, value in node.items()})
        if isinstance(node, dict)
        else CommentedSeq(map(_in_flow_style, node))
    )
    added.fa.set_flow_style()
    return added


def _without_search(spec: PipelineSpec) -> PipelineSpec:
    return spec.model_copy(update={"search": {}})
