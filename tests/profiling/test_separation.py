"""Time comes before groups, and neither is what the test table lacks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tabular_dl.profiling.separation import Separation, find_separation
from tests.competitions import bike_rentals, mixed_columns, store_sales

RANDOM = np.random.default_rng(0)
PATIENTS = np.repeat(np.arange(90), 5)
SICK = pd.Series(RANDOM.integers(0, 2, 90)[PATIENTS])
VISITS = pd.DataFrame({"who": PATIENTS, "age": RANDOM.normal(50, 9, 450).round(1)})


def separation(train: pd.DataFrame, test: pd.DataFrame | None, target: pd.Series) -> Separation:
    return find_separation(train, test, target[: len(train)], classification=True, seed=0)


def test_new_patients_are_groups() -> None:
    difference = separation(VISITS[:300], VISITS[300:], SICK)
    assert (difference.kind, difference.order) == ("groups", None)
    assert difference.grouping is not None
    assert difference.grouping.column == "who"
    assert difference.reason == "100% of the test rows have values of who that no training row has"


def test_new_days_are_an_order_in_time_though_rows_of_a_day_are_alike() -> None:
    visits = VISITS.assign(day=pd.date_range("2024-01-01", periods=90)[PATIENTS].astype(str)).drop(columns="who")
    difference = separation(visits[:300], visits[300:], SICK)
    assert difference.kind == "time"
    assert difference.reason.startswith("test rows follow the training rows in day: ")
    # Days of the test rows among those of the training rows are groups.
    of_test = np.isin(PATIENTS, RANDOM.permutation(90)[:30])
    difference = separation(visits[~of_test], visits[of_test], SICK[~of_test])
    assert difference.kind == "groups"


@pytest.mark.parametrize("lacking", [lambda t: t.drop(columns="who"), lambda t: t.assign(who=None)])
def test_what_the_test_rows_lack_separates_nothing(lacking: object) -> None:
    difference = separation(VISITS[:300], lacking(VISITS[300:]), SICK)  # type: ignore[operator]
    assert difference == Separation("nothing", "no column separates test rows from training rows")


def test_without_a_test_table_groups_are_only_remarked() -> None:
    difference = separation(VISITS, None, SICK)
    assert difference.kind == "nothing"
    assert difference.grouping is not None


@pytest.mark.parametrize(
    ("made", "kind", "order"),
    [
        (store_sales(120), "time", "later"),
        (bike_rentals(120), "nothing", "between"),
        (mixed_columns(), "nothing", None),
    ],
    ids=["shops", "bikes", "houses"],
)
def test_tables_like_real_ones(made: object, kind: str, order: str | None) -> None:
    train, target = made.train.drop(columns=made.target), made.train[made.target]  # type: ignore[attr-defined]
    difference = find_separation(train, made.test, target, made.id, classification=False, seed=0)  # type: ignore[attr-defined]
    assert difference.kind == kind
    assert (None if difference.order is None else difference.order.kind) == order
