"""Keys of `ensemble` that contradict each other are told with file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabular_dl.errors import SpecError
from tabular_dl.spec.reader import dump_spec, load_spec

FILE = "name: p\ndata: {source: p, target: y}\ncolumns: [{columns: [a]}]\nensemble:\n"


@pytest.mark.parametrize(
    ("lines", "line", "message"),
    [
        (
            "time: day",
            5,
            "ensemble.time: time is for split: time, no split is given. Write split: time, or leave",
        ),
        ("split: time", 4, "ensemble.time: split: time needs the name of a column: write time: COLUMN."),
        ("split: group", 4, "ensemble.group: split: group needs the name of a column: write group: COLUMN."),
        ("split: column", 4, "ensemble.fold: split: column needs the name of a column: write fold: COLUMN."),
        (
            "split: time\n  time: day\n  group: shop",
            7,
            "ensemble.group: group is for split: group or stratified_group or column, found split: time. Write split: "
            "group, or leave group out.",
        ),
        ("group: shop\n  time: day", 6, "ensemble.time: time is for split: time, no split is given."),
        ("split: plain\n  group: shop", 6, "ensemble.group: group is for split: group"),
        ("split: group\n  group: shop\n  gap: 2", 7, "ensemble.gap: gap is for split: time, found split: group."),
        ("split: time\n  time: day\n  gap: -1", 7, "ensemble.gap: expected"),
        ("split: time\n  time: day\n  repeats: 3", 7, "ensemble.repeats: repeats is for split: stratified or plain"),
        ("split: column\n  fold: f\n  repeats: 3", 7, "ensemble.repeats: repeats is for split: stratified"),
        ("repeats: 0", 5, "ensemble.repeats: expected"),
        ("split: tiem", 5, "ensemble.split: expected"),
        ("splitt: time", 5, "ensemble.splitt: there is no such key. Did you mean 'split'?"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(lines: str, line: int, message: str, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(f"{FILE}  {lines}\n")
    with pytest.raises(SpecError) as refused:
        load_spec(file)
    assert f"{file}, line {line}: {message}" in str(refused.value)


@pytest.mark.parametrize(
    "lines",
    [
        "{split: time, time: day, gap: 2}",
        "{group: shop, repeats: 2}",
        "{split: column, fold: own, group: shop}",
        "{split: stratified_group, group: shop, repeats: 2}",
        "{split: null, group: null, time: null, fold: null, gap: null, repeats: null}",
    ],
)
def test_keys_that_agree_are_read_and_written(lines: str, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(FILE.replace("ensemble:\n", f"ensemble: {lines}\n"))
    spec = load_spec(file)
    file.write_text(dump_spec(spec))
    assert load_spec(file) == spec
