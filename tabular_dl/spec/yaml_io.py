"""YAML 1.2's core schema, read with the line of every key and with limits, and written so that it reads back the same.

========== =====================================================================================
integers   decimal digits, also after a zero (``010`` is 10); ``0o17`` is octal, ``0x1F`` hexadecimal
floats     with a point, an exponent or both; ``.inf``, ``-.inf`` and ``.nan``
booleans   true and false
null       null, ``~`` or nothing
text       all else: ``no``, ``1:30``, ``1_000``, a date
========== =====================================================================================

Only these, lists and mappings are built: any other tag is an error, as a repeated key is. Anchors, aliases and merge
keys (``<<``) are read; what they stand for counts each time towards the limits.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.emitter import Emitter
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.representer import SafeRepresenter
from ruamel.yaml.resolver import VersionedResolver, implicit_resolvers
from ruamel.yaml.tag import Tag

from tabular_dl.errors import SpecError
from tabular_dl.limits import limit, raised_by, read_at_most

__all__ = ["CoreResolver", "Key", "UnsplitEmitter", "read_value", "read_yaml", "write_flow", "write_line", "write_yaml"]

Key = tuple[str | int, ...]

MOST_BYTES = 4_000_000
MOST_VALUES = 200_000  # aliases followed
LONGEST_NUMBER = 400  # characters: longer than any float, shorter than what Python refuses to print
LARGEST = 10**300  # of whole numbers, which floats may have to hold
DEEPEST = 40  # levels of lists and mappings

_TAG = "tag:yaml.org,2002:"
_PLAIN = {
    name: re.compile(pattern)
    for name, pattern in {
        "null": r"~|null|Null|NULL|",
        "bool": r"true|True|TRUE|false|False|FALSE",
        "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
        "float": r"[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))"
        r"|\.(?:nan|NaN|NAN)",
        "merge": r"<<",
    }.items()
}
# ruamel.yaml writes some texts plain, such as ?0 in a list, that it cannot read.
_PLAIN_TEXT = re.compile(r"[^\W_](?:[\w ./()+*<>=-]*[\w)])?")
_SCALARS: dict[str, Callable[[str], Any]] = {
    "null": lambda text: {"": None, "~": None, "null": None}[text.lower()],
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "int": lambda text: int(text, {"0o": 8, "0x": 16}.get(text[:2], 10)),
    "float": lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
}


class CoreResolver(VersionedResolver):
    """Types of plain scalars by YAML 1.2's core schema, whatever version a file declares."""

    def resolve(self, kind: type[Node], value: str | None, implicit: tuple[bool, bool]) -> Tag:
        """Return the tag of a node that is written without one."""
        if kind is ScalarNode and implicit[0]:
            for name, pattern in _PLAIN.items():
                if pattern.fullmatch(value or ""):
                    return Tag(suffix=_TAG + name)
        return Tag(suffix=_TAG + {ScalarNode: "str", SequenceNode: "seq", MappingNode: "map"}[kind])


class _WriteResolver(CoreResolver):
    """Core schema, with text that YAML 1.1 would take for something else, like ``no``, put into quotes."""

    def resolve(self, kind: type[Node], value: str | None, implicit: tuple[bool, bool]) -> Tag:
        """Return the tag that a reader of either version would give to a node."""
        tag = super().resolve(kind, value, implicit)
        if kind is ScalarNode and implicit[0] and str(tag) == f"{_TAG}str":
            return next((Tag(suffix=other) for _, other, old, _ in implicit_resolvers if old.match(value or "")), tag)
        return tag


class _Representer(SafeRepresenter):
    """Text in quotes unless it is plain beyond doubt; floats with a point, without which YAML 1.1 reads text."""

    def represent_str(self, data: str) -> ScalarNode:
        """Return the node of a text."""
        style = None if _PLAIN_TEXT.fullmatch(data) else '"' if len(f"{data}.".splitlines()) > 1 else "'"
        node: ScalarNode = self.represent_scalar(f"{_TAG}str", data, style=style)
        return node

    def represent_float(self, data: float) -> ScalarNode:
        """Return the node of a float."""
        node: ScalarNode = super().represent_float(data)
        if "." not in node.value:
            node.value = node.value.replace("e", ".0e")
        return node


class UnsplitEmitter(Emitter):
    """Text in double quotes stands in one line: ruamel.yaml may break it where a reader then finds a space."""

    def write_double_quoted(self, text: str, split: bool = True) -> None:  # noqa: ARG002 (ruamel.yaml passes it)
        """Write a text with escapes."""
        super().write_double_quoted(text, split=False)


_Representer.add_representer(str, _Representer.represent_str)
_Representer.add_representer(float, _Representer.represent_float)


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
    except YAMLError:
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
        Content of the file.
    lines : dict of tuple to int
        Line, from 1, of every key, by its path of names and list indices.

    Raises
    ------
    SpecError
        If there is no such file, it is not a mapping in YAML, a key appears twice, or a limit is passed: 4 MB, 200,000
        values, 40 levels.
    """
    try:
        with path.open("rb") as file:
            data = read_at_most(file, limit(MOST_BYTES))
        text = data.decode("utf-8")
    except FileNotFoundError:
        raise SpecError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path} cannot be read: {error}.") from None
    if len(data) > limit(MOST_BYTES):
        advice = raised_by(path.stat().st_size, MOST_BYTES)
        raise SpecError(f"{path} has more than {limit(MOST_BYTES):,} bytes, too many for a pipeline file. {advice}")
    try:
        content, lines = _read(text, str(path))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError(f"{path}, line {line}: not YAML: {error.problem}.") from None
    except YAMLError as error:
        raise SpecError(f"{path}: not YAML: {error}.") from None
    if not isinstance(content, dict):
        content_type = "nothing" if content is None else f"a {type(content).__name__}"
        raise SpecError(f"{path}: expected keys and values like `name: titanic`, found {content_type}.")
    return content, lines


def write_yaml(content: dict[str, Any]) -> str:
    """Write what `read_yaml` reads back as it was.

    Examples
    --------
    >>> print(write_yaml({"fill": "1e5", "l2": 1e-5}), end="")
    fill: '1e5'
    l2: 1.0e-05
    """
    return _dump(content, flow=False, width=120)


def write_flow(value: Any, width: int = 104) -> str:
    """Write one value in as few lines as there is room for in a width, as `read_value` reads it.

    Examples
    --------
    >>> print(write_flow({"columns": ["Age", "no"], "scale": "standard"}))
    {columns: [Age, 'no'], scale: standard}
    """
    return _dump(value, flow=True, width=width).removesuffix("\n").removesuffix("\n...")  # which ends a plain value


def write_line(content: dict[str, Any]) -> str:
    """Write a mapping as one line of YAML.

    Examples
    --------
    >>> write_line({"columns": ["Age", "Fare"], "missing_flag": True})
    '{columns: [Age, Fare], missing_flag: true}'
    """
    return write_flow(content, width=10**6)


def _dump(value: Any, flow: bool, width: int) -> str:
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver, yaml.Representer, yaml.Emitter = _WriteResolver, _Representer, UnsplitEmitter
    yaml.default_flow_style, yaml.width = flow, width
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # annotated as None
    stream = io.StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()


def _read(text: str, where: str) -> tuple[Any, dict[Key, int]]:
    """Return the content of a text, and the line of each key; ``where`` begins the message about a repeated key."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver, yaml.max_depth = CoreResolver, DEEPEST
    try:
        root = yaml.compose(text)
    except MaxDepthExceededError as error:
        raise MarkedYAMLError(problem=f"more than {DEEPEST} levels", problem_mark=error.problem_mark) from None
    document = _Document(where)
    return (None if root is None else document.build(root, ())), document.lines


class _Document:
    """Values of the nodes of a document, and the line of each key."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.lines: dict[Key, int] = {}
        self.values, self.most_values = 0, limit(MOST_VALUES)
        self.merging: list[Node] = []

    def build(self, node: Node, key: Key) -> Any:
        """Return the value of a node that stands at a key."""
        self.values += 1
        # An alias repeats, and may contain, what it stands for, so the parser's own limits are not enough.
        if self.values > self.most_values or len(key) > DEEPEST:
            passed = f"{DEEPEST} levels" if len(key) > DEEPEST else f"{self.most_values:,} values"
            raise _error(node, f"more than {passed}, aliases followed")
        if isinstance(node, MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, key)
        if isinstance(node, SequenceNode) and node.tag == f"{_TAG}seq":
            for index, item in enumerate(node.value):
                self.lines[*key, index] = _line(item)
            return [self.build(item, (*key, index)) for index, item in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return _scalar(node)
        raise _error(node, f"the tag {node.tag!r} is not allowed")

    def _mapping(self, node: MappingNode, key: Key) -> dict[Any, Any]:
        merged: dict[Any, Any] = {}
        content: dict[Any, Any] = {}
        for name_node, value_node in node.value:
            if not isinstance(name_node, ScalarNode):
                raise _error(name_node, "a key has to be a single value")
            if name_node.tag == f"{_TAG}merge":
                merged = self._merged(value_node, key) | merged
                continue
            name = _scalar(name_node)
            if name in content:
                raise SpecError(f"{self.where}, line {_line(name_node)}: the key {name_node.value!r} appears twice.")
            self.lines[*key, name_node.value] = _line(name_node)
            content[name] = self.build(value_node, (*key, name_node.value))
        return merged | content

    def _merged(self, node: Node, key: Key) -> dict[Any, Any]:
        """Return the content of the mappings that a merge key names; the first that has a key decides."""
        content: dict[Any, Any] = {}
        for mapping in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(mapping, MappingNode):
                raise _error(mapping, "a merge key << takes a mapping, or a list of mappings")
            if any(outer is mapping for outer in self.merging):
                raise _error(mapping, "a mapping is merged into itself")
            self.merging.append(mapping)
            content = self.build(mapping, key) | content
            self.merging.pop()
        return content


def _scalar(node: ScalarNode) -> Any:
    type_name = str(node.tag).removeprefix(_TAG)
    text = str(node.value)
    if type_name in ("str", "merge"):
        return _joined(node, text)
    if type_name not in _SCALARS:
        raise _error(node, f"the tag {node.tag!r} is not allowed")
    if type_name in ("int", "float") and len(text) > LONGEST_NUMBER:
        raise _error(node, f"a number of {len(text):,} characters; at most {LONGEST_NUMBER} are read")
    try:
        value = _SCALARS[type_name](text)
    except (ValueError, KeyError):
        raise _error(node, f"{text[:40]!r} is not of the type {type_name}") from None
    if type_name == "int" and abs(value) > LARGEST:
        raise _error(node, f"{text[:40]!r}... is a whole number above 1e300, the largest that is read")
    return value


def _joined(node: ScalarNode, text: str) -> str:
    """Return a text in which escapes of two halves of a character, as JSON has them, are that character."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _error(node, "an escape is half of a character") from None


def _error(node: Node, problem: str) -> MarkedYAMLError:
    return MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1
