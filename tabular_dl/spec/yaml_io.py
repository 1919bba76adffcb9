"""YAML as people mean it: safe, without surprises, and with the line of every key.

PyYAML follows YAML 1.1, where ``1e-4`` is text, ``no`` is false, ``010`` is 8, ``1:30`` is 90 and a repeated key
silently wins. Here a repeated key is an error, and values are what YAML 1.2's core schema says:

========== =====================================================================================
integers   decimal digits, also after a zero (``010`` is 10); ``0o17`` is octal, ``0x1F`` hexadecimal
floats     with a point, an exponent or both; ``.inf``, ``-.inf`` and ``.nan``
booleans   true and false
null       null, ``~`` or nothing
text       all else: ``no``, ``1:30``, ``1_000``, a date
========== =====================================================================================
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tabular_dl.errors import SpecError

__all__ = ["Key", "read_value", "read_yaml", "write_flow", "write_line", "write_yaml"]

Key = tuple[str | int, ...]

_NULL, _MERGE, _BOOL, _INT, _FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("null", "merge", "bool", "int", "float"))
_NUMBERS = {
    _INT: re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"),
    _FLOAT: re.compile(
        r"^(?:[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))"
        r"|\.(?:nan|NaN|NAN))$"
    ),
}


class _Loader(yaml.SafeLoader):
    """The safe loader with the resolvers of YAML 1.2's core schema, and with merge keys as before."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own class attribute)
        first: [(tag, pattern) for tag, pattern in resolvers if tag in (_NULL, _MERGE)]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        """Read digits, in base 10 unless marked otherwise."""
        return int(node.value, {"0o": 8, "0x": 16}.get(node.value[:2], 10))


class _Dumper(yaml.SafeDumper):
    """The safe dumper that also quotes text which would be a number here and not in YAML 1.1, like ``'1e5'``."""


class _FlowDumper(_Dumper):
    """The dumper that writes line breaks of any kind as escapes, so that every line may be indented."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Put text into double quotes where it has more than one line."""
        style = '"' if len(f"{text}.".splitlines()) > 1 else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_FlowDumper.add_representer(str, _FlowDumper.represent_text)
_Loader.add_implicit_resolver(_BOOL, re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")
_Loader.add_constructor(_INT, _Loader.construct_integer)
for _tag, _pattern in _NUMBERS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_tag, _pattern, "-+.0123456789")


def read_value(text: str) -> Any:
    """Read one value written as YAML.

    Raises
    ------
    SpecError
        If the text is not YAML, or a key appears twice.

    Examples
    --------
    >>> read_value("1e-4"), read_value("[64, 32]"), read_value("no")
    (0.0001, [64, 32], 'no')
    """
    try:
        return _read(text, repr(text))[0]
    except (yaml.YAMLError, RecursionError):
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
        content, lines = _read(text, str(path))
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


def write_flow(value: Any, width: int = 104) -> str:
    """Write one value in as few lines as there is room for in a width, as `read_value` reads it.

    Examples
    --------
    >>> print(write_flow({"columns": ["Age", "no"], "scale": "standard"}))
    {columns: [Age, 'no'], scale: standard}
    """
    text = yaml.dump(
        value, Dumper=_FlowDumper, sort_keys=False, allow_unicode=True, width=width, default_flow_style=True
    )
    return text.removesuffix("\n").removesuffix("\n...")  # which ends a plain value


def write_line(content: dict[str, Any]) -> str:
    """Write a mapping as one line of YAML.

    Examples
    --------
    >>> write_line({"columns": ["Age", "Fare"], "missing_flag": True})
    '{columns: [Age, Fare], missing_flag: true}'
    """
    dumped = yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=True, width=10**6
    )
    return dumped.strip()


def _read(text: str, where: str) -> tuple[Any, dict[Key, int]]:
    """Return what a text says, and the line of each key; ``where`` begins the message about a repeated key."""
    root = yaml.compose(text, Loader=_Loader)
    content = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader, see above)
    return content, _lines(root, (), where) if root else {}


def _lines(node: yaml.Node, key: Key, where: str) -> dict[Key, int]:
    found: dict[Key, int] = {}
    if isinstance(node, yaml.MappingNode):
        names = [(name.tag, name.value) for name, _ in node.value]  # by tag too: 1 and '1' are two keys
        for index, (name, value) in enumerate(node.value):
            line = name.start_mark.line + 1
            if names[index] in names[:index]:
                raise SpecError(f"{where}, line {line}: the key {name.value!r} appears twice.")
            child = (*key, name.value)
            found[child] = line
            found |= _lines(value, child, where)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            found[*key, index] = value.start_mark.line + 1
            found |= _lines(value, (*key, index), where)
    return found
