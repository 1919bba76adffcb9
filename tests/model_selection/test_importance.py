"""Permutation importance by plain loops, and the rows that are predicted worst."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import pytest
from sklearn.inspection import permutation_importance as of_scikit_learn
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline

from tabular_dl.estimators import KerasRegressor
from tabular_dl.model_selection import importance
from tabular_dl.model_selection.crossfit import CrossFitRegressor
from tabular_dl.model_selection.importance import hardest_rows, permutation_importance
from tabular_dl.preprocessing import DerivedFeatures, build_preprocessing
from tabular_dl.problems.metrics import get_metric

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(60, 3)), columns=["a", "b", "noise"])
Y = (3 * X["a"] - X["b"] + 0.1 * RNG.normal(size=60)).to_numpy()


class LinearFolds:
    """The folds of a linear regression, as a cross-fit has them."""

    def __init__(self) -> None:
        folds = KFold(3).split(X)
        self.train_rows_, self.test_rows_ = (list(each) for each in zip(*folds, strict=True))
        self.models = [LinearRegression().fit(X.iloc[rows], Y[rows]) for rows in self.train_rows_]

    def predict_fold(self, fold: int, rows: pd.DataFrame) -> np.ndarray:
        return self.models[fold].predict(rows[list(X.columns)])


@pytest.mark.slow
def test_importance_is_what_scikit_learn_finds_fold_by_fold() -> None:
    """Shuffles differ, so the two agree as far as a hundred shuffles determine them."""
    folds = LinearFolds()
    found = permutation_importance(folds, X, Y, get_metric("rmse"), list(X.columns), repeats=100).set_index("column")
    each = [
        of_scikit_learn(
            model, X.iloc[rows], Y[rows], scoring="neg_root_mean_squared_error", n_repeats=100, random_state=1
        ).importances_mean
        for model, rows in zip(folds.models, folds.test_rows_, strict=True)
    ]
    np.testing.assert_allclose(found.loc[list(X.columns), "importance"], np.mean(each, axis=0), rtol=0.05, atol=0.01)
    expected = np.std(each, axis=0, ddof=1) * np.sqrt(1 / 3 + 1 / 2)
    np.testing.assert_allclose(found.loc[list(X.columns), "error"], expected, atol=0.05)


def test_columns_are_sorted_by_what_they_say() -> None:
    found = permutation_importance(LinearFolds(), X, Y, get_metric("r2"), ["noise", "b", "a"])
    assert found["column"].tolist() == ["a", "b", "noise"]
    assert (found["importance"].to_numpy()[:2] > 0).all()


def test_rows_in_parts_give_the_same_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = permutation_importance(LinearFolds(), X, Y, get_metric("rmse"), list(X.columns))
    monkeypatch.setattr(importance, "ROWS_AT_ONCE", 45)
    pd.testing.assert_frame_equal(
        permutation_importance(LinearFolds(), X, Y, get_metric("rmse"), list(X.columns)), whole
    )


def test_a_large_fold_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "MOST_ROWS", 10)
    seen: list[int] = []
    folds = LinearFolds()
    predict = folds.predict_fold
    monkeypatch.setattr(folds, "predict_fold", lambda fold, rows: (seen.append(len(rows)), predict(fold, rows))[1])
    permutation_importance(folds, X, Y, get_metric("rmse"), ["a"], repeats=2)
    assert seen == [10, 20] * 3


def test_shuffling_keeps_types_and_other_columns() -> None:
    table = pd.DataFrame({"text": ["x", "y", None], "number": [1, 2, 3]})
    shuffled = importance._permuted(table, [("text", np.array([2, 0, 1]))])
    assert shuffled.dtypes.tolist() == table.dtypes.tolist()
    assert shuffled["number"].tolist() == [1, 2, 3]
    assert shuffled["text"].isna().tolist() == [True, False, False]


def test_the_hardest_rows_of_numbers_are_the_largest_residuals() -> None:
    found = hardest_rows(np.array([1.0, 5.0, 3.0]), np.array([1.5, 1.0, 3.0]), None, 2)
    assert found.to_dict("list") == {
        "place": [1, 0],
        "true": [5.0, 1.0],
        "predicted": [1.0, 1.5],
        "size": [4.0, -0.5],
    }


def test_labels_are_decided_by_the_models_thresholds() -> None:
    """Above 0.2 everything is predicted as 1, whatever a column says: shuffling it changes nothing."""

    class Unsure:
        classes_ = np.array([0, 1])
        test_rows_ = (np.arange(0, 30), np.arange(30, 60))
        oof_thresholds_: np.ndarray | None = None

        def predict_fold(self, fold: int, rows: pd.DataFrame) -> np.ndarray:
            p = np.where(rows["a"] > 0, 0.6, 0.3)
            return np.column_stack([1 - p, p])

    model, y = Unsure(), (X["a"] > 0).to_numpy().astype(int)
    assert permutation_importance(model, X, y, get_metric("accuracy"), ["a"])["importance"][0] > 0.2
    model.oof_thresholds_ = np.full(60, 0.2)
    assert permutation_importance(model, X, y, get_metric("accuracy"), ["a"])["importance"][0] == 0
    p = np.array([[0.7, 0.3]])
    assert hardest_rows(np.array([0]), p, model.classes_, threshold=0.2)["predicted"].tolist() == [1]


@pytest.mark.parametrize("transform", [None, "log1p"])
def test_a_cross_fit_encodes_rows_once_and_finds_the_same(
    monkeypatch: pytest.MonkeyPatch, transform: Literal["log1p"] | None
) -> None:
    table = X.assign(kind=np.where(X["b"] > 0, "x", "y"), sign=X["noise"] > 0)
    steps = [
        ("features", DerivedFeatures({"product": {"eval": "a * b"}})),
        (
            "preprocessing",
            build_preprocessing(
                [
                    {"columns": ["a", "b", "product", "noise"], "scale": "standard"},
                    {"columns": ["kind", "sign"], "encode": "target"},
                ],
                classification=False,
                random_state=0,
            ),
        ),
        ("network", KerasRegressor(hidden=[4], epochs=2, members=2, target_transform=transform)),
    ]
    y = np.exp(Y / 3)
    model = CrossFitRegressor(Pipeline(steps), list(KFold(3).split(table)), 0).fit(table, y)
    model.fold_smearing_ = np.array([1.1, 1.2, 0.9])
    raw: list[int] = []
    predict = model.predict_fold
    monkeypatch.setattr(model, "predict_fold", lambda fold, rows: (raw.append(len(rows)), predict(fold, rows))[1])
    columns = list(table.columns)
    found = permutation_importance(model, table, y, get_metric("rmse"), columns)
    assert not raw
    monkeypatch.setattr(importance, "CELLS_AT_ONCE", 1)
    pd.testing.assert_frame_equal(permutation_importance(model, table, y, get_metric("rmse"), columns), found)
    monkeypatch.setattr(importance, "_encoded", lambda *_: None)
    plain = permutation_importance(model, table, y, get_metric("rmse"), columns)
    assert raw
    pd.testing.assert_frame_equal(found, plain, rtol=1e-9)
