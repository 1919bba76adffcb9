"""Rows of two tables are distinguished if they differ, by the columns that differ, and not otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tabular_dl.checks.drift import find_drift


def table(seed: int, rows: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {"a": random.normal(size=rows), "b": random.normal(size=rows), "c": random.choice(list("xyz"), rows)}
    )


@pytest.mark.parametrize("seed", range(4))
def test_two_draws_of_the_same_cannot_be_told_apart(seed: int) -> None:
    drift = find_drift(table(seed), table(seed + 100, 90), seed)
    assert drift is not None
    assert 0.3 < drift.auc < drift.chance
    assert drift.columns == {}


def test_a_shifted_column_is_named_with_the_area_that_it_reaches_alone() -> None:
    one, other = table(0), table(1)
    other["b"] += 2
    drift = find_drift(one, other, 0)
    assert drift is not None
    assert list(drift.columns) == ["b"]
    # The best that can be done by one shifted column is to sort by it.
    best = roc_auc_score(np.repeat([0, 1], 300), pd.concat([one["b"], other["b"]]))
    assert drift.columns["b"] == pytest.approx(best, abs=0.05)
    assert drift.auc == pytest.approx(best, abs=0.05)


def test_values_that_come_to_be_missing_and_new_categories_are_drift_too() -> None:
    one, other = table(0), table(1)
    other["a"] = other["a"].mask(other.index % 2 == 0)
    other["c"] = other["c"].where(other.index % 3 != 0, "new")
    drift = find_drift(one, other, 0)
    assert drift is not None
    assert set(drift.columns) == {"a", "c"}


def test_the_chance_is_three_standard_errors_of_an_area_where_nothing_differs() -> None:
    random = np.random.default_rng(0)
    places = random.random((2000, 90)).argsort(axis=1).argsort(axis=1)
    # The area is the share of pairs in which the second table's row comes later.
    areas = (places[:, 60:].sum(axis=1) - 30 * 29 / 2) / (60 * 30)
    drift = find_drift(table(0, 60), table(1, 30), 0)
    assert drift is not None
    assert (drift.chance - 0.5) / 3 == pytest.approx(np.std(areas), rel=0.1)


def test_few_rows_tell_nothing() -> None:
    assert find_drift(table(0, 300), table(1, 19), 0) is None
    assert find_drift(table(0)[[]], table(1)[[]], 0) is None


def test_large_tables_are_sampled() -> None:
    drift = find_drift(table(0, 2000), table(1, 100), 0)
    assert drift is not None
    assert drift.rows == (1500, 100)


def test_rows_of_other_groups_are_no_drift_where_groups_are_known() -> None:
    random = np.random.default_rng(0)

    def visits(first: int) -> tuple[pd.DataFrame, pd.Series[Any]]:
        who = np.repeat(np.arange(first, first + 60), 5)
        looks = random.normal(size=(60, 6))[who - first] + random.normal(0, 0.01, (300, 6))
        return pd.DataFrame(looks, columns=list("abcdef")), pd.Series(who)

    (one, whose), (other, whose_other) = visits(0), visits(60)
    apart, alike = find_drift(one, other, 0), find_drift(one, other, 0, (whose, whose_other))
    assert apart is not None
    assert alike is not None
    assert apart.auc > 0.9
    assert alike.auc < alike.chance
    assert alike.rows == (300, 300)
    moved = find_drift(one, other + 2.0, 0, (whose, whose_other))
    assert moved is not None
    assert moved.auc > 0.9
    assert find_drift(one, other, 0, (whose // 5, whose_other)) is None  # 12 groups say nothing
