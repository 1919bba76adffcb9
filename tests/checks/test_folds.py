"""Folds that do not mirror the test table are found, with the line that mends them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from tabular_dl.checks.finding import Finding
from tabular_dl.checks.run import run_checks
from tabular_dl.competition.competition import Competition
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.reader import PipelineSpec
from tests.competitions import MadeCompetition, bike_rentals, store_sales

RANDOM = np.random.default_rng(0)
DATE = {"weekday": {"from": "date", "date": "weekday"}, "elapsed": {"from": "date", "date": "elapsed"}}


def pipeline(made: MadeCompetition, numbers: list[str], categories: list[str], **changes: Any) -> PipelineSpec:
    columns = [{"columns": numbers}, {"columns": categories, "encode": "onehot"}]
    data = {"source": "own", "target": made.target, **({} if made.id is None else {"id": made.id})}
    content = {"name": "own", "problem": "regression", "data": data, "columns": columns, "rest": "drop"}
    return PipelineSpec.model_validate(content | changes)


def check(made: MadeCompetition, spec: PipelineSpec) -> list[Finding]:
    tables = Competition(Path("own"), made.target, made.id, made.train, made.test, None, "", "")
    return list(run_checks(tables, spec, get_problem("regression")))


def mended(spec: PipelineSpec, fix: str) -> PipelineSpec:
    """Return a specification with the sections of a line, those of its comment included."""
    line, _, comment = fix.partition("  # and ")
    sections = yaml.safe_load(line) | (yaml.safe_load(comment) or {})
    return PipelineSpec.model_validate(spec.model_dump(exclude_defaults=True) | sections)


@pytest.fixture(scope="module")
def shops() -> MadeCompetition:
    return store_sales(200)


def test_later_rows_need_folds_in_order(shops: MadeCompetition) -> None:
    spec = pipeline(shops, ["price", "elapsed"], ["store", "weekday"], features=DATE, ensemble={"folds": 4})
    (finding,) = check(shops, spec)
    assert (finding.level, finding.code) == ("warning", "time")
    assert finding.message == (
        "test.csv follows train.csv in time: column date ends with 2022-07-19 in train.csv and begins with 2022-07-20 "
        "in test.csv. Folds that are trained on later rows than they are scored on have too good a score."
    )
    assert finding.fix == "ensemble: {folds: 4, split: time, time: date}"
    assert check(shops, mended(spec, finding.fix)) == []
    (finding,) = check(shops, mended(spec, "ensemble: {group: date}"))
    assert finding.fix == "ensemble: {split: time, time: date}"


def test_a_year_and_a_month_are_ordered_by_a_feature() -> None:
    table = pd.DataFrame({"year": 2021 + np.arange(36) // 12, "month": np.arange(36) % 12 + 1})
    table = pd.concat([table] * 8, ignore_index=True).assign(x=RANDOM.normal(size=288), y=RANDOM.normal(size=288))
    later = (table["year"] == 2023) & (table["month"] > 9)
    made = MadeCompetition(table[~later], table[later].drop(columns="y"), None, "y", None, "regression", {})
    spec = pipeline(made, ["x", "month"], ["year"])
    (finding,) = check(made, spec)
    assert finding.fix == (
        "ensemble: {split: time, time: time_order}  # and features: {time_order: {eval: year * 100 + month}}"
    )
    assert check(made, mended(spec, finding.fix)) == []


def test_what_changes_with_time_is_no_reason_to_leave_the_season_out(shops: MadeCompetition) -> None:
    late = shops.test.assign(price=shops.test["price"] * 1.5)  # type: ignore[union-attr]
    made = MadeCompetition(shops.train, late, None, "sales", "id", "regression", {})
    month = DATE | {"month": {"from": "date", "date": "month"}, "late": {"eval": "elapsed > 150"}}
    spec = pipeline(
        made,
        ["price", "elapsed", "month", "late"],
        ["store"],
        features=month,
        ensemble={"split": "time", "time": "date"},
    )
    (finding,) = check(made, spec)
    assert (finding.level, finding.code, finding.fix) == ("note", "drift", "")
    assert "by price (alone" in finding.message
    assert finding.message.endswith("Rows of later times may differ in whatever changes with time.")


def test_stretches_between_training_rows_are_remarked_and_days_that_none_has_are_drift() -> None:
    made = bike_rentals(120)
    features = {part: {"from": "datetime", "date": part} for part in ("hour", "elapsed", "weekday")}
    spec = pipeline(made, ["temp", "elapsed"], ["hour", "weekday"], features=features)
    findings = check(made, spec)
    assert [finding.code for finding in findings] == ["time", "leak"]
    assert [finding.level for finding in findings] == ["warning", "note"]
    assert findings[1].message == (
        "test.csv lacks casual, registered of train.csv, and casual + registered = count: a leak. The pipeline does "
        "not use them."
    )
    assert findings[0].message == (
        "test.csv: test rows are stretches of datetime between stretches of training rows. Folds at random have no "
        "such stretches: their score may be too good. Keep rows of one week in one fold."
    )
    assert findings[0].fix == (
        "ensemble: {split: group, group: datetime_week}  # and features: {datetime_elapsed: {from: datetime, date: "
        "elapsed}, datetime_week: {eval: datetime_elapsed // 7}}"
    )
    line, _, added = findings[0].fix.partition("  # and ")
    weeks = features | yaml.safe_load(added)["features"]
    grouped = pipeline(made, ["temp", "elapsed"], ["hour", "weekday"], features=weeks, **yaml.safe_load(line))
    assert [finding.code for finding in check(made, grouped)] == ["leak"]
    known = pipeline(made, ["temp", "elapsed"], ["hour", "weekday"], features=weeks)
    assert check(made, known)[0].fix == line
    many = pipeline(made, ["temp", "elapsed"], ["hour", "weekday"], features=weeks, ensemble={"folds": 40})
    assert [(finding.level, finding.fix) for finding in check(made, many)][1] == ("note", "")
    days = pipeline(made, ["temp", "day"], ["hour"], features=features | {"day": {"from": "datetime", "date": "day"}})
    assert "by day (alone 1.00)" in next(finding.message for finding in check(made, days) if finding.code == "drift")
    grouped = pipeline(made, ["temp"], ["hour"], features=features, ensemble={"group": "registered"})
    leak = check(made, grouped)[0]
    assert (leak.level, leak.code, leak.fix) == ("warning", "leak", "ensemble: {}")
    assert leak.message.startswith("test.csv lacks casual, registered of train.csv")
    assert "ensemble.group" in leak.message


def test_an_id_that_only_test_rows_have_is_an_id(shops: MadeCompetition) -> None:
    spec = pipeline(shops, ["price"], ["store"], ensemble={"split": "time", "time": "date"})
    tables = Competition(
        Path("own"), "sales", "id", shops.train, shops.test, shops.sample, "", "", sample_file=Path("sample.csv")
    )
    assert run_checks(tables, spec, get_problem("regression")) == ()
    without = spec.model_copy(update={"data": spec.data.model_copy(update={"id": None})})
    tables = Competition(Path("own"), "sales", None, shops.train, shops.test, shops.sample.iloc[::-1], "", "")
    (finding,) = run_checks(tables, without, get_problem("regression"))
    assert (finding.code, finding.fix) == ("sample", "data: {source: own, target: sales, id: id}")
