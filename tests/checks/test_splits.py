"""Columns that make no folds are found before a fit, each with the line that mends it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from tabular_dl.checks.splits import key_errors, split_errors
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.reader import PipelineSpec

NAN = float("nan")


def spec(ensemble: dict[str, Any], **changes: Any) -> PipelineSpec:
    content = {"name": "p", "data": {"source": "p", "target": "y"}, "columns": [{"columns": ["a"]}]}
    return PipelineSpec.model_validate({**content, "ensemble": ensemble, **changes})


@pytest.mark.parametrize(
    ("group", "fix"),
    [
        ("visiter", "ensemble: {folds: 3, group: visitor}"),
        ("elsewhere", "ensemble: {folds: 3}"),
        ("y", "ensemble: {folds: 3}"),
        ("visitor", "ensemble: {folds: 2, group: visitor}"),
        ("one", "ensemble: {folds: 3}"),
        ("some", "# fill in column some of train.csv"),
        ("row", None),
    ],
)
def test_a_group_that_makes_no_folds_is_refused_with_what_would_do(group: str, fix: str | None) -> None:
    train = pd.DataFrame(
        {"visitor": [1, 1, 2, 2], "one": 1, "some": [1, NAN, 2, 3], "row": range(4), "y": [0, 1, 0, 1]}
    )
    findings = key_errors(spec({"folds": 3, "group": group}), train, "train.csv")
    assert [finding.fix for finding in findings] == ([] if fix is None else [fix])


TORN = "# put each patient into one fold of column own"
TABLE = pd.DataFrame(
    {
        "day": [f"2024-01-{day:02}" for day in range(1, 13)],
        "hole": [*range(11), NAN],
        "text": ["x", "2024-01-01"] * 6,
        "few": [1, 2, 3, 4] * 3,
        "same": 1,
        "own": [0, 1, 2] * 4,
        "patient": [0, 1, 2, 3] * 3,
        "y": [0.0, 1.0] * 6,
    }
)


@pytest.mark.parametrize(
    ("ensemble", "code", "fix"),
    [
        ({"split": "time", "time": "day"}, None, ""),
        ({"split": "time", "time": "dai"}, "time", "ensemble: {split: time, time: day}"),
        ({"split": "time", "time": "y"}, "time", None),
        ({"split": "time", "time": "hole"}, "time", "# fill in column hole of train.csv"),
        ({"split": "time", "time": "text"}, "time", "# correct column text of train.csv"),
        ({"split": "time", "time": "same"}, "time", None),
        ({"split": "time", "time": "few"}, "time", "ensemble: {split: time, time: few, folds: 2}"),
        ({"split": "time", "time": "day", "gap": 6}, "time", "ensemble: {split: time, time: day}"),
        ({"split": "column", "fold": "own"}, None, ""),
        ({"split": "column", "fold": "same"}, "fold", None),
        ({"split": "column", "fold": "hole"}, "fold", "# fill in column hole of train.csv"),
        (
            {"split": "column", "fold": "own", "group": "patient"},
            "fold",
            "# put each patient into one fold of column own",
        ),
    ],
)
def test_what_makes_no_folds_is_found_with_what_would(ensemble: dict[str, Any], code: str | None, fix: str) -> None:
    findings = key_errors(spec(ensemble), TABLE, "train.csv")
    # A key that no line can save is left out with its split.
    expected = [] if code is None else [(code, "ensemble: {}" if fix is None else fix)]
    assert [(finding.code, finding.fix) for finding in findings] == expected
    for finding in findings:
        assert "train.csv" in finding.message or "the target" in finding.message
        assert f"ensemble.{code}" in finding.message


def test_folds_that_would_lack_a_class_are_found_with_a_number_that_would_do() -> None:
    table = pd.DataFrame({"day": range(12), "y": ["a", "b"] * 3 + ["a", "a", "b", "b", "a", "b"]})
    content = {"problem": "binary", "columns": [{"columns": ["day"]}]}
    bad = spec({"folds": 5, "split": "time", "time": "day"}, **content)
    (finding,) = split_errors(bad, get_problem("binary"), table, "train.csv")
    assert finding.code == "folds"
    assert "By time, fold" in finding.message
    assert finding.fix == "ensemble: {split: time, time: day, folds: 4}"
    good = spec({"folds": 4, "split": "time", "time": "day"}, **content)
    assert split_errors(good, get_problem("binary"), table, "train.csv") == []
