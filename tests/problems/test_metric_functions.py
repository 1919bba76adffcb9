"""Each metric equals scikit-learn's function, or a plain loop, with and without weights of the rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.errors import DataError
from tabular_dl.problems.metrics import METRICS, get_metric

RNG = np.random.default_rng(0)
ROWS = 40
WEIGHTS = RNG.integers(1, 4, ROWS)
LABELS = {2: RNG.integers(0, 2, ROWS), 4: RNG.integers(0, 4, ROWS)}
SEVERAL = RNG.integers(0, 2, (ROWS, 3))
P_SEVERAL = RNG.random((ROWS, 3)).round(1)  # with ties
NUMBERS = RNG.gamma(2.0, 3.0, ROWS).round(1) + 0.1
GUESSES = (NUMBERS * RNG.uniform(0.5, 1.5, ROWS)).round(1)
RATINGS = RNG.integers(1, 6, ROWS).astype(float)


def chances(classes: int) -> np.ndarray:
    p = RNG.random((ROWS, classes)).round(1) + 0.05
    return p / p.sum(axis=1, keepdims=True)


P = {2: chances(2), 4: chances(4)}

# Metrics that are means over rows; tests/problems/test_queries.py has those that are means over queries.
OF_ROWS = sorted(name for name, metric in METRICS.items() if not metric.by_query)

# A function of the truth, the prediction and the weights, where the metric has the labels of the most probable class,
# the probability of the second class, or all probabilities.
Reference = Callable[[Any, Any, Any], float]


def mean(values: Any, w: Any) -> float:
    """Return a weighted mean by a plain loop."""
    return sum(weight * value for weight, value in zip(w, values, strict=True)) / sum(w)


def loop_gini(y: Any, p: Any, w: Any) -> float:
    """Return the normalised weighted Gini coefficient of rows without ties, as its competitions publish it."""

    def gini(order: Any) -> float:
        random = np.cumsum(w[order] / w.sum())
        lorentz = np.cumsum(y[order] * w[order]) / np.sum(y * w)
        return float(np.sum(lorentz[1:] * random[:-1]) - np.sum(lorentz[:-1] * random[1:]))

    return gini(np.argsort(-p, kind="stable")) / gini(np.argsort(-y, kind="stable"))


def loop_map(k: int) -> Reference:
    def score(y: Any, p: Any, w: Any) -> float:
        values = []
        for truth, row in zip(y, p, strict=True):
            ranked = sorted(range(len(row)), key=lambda place: -row[place])[:k]
            values.append(1 / (ranked.index(truth) + 1) if truth in ranked else 0.0)
        return mean(values, w)

    return score


TWO_LABELS: dict[str, Reference] = {
    "accuracy": lambda y, p, w: sk.accuracy_score(y, p, sample_weight=w),
    "balanced_accuracy": lambda y, p, w: sk.balanced_accuracy_score(y, p, sample_weight=w),
    "f1": lambda y, p, w: sk.f1_score(y, p, sample_weight=w),
    "f_beta": lambda y, p, w: sk.fbeta_score(y, p, beta=2, sample_weight=w),
    "f_beta:0.5": lambda y, p, w: sk.fbeta_score(y, p, beta=0.5, sample_weight=w),
    "f1_macro": lambda y, p, w: sk.f1_score(y, p, average="macro", sample_weight=w),
    "mcc": lambda y, p, w: sk.matthews_corrcoef(y, p, sample_weight=w),
    "qwk": lambda y, p, w: sk.cohen_kappa_score(y, p, weights="quadratic", sample_weight=w),
}
SECOND: dict[str, Reference] = {
    "roc_auc": lambda y, p, w: sk.roc_auc_score(y, p, sample_weight=w),
    "pr_auc": lambda y, p, w: sk.average_precision_score(y, p, sample_weight=w),
    "brier": lambda y, p, w: sk.brier_score_loss(y, p, sample_weight=w),
    "gini": lambda y, p, w: 2 * sk.roc_auc_score(y, p, sample_weight=w) - 1,
    "log_loss": lambda y, p, w: sk.log_loss(y, p, sample_weight=w),
}
FOUR_LABELS = {name: TWO_LABELS[name] for name in ("accuracy", "balanced_accuracy", "f1_macro", "mcc", "qwk")}
FOUR: dict[str, Reference] = {
    "log_loss": lambda y, p, w: sk.log_loss(y, p, sample_weight=w),
    "roc_auc": lambda y, p, w: sk.roc_auc_score(y, p, multi_class="ovr", sample_weight=w),
    "brier": lambda y, p, w: mean([((row - np.eye(4)[label]) ** 2).sum() for row, label in zip(p, y, strict=True)], w),
    "map_at_k": loop_map(3),
    "map_at_k:1": lambda y, p, w: sk.accuracy_score(y, p.argmax(axis=1), sample_weight=w),
    "map_at_k:4": loop_map(4),
}
MANY: dict[str, Reference] = {
    "accuracy": lambda y, p, w: sk.accuracy_score(y, p > 0.5, sample_weight=w),
    "f1_macro": lambda y, p, w: sk.f1_score(y, p > 0.5, average="macro", sample_weight=w),
    "roc_auc": lambda y, p, w: sk.roc_auc_score(y, p, sample_weight=w),
    "pr_auc": lambda y, p, w: sk.average_precision_score(y, p, sample_weight=w),
    "log_loss": lambda y, p, w: float(np.mean([sk.log_loss(*c, sample_weight=w) for c in zip(y.T, p.T, strict=True)])),
    "brier": lambda y, p, w: float(np.mean([mean(c, w) for c in ((y - p) ** 2).T])),
}
OF_NUMBERS: dict[str, Reference] = {
    "rmse": lambda y, p, w: sk.root_mean_squared_error(y, p, sample_weight=w),
    "mae": lambda y, p, w: sk.mean_absolute_error(y, p, sample_weight=w),
    "r2": lambda y, p, w: sk.r2_score(y, p, sample_weight=w),
    "rmsle": lambda y, p, w: sk.root_mean_squared_log_error(y, p, sample_weight=w),
    "mape": lambda y, p, w: sk.mean_absolute_percentage_error(y, p, sample_weight=w),
    "smape": lambda y, p, w: mean([200 * abs(a - b) / (abs(a) + abs(b)) for a, b in zip(y, p, strict=True)], w),
    "rmspe": lambda y, p, w: mean([((a - b) / a) ** 2 for a, b in zip(y, p, strict=True)], w) ** 0.5,
    "pinball": lambda y, p, w: sk.mean_pinball_loss(y, p, alpha=0.5, sample_weight=w),
    "pinball:0.9": lambda y, p, w: sk.mean_pinball_loss(y, p, alpha=0.9, sample_weight=w),
    "qwk": lambda y, p, w: sk.cohen_kappa_score(y.round(), p.round(), weights="quadratic", sample_weight=w),
}


def same(name: str, reference: Reference, y: Any, prediction: Any, classes: Any, given: Any) -> None:
    for weights in (None, WEIGHTS):
        w = np.ones(ROWS) if weights is None else weights
        score = get_metric(name)(y, prediction, classes, weights)
        assert score == pytest.approx(reference(y, given, w), rel=1e-9, abs=1e-12)
        assert isinstance(score, float)


@pytest.mark.parametrize("name", [*TWO_LABELS, *SECOND])
def test_two_classes(name: str) -> None:
    p = P[2]
    given = p.argmax(axis=1) if name in TWO_LABELS else p[:, 1]
    same(name, {**TWO_LABELS, **SECOND}[name], LABELS[2], p, np.arange(2), given)


@pytest.mark.parametrize("name", [*FOUR_LABELS, *FOUR])
def test_four_classes(name: str) -> None:
    given = P[4].argmax(axis=1) if name in FOUR_LABELS else P[4]
    same(name, {**FOUR_LABELS, **FOUR}[name], LABELS[4], P[4], np.arange(4), given)


@pytest.mark.parametrize("name", MANY)
def test_several_labels(name: str) -> None:
    same(name, MANY[name], SEVERAL, P_SEVERAL, np.arange(3), P_SEVERAL)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_numbers(name: str) -> None:
    y, guesses = (RATINGS, GUESSES.clip(1, 5)) if name == "qwk" else (NUMBERS, GUESSES)
    same(name, OF_NUMBERS[name], y, guesses, None, guesses)
    both = get_metric(name)(np.column_stack([y, y[::-1]]), np.column_stack([guesses, guesses]))
    each = get_metric(name)(y, guesses), get_metric(name)(y[::-1], guesses)
    assert both == pytest.approx(np.mean(each)), "of several numbers, the mean of their scores"


def test_each_metric_is_compared_with_another_computation() -> None:
    compared = {
        "binary": {*TWO_LABELS, *SECOND},
        "multiclass": {*FOUR_LABELS, *FOUR},
        "multilabel": {*MANY},
        "regression": {*OF_NUMBERS, "gini"},
    }
    for problem, names in compared.items():
        assert {name.partition(":")[0] for name in names} == {n for n in OF_ROWS if problem in METRICS[n].problems}


@pytest.mark.parametrize("weights", [np.ones(ROWS), RNG.random(ROWS)])
def test_gini_of_numbers_is_that_of_the_competitions(weights: np.ndarray) -> None:
    y, prediction = RNG.random(ROWS), RNG.random(ROWS)
    score = get_metric("gini")(y, prediction, None, weights)
    assert score == pytest.approx(loop_gini(y, prediction, weights))
    with pytest.raises(DataError, match=r"gini is for numbers from 0 on, found -1\."):
        get_metric("gini")(np.array([-1.0, 2.0]), np.array([0.0, 1.0]))
    order = RNG.permutation(ROWS)
    assert get_metric("gini")(y[order], np.zeros(ROWS)) == pytest.approx(0), "equal predictions know no order"


def test_kappa_takes_labels_that_are_no_numbers_by_their_places_and_numbers_by_their_distance() -> None:
    metric, y = get_metric("qwk"), np.array([0, 1, 2, 2, 1])
    p = np.eye(3)[[0, 2, 2, 1, 1]]
    places = metric(y, p, np.arange(3))
    assert metric(np.array(list("abc"))[y], p, np.array(list("abc"))) == pytest.approx(places)
    assert metric(10 * y, p, 10 * np.arange(3)) == pytest.approx(places)
    distances = np.array([0, 1, 9])
    assert metric(distances[y], p, distances) == pytest.approx(
        1
        - np.mean((distances[y] - distances[[0, 2, 2, 1, 1]]) ** 2)
        / np.mean([(a - b) ** 2 for a in distances[y] for b in distances[[0, 2, 2, 1, 1]]])
    )
    assert metric(np.ones(3), np.ones(3)) == 1.0


def test_percentage_errors_refuse_a_truth_of_zero() -> None:
    for name in ("mape", "rmspe"):
        with pytest.raises(DataError, match=rf"row 1: {name} is for numbers other than 0, .* found 0\.0"):
            get_metric(name)(np.array([1.0, 0.0]), np.array([1.0, 1.0]))
    assert get_metric("smape")(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=ROWS, max_size=ROWS), st.sampled_from(OF_ROWS))
def test_a_row_of_weight_2_counts_as_the_row_twice(weights: list[int], name: str) -> None:
    cases: dict[str, tuple[Any, Any, Any]] = {
        "binary": (LABELS[2], P[2], np.arange(2)),
        "multiclass": (LABELS[4], P[4], np.arange(4)),
        "multilabel": (SEVERAL, P_SEVERAL, np.arange(3)),
        "regression": (NUMBERS, GUESSES, None),
        "bounded_regression": (NUMBERS, GUESSES, None),
    }
    metric = get_metric(name)
    for problem in metric.problems:
        y, prediction, classes = cases[problem]
        twice = metric(np.repeat(y, weights, axis=0), np.repeat(prediction, weights, axis=0), classes)
        assert metric(y, prediction, classes, np.array(weights)) == pytest.approx(twice)


@pytest.mark.parametrize("name", OF_ROWS)
def test_weights_of_1_change_nothing_by_one_bit(name: str) -> None:
    metric = get_metric(name)
    cases = {"binary": (LABELS[2], P[2], np.arange(2)), "multiclass": (LABELS[4], P[4], np.arange(4))}
    y, prediction, classes = cases.get(metric.problems[-1 if name == "map_at_k" else 0], (NUMBERS, GUESSES, None))
    assert metric(y, prediction, classes, np.ones(ROWS)) == metric(y, prediction, classes)
