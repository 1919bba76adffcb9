"""A cross-fit of a map equals that of the same rows in memory: weights, predictions and stored steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from tabular_dl.errors import SpecError
from tabular_dl.estimators.keras_estimators import KerasClassifier, KerasRegressor
from tabular_dl.model_selection.crossfit import CrossFitClassifier, CrossFitRegressor
from tabular_dl.nn import batches
from tabular_dl.preprocessing.column_transformer import build_preprocessing
from tabular_dl.preprocessing.derived_features import DerivedFeatures
from tabular_dl.preprocessing.mapped_rows import MappedRows
from tabular_dl.tables.row_map import write_row_map

pytestmark = pytest.mark.slow

ROWS = 240
KINDS = {"size": "number", "city": "text"}
RULES: list[dict[str, Any]] = [
    {"columns": ["size"], "scale": "minmax"},
    {"columns": ["city"], "encode": "onehot"},  # a rare city is in some folds only: widths differ
]
SMALL: dict[str, Any] = {"hidden": (4,), "epochs": 3, "members": 2, "batch_size": 32, "random_state": 0}


def table_of() -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(0)
    city = np.where(np.arange(ROWS) == 7, "rare", random.choice([*"abc"], ROWS))
    table = pd.DataFrame({"size": random.normal(size=ROWS), "city": pd.Series(city, dtype="str")})
    table.loc[::9, "size"] = np.nan
    return table, table["size"].fillna(0).to_numpy() + (city == "a") + random.normal(0, 0.1, ROWS)


def mapped(folder: Path, table: pd.DataFrame) -> MappedRows:
    features = DerivedFeatures({}).fit(table)
    return MappedRows(write_row_map(folder / "map", [table[:100], table[100:]], KINDS, ROWS), features, table.head())


def pipeline_of(last: Any, rules: list[dict[str, Any]] = RULES) -> Pipeline:
    return Pipeline(
        [("features", DerivedFeatures({})), ("preprocessing", build_preprocessing(rules)), ("network", last)]
    )


@pytest.mark.parametrize("block_bytes", [2**26, 2**11])
@pytest.mark.parametrize("classification", [True, False])
def test_weights_and_predictions_are_those_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int, classification: bool
) -> None:
    monkeypatch.setattr(batches, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr("tabular_dl.model_selection.fold_matrices.ROWS_AT_ONCE", 17)
    table, y = table_of()
    kind, last = (CrossFitClassifier, KerasClassifier) if classification else (CrossFitRegressor, KerasRegressor)
    target = np.where(y > 0.5, "yes", "no") if classification else y
    in_memory, on_disk = (
        kind(pipeline_of(last(**SMALL, early_stopping=2)), 3, 0).fit(X, target)
        for X in (table, mapped(tmp_path, table))
    )
    # Blocks of 17 rows are rounded in another way than all rows, in float64.
    np.testing.assert_allclose(on_disk.oof_predictions_, in_memory.oof_predictions_, rtol=1e-12)
    for one, other in zip(on_disk.pipelines_, in_memory.pipelines_, strict=True):
        for name, weights in one[-1].weights_.items():
            np.testing.assert_array_equal(weights, other[-1].weights_[name])
    predict = "predict_proba" if classification else "predict"
    np.testing.assert_array_equal(getattr(on_disk, predict)(table), getattr(in_memory, predict)(table))


def test_steps_that_a_map_has_not_are_refused(tmp_path: Path) -> None:
    table, y = table_of()
    steps = [("scale", build_preprocessing(RULES)), ("network", KerasRegressor(**SMALL))]
    with pytest.raises(SpecError, match="is read by the steps features and preprocessing, found scale"):
        CrossFitRegressor(Pipeline(steps), 3, 0).fit(mapped(tmp_path, table), y)


def test_predictions_of_blocks_of_the_usual_size_are_equal(tmp_path: Path) -> None:
    table, y = table_of()
    one, other = (
        CrossFitRegressor(pipeline_of(KerasRegressor(**SMALL)), 3, 0).fit(X, y)
        for X in (table, mapped(tmp_path, table))
    )
    np.testing.assert_array_equal(one.oof_predictions_, other.oof_predictions_)
