"""Pipeline files with comments: what is written is read back, whatever the names and comments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.spec.commented_yaml import commented_yaml
from tabular_dl.spec.yaml_io import read_value

TEXTS = st.text(max_size=150)
SCALARS = st.one_of(TEXTS, st.integers(), st.floats(allow_nan=False), st.booleans(), st.none())
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=12) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
FILES = st.fixed_dictionaries(
    {"name": SCALARS},
    optional={
        "features": st.dictionaries(TEXTS, VALUES, max_size=4),
        "columns": st.lists(st.fixed_dictionaries({"columns": st.lists(TEXTS, max_size=30)}), max_size=4),
        "network": st.dictionaries(TEXTS, VALUES, max_size=4),
        "search": st.dictionaries(TEXTS, VALUES, max_size=4),
    },
)


@pytest.mark.slow
@given(FILES, TEXTS, TEXTS)
@settings(max_examples=60)
def test_what_is_written_is_read_back(content: dict[str, Any], head: str, comment: str) -> None:
    comments = {(): head, ("name",): comment, ("columns",): comment, ("columns", 0): comment, ("network",): comment}
    assert read_value(commented_yaml(content, comments)) == content


def test_a_text_with_escapes_that_is_longer_than_a_line_is_read_back() -> None:
    # Found by the test above: ruamel.yaml breaks such a text without the sign that there is no space.
    names = ["", "00\x1f", "000\x7f", "00000\x1f\x1f", "0" * 14 + "\x1f" * 3, "000000\x1f\x1f\x1f\x060 0"]
    content = {"name": None, "columns": [{"columns": names}]}
    assert read_value(commented_yaml(content, {})) == content


def test_a_key_of_many_letters_that_have_to_be_escaped_is_read_back() -> None:
    for length in (13, 30, 150, 300):
        content = {"name": None, "features": {"\x1f" + "\U00010000" * length + "0": {"from": "a"}, "b": []}}
        assert read_value(commented_yaml(content, {})) == content


def test_a_comment_stands_above_its_key_and_is_wrapped() -> None:
    text = commented_yaml(
        {"name": "x", "columns": [{"columns": ["a"]}]}, {("columns", 0): "word " * 60, ("name",): "one\ntwo"}
    )
    lines = text.splitlines()
    assert lines[:4] == ["# one", "# two", "name: x", "columns:"]
    assert all(line.startswith("  # word word") and len(line) <= 118 for line in lines[4:-1])
    assert " ".join(line.strip(" #") for line in lines[4:-1]).split() == ["word"] * 60
    assert lines[-1] == "  - {columns: [a]}"


def test_long_lists_are_folded_below_their_key() -> None:
    names = [f"column_{number}" for number in range(100)]
    text = commented_yaml({"columns": [{"columns": names, "scale": "standard"}]}, {})
    assert max(map(len, text.splitlines())) <= 120
    assert read_value(text) == {"columns": [{"columns": names, "scale": "standard"}]}
