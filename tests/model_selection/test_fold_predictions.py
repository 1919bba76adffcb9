"""A model prepared for many requests predicts what it predicts without, and refuses what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.competition import load_competition
from tabular_dl.model_selection import Blend, BlendedClassifier, BlendedRegressor, fold_predictions, joint_model
from tabular_dl.model_selection.crossfit import CrossFitClassifier, CrossFitRegressor
from tabular_dl.problems import get_metric
from tabular_dl.spec import build_pipeline, columns_used, load_spec, problem_of

pytestmark = pytest.mark.slow

TINY = ["ensemble.members=2", "training.epochs=2", "network.hidden=[6]"]
KINDS: dict[str, tuple[str, list[str]]] = {
    "titanic": ("titanic", []),
    "wine": ("wine", []),
    "boston": ("boston", []),
    "normalised": ("wine", ["network.batch_norm=true", "network.normalize=true"]),
    "thinned": ("titanic", ["network.dropout=0.3", "network.mc_dropout=3"]),
    "bins": ("boston", ["columns.0={columns: [CRIM, RM, AGE, LSTAT, CHAS], encode: piecewise, bin_strategy: tree}"]),
    "embedded": ("titanic", ["columns.4.encode=embedding"]),
}


def fitted(name: str, changes: list[str], seed: int = 0) -> tuple[Any, pd.DataFrame, np.ndarray]:
    """Return a small cross-fit of a bundled pipeline, its test rows and its target."""
    spec = load_spec(name, [*TINY, *changes])
    competition = load_competition(spec.data.source, spec.data.target, spec.data.id)
    assert competition.test is not None
    used, y = columns_used(spec, competition.train), competition.train[spec.data.target].to_numpy()
    problem = problem_of(spec, y)
    kind = CrossFitClassifier if problem.classification else CrossFitRegressor
    return (
        kind(build_pipeline(spec, problem), cv=3, random_state=seed).fit(competition.train[used], y),
        competition.test,
        y,
    )


def raw(model: Any, rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(model.predict_proba(rows) if hasattr(model, "classes_") else model.predict(rows))


def refuse(rows: pd.DataFrame) -> Any:
    raise AssertionError("one fold after another")


def check(model: Any, rows: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = raw(model, rows), model.predict(rows)
    fast = joint_model(model)
    for part in getattr(fast, "models", [fast]):
        monkeypatch.setattr(part.fold_predictions, "each_fold", refuse)
    np.testing.assert_allclose(raw(fast, rows), expected[0], rtol=1e-9)
    np.testing.assert_array_equal(fast.predict(rows), expected[1])
    for size in (1, 3, 8):
        some = rows.sample(size, random_state=size)
        places = rows.index.get_indexer(some.index)
        np.testing.assert_allclose(raw(fast, some), expected[0][places], rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_the_same_with_all_folds_at_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, rows, _ = fitted(*KINDS[kind])
    check(model, rows.head(60), monkeypatch)
    assert model.fold_predictions is None  # the model itself is unchanged


@pytest.mark.parametrize("name", ["titanic", "boston"])
def test_blends_are_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (first, rows, y), (second, _, _) = fitted(name, []), fitted(name, ["network.hidden=[4]"])
    kind, metric = (BlendedClassifier, "accuracy") if name == "titanic" else (BlendedRegressor, "rmse")
    check(kind([first, second], Blend("mean")).fit_blend(y, get_metric(metric)), rows.head(40), monkeypatch)


def test_errors_are_those_of_the_model_and_large_tables_go_fold_by_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    model, rows, _ = fitted("titanic", [])
    fast = joint_model(model)
    wrong = rows.head(3).assign(Age=["1", "x", "2"])
    messages = []
    for predict in (model.predict, fast.predict):
        with pytest.raises(ValueError, match="'Age'") as error:
            predict(wrong)
        messages.append(str(error.value))
    assert messages[0] == messages[1]
    monkeypatch.setattr(fold_predictions, "MOST_ROWS", 5)
    monkeypatch.setattr(fast.fold_predictions, "predict", refuse)
    np.testing.assert_array_equal(fast.predict(rows.head(6)), model.predict(rows.head(6)))


def test_a_pipeline_of_other_steps_predicts_as_before() -> None:
    from sklearn.pipeline import make_pipeline

    from tabular_dl.estimators import KerasRegressor

    X = pd.DataFrame({"a": np.arange(12.0)})
    pipeline = make_pipeline(KerasRegressor(hidden=[2], epochs=1, members=1, random_state=0, early_stopping=None))
    model = CrossFitRegressor(pipeline, cv=2, random_state=0).fit(X, X["a"])
    assert joint_model(model) is model
