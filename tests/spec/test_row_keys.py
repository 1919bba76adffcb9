"""Columns and features by which rows are divided are read before anything is learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.errors import DataError, SpecError
from tabular_dl.spec.reader import PipelineSpec
from tabular_dl.spec.row_keys import groups_of, own_folds_of, row_keys, times_of
from tabular_dl.spec.validate import validate_rows

TABLE = pd.DataFrame(
    {
        "Id": ["0001_01", "0001_02", "0002_01", "0003_01", "0003_02", "0004_01"],
        "day": ["01/02/2024", "03/02/2024", "02/02/2024", "04/02/2024", "01/03/2024", "13/03/2024"],
        "year": [2023, 2023, 2023, 2024, 2024, 2024],
        "month": ["11", "12", "10", "1", "2", "3"],
        "own": ["b", "a", "b", "a", "c", "c"],
        "y": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    }
)
FEATURES = {
    "Party": {"from": "Id", "extract": "^([0-9]+)_"},
    "When": {"eval": "12 * year + month"},
    "Day": {"from": "day", "date": "elapsed", "format": "%d/%m/%Y"},
    "Size": {"from": "Party", "count": True},
    "Twice": {"eval": "2 * Size"},
    "Mean": {"from": "year", "by": "Party", "statistic": "mean"},
    "Leak": {"eval": "year + y"},
}


def spec(**ensemble: Any) -> PipelineSpec:
    content = {"name": "p", "data": {"source": "p", "target": "y", "id": "Id"}, "columns": [{"columns": ["year"]}]}
    return PipelineSpec.model_validate({**content, "features": FEATURES, "ensemble": {"folds": 2, **ensemble}})


def test_a_group_may_be_a_feature_made_of_its_row_alone() -> None:
    assert groups_of(spec(group="Party"), TABLE, "train.csv").tolist() == [0, 0, 1, 2, 2, 3]
    assert groups_of(spec(), TABLE, "train.csv") is None


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        (
            "Size",
            SpecError,
            r"ensemble\.group: the feature 'Size' is learned from many rows \(count\), but folds are",
        ),
        ("Twice", SpecError, r"ensemble\.group: the feature 'Size' is learned from many rows \(count\)"),
        ("Mean", SpecError, r"the feature 'Mean' is learned from many rows \(by\)"),
        ("Leak", SpecError, "the feature 'Leak' is computed from the target"),
        ("y", SpecError, "'y' is the target"),
        ("Partie", DataError, "there is no column 'Partie', which ensemble.group names. Did you mean 'Party'"),
    ],
)
def test_a_group_that_is_learned_or_leaks_is_refused(name: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        groups_of(spec(group=name), TABLE, "train.csv")


@pytest.mark.parametrize(
    ("time", "order"),
    [
        ("Id", [0, 1, 2, 3, 4, 5]),
        ("day", [0, 2, 1, 3, 4, 5]),  # days and months are in the order that reads all dates
        ("Day", [0, 2, 1, 3, 4, 5]),
        ("When", [1, 2, 0, 3, 4, 5]),
    ],
)
def test_times_are_numbers_dates_or_features_of_them(time: str, order: list[int]) -> None:
    table = TABLE.assign(Id=range(6)) if time == "Id" else TABLE
    found = times_of(spec(split="time", time=time), table, "train.csv")
    assert found is not None
    assert found.steps.tolist() == order


def test_too_few_times_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"column year \(ensemble\.time\): 2 different values are fewer than the 4 that"
    ):
        times_of(spec(split="time", time="year"), TABLE, "train.csv")


def test_times_that_are_neither_numbers_nor_dates_are_refused_with_row_and_value() -> None:
    table = TABLE.set_axis(range(1, 7)).assign(day=["01/02/2024", "tomorrow", *TABLE["day"][2:]])
    with pytest.raises(DataError, match=r"column day \(ensemble\.time\), row 2: expected a date like .*'tomorrow'"):
        times_of(spec(split="time", time="day"), table, "train.csv")


def test_own_folds_are_numbered_in_order_and_are_no_feature() -> None:
    pipeline = spec(split="column", fold="own")
    assert own_folds_of(pipeline, TABLE, "train.csv").tolist() == [1, 0, 1, 0, 2, 2]
    assert own_folds_of(pipeline, TABLE.assign(own=[10, 9, 10, 9, 9, 10]), "t").tolist() == [1, 0, 1, 0, 0, 1]
    used = pipeline.model_copy(update={"columns": (pipeline.columns[0].model_copy(update={"columns": ("own",)}),)})
    faults = validate_rows(used, TABLE.drop(columns="y"), "train.csv").faults
    assert [fault.code for fault in faults if "ensemble.fold" in fault.message] == ["role"]
    by_pattern = pipeline.columns[0].model_copy(update={"columns": ("*",)})
    pattern = pipeline.model_copy(update={"columns": (by_pattern,)})
    faults = validate_rows(pattern, TABLE, "t").faults
    assert "day" in {name for fault in faults for name in fault.columns}  # a text, as own is
    assert "own" not in {name for fault in faults for name in fault.columns}


def test_all_keys_are_read_at_once() -> None:
    keys = row_keys(spec(split="column", fold="own"), TABLE, "train.csv")
    assert keys.groups is None
    assert keys.times is None
    assert np.bincount(keys.folds).tolist() == [2, 2, 2]
