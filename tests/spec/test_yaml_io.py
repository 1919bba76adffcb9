"""YAML is read as PyYAML reads it but for what is documented, with every key's line; all else is refused."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.errors import SpecError
from tabular_dl.spec.yaml_io import read_value, read_yaml, write_yaml

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z_0-9]{0,6}", fullmatch=True)
# Words and numbers that YAML 1.1, YAML 1.2 and people read differently are frequent among the texts.
# PyYAML writes U+0085, a line break of old mainframes, so that no reader gets it back.
TEXTS = (
    st.text(st.characters(exclude_characters="\x85", codec="utf-8"), max_size=8)
    | st.from_regex(r"[-+]?[0-9]{0,2}\.?[0-9]{0,2}[eE][-+]?[0-9]", fullmatch=True)
    | NAMES
)
TEXTS |= st.sampled_from(["no", "Yes", "on", "OFF", "y", "null", "~", "true", "2024-02-30", "1:30", "010", ".5", "="])
TEXTS |= st.sampled_from(["08", "0o17", "0x1F", "0b1", "1_000", ".inf", "-.INF", ".NaN", "1:30.5", "<<"])
SCALARS = TEXTS | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
NESTED = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
# Where PyYAML writes: 1e1 and 10e0 are two keys to it, and one number here.
NESTED_BY_NAME = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)
CONTENTS = st.dictionaries(TEXTS, NESTED, max_size=4)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("yaml") / "x.yaml"


def read(file: Path, text: str) -> tuple[dict[str, Any], dict[Any, int]]:
    file.write_text(text, encoding="utf-8", newline="")
    return read_yaml(file)


def refusal(file: Path, text: str) -> str:
    with pytest.raises(SpecError) as refused:
        read(file, text)
    return str(refused.value).replace(str(file), "x.yaml")


def same(ours: Any, theirs: Any, text_may_be_number: bool = False) -> bool:
    """Compare values and types, so that 1, 1.0 and True differ; text like 1e5 or 08 may have become that number."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return same([*ours, *ours.values()], [*theirs, *theirs.values()], text_may_be_number)
    if isinstance(theirs, list) and isinstance(ours, list) and len(ours) == len(theirs):
        return all(same(a, b, text_may_be_number) for a, b in zip(ours, theirs, strict=True))
    if text_may_be_number and isinstance(theirs, str) and type(ours) in (int, float):
        return ours == (int(theirs, 8) if theirs.startswith("0o") else float(theirs))
    return type(ours) is type(theirs) and ours == theirs


# Values


@pytest.mark.parametrize("text", ["1e-4", "1E5", "1e+3", "-2e0", "+1.5e3", ".5", "-.5e2", "5.", "1.0", "1.0e-6"])
def test_a_number_with_a_point_or_an_exponent_is_a_number(text: str) -> None:
    assert same(read_value(text), float(text))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("010", 10),
        ("-010", -10),
        ("+08", 8),
        ("0", 0),
        ("0o17", 15),
        ("0x1F", 31),
        ("0xff", 255),
        ("1" * 30, int("1" * 30)),
    ],
)
def test_an_integer_is_decimal_unless_it_is_marked(text: str, number: int) -> None:
    assert same(read_value(text), number)


@pytest.mark.parametrize(
    ("text", "number"),
    [(".inf", math.inf), ("+.Inf", math.inf), ("-.INF", -math.inf), (".nan", math.nan), (".NaN", math.nan)],
)
def test_infinity_and_not_a_number_are_numbers(text: str, number: float) -> None:
    assert repr(read_value(text)) == repr(number)
    assert repr(read_value(write_yaml({"x": number}))["x"]) == repr(number)


@pytest.mark.parametrize(
    "text",
    [
        *("no", "Yes", "on", "OFF", "y", "N", "2024-02-30", "2024-01-01", "1e", "e5", ".", "-."),
        *("1:30", "1:30.5", "1_000", "1_0.5", "0b1", "0O17", "0X1F", "-0x1F", "inf", "nan", "-.nan", "="),
    ],
)
def test_a_word_a_time_and_a_date_are_text(text: str) -> None:
    assert read_value(text) == text


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "false", "False", "FALSE"])
def test_only_true_and_false_are_booleans(text: str) -> None:
    assert read_value(text) is (text.lower() == "true")


@pytest.mark.parametrize("text", ["", "3", "-17", "null", "~", "abc", "'1e5'", "[64, 32]", "{a: [1, b]}", '"no"'])
def test_every_other_value_is_what_pyyaml_reads(text: str) -> None:
    assert same(read_value(text), yaml.safe_load(text))


@pytest.mark.parametrize("text", ["[1", "{a: 1", "a: b: c", "@x", "!foo 3", "*a", "a\n--- b", "&x [*x]"])
def test_a_value_that_is_not_yaml_is_refused_and_shown(text: str) -> None:
    with pytest.raises(SpecError) as refused:
        read_value(text)
    assert str(refused.value) == f"{text!r} is not a YAML value; put text with special characters into quotes."


@pytest.mark.parametrize("text", ["{a: 1, a: 2}", "[{b: 1, a: {}, a: 2}]", "{a: 1, 'a': 2}"])
def test_a_value_with_a_key_twice_is_refused(text: str) -> None:
    with pytest.raises(SpecError) as refused:
        read_value(text)
    assert str(refused.value) == f"{text!r}, line 1: the key 'a' appears twice."


def test_a_number_and_its_text_are_two_keys() -> None:
    assert read_value("{2: a, '2': b, true: c, 'true': d}") == {2: "a", "2": "b", True: "c", "true": "d"}


# Files


@settings(max_examples=50)
@given(st.dictionaries(NAMES, NESTED_BY_NAME, max_size=4))
def test_a_file_that_pyyaml_wrote_is_read_as_pyyaml_reads_it_but_for_numbers(file: Path, content: Any) -> None:
    text = yaml.safe_dump(content, allow_unicode=True)
    assert same(read(file, text)[0], yaml.safe_load(text), text_may_be_number=True)


def _keys(node: Any) -> list[str]:
    if isinstance(node, list):
        return [key for value in node for key in _keys(value)]
    return [*node, *_keys([*node.values()])] if isinstance(node, dict) else []


@settings(max_examples=50)
@given(CONTENTS)
def test_what_is_written_is_read_back_the_same_here_and_by_pyyaml(file: Path, content: Any) -> None:
    text = write_yaml(content)
    assert same(read(file, text)[0], content)
    assert same(yaml.safe_load(text), content)


def test_what_is_written_keeps_the_order_of_its_keys() -> None:
    assert write_yaml({"b": 1, "a": {"d": [1.5], "c": "é"}}) == "b: 1\na:\n  d:\n  - 1.5\n  c: é\n"


def test_lines_by_hand(file: Path) -> None:
    text = (
        "# a comment\nname: t\n\ndata: {source: a,\n  target: b}\ncolumns:\n  - {columns: [A, B]}\n  - scale: minmax\n"
    )
    content, lines = read(file, text)
    assert content["data"] == {"source": "a", "target": "b"}
    assert lines == {
        ("name",): 2,
        ("data",): 4,
        ("data", "source"): 4,
        ("data", "target"): 5,
        ("columns",): 6,
        ("columns", 0): 7,
        ("columns", 0, "columns"): 7,
        ("columns", 0, "columns", 0): 7,
        ("columns", 0, "columns", 1): 7,
        ("columns", 1): 8,
        ("columns", 1, "scale"): 8,
    }


TREES = st.recursive(st.integers(), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)


@settings(max_examples=50)
@given(st.dictionaries(NAMES, TREES | st.lists(TREES, max_size=3), min_size=1, max_size=4))
def test_the_line_of_every_key_is_the_line_it_stands_on(file: Path, content: Any) -> None:
    text = yaml.safe_dump(content, default_flow_style=False)
    _, lines = read(file, text)
    names = [key[-1] for key in lines if isinstance(key[-1], str)]
    assert sorted(names) == sorted(_keys(content))
    for key, line in lines.items():
        written = text.splitlines()[line - 1].strip()
        assert (
            written.startswith("- ") if isinstance(key[-1], int) else re.search(rf"(^|[ '\"]){key[-1]}['\"]?:", written)
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yaml, line 3: the key 'a' appears twice."),
        ("a:\n  b: {c: 1,\n    c: 2}\n", "x.yaml, line 3: the key 'c' appears twice."),
        ("- {a: 1, a: 2}\n", "x.yaml, line 1: the key 'a' appears twice."),
        ("", "x.yaml: expected keys and values like `name: titanic`, found nothing."),
        ("# only a comment\n", "x.yaml: expected keys and values like `name: titanic`, found nothing."),
        ("- a\n", "x.yaml: expected keys and values like `name: titanic`, found a list."),
        ("titanic", "x.yaml: expected keys and values like `name: titanic`, found a str."),
        ("a: 1\nb: c: d\n", "x.yaml, line 2: not YAML: mapping values are not allowed here."),
        ("a: 1\nb: [1\n", "x.yaml, line 3: not YAML: expected ',' or ']', but got '<stream end>'."),
        ("a: 1\n---\nb: 2\n", "x.yaml, line 2: not YAML: but found another document."),
        ("a: *b\n", "x.yaml, line 1: not YAML: found undefined alias 'b'."),
        ("a: 1\n? [b, c]\n: 2\n", "x.yaml, line 2: not YAML: a key has to be a single value."),
        ("a: &x {<<: *x}\n", "x.yaml, line 1: not YAML: a mapping is merged into itself."),
        ('a: "\\ud83d"\n', "x.yaml, line 1: not YAML: an escape is half of a character."),
        (
            "a: " + "9" * 350,
            f"x.yaml, line 1: not YAML: '{'9' * 40}'... is a whole number above 1e300, the largest that is read.",
        ),
        ("a: &x [*x]\n", "x.yaml, line 1: not YAML: more than 40 levels, aliases followed."),
        (
            "a: !!python/object/apply:os.getcwd []\n",
            "x.yaml, line 1: not YAML: the tag 'tag:yaml.org,2002:python/object/apply:os.getcwd' is not allowed.",
        ),
    ],
)
def test_a_file_that_is_no_mapping_in_yaml_is_refused_with_its_line(file: Path, text: str, message: str) -> None:
    assert refusal(file, text) == message


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("a: " + "[" * 60 + "]" * 60, ["line 1", "40"]),
        ("a: " + "[" * 5000 + "]" * 5000, ["line 1", "40"]),
        ("".join(f"{'  ' * depth}a:\n" for depth in range(60)), ["line 4", "40"]),
        # 9 times as many values a line: a billion laughs.
        (
            "a0: &a0 [x]\n" + "".join(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 9)),
            ["more than 200,000 values"],
        ),
        ("a: " + "1" * 5000, ["line 1", "5,000", "400"]),
        ("a: 0x" + "F" * 10_000, ["line 1", "10,002", "400"]),
        ("a: 0." + "1" * 5000, ["line 1", "5,002", "400"]),
        ("a: !!int x", ["line 1", "'x'", "int"]),
        ("a: !!binary aGk=", ["line 1", "binary"]),
        ("a: !!set {b, c}", ["line 1", "set"]),
        ("a: !!timestamp 2024-01-01", ["line 1", "timestamp"]),
        ("a: {<<: 3}", ["line 1", "<<"]),
        ("a: 1\n" + "# much\n" * 600_000, ["4,000,000 bytes"]),
    ],
    ids=[
        "deep",
        "deeper",
        "deep block",
        "bomb",
        "digits",
        "hexadecimal digits",
        "decimals",
        "no int",
        "binary",
        "set",
        "timestamp",
        "merge",
        "large",
    ],
)
def test_what_passes_a_limit_or_is_of_another_type_is_refused_soon(file: Path, text: str, facts: list[str]) -> None:
    message = refusal(file, text)
    assert message.startswith("x.yaml")
    assert not [fact for fact in facts if fact not in message]


def test_anchors_and_merge_keys_stand_for_what_they_name(file: Path) -> None:
    text = "one: &one {a: 1, b: 2}\ntwo: &two {b: 3, c: 4}\nboth: {<<: [*one, *two], a: 5}\nsame: *two\n"
    content, lines = read(file, text)
    assert content == yaml.safe_load(text)
    assert content["both"] == {"a": 5, "b": 2, "c": 4}
    assert lines["both", "a"] == 3


def test_two_escapes_of_one_character_are_that_character(file: Path) -> None:
    content = {"a": "\N{GRINNING FACE}", "\N{GRINNING FACE}": "\ufeffb"}
    file.write_text(json.dumps(content))
    assert read_yaml(file)[0] == content


def test_control_characters_are_refused(file: Path) -> None:
    assert refusal(file, "a: \x01").startswith("x.yaml: not YAML: unacceptable character #x0001")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as absent:
        read_yaml(tmp_path / "x.yaml")
    assert str(absent.value) == f"There is no file {tmp_path / 'x.yaml'}."
    with pytest.raises(SpecError, match=r"cannot be read: .*directory"):
        read_yaml(tmp_path)
    (tmp_path / "latin.yaml").write_bytes("name: café".encode("latin-1"))
    with pytest.raises(SpecError, match=r"latin\.yaml cannot be read: 'utf-8' codec can't decode byte 0xe9"):
        read_yaml(tmp_path / "latin.yaml")


def test_numbers_beyond_a_float_are_infinite_as_in_python() -> None:
    assert read_value("1e999") == math.inf
