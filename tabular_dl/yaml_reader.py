"""YAML as people mean it: safe, without surprises, and with the line of every key.

PyYAML follows YAML 1.1, where ``1e-4`` is text, ``no`` is false and a repeated key silently wins. Here numbers with an
exponent are numbers, only true and false are booleans (YAML 1.2's core schema), and a repeated key is an error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tabular_dl.errors import SpecError

__all__ = ["Key", "read_value", "read_yaml"]

Key = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """The safe loader with the resolvers of YAML 1.2's core schema for booleans and floats."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own class attribute)
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":float"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$"),
    "-+.0123456789",
)


def read_value(text: str) -> Any:
    """Read one value written as YAML.

    Raises
    ------
    SpecError
        If the text is not YAML.

    Examples
    --------
    >>> read_value("1e-4"), read_value("[64, 32]"), read_value("no")
    (0.0001, [64, 32], 'no')
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader, see above)
    except yaml.YAMLError:
        raise SpecError(f"{text!r} is not a YAML value; put text with special characters into quotes.") from None


def read_yaml(path: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    """Read a YAML file that holds a mapping.

    Parameters
    ----------
    path : Path
        The file, in UTF-8.

    Returns
    -------
    content : dict
        What the file says.
    lines : dict of tuple to int
        The line, from 1, of every key, by its path of names and list indices.

    Raises
    ------
    SpecError
        If there is no such file, or it is not a mapping in YAML, or a key appears twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpecError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path} cannot be read: {error}.") from None
    try:
        root = yaml.compose(text, Loader=_Loader)
        lines = _lines(root, (), path) if root else {}
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader, see above)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError(f"{path}, line {line}: not YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise SpecError(f"{path}: not YAML: {error}.") from None
    if not isinstance(content, dict):
        found = "nothing" if content is None else f"a {type(content).__name__}"
        raise SpecError(f"{path}: expected keys and values like `name: titanic`, found {found}.")
    return content, lines


def _lines(node: yaml.Node, key: Key, path: Path) -> dict[Key, int]:
    found: dict[Key, int] = {}
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            child = (*key, name.value)
            if child in found:
                raise SpecError(f"{path}, line {name.start_mark.line + 1}: the key {name.value!r} appears twice.")
            found[child] = name.start_mark.line + 1
            found |= _lines(value, child, path)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            found[*key, index] = value.start_mark.line + 1
            found |= _lines(value, (*key, index), path)
    return found
