"""Findings about rows: effects of time are neither a leak nor a reason to leave the season out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tabular_dl.checks.run import run_checks
from tabular_dl.competition.competition import Competition
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.reader import PipelineSpec
from tests.competitions import bike_rentals


def codes(train: pd.DataFrame, test: pd.DataFrame, target: str, **content: object) -> list[tuple[str, str]]:
    """Return the code and the fix of each finding about a table."""
    content = {"name": "own", "problem": "regression", "data": {"source": "own", "target": target}, **content}
    spec = PipelineSpec.model_validate({"rest": "drop", **content})
    tables = Competition(Path("own"), target, None, train, test, None, "", "")
    return [(finding.code, finding.fix) for finding in run_checks(tables, spec, get_problem("regression"))]


def test_a_trend_is_no_leak_where_test_rows_are_later() -> None:
    random = np.random.default_rng(0)
    week = np.repeat(np.arange(40), 10)
    table = pd.DataFrame({"week": week, "x": random.normal(size=400), "y": 5 * week + random.normal(size=400)})
    train, test = table[week < 32], table[week >= 32].drop(columns="y")
    rules = [{"columns": ["week", "x"]}]
    assert codes(train, test, "y", columns=rules, ensemble={"split": "time", "time": "week"}) == []
    shuffled = table.sample(frac=1, random_state=0)
    findings = codes(shuffled.iloc[:300], shuffled.iloc[300:].drop(columns="y"), "y", columns=rules)
    assert findings == [("leak", "- {columns: [x]}  # in place of rule 1")]


def test_months_that_are_not_whole_are_no_reason_to_leave_the_month_out() -> None:
    made = bike_rentals(200)  # ends in the middle of July, of which test rows have no day
    assert made.test is not None
    features = {part: {"from": "datetime", "date": part} for part in ("month", "dayofyear", "day")}
    train, test = made.train.drop(columns=["casual", "registered"]), made.test
    rules = [{"columns": ["temp", "month", "dayofyear"]}]
    assert [code for code, _ in codes(train, test, "count", columns=rules, features=features)] == ["time"]
    # Days of a month that no training row has are another matter.
    fixes = dict(codes(train, test, "count", columns=[{"columns": ["temp", "month", "day"]}], features=features))
    assert fixes["drift"] == "# take day out of rule 1 and of features"


def test_a_season_is_no_leak_where_test_rows_lie_between_training_rows() -> None:
    random = np.random.default_rng(0)
    hours = pd.date_range("2023-01-01", "2023-12-31", freq="8h")
    table = pd.DataFrame({"at": hours.astype(str), "x": random.normal(size=len(hours)), "y": 100 * hours.month})
    table["y"] += random.normal(size=len(table))
    tested = hours.day >= 20
    features = {"month": {"from": "at", "date": "month"}, "elapsed": {"from": "at", "date": "elapsed"}}
    rules = [{"columns": ["x", "month", "elapsed"]}]
    findings = codes(table[~tested], table[tested].drop(columns="y"), "y", columns=rules, features=features)
    assert "leak" not in dict(findings)
    # Without the dates, nothing says that the number is a month.
    undated = table.drop(columns="at").assign(month=hours.month)
    findings = codes(undated[~tested], undated[tested].drop(columns="y"), "y", columns=[{"columns": ["x", "month"]}])
    assert findings == [("leak", "- {columns: [x]}  # in place of rule 1")]
