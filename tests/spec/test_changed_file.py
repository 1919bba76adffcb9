"""A changed pipeline file says what it should, and keeps what its author wrote beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.spec.changed_file import changed_file
from tabular_dl.spec.reader import PipelineSpec, dump_spec, load_spec, with_values

TEXT = """\
# What this is about.
name: own
data: {source: here, target: y}  # from a friend

columns:
  # Numbers.
  - {columns: [a, 'b'], scale: standard}
  - columns: [c]   # codes
    encode: onehot

# Small.
network:
  hidden: [8]  # one layer
  dropout: 0.10
seed: 3
# Wide.
search:
  l2: {log_uniform: [1.0e-6, 1.0e-2]}
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("changed") / "own.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def changed(file: Path, values: Mapping[str, Any], overrides: tuple[str, ...] = ()) -> tuple[str, PipelineSpec]:
    spec = with_values(load_spec(file, overrides), values)
    return changed_file(file, overrides, values, spec), spec


def reads_as(text: str, spec: PipelineSpec, folder: Path) -> bool:
    (folder / "again.yaml").write_text(text, encoding="utf-8")
    again = load_spec(folder / "again.yaml")
    return again.model_copy(update={"search": {}}) == spec


def test_only_the_lines_of_what_changed_change(file: Path) -> None:
    values = {"network.dropout": 0.25, "network.hidden": [16, 8], "columns.0.scale": "minmax", "training.epochs": 5}
    text, _ = changed(file, values, ("seed=4",))
    expected = TEXT.replace("0.10", "0.25").replace("[8]", "[16, 8]").replace("standard", "minmax")
    *lines, last = re.sub(" +#", " #", text).splitlines()  # a comment moves with the end of its line
    assert lines == re.sub(" +#", " #", expected.replace("seed: 3", "seed: 4")).splitlines()
    assert last == "training: {epochs: 5}"


@settings(max_examples=25)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "network.dropout": st.floats(0, 0.9),
            "network.hidden": st.lists(st.integers(1, 99), max_size=3),
            "network.l2": st.floats(0, 1e-2),
            "training.learning_rate": st.floats(1e-6, 1e-1),
            "columns.1.encode": st.sampled_from(["label", "onehot"]),
        },
    )
)
def test_it_reads_as_the_specification_and_keeps_every_comment(file: Path, values: dict[str, Any]) -> None:
    text, spec = changed(file, values)
    assert reads_as(text, spec, file.parent)
    for comment in ("What this is about.", "from a friend", "Numbers.", "codes", "Small.", "one layer", "Wide."):
        assert f"# {comment}" in text


@pytest.mark.parametrize("name", ["titanic", "wine", "boston", "digits", "imdb"])
def test_shipped_pipelines_keep_their_comments(name: str, tmp_path: Path) -> None:
    values = {"network.hidden": [12], "training.learning_rate": 0.004}
    spec = with_values(load_spec(name), values)
    text = changed_file(name, [], values, spec)
    assert text.startswith("# ")
    assert reads_as(text, spec, tmp_path)


def test_mappings_that_anchors_tie_together_are_parted_where_they_differ(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    rules = "columns:\n  - &numbers {columns: [a], scale: standard}\n  - {<<: *numbers, columns: [c]}\n"
    file.write_text(f"# Head.\nname: own\ndata: {{source: here, target: t}}\n{rules}", encoding="utf-8")
    text, spec = changed(file, {"columns.0.scale": "minmax"})
    assert text.startswith("# Head.")
    assert reads_as(text, spec, tmp_path)


def test_lists_that_anchors_tie_together_are_written_without_comments(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    rules = "columns:\n  - {columns: &c [a], scale: standard}\n  - {columns: *c, encode: onehot}\n"
    file.write_text(f"# Head.\nname: own\ndata: {{source: here, target: t}}\n{rules}", encoding="utf-8")
    spec = with_values(load_spec(file), {"columns.0.columns.0": "b"})
    assert changed_file(file, [], {"columns.0.columns.0": "b"}, spec) == dump_spec(spec)


@pytest.mark.parametrize("now", [None, "name: other\n", "a: [", TEXT.replace("seed: 3", "seed: 5")])
def test_a_file_that_is_another_by_now_is_left_alone(tmp_path: Path, now: str | None) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(TEXT, encoding="utf-8")
    spec = with_values(load_spec(file), {"network.dropout": 0.5})
    if now is None:
        file.unlink()
    else:
        file.write_text(now, encoding="utf-8")
    assert changed_file(file, [], {"network.dropout": 0.5}, spec) == dump_spec(spec)
