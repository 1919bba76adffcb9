"""Several targets are coded, scored and read one by one: the score is scikit-learn's mean over the columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    roc_auc_score,
    root_mean_squared_error,
)

from tabular_dl.errors import DataError, SpecError
from tabular_dl.problems.detect import infer_problem, problem_of
from tabular_dl.problems.label_columns import LabelColumns
from tabular_dl.problems.metrics import get_metric
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.problems.target_columns import classes_of, each_target, predicted_labels, rarest_class, target_scores

RANDOM = np.random.default_rng(0)
ROWS = 60
NUMBERS, GUESSES = RANDOM.normal(5, 2, (ROWS, 3)), RANDOM.normal(5, 2, (ROWS, 3))
LABELS, P = RANDOM.integers(0, 2, (ROWS, 3)), RANDOM.random((ROWS, 3))
SIZES, MOODS = np.array(["large", "middle", "small"]), np.array(["No", "Yes"])
CLASSES = [SIZES, MOODS]
COLUMNS = np.column_stack([RANDOM.choice(SIZES, ROWS), RANDOM.choice(MOODS, ROWS)])
BLOCKS = np.hstack([RANDOM.dirichlet([1, 1, 1], ROWS), RANDOM.dirichlet([1, 1], ROWS)])


@pytest.mark.parametrize(
    ("name", "function"),
    [("rmse", root_mean_squared_error), ("mae", mean_absolute_error), ("r2", r2_score)],
)
def test_the_score_of_several_numbers_is_the_mean_over_columns(name: str, function: Any) -> None:
    each = [function(NUMBERS[:, k], GUESSES[:, k]) for k in range(3)]
    assert get_metric(name)(NUMBERS, GUESSES) == pytest.approx(np.mean(each))
    np.testing.assert_allclose(target_scores(get_metric(name), NUMBERS, GUESSES, None), each)


@pytest.mark.parametrize(
    ("name", "function", "labels"),
    [
        ("log_loss", log_loss, False),
        ("roc_auc", roc_auc_score, False),
        ("f1", f1_score, True),
        ("balanced_accuracy", balanced_accuracy_score, True),
    ],
)
def test_the_score_of_several_labels_is_the_mean_over_columns(name: str, function: Any, labels: bool) -> None:
    predictions = (P > 0.5).astype(int) if labels else P
    expected = np.mean([function(LABELS[:, k], predictions[:, k]) for k in range(3)])
    assert get_metric(name)(LABELS, P, np.arange(3)) == pytest.approx(expected)
    assert get_metric(name)(LABELS, P) == pytest.approx(expected)
    weights = RANDOM.integers(1, 4, ROWS)
    weighted = np.mean([function(LABELS[:, k], predictions[:, k], sample_weight=weights) for k in range(3)])
    assert get_metric(name)(LABELS, P, np.arange(3), weights) == pytest.approx(weighted)


def test_certain_and_wrong_labels_cost_as_much_as_in_scikit_learn() -> None:
    y, p = np.array([[1, 0], [0, 1]]), np.array([[0.0, 0.0], [1.0, 0.25]])
    expected = [log_loss(y[:, k], p[:, k]) for k in range(2)]
    np.testing.assert_allclose(target_scores(get_metric("log_loss"), y, p, np.arange(2)), expected)


def test_accuracy_of_several_labels_needs_all_of_them_and_that_of_each_is_its_own() -> None:
    accuracy = get_metric("accuracy")
    assert accuracy(LABELS, P, np.arange(3)) == accuracy_score(LABELS, P > 0.5)
    each = target_scores(accuracy, LABELS, P, np.arange(3))
    np.testing.assert_allclose(each, [accuracy_score(LABELS[:, k], P[:, k] > 0.5) for k in range(3)])


def test_the_score_of_several_classes_is_the_mean_over_columns() -> None:
    parts = np.split(BLOCKS, [3], axis=1)
    losses = [log_loss(COLUMNS[:, k], parts[k], labels=CLASSES[k]) for k in range(2)]
    assert get_metric("log_loss")(COLUMNS, BLOCKS, CLASSES) == pytest.approx(np.mean(losses))
    predicted = predicted_labels(BLOCKS, CLASSES)
    assert [predicted[:, k].tolist() for k in range(2)] == [
        CLASSES[k][part.argmax(axis=1)].tolist() for k, part in enumerate(parts)
    ]
    shares = [accuracy_score(COLUMNS[:, k], predicted[:, k]) for k in range(2)]
    assert get_metric("accuracy")(COLUMNS, BLOCKS, CLASSES) == pytest.approx(np.mean(shares))


@pytest.mark.parametrize(
    ("problem", "metric"), [("multilabel", "f1"), ("multilabel", "log_loss"), ("multioutput", "log_loss")]
)
def test_a_metric_of_one_target_scores_several(problem: str, metric: str) -> None:
    get_metric(metric).check(get_problem(problem))


@pytest.mark.parametrize(("problem", "metric"), [("multilabel", "rmse"), ("multioutput", "f1"), ("regression", "f1")])
def test_a_metric_that_scores_no_such_target_is_refused(problem: str, metric: str) -> None:
    with pytest.raises(SpecError, match=f"{metric} cannot score a {problem} problem. Metrics that can:"):
        get_metric(metric).check(get_problem(problem))


# Codings


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0, 1])), min_size=1, max_size=9), st.data())
def test_one_hot_columns_decode_to_the_classes_that_were_encoded(rows: list[tuple[str, int]], data: Any) -> None:
    del data
    y = np.array([["a", "0"], ["b", "1"], ["c", "0"], *[[a, str(b)] for a, b in rows]])
    coding = LabelColumns.learn(y)
    coded = coding.encode(y)
    assert coded.shape == (len(y), 5)
    np.testing.assert_array_equal(coded.sum(axis=1), 2)
    np.testing.assert_array_equal(predicted_labels(coding.decode(coded), coding.classes), y)
    np.testing.assert_array_equal(coding.numbers(coded)[:, 0], np.searchsorted(["a", "b", "c"], y[:, 0]))


def test_a_target_of_one_class_cannot_be_coded() -> None:
    with pytest.raises(DataError, match="Target 2 has one class only, 'x': leave it out"):
        LabelColumns.learn(np.array([["a", "x"], ["b", "x"]]))


def test_each_target_is_one_of_its_own_kind() -> None:
    assert [(p.tolist(), labels) for p, labels in each_target(NUMBERS[:1], None)] == [([v], None) for v in NUMBERS[0]]
    (p, labels), *_ = each_target(P, np.arange(3))
    np.testing.assert_allclose(p, np.column_stack([1 - P[:, 0], P[:, 0]]))
    assert labels is not None
    assert labels.tolist() == [0, 1]
    assert [part.shape for part, _ in each_target(BLOCKS, CLASSES)] == [(ROWS, 3), (ROWS, 2)]


# Types of problems


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"a": [0, 1, 1], "b": [1, 0, 0]}, "multilabel"),
        ({"a": [False, True, True], "b": [1.0, 0.0, 0.0]}, "multilabel"),
        ({"a": [0, 1, 1], "b": [1, 0, 2]}, "regression"),
        ({"a": [0.5, 1, 1], "b": [1, 0, 2]}, "regression"),
        ({"a": ["x", "y", "y"], "b": ["u", "v", "w"]}, "multioutput"),
    ],
)
def test_the_problem_of_several_targets_follows_from_their_values(columns: dict[str, Any], problem: str) -> None:
    frame = pd.DataFrame(columns)
    assert infer_problem(frame).name == problem
    assert infer_problem(frame.to_numpy()).name == problem
    classes = classes_of(frame.to_numpy(), get_problem(problem))
    if problem == "multioutput":
        assert [labels.tolist() for labels in classes] == [["x", "y"], ["u", "v", "w"]]
    else:
        assert classes is None if problem == "regression" else classes.tolist() == [0, 1]


def test_targets_of_different_types_and_gaps_are_refused() -> None:
    rows = {"a": ["x", "y"] * 20, "price": np.arange(40) + 0.5}
    with pytest.raises(DataError, match=r"of several types: a are classes, price are numbers. .* a pipeline for each"):
        infer_problem(pd.DataFrame(rows))
    with pytest.raises(DataError, match="The target b has no value in row 1: each row needs all"):
        infer_problem(pd.DataFrame({"a": [1.0, 0.0], "b": [1.0, np.nan]}))
    with pytest.raises(DataError, match="The target b has no value in row 0"):
        infer_problem(pd.DataFrame({"a": ["x", "y"], "b": [None, "x"]}))
    assert infer_problem(pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.nan]})).name == "regression"
    assert rarest_class(pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 0, 0, 1]})) == 1


def test_a_problem_of_several_targets_needs_several_columns() -> None:
    assert problem_of(COLUMNS, classification=True, name="multioutput").name == "multioutput"
    with pytest.raises(SpecError, match="multioutput does not fit a target of one column"):
        problem_of(COLUMNS[:, 0], classification=True, name="multioutput")
    with pytest.raises(SpecError, match="multiclass does not fit a target of several columns"):
        problem_of(COLUMNS, classification=True, name="multiclass")
