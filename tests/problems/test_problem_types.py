"""The table of problem types is that of the course, and a problem's type is detected from its target."""

from __future__ import annotations

import datetime
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.errors import DataError, SpecError
from tabular_dl.problems.detect import MOST_CLASSES, infer_problem
from tabular_dl.problems.metrics import get_metric
from tabular_dl.problems.problem_types import PROBLEMS, get_problem


@pytest.mark.parametrize(
    ("name", "activation", "loss", "metric", "units"),
    [
        ("binary", "sigmoid", "binary_crossentropy", "accuracy", 1),
        ("multiclass", "softmax", "sparse_categorical_crossentropy", "accuracy", 5),
        ("regression", "linear", "mean_squared_error", "rmse", 5),
        ("multilabel", "sigmoid", "binary_crossentropy", "accuracy", 5),
        ("bounded_regression", "sigmoid", "mean_squared_error", "rmse", 5),
    ],
)
def test_the_table_is_the_courses(name: str, activation: str, loss: str, metric: str, units: int) -> None:
    problem = get_problem(name)
    assert problem.name == name
    assert (problem.activation, problem.loss, problem.metric) == (activation, loss, metric)
    assert problem.units(5) == units


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_every_name_in_the_table_exists_where_it_points(problem: Any) -> None:
    assert callable(keras.activations.get(problem.activation))
    assert callable(getattr(keras.losses, problem.loss))
    for output, losses in problem.losses.items():
        assert callable(keras.activations.get(output))
        assert all(callable(getattr(keras.losses, name)) for name in losses)
    assert all(
        callable(getattr(keras.losses, f.function, None) or getattr(keras.metrics, f.function))
        for f in problem.followed
    )
    get_metric(problem.metric).check(problem)


def test_an_unknown_problem_gets_the_nearest_name() -> None:
    with pytest.raises(SpecError, match=r"There is no problem type 'regresion'\. Did you mean 'regression'\?"):
        get_problem("regresion")


@pytest.mark.parametrize(
    ("y", "name"),
    [
        ([0, 1, 1], "binary"),
        ([True, False], "binary"),
        (["yes", "no"], "binary"),
        ([1.5, 2.5, 1.5], "binary"),
        (["a", "b", "c"], "multiclass"),
        ([0, 1, 2], "multiclass"),
        ([1.0, 2.0, 3.0], "multiclass"),
        (range(MOST_CLASSES), "multiclass"),
        (range(MOST_CLASSES + 1), "regression"),
        ([str(k) for k in range(100)] * 2, "multiclass"),
        ([f"class {k}" for k in range(300)] * 3, "multiclass"),
        ([1.0, 2.0, 3.5], "regression"),
        (pd.Series([1, 2, 3], dtype="Int64"), "multiclass"),
        (pd.Series(["a", "b", "c"], dtype="category"), "multiclass"),
        (pd.Series([0.1, 0.2, 0.3]), "regression"),
    ],
)
def test_the_problem_is_told_from_the_target(y: Any, name: str) -> None:
    assert infer_problem(y).name == name


@given(st.lists(st.integers(-100, 100), min_size=2, max_size=60), st.randoms())
@settings(max_examples=50)
def test_neither_order_nor_repetition_of_rows_changes_the_problem(y: list[int], random: Any) -> None:
    if len(set(y)) < 2:
        return
    shuffled = y * 2
    random.shuffle(shuffled)
    assert infer_problem(shuffled) is infer_problem(y)


@pytest.mark.parametrize(
    ("y", "content"), [([3, 3], "the single value 3"), (["a"], "the single value 'a'"), ([], "no rows")]
)
def test_a_target_with_nothing_to_learn_is_refused(y: list[Any], content: str) -> None:
    with pytest.raises(DataError, match=f"The target has {content}: at least two different values are needed"):
        infer_problem(y)


@pytest.mark.parametrize(
    ("y", "parts"),
    [
        (
            [f"customer {k}" for k in range(100)],
            ("100 different texts", "100 rows", "'customer 0'", "shared by many rows", "another column", "numbers"),
        ),
        (pd.date_range("2020-01-01", periods=30), ("target", "dates", "number", "days since")),
        ([datetime.date(2020, 1, day) for day in range(1, 30)], ("target", "dates", "number", "days since")),
    ],
)
def test_dates_and_texts_of_their_own_are_no_labels(y: Any, parts: tuple[str, ...]) -> None:
    with pytest.raises(DataError) as error:
        infer_problem(y)
    assert all(part in str(error.value) for part in parts)


def test_the_baselines_are_what_predicts_without_looking_and_what_is_linear() -> None:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(80, 2))
    labels = (X[:, 0] > 0.3).astype(int)
    guess, linear = (model.fit(X, labels) for model in PROBLEMS["binary"].baselines().values())
    assert guess.score(X, labels) == max(np.mean(labels == 0), np.mean(labels == 1))
    np.testing.assert_allclose(guess.predict_proba(X)[:, 1], labels.mean())
    assert linear.score(X, labels) > 0.95
    mean, line = (model.fit(X, 3 * X[:, 0] + 1) for model in PROBLEMS["regression"].baselines().values())
    np.testing.assert_allclose(mean.predict(X), np.mean(3 * X[:, 0] + 1))
    np.testing.assert_allclose(line.predict(X), 3 * X[:, 0] + 1)
