"""Changes of single settings of a pipeline, as ``--set`` gives them."""

from __future__ import annotations

from typing import Any

from tabular_dl.errors import SpecError
from tabular_dl.spec.yaml_io import Key, read_value

__all__ = ["apply_override"]


def apply_override(content: dict[str, Any], override: str) -> Key:
    """Change one setting of a file's content in place, and return its key.

    Parameters
    ----------
    content : dict
        Content of a pipeline file.
    override : str
        Path of the leaf and its value as YAML, like ``"network.dropout=0.4"``.

    Raises
    ------
    SpecError
        If the override has another form, or a part of its path leads nowhere.

    Examples
    --------
    >>> content = {"network": {"dropout": 0.3}}
    >>> apply_override(content, "network.hidden=[64, 32]"), content["network"]
    (('network', 'hidden'), {'dropout': 0.3, 'hidden': [64, 32]})
    """
    name, separator, text = override.partition("=")
    if not separator or not name:
        raise SpecError(f"--set {override}: expected key.path=value, like network.dropout=0.4.")
    *parents, leaf = name.split(".")
    key: Key = ()
    node: Any = content
    for part in parents:
        step = _step(node, part, key, override)
        if isinstance(node, dict) and node.get(step) is None:
            node[step] = {}
        node = node[step]
        key = (*key, step)
    step = _step(node, leaf, key, override)
    node[step] = read_value(text)
    return (*key, step)


def _step(node: object, part: str, key: Key, override: str) -> str | int:
    """Return one part of an override's path as a name or a list index."""
    if isinstance(node, dict):
        return part
    if isinstance(node, list) and part.isdecimal() and int(part) < len(node):
        return int(part)
    raise SpecError(f"--set {override}: there is no key {part!r} in {'.'.join(map(str, key))}.")
