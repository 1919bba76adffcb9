"""Folds of a draft mirror the test table: later rows, other groups, or any rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.drafting.draft import Draft, draft_pipeline
from tabular_dl.model_selection import fewest_times
from tabular_dl.profiling.target_and_id import Roles, find_roles
from tabular_dl.spec.reader import load_spec
from tests.competitions import MadeCompetition, bike_rentals, store_sales

RANDOM = np.random.default_rng(0)


def drafted(made: MadeCompetition, path: Path) -> Draft:
    """Draft a pipeline as `init` does, and load it."""
    roles = find_roles(made.train, made.test, made.sample)
    assert (roles.target, roles.id) == (made.target, made.id)
    draft = draft_pipeline("own", {"source": "here"}, roles, made.train, made.test, made.sample)
    (path / "own.yaml").write_text(draft.text, encoding="utf-8")
    load_spec(path / "own.yaml")
    return draft


def parts(draft: Draft, column: str) -> dict[str, str]:
    """Return the parts of a date that are features, by their names, and assert that a rule reads each."""
    features = {name: f for name, f in draft.content["features"].items() if f.get("from") == column}
    dates = {name: "_".join(f[key] for key in ("date", "cyclic") if key in f) for name, f in features.items()}
    assert {*dates} <= {name for rule in draft.content["columns"] for name in rule["columns"]}
    return dates


def circles(*names: str) -> list[str]:
    return [f"{part}_{function}" for part in names for function in ("sin", "cos")]


def test_the_next_month_of_shops(tmp_path: Path) -> None:
    draft = drafted(store_sales(), tmp_path)
    assert parts(draft, "date") == {f"date_{part}": part for part in (*circles("month", "weekday"), "day", "elapsed")}
    assert draft.content["ensemble"] | {"split": "time", "time": "date"} == draft.content["ensemble"]
    assert "group" not in draft.content["ensemble"]
    assert draft.treatments.dropped == {}
    text = " ".join(draft.text.replace("#", " ").split())
    ends = "training rows end with 2023-08-23, test rows begin with 2023-08-24."
    assert f"Test rows follow the training rows in date: {ends}" in text
    assert "So each fold is scored on later rows than it is trained on, and models of all rows" in text
    assert draft.content["ensemble"]["refit"] == "all"
    assert "Id: id, the sample submission has it; training rows have none." in text


def test_the_last_days_of_each_month_of_bikes(tmp_path: Path) -> None:
    draft = drafted(bike_rentals(), tmp_path)
    # Test rows are of days of the month that no training row has, and all of one year.
    assert parts(draft, "datetime") == {
        f"datetime_{part}": part for part in (*circles("month", "weekday", "hour"), "elapsed")
    }
    weeks = {"split": "group", "group": "datetime_week"}
    assert draft.content["ensemble"] | weeks == draft.content["ensemble"]
    assert draft.content["features"]["datetime_week"] == {"eval": "datetime_elapsed // 7"}
    assert not any("datetime_week" in rule["columns"] for rule in draft.content["columns"])
    text = " ".join(draft.text.replace("#", " ").split())
    assert "casual, registered: a leak that test rows lack: casual + registered = count." in text
    assert (
        "Test rows are stretches of datetime between stretches of training rows: rows of a week share a fold, or "
        "scores are too good." in text
    )
    assert "Number of the week, for the folds." in text
    assert "casual" not in str(draft.content)


def test_blocks_come_before_the_days_that_they_hold_and_after_other_ids(tmp_path: Path) -> None:
    bikes = bike_rentals(200)
    day, hour = (lambda t: t["datetime"].str[:10]), (lambda t: t["datetime"].str[11:13].astype(int))
    train, test = (
        table.assign(day=day(table), hour=hour(table)).drop(
            columns=["datetime", "casual", "registered"], errors="ignore"
        )
        for table in (bikes.train, bikes.test)
    )
    made = MadeCompetition(train, test, None, "count", None, "regression", {})
    ensemble = drafted(made, tmp_path).content["ensemble"]
    assert (ensemble["split"], ensemble["group"]) == ("group", "day_week")
    roles = Roles("count", "", "who", "")
    owned = train.assign(who=np.repeat(np.arange(len(train) // 2 + 1), 2)[: len(train)])
    draft = draft_pipeline("own", {"source": "x"}, roles, owned, test.assign(who=np.arange(len(test)) + 10**6))
    assert draft.content["ensemble"]["group"] == "who"
    few = train[train["day"] < "2011-02-05"]  # four weeks are fewer than the folds
    draft = draft_pipeline("own", {"source": "x"}, Roles("count", "", None, ""), few, test[test["day"] < "2011-02"])
    assert "group" not in draft.content["ensemble"]


def test_years_and_months_order_rows_by_a_feature(tmp_path: Path) -> None:
    table = pd.DataFrame({"year": 2022 + np.arange(36) // 12, "month": np.arange(36) % 12 + 1})
    table = pd.concat([table] * 8, ignore_index=True).assign(x=RANDOM.normal(size=288))
    table = table.assign(y=table["month"] + table["x"])
    later = (table["year"] == 2024) & (table["month"] > 9)
    made = MadeCompetition(table[~later], table[later].drop(columns="y"), None, "y", None, "regression", {})
    draft = drafted(made, tmp_path)
    assert draft.content["features"]["time_order"] == {"eval": "year * 100 + month"}
    assert (draft.content["ensemble"]["split"], draft.content["ensemble"]["time"]) == ("time", "time_order")
    assert {"year", "month"} <= {name for rule in draft.content["columns"] for name in rule["columns"]}


@pytest.mark.parametrize(("weeks", "keys"), [(9, {"folds": 5}), (5, {"folds": 3}), (4, {"folds": 2})])
def test_few_times_are_few_folds(weeks: int, keys: dict[str, Any], tmp_path: Path) -> None:
    table = pd.DataFrame({"week": np.repeat(np.arange(weeks + 1), 30)})
    table = table.assign(x=RANDOM.normal(size=len(table)), y=RANDOM.normal(size=len(table)))
    later = table["week"] == weeks
    made = MadeCompetition(table[~later], table[later].drop(columns="y"), None, "y", None, "regression", {})
    ensemble = drafted(made, tmp_path).content["ensemble"]
    assert ensemble | keys | {"split": "time", "time": "week"} == ensemble
    # One time to train on and one to stop early by come before the first fold.
    assert weeks >= fewest_times(ensemble["folds"], 0)


def by_week(weeks: np.ndarray, y: object) -> dict[str, Any]:
    """Return the section ``ensemble`` for rows of weeks, of which the last are the test rows."""
    table = pd.DataFrame({"week": weeks, "x": RANDOM.normal(size=len(weeks)), "y": y})
    later = table["week"] == np.nanmax(weeks)
    draft = draft_pipeline(
        "own", {"source": "x"}, Roles("y", "", None, ""), table[~later], table[later].drop(columns="y")
    )
    return draft.content["ensemble"]


def test_each_fold_in_order_has_rows_of_every_class() -> None:
    weeks = np.repeat(np.arange(13.0), 30)
    labels = RANDOM.choice(["a", "b"], len(weeks))
    assert by_week(weeks, labels)["split"] == "time"
    late = np.where(weeks < 3, "a", labels)  # only of three blocks of four weeks, the first has both classes
    assert by_week(weeks, late)["folds"] == 2
    assert "split" not in by_week(weeks, np.where(weeks < 8, "a", labels))
    assert "split" not in by_week(np.where(np.arange(len(weeks)) == 7, np.nan, weeks), labels), "a row without a week"


def test_a_date_that_groups_rows_stays_a_feature() -> None:
    days = np.repeat(np.arange(120), 4)
    y = pd.Series(RANDOM.normal(size=120)[days])
    table = pd.DataFrame(
        {"day": pd.date_range("2024-01-01", periods=120)[days].astype(str), "x": RANDOM.normal(size=480)}
    )
    of_test = np.isin(days, RANDOM.permutation(120)[:40])
    roles = Roles("y", "", None, "")
    draft = draft_pipeline("own", {"source": "x"}, roles, table.assign(y=y)[~of_test], table[of_test])
    assert (draft.content["ensemble"]["split"], draft.content["ensemble"]["group"]) == ("group", "day")
    assert "day_weekday_sin" in draft.content["features"]
