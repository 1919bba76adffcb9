"""Each metric equals the value worked out by hand, and compares scores in its own direction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular_dl.errors import DataError, SpecError
from tabular_dl.problems.metrics import METRICS, get_metric
from tabular_dl.problems.problem_types import PROBLEMS
from tabular_dl.problems.queries import with_queries

# The course's binary example, with two rows on the wrong side of one half.
Y = np.array([1, 0, 0, 1, 1])
P = np.array([0.8, 0.3, 0.6, 0.9, 0.4])
BINARY = np.stack([1 - P, P], axis=1)
# The course's three rows: the first and the second are right, the third (0.3, 0.4, 0.3) is not.
TRIPLES = np.array([[0.1, 0.3, 0.6], [0.2, 0.6, 0.2], [0.3, 0.4, 0.3]])
ERRORS = {"log_loss", "brier", "rmse", "mae", "rmsle", "mape", "smape", "rmspe", "pinball"}  # lower is better
NUMBERS = np.array([1.0, 2.0, 4.0])
GUESSES = np.array([1.0, 3.0, 2.0])


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array(["no", "yes"])])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", 3 / 5),
        ("balanced_accuracy", (1 / 2 + 2 / 3) / 2),
        # Class 1: precision 2/3, recall 2/3; class 0: precision 1/2, recall 1/2.
        ("f1_macro", (2 / 3 + 1 / 2) / 2),
        ("log_loss", -np.mean(np.log([0.8, 0.7, 0.4, 0.9, 0.4]))),
        # Of the six pairs (positive, negative) only (0.4, 0.6) is in the wrong order.
        ("roc_auc", 5 / 6),
    ],
)
def test_a_binary_score_is_the_one_worked_out_by_hand(name: str, value: float, labels: np.ndarray) -> None:
    assert get_metric(name)(labels[Y], BINARY, labels) == pytest.approx(value)


@pytest.mark.parametrize("labels", [np.array([0, 1, 2]), np.array(["a", "b", "c"])])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", 2 / 3),
        ("balanced_accuracy", (1 + 1 + 0) / 3),
        # Class c: 1; class b: precision 1/2, recall 1; class a: 0.
        ("f1_macro", (1 + 2 / 3 + 0) / 3),
        ("log_loss", 0.74),
        # One against the rest: c 2 of 2 pairs, b 2 of 2, a 2 of 2.
        ("roc_auc", 1.0),
    ],
)
def test_a_multiclass_score_is_the_one_worked_out_by_hand(name: str, value: float, labels: np.ndarray) -> None:
    assert get_metric(name)(labels[[2, 1, 0]], TRIPLES, labels) == pytest.approx(value, abs=0.002)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rmse", np.sqrt((0 + 1 + 4) / 3)),
        ("mae", 1.0),
        ("r2", 1 - 5 / (16 / 9 + 1 / 9 + 25 / 9)),
        ("rmsle", np.sqrt((0 + np.log(4 / 3) ** 2 + np.log(3 / 5) ** 2) / 3)),
    ],
)
def test_a_score_of_numbers_is_the_one_worked_out_by_hand(name: str, value: float) -> None:
    assert get_metric(name)(NUMBERS, GUESSES) == pytest.approx(value)


def test_rows_that_lack_a_class_are_scored_all_the_same() -> None:
    labels = np.array([0, 1, 2])
    assert get_metric("log_loss")(np.array([1, 1]), TRIPLES[:2], labels) == pytest.approx(-np.mean(np.log([0.3, 0.6])))
    assert get_metric("accuracy")(np.array([1, 1]), TRIPLES[:2], labels) == 0.5


@pytest.mark.parametrize("name", sorted(METRICS))
@given(a=st.floats(0, 1), b=st.floats(0, 1))
def test_the_better_of_two_scores_is_one_of_them_and_only_one(name: str, a: float, b: float) -> None:
    metric = get_metric(name)
    up = name not in ERRORS
    assert metric.better(a, b) == ((a > b) if up else (a < b))
    assert metric.better(a, b) + metric.better(b, a) == (a != b)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_perfect_prediction_is_better_than_any_other(name: str) -> None:
    metric = with_queries(get_metric(name), np.zeros(len(Y)))  # one query, if it scores queries
    if "binary" in metric.problems:
        perfect, other = (metric(Y, p, np.array([0, 1])) for p in (np.eye(2)[Y], BINARY))
    elif "multiclass" in metric.problems:
        perfect, other = (metric(np.array([2, 1, 0]), p, np.arange(3)) for p in (np.eye(3)[[2, 1, 0]], TRIPLES))
    else:
        perfect, other = metric(NUMBERS, NUMBERS), metric(NUMBERS, GUESSES)
    assert metric.better(perfect, other)


@pytest.mark.parametrize(
    ("metric", "problem", "usable"),
    [
        (
            "rmse",
            "binary",
            "accuracy, balanced_accuracy, brier, f1, f1_macro, f_beta, gini, log_loss, mcc, ndcg, pr_auc, qwk, roc_auc",
        ),
        ("accuracy", "regression", "gini, mae, mape, ndcg, pinball, qwk, r2, rmse, rmsle, rmspe, smape"),
    ],
)
def test_a_metric_refuses_a_problem_that_it_cannot_score_and_names_those_that_can(
    metric: str, problem: str, usable: str
) -> None:
    with pytest.raises(SpecError) as error:
        get_metric(metric).check(PROBLEMS[problem])
    assert str(error.value) == f"metric: {metric} cannot score a {problem} problem. Metrics that can: {usable}."


def test_rmsle_takes_predictions_below_zero_as_zero_and_refuses_such_a_truth() -> None:
    metric = get_metric("rmsle")
    assert metric(np.array([0.0, 1.0]), np.array([-5.0, 1.0])) == 0
    assert metric(np.array([[0.0, 1.0]]), np.array([[-5.0, 1.0]])) == 0
    with pytest.raises(DataError, match=r"The target, row 1: rmsle is for numbers from 0 on, found -2.0\. Correct it"):
        metric(np.array([0.0, -2.0]), np.array([0.0, 0.0]))


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_metric_names_only_problems_that_exist(metric: Any) -> None:
    assert set(metric.problems) <= set(PROBLEMS)
    for name in metric.problems:
        metric.check(PROBLEMS[name])


@pytest.mark.parametrize(("name", "nearest"), [("acuracy", "accuracy"), ("rsme", "rmse"), ("rocauc", "roc_auc")])
def test_an_unknown_metric_gets_the_nearest_name(name: str, nearest: str) -> None:
    with pytest.raises(SpecError, match=f"no metric '{name}'. Did you mean '{nearest}'"):
        get_metric(name)
