"""Whatever scores rows of a table scores their own queries, if the metric is the mean over queries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tabular_dl.errors import SpecError
from tabular_dl.estimators import KerasClassifier, KerasRegressor, ModelRegressor
from tabular_dl.model_selection import (
    Blend,
    BlendedRegressor,
    CrossFitRegressor,
    OutOfFold,
    PopulationSearchCV,
    baseline_scores,
    evaluate,
    evaluate_models,
    fold_scores,
    make_folds,
    nested_scores,
    permutation_importance,
    target_fold_scores,
)
from tabular_dl.model_selection.blend_weights import greedy_weights
from tabular_dl.model_selection.importance import MOST_ROWS
from tabular_dl.problems import get_metric, get_problem, with_queries

RNG = np.random.default_rng(0)
QUERIES = RNG.permutation(np.repeat(np.arange(24), 5))
ROWS = len(QUERIES)
RELEVANCE = RNG.integers(0, 5, ROWS)
NDCG = with_queries(get_metric("ndcg:3"), QUERIES)
SPLITS = make_folds(3, RELEVANCE, QUERIES, stratified=False, seed=0)
X = pd.DataFrame({"a": RELEVANCE + RNG.normal(0, 1, ROWS), "b": RNG.normal(size=ROWS)})


def looped(scores: Any, rows: np.ndarray, y: Any = RELEVANCE) -> float:
    """Return the mean of scikit-learn's NDCG over the queries of some rows, which have predictions in their order."""
    by_query = [np.isin(QUERIES[rows], query) for query in np.unique(QUERIES[rows])]
    return float(np.mean([ndcg_score([y[rows][own]], [scores[own]], k=3) for own in by_query]))


def out_of_fold(predictions: np.ndarray) -> OutOfFold:
    train, test = map(list, zip(*SPLITS, strict=True))
    return OutOfFold(predictions, train, test, None)


def test_folds_are_scored_by_their_queries() -> None:
    predictions = X["a"].to_numpy()
    expected = [looped(predictions[test], test) for _, test in SPLITS]
    np.testing.assert_allclose(fold_scores(out_of_fold(predictions), RELEVANCE, NDCG), expected)
    both = np.column_stack([RELEVANCE, RELEVANCE[::-1]])
    scores = target_fold_scores(out_of_fold(np.column_stack([predictions, predictions])), both, NDCG)
    np.testing.assert_allclose(scores[:, 0], expected)
    np.testing.assert_allclose(scores[:, 1], [looped(predictions[test], test, both[:, 1]) for _, test in SPLITS])


def test_models_and_simple_models_are_scored_by_the_queries_of_their_test_rows() -> None:
    pipeline = Pipeline([("scale", StandardScaler()), ("model", ModelRegressor("ridge"))])
    crossfit = CrossFitRegressor(pipeline, cv=SPLITS, random_state=0).fit(X, RELEVANCE.astype(float), QUERIES)
    expected = [looped(crossfit.oof_predictions_[test], test) for _, test in SPLITS]
    same = {"again": ModelRegressor("ridge")}
    scores = baseline_scores(crossfit, X, RELEVANCE.astype(float), same, NDCG)["again"]
    np.testing.assert_allclose(scores, expected)
    (outcome,) = evaluate_models([pipeline], X, RELEVANCE.astype(float), SPLITS, NDCG, [0], row_groups=QUERIES)
    np.testing.assert_allclose(outcome.scores, expected)


@pytest.mark.parametrize("classes", [None, np.arange(5)])
def test_networks_of_a_search_are_scored_by_the_queries_of_their_test_rows(classes: np.ndarray | None) -> None:
    settings: dict[str, Any] = {"hidden": [4], "epochs": 1, "members": 1, "random_state": 0}
    kind = KerasRegressor if classes is None else KerasClassifier
    y = RELEVANCE.astype(float) if classes is None else RELEVANCE
    pipeline = Pipeline([("network", kind(**settings))])
    told: list[float] = []

    def score(y: Any, p: Any, weights: Any, classes: Any, *, queries: Any, k: int) -> float:
        rows = SPLITS[len(told)][1]
        assert (y == RELEVANCE[rows]).all()
        told.append(looped(p if classes is None else p @ classes, rows))
        assert NDCG._formula(y, p, weights, classes, queries=queries, k=k) == pytest.approx(told[-1])
        return told[-1]

    metric = NDCG.__class__(**{**vars(NDCG), "function": score})
    (outcome,) = evaluate([pipeline], X, y, SPLITS, metric, [0], classes=classes, row_groups=QUERIES)
    assert outcome.scores.tolist() == told


def test_a_blend_is_learned_and_scored_by_queries() -> None:
    y, models = RELEVANCE.astype(float), [out_of_fold(X[name].to_numpy()) for name in ("a", "b")]
    scores = nested_scores(Blend("greedy", 0), models, y, NDCG, None)
    blended = BlendedRegressor(models, Blend("greedy", 0)).fit_blend(y, NDCG)
    np.testing.assert_allclose(fold_scores(blended, y, NDCG), scores)
    assert blended.blend_.weights_ is not None
    assert blended.blend_.weights_[0] > 0.5
    # The best mean on all rows is at least as good as the best model.
    mean = np.column_stack([X["a"], X["b"]]) @ blended.blend_.weights_
    assert looped(mean, np.arange(ROWS)) >= looped(X["a"].to_numpy(), np.arange(ROWS))


def test_bootstraps_of_a_greedy_selection_are_of_whole_queries() -> None:
    drawn: list[np.ndarray] = []

    def scorer(rows: np.ndarray) -> Any:
        drawn.append(rows)
        return lambda prediction: 0.0

    def draw(generator: np.random.Generator) -> np.ndarray:
        return np.flatnonzero(generator.integers(0, 24) == QUERIES)

    greedy_weights(np.zeros((2, ROWS, 1)), RELEVANCE, scorer, draw=draw, bags=4)
    assert [len(rows) for rows in drawn] == [5, 5, 5, 5, ROWS]


def test_importance_permutes_rows_of_whole_queries() -> None:
    queries = np.repeat(np.arange(400), 5)  # folds of more rows than are used
    y = RNG.integers(0, 5, 2000)
    table = pd.DataFrame({"a": y + RNG.normal(0, 0.5, 2000), "b": RNG.normal(size=2000)})
    whole = []

    class Rule:  # uses column a only
        test_rows_ = (np.arange(1500), np.arange(1500, 2000))

        def predict_fold(self, fold: int, X: pd.DataFrame) -> np.ndarray:
            if fold == 0:
                whole.append(np.unique(queries[X.index[:MOST_ROWS]], return_counts=True)[1])
            return X["a"].to_numpy()

    metric = with_queries(get_metric("ndcg"), queries)
    result = permutation_importance(Rule(), table, y, metric, ["a", "b"], repeats=1)
    assert result["column"].tolist() == ["a", "b"]
    assert result["importance"][0] > 0.1
    assert result["importance"][1] == 0
    assert (whole[0] == 5).all()
    assert len(whole[0]) == MOST_ROWS // 5


def test_where_queries_are_not_known_the_metric_is_refused_before_training() -> None:
    search = PopulationSearchCV(KerasRegressor(), {"l2": {"log_uniform": [1e-6, 1e-2]}}, scoring="ndcg")
    with pytest.raises(SpecError, match="scoring: ndcg is the mean over queries, which are not known here"):
        search.fit(X, RELEVANCE.astype(float))
    with pytest.raises(SpecError, match="monitor: ndcg:5 is the mean over queries"):
        KerasRegressor(monitor="ndcg:5").fit(X, RELEVANCE.astype(float))
    with pytest.raises(SpecError, match="120 rows to score, and queries of none"):
        get_metric("ndcg")(RELEVANCE, X["a"].to_numpy())
    assert NDCG.scores(get_problem("bounded_regression"))
