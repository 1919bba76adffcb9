"""A pipeline file with a comment above each key.

Sections of a few values stand in one line, ``network: {hidden: [64, 32], dropout: 0.3}``; features, column rules and
search spaces one entry a line.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from tabular_dl.spec.yaml_io import Key, write_flow

__all__ = ["commented_yaml"]

WIDTH = 118
LONGEST_KEY = 1000  # YAML looks for a colon so far
ONE_ENTRY_A_LINE = ("features", "columns", "search")


def commented_yaml(content: Mapping[str, Any], comments: Mapping[Key, str]) -> str:
    """Write the content of a pipeline file with comments.

    Parameters
    ----------
    content : mapping
        Content of the file.
    comments : mapping of key to str
        Comment above each key, by its path of names and list indices, of one or two steps; that of the empty path is at
        the head of the file. A line break begins a new line of the comment.

    Returns
    -------
    str
        YAML that `tabular_dl.spec.yaml_io` reads as ``content``.

    Examples
    --------
    >>> content = {"name": "titanic", "columns": [{"columns": ["Age"], "scale": "standard"}], "rest": "drop"}
    >>> print(commented_yaml(content, {(): "Who survived?", ("columns", 0): "Numbers."}), end="")
    # Who survived?
    name: titanic
    columns:
      # Numbers.
      - {columns: [Age], scale: standard}
    rest: drop
    """
    lines = [*_comment(comments.get((), ""), "")]
    for name, value in content.items():
        lines += _comment(comments.get((name,), ""), "")
        lines += _section(name, value, comments)
    return "\n".join(lines) + "\n"


def _section(name: str, value: Any, comments: Mapping[Key, str]) -> Iterator[str]:
    if name not in ONE_ENTRY_A_LINE or not value:
        yield from _entry(f"{write_flow(name)}: ", value, "")
        return
    yield f"{write_flow(name)}:"
    entries = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, entry in entries:
        yield from _comment(comments.get((name, key), ""), "  ")
        yield from _entry("- " if isinstance(key, int) else _key(key, "  "), entry, "  ")


def _key(name: str, indent: str) -> str:
    """Write a key, which has to be in one line; a very long one in YAML's form with a question mark."""
    written = write_flow(name, width=10**6)
    return f"{written}: " if len(written) < LONGEST_KEY else f"? {written}\n{indent}: "


def _entry(start: str, value: Any, indent: str) -> Iterator[str]:
    """Yield ``key: value``; the further lines of a long value are indented below it."""
    first, *others = write_flow(value).split("\n")
    yield f"{indent}{start}{first}"
    yield from (f"{indent}    {line.lstrip(' ')}" for line in others)


def _comment(text: str, indent: str) -> Iterator[str]:
    for line in text.splitlines():
        # Names may have characters that YAML does not allow.
        plain = "".join(letter if letter.isprintable() else " " for letter in line)
        # Not at hyphens, so that names of columns stay whole.
        wrapped = textwrap.wrap(plain, WIDTH - len(indent) - 2, break_on_hyphens=False, break_long_words=False)
        yield from (f"{indent}# {part}" for part in wrapped)
