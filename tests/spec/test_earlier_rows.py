"""A pipeline with features of earlier rows and targets: what folds may know, what is stored, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io

from tabular_dl.errors import SpecError
from tabular_dl.model_selection.crossfit import CrossFitRegressor
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.build import build_pipeline
from tabular_dl.spec.reader import PipelineSpec, load_spec, read_space, with_values
from tabular_dl.spec.used_columns import columns_used
from tabular_dl.spec.validate import validate_rows
from tabular_dl.tracking.persistence import TRUSTED_TYPES

FEATURES: dict[str, Any] = {
    "Yesterday": {"from": "sales", "by": "store", "time": "date", "lag": 1},
    "Week": {"from": "sales", "by": "store", "time": "date", "rolling": {"window": 7, "statistic": "mean"}},
    "Warm": {"from": "heat", "by": "store", "time": "date", "lag": 2},
    "Change": {"eval": "Yesterday - Week"},
}


def stores(days: int = 40) -> pd.DataFrame:
    """Sales of three stores, each of which walks slowly up and down, in rows without order."""
    random = np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "date": pd.date_range("2024-03-01", periods=days).astype(str),
                "store": store,
                "heat": random.normal(size=days).round(2),
                "sales": 50 + np.cumsum(random.normal(0, 5, days)) + random.normal(size=days),
            }
        )
        for store in "abc"
    ]
    return pd.concat(parts).sample(frac=1, random_state=1).reset_index(drop=True)


def pipeline_of(**changes: Any) -> PipelineSpec:
    content: dict[str, Any] = {
        "name": "stores",
        "problem": "regression",
        "data": {"source": "stores", "target": "sales"},
        "features": FEATURES,
        "columns": [{"columns": [*FEATURES], "scale": "standard"}],
        "rest": "drop",
        "model": {"name": "ridge"},
    }
    return PipelineSpec.model_validate(content | changes)


TABLE = stores()
DAYS = TABLE["date"].rank(method="dense").to_numpy()
# Two folds of later days, trained on earlier ones and, for the first, on still later ones as well.
TESTED = [np.flatnonzero((DAYS > 20) & (DAYS <= 30)), np.flatnonzero(DAYS > 30), np.flatnonzero(DAYS <= 20)]
SPLITS = [(np.setdiff1d(np.arange(len(DAYS)), test), test) for test in TESTED]


def fitted(target: np.ndarray, table: pd.DataFrame = TABLE, **changes: Any) -> CrossFitRegressor:
    spec = pipeline_of(**changes)
    pipeline = build_pipeline(spec, get_problem("regression"))
    return CrossFitRegressor(pipeline, cv=SPLITS).fit(table[columns_used(spec, table)], target)


@pytest.fixture(scope="module")
def crossfit() -> CrossFitRegressor:
    return fitted(TABLE["sales"].to_numpy())


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_the_targets_of_a_folds_test_rows_change_nothing_of_its_predictions(
    crossfit: CrossFitRegressor, fold: int
) -> None:
    """A planted leak: with the targets of the rows themselves, predictions would follow them."""
    target = TABLE["sales"].to_numpy().copy()
    target[TESTED[fold]] = np.random.default_rng(fold).permutation(target[TESTED[fold]]) + 1000
    changed = fitted(target)
    predictions = crossfit.oof_predictions_[TESTED[fold]]
    np.testing.assert_array_equal(changed.oof_predictions_[TESTED[fold]], predictions)


def test_the_targets_of_later_training_rows_change_no_feature_of_a_test_row(crossfit: CrossFitRegressor) -> None:
    target = TABLE["sales"].to_numpy().copy()
    target[DAYS > 30] += 1000
    changed = fitted(target)
    tested = TABLE[["date", "store", "heat"]].iloc[TESTED[0]]
    before, after = (fold.pipelines_[0][0].transform(tested) for fold in (crossfit, changed))
    pd.testing.assert_frame_equal(before, after)
    assert before[[*FEATURES]].notna().all(axis=None)


def test_earlier_targets_predict_what_a_store_sells(crossfit: CrossFitRegressor) -> None:
    without = fitted(
        TABLE["sales"].to_numpy(), columns=[{"columns": ["heat"]}, {"columns": ["store"], "encode": "onehot"}]
    )
    rows = np.concatenate(TESTED[:2])
    errors = [np.sqrt(np.mean((fold.oof_predictions_ - TABLE["sales"])[rows] ** 2)) for fold in (crossfit, without)]
    assert errors[0] < 0.9 * errors[1]


def test_a_stored_model_predicts_the_same_and_needs_no_target(crossfit: CrossFitRegressor) -> None:
    loaded = skops.io.loads(skops.io.dumps(crossfit), trusted=TRUSTED_TYPES)
    later = TABLE[["date", "store", "heat"]].head(5).assign(date="2024-05-01")
    np.testing.assert_array_equal(loaded.predict(later), crossfit.predict(later))
    assert [*crossfit.feature_names_in_] == ["date", "store", "heat"]


def test_tables_are_valid_without_the_target_and_with_it() -> None:
    spec, rows = pipeline_of(), TABLE.drop(columns="sales")
    checked = validate_rows(spec, rows, "train.csv", target=TABLE["sales"])
    later = validate_rows(spec, rows.assign(date="2024-06-01"), "test.csv", training=checked)
    assert not checked.faults
    assert not later.faults
    assert checked.table["Yesterday"].notna().sum() == len(TABLE) - 3
    assert later.table["Yesterday"].notna().all()
    assert not validate_rows(spec, rows, "test.csv").faults


@pytest.mark.parametrize(
    ("features", "code", "message"),
    [
        (
            {"Now": {"from": "sales"}},
            "role",
            "the target 'sales' cannot be a feature too: remove it",
        ),
        ({"Now": {"eval": "sales + Week"}, **FEATURES}, "role", "the target 'sales' cannot be a feature too"),
        ({"Lag": {"from": "sales", "time": "dat", "lag": 1}}, "feature", "column 'dat', .* Did you mean 'date'"),
        (
            {"Lag": {"from": "sales", "time": "store", "lag": 1}},
            "feature",
            "train.csv: feature 'Lag', column 'store', row .: expected a date",
        ),
        ({"Lag": {"from": "sale", "time": "date", "lag": 1}}, "feature", "reads column 'sale'"),
    ],
)
def test_a_column_that_cannot_be_read_is_named(features: dict[str, Any], code: str, message: str) -> None:
    spec = pipeline_of(features=features, columns=[{"columns": [*features]}])
    faults = validate_rows(spec, TABLE.drop(columns="sales"), "train.csv", target=TABLE["sales"]).faults
    assert [fault.code for fault in faults] == [code]
    assert pd.Series([fault.message for fault in faults]).str.contains(message).all()


def test_a_mistake_is_named_with_file_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "stores.yaml"
    text = """name: stores
data: {source: stores, target: sales}
features:
  Lag:
    from: sales
    time: date
    lag: yesterday
columns:
  - {columns: [Lag]}
"""
    path.write_text(text)
    with pytest.raises(SpecError, match=r"stores.yaml, line 7: feature 'Lag', key 'lag': expected a number of steps"):
        load_spec(path)
    path.write_text(text.replace("    lag: yesterday\n", ""))
    with pytest.raises(SpecError, match=r"stores.yaml, line 6: feature 'Lag', key 'time': needs `lag` or `rolling`"):
        load_spec(path)


def test_lags_and_windows_can_be_searched() -> None:
    section = {"features.Yesterday.lag": {"choice": [1, 7]}, "features.Week.rolling.window": {"choice": [7, 28]}}
    assert [*read_space(pipeline_of(), section)] == [*section]
    assert with_values(pipeline_of(), {"features.Week.rolling.window": 28}).features["Week"]["rolling"]["window"] == 28
    with pytest.raises(
        SpecError, match=r"search.features.Yesterday.lag: .*expected a number of steps, 1 or more, found 0"
    ):
        read_space(pipeline_of(), {"features.Yesterday.lag": {"choice": [0, 1]}})
