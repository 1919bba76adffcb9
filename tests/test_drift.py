"""Rows of two tables are told apart if they differ, by the columns that differ, and not otherwise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tabular_dl.drift import find_drift


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
