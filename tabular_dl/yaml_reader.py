"""YAML as people mean it: safe, without surprises, and with the line of every key.

PyYAML follows YAML 1.1, where ``1e-4`` is text, ``no`` is false and a repeated key silently wins. Here numbers with an
exponent are numbers, only true and false are booleans, a date is text (YAML 1.2's core schema), and a repeated key is
an error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tabular_dl.errors import SpecError

__all__ = ["Key", "read_value", "read_yaml", "write_yaml"]

Key = tuple[str | int, ...]

_FLOAT = re.compile(r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$")


class _Loader(yaml.SafeLoader):
    """The safe loader with the resolvers of YAML 1.2's core schema for booleans, floats and dates."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own class attribute)
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":float", ":timestamp"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, "-+.0123456789")


class _Dumper(yaml.SafeDumper):
    """The safe dumper that also quotes text which would be a number here and not in YAML 1.1, like ``'1e5'``."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, "-+.0123456789")


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
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader, see above)
        lines = _lines(root, (), path) if root else {}
    except RecursionError:
        raise SpecError(f"{path}: not a pipeline: it is nested too deeply, or an alias contains itself.") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError(f"{path}, line {line}: not YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise SpecError(f"{path}: not YAML: {error}.") from None
    if not isinstance(content, dict):
        found = "nothing" if content is None else f"a {type(content).__name__}"
        raise SpecError(f"{path}: expected keys and values like `name: titanic`, found {found}.")
    return content, lines


def write_yaml(content: dict[str, Any]) -> str:
    """Write what `read_yaml` reads back as it was.

    Examples
    --------
    >>> print(write_yaml({"fill": "1e5", "l2": 1e-5}), end="")
    fill: '1e5'
    l2: 1.0e-05
    """
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


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
