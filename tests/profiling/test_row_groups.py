"""Columns that group rows are found, and no others; the intraclass correlation agrees with an analysis of variance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f_oneway

from tabular_dl.profiling.row_groups import _intraclass, find_groupings

RANDOM = np.random.default_rng(0)
PATIENTS = np.repeat(np.arange(60), 5)
SICK = RANDOM.integers(0, 2, 60)[PATIENTS]
TRAIN = pd.DataFrame(
    {
        "Patient": [f"P{number}" for number in PATIENTS],
        "age": RANDOM.normal(50, 9, 300).round(2),
        "colour": RANDOM.choice(["red", "green", "blue"], 300),
        "ward": RANDOM.integers(0, 40, 300),
        "Visit": np.arange(300),
    }
)
OTHERS = TRAIN.assign(Patient=[f"Q{number}" for number in PATIENTS], Visit=np.arange(300, 600))


def groups(train: pd.DataFrame, test: pd.DataFrame | None, target: Any, *, classification: bool = True) -> list[str]:
    groupings = find_groupings(train, test, pd.Series(target), classification=classification, seed=0)
    return [grouping.column for grouping in groupings]


@pytest.mark.parametrize("numbered", [False, True])
def test_patients_are_found_where_the_test_table_has_others(numbered: bool) -> None:
    train = TRAIN.assign(Patient=PATIENTS) if numbered else TRAIN
    test = OTHERS.assign(Patient=PATIENTS + 60) if numbered else OTHERS
    (group,) = find_groupings(train, test, pd.Series(SICK), classification=True, seed=0)
    assert (group.column, group.different, group.rows, group.alike, group.new) == ("Patient", 60, 300, 1.0, 1.0)


def test_the_same_patients_in_the_test_table_are_what_random_folds_are_like() -> None:
    assert groups(TRAIN, TRAIN, SICK) == []


def test_without_a_test_table_only_rows_that_are_much_alike_count() -> None:
    assert groups(TRAIN, None, SICK) == ["Patient"]
    often = np.where(RANDOM.random(300) < 0.4, RANDOM.integers(0, 2, 300), SICK)
    assert groups(TRAIN, OTHERS, often) == ["Patient"]
    assert groups(TRAIN, None, often) == []


def test_patients_that_say_nothing_of_the_target_are_no_matter() -> None:
    assert groups(TRAIN, OTHERS, RANDOM.integers(0, 2, 300)) == []


def test_a_number_is_alike_in_its_ranks() -> None:
    pressure = np.exp(RANDOM.normal(0, 3, 60)[PATIENTS] + RANDOM.normal(0, 0.3, 300))
    assert groups(TRAIN, OTHERS, pressure, classification=False) == ["Patient"]


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(lambda t: t["Patient"].where(PATIENTS < 20), id="mostly missing"),
        pytest.param(lambda t: [f"{row}" for row in range(len(t))], id="each row its own"),
        pytest.param(lambda t: PATIENTS + 0.5, id="no whole numbers"),
        pytest.param(lambda t: pd.to_datetime("2020-01-01") + pd.to_timedelta(PATIENTS, "D"), id="dates"),
        pytest.param(lambda t: PATIENTS // 10, id="few values"),
    ],
)
def test_other_columns_are_not_looked_at(column: Any) -> None:
    assert groups(pd.DataFrame({"Patient": column(TRAIN)}), None, SICK) == []


def test_a_column_that_the_test_table_lacks_or_leaves_empty_is_no_group() -> None:
    assert groups(TRAIN, OTHERS.drop(columns="Patient"), SICK) == []
    assert groups(TRAIN, OTHERS.assign(Patient=None), SICK) == []


@settings(max_examples=30)
@given(size=st.integers(2, 6), number=st.integers(10, 30), spread=st.floats(0, 3), seed=st.integers(0, 2**31 - 1))
def test_the_correlation_follows_from_the_f_of_an_analysis_of_variance(
    size: int, number: int, spread: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    codes = np.repeat(np.arange(number), size)
    y = spread * random.normal(size=number)[codes] + random.normal(size=len(codes))
    f = f_oneway(*(y[codes == code] for code in range(number))).statistic
    n, k = len(y), number
    # total = ((k - 1) * between + (n - k) * within) / (n - 1), and F = between / within.
    expected = 1 - (n - 1) / ((k - 1) * f + (n - k))
    assert _intraclass(codes, y[:, np.newaxis]) == pytest.approx(expected)


def test_numbers_with_a_unit_are_amounts_and_no_groups() -> None:
    train = TRAIN.assign(Patient=[f"{number} kg" for number in PATIENTS])
    assert groups(train, OTHERS.assign(Patient=[f"{number + 60} kg" for number in PATIENTS]), SICK) == []
