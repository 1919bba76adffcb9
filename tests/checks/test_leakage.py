"""A column that gives the target away is found; one that helps a little is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabular_dl.checks.leakage import find_leaks

RANDOM = np.random.default_rng(0)
N = 400
NOISE = pd.DataFrame(RANDOM.normal(size=(N, 3)), columns=["a", "b", "c"])
LABEL = pd.Series(RANDOM.choice(["no", "yes"], N, p=[0.7, 0.3]))
NUMBER = pd.Series(np.exp(RANDOM.normal(size=N)))


def leaks(column: object, target: pd.Series, **settings: bool) -> list[str]:
    table = NOISE.assign(leak=column)
    return [leak.column for leak in find_leaks(table, target, seed=0, **settings)]


@pytest.mark.parametrize(
    "column",
    [
        (LABEL == "yes") + 0.5,
        LABEL.map({"yes": "lifeboat 3", "no": None}),
        (LABEL == "yes").mask(LABEL.index % 50 == 0, False) * 2.0,
        NOISE["a"].where(LABEL == "no", 9.0),
    ],
    ids=["a code", "known only of some", "nearly always", "a number far away"],
)
def test_a_column_that_gives_labels_away_is_found(column: pd.Series) -> None:
    assert leaks(column, LABEL, classification=True) == ["leak"]


@pytest.mark.parametrize(
    "column",
    [
        (LABEL == "yes").where(LABEL.index % 5 != 0, LABEL == "no") * 1.0,
        pd.Series([f"name {row}" for row in range(N)]),
        pd.Series(1.0, index=NOISE.index),
        pd.Series(np.nan, index=NOISE.index),
    ],
    ids=["four times in five", "names of rows", "constant", "missing"],
)
def test_a_column_that_does_not_is_not(column: pd.Series) -> None:
    assert leaks(column, LABEL, classification=True) == []


def test_the_score_and_the_base_rate_are_those_of_a_plain_count() -> None:
    wrong = LABEL.index % 40 == 0
    column = (LABEL == "yes") != wrong
    (leak,) = find_leaks(NOISE.assign(leak=column), LABEL, classification=True, seed=0)
    assert leak.measure == "accuracy"
    assert leak.score == pytest.approx(1 - wrong.mean())
    assert leak.base == (LABEL == "no").mean()
    assert leak.rows == N


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (np.log(NUMBER), ["leak"]),
        (-NUMBER.rank(), ["leak"]),
        (NUMBER + NUMBER.std() * NOISE["a"], []),
    ],
    ids=["its logarithm", "its rank", "half of it"],
)
def test_numbers_are_given_away_by_their_order(column: pd.Series, expected: list[str]) -> None:
    assert leaks(column, NUMBER, classification=False) == expected


def test_many_classes_with_few_rows_each_are_no_obstacle() -> None:
    classes = pd.Series([f"class {row % 100}" for row in range(N * 2)])
    table = pd.DataFrame({"a": np.tile(NOISE["a"], 2), "code": classes.str[6:]})
    (leak,) = find_leaks(table, classes, classification=True, seed=0)
    assert leak.column == "code"


def test_a_target_with_hardly_a_second_class_is_not_judged() -> None:
    target = pd.Series(np.arange(N) < 9)
    assert leaks(target * 1.0, target, classification=True) == []


def test_of_very_many_columns_the_most_telling_are_looked_at() -> None:
    wide = pd.DataFrame(RANDOM.normal(size=(N, 150)), columns=[f"c{number}" for number in range(150)])
    wide["leak"] = (LABEL == "yes").astype(float)
    assert [leak.column for leak in find_leaks(wide, LABEL, classification=True, seed=0)] == ["leak"]
    assert [leak.column for leak in find_leaks(wide, wide["c7"] ** 3, classification=False, seed=0)] == ["c7"]
