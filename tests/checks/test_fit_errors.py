"""All that a fit would refuse is found at once, and nothing that it would accept."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.checks.finding import Finding
from tabular_dl.checks.fit_errors import pipeline_errors, row_errors, target_errors
from tabular_dl.errors import DataError
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.reader import PipelineSpec
from tabular_dl.spec.validate import check_rows, validate_rows

NAN = float("nan")
GOOD: dict[str, list[Any]] = {"a": [1.0, 2.0], "b": [NAN, 4.0], "c": ["x", "y"], "d": [5.0, 6.0]}
FAULTS: dict[str, list[Any] | None] = {"a": ["one", 2.0], "b": None, "c": None, "d": [NAN, 6.0]}


def spec(**changes: Any) -> PipelineSpec:
    content: dict[str, Any] = {
        "name": "p",
        "data": {"source": "p", "target": "y", "id": "Id"},
        "features": {"Sum": {"eval": "a + b"}, "Letter": {"from": "c", "extract": "(x)"}},
        "columns": [
            {"columns": ["a", "b"], "scale": "standard"},
            {"columns": ["c", "Letter"], "encode": "onehot"},
            {"columns": ["d"], "impute": "none"},
        ],
    }
    return PipelineSpec.model_validate(content | changes)


def found_in(
    pipeline: PipelineSpec, rows: pd.DataFrame, where: str = "train.csv", *, rest: bool = True
) -> list[Finding]:
    return row_errors(pipeline, validate_rows(pipeline, rows, where, rest=rest))


@settings(max_examples=16)
@given(st.sets(st.sampled_from([*FAULTS])))
def test_each_fault_is_found_and_nothing_where_there_is_none(faults: set[str]) -> None:
    columns = {name: FAULTS[name] if name in faults else values for name, values in GOOD.items()}
    rows = pd.DataFrame({name: values for name, values in columns.items() if values is not None}, index=[1, 2])
    findings = found_in(spec(), rows, "train.csv")
    with pytest.raises(DataError) if faults else nullcontext():
        check_rows(spec(), rows, "train.csv")
    for name in FAULTS:
        assert (name in faults) == any(f"'{name}'" in finding.message.partition("Known")[0] for finding in findings)
    assert {(finding.level, finding.code) for finding in findings} <= {("error", "table")}


def test_a_remedy_is_offered_where_it_would_be_accepted() -> None:
    rows = pd.DataFrame(GOOD | {"a": ["one", "two"], "d": [NAN, 6.0]}, index=[1, 2])
    fixes = [finding.fix for finding in found_in(spec(features={}), rows.assign(Letter="x"), "t")]
    assert fixes == [
        "- {columns: [a], encode: onehot}  # and take a out of rule 1",
        "- {columns: [d], impute: median}  # in place of rule 3",
    ]


@pytest.mark.parametrize(("column", "word"), [("y", "target"), ("Id", "id")])
def test_a_rule_that_names_target_or_id_loses_it(column: str, word: str) -> None:
    rules = [{"columns": ["a", column]}, {"columns": ["c"], "encode": "onehot"}]
    rows = pd.DataFrame(GOOD | {"Id": [1, 2]}, index=[1, 2])
    (finding,) = found_in(spec(columns=rules, rest="drop", features={}), rows, "train.csv")
    assert f"the {word} '{column}' cannot be a feature" in finding.message
    assert finding.fix == "- {columns: [a]}  # in place of rule 1"


def test_columns_that_no_rule_names_count_where_rows_are_to_be_learned_from() -> None:
    rows = pd.DataFrame(GOOD | {"e": [1, 2]}, index=[1, 2])
    (finding,) = found_in(spec(), rows, "train.csv")
    assert (finding.code, finding.fix) == ("unnamed", "rest: drop")
    assert found_in(spec(), rows, "test.csv", rest=False) == []
    assert found_in(spec(rest="drop"), rows, "train.csv") == []


def test_of_several_features_those_that_can_be_computed_hide_no_fault() -> None:
    features = {"Ratio": {"eval": "c / a"}, "Sum": {"eval": "a + b"}, "Double": {"eval": "2 * Ratio"}}
    rules = [{"columns": ["Ratio", "Double"]}, {"columns": ["Sum", "d"], "impute": "none"}]
    rows = pd.DataFrame(GOOD | {"d": [NAN, 6.0]}, index=[1, 2])
    findings = found_in(spec(features=features, columns=rules, rest="drop"), rows)
    assert [finding.fix for finding in findings] == [
        "# take Ratio, Double out of rule 1 and of features",
        "- {columns: [Sum], impute: median}  # and take Sum out of rule 2",
        "- {columns: [d], impute: median}  # and take d out of rule 2",
    ]


def test_a_feature_that_no_rule_names_may_be_what_is_refused() -> None:
    broken = spec(features={"Sum": {"eval": "a + z"}}, columns=[{"columns": ["a", "b", "d"]}], rest="drop")
    (finding,) = found_in(broken, pd.DataFrame(GOOD, index=[1, 2]), "train.csv")
    assert finding.message.startswith("train.csv: feature 'Sum' reads column 'z', which the table does not have.")
    assert finding.fix == "# take Sum out of features"


@pytest.mark.parametrize(
    ("problem", "y", "folds", "fix"),
    [
        ("binary", [0, 1] * 5, 5, None),
        ("binary", [0] * 7 + [1] * 3, 5, "ensemble: {folds: 3}"),
        ("binary", [0] * 9 + [1], 5, ""),
        ("binary", ["a", "b", "c"] * 5, 5, "problem: multiclass"),
        ("binary", [0.5, 1.5, 2.5], 2, "problem: regression"),
        ("multiclass", [0.5, 1.5] * 5, 5, ""),
        ("regression", [1.0, 2.0, 3.0], 5, "ensemble: {folds: 3}"),
        ("regression", ["a", "b"] * 5, 5, "problem: binary"),
        ("bounded_regression", [0.5, 7.0, 3.0, 2.0], 2, "problem: regression"),
    ],
)
def test_a_target_is_refused_with_what_would_do(problem: str, y: list[Any], folds: int, fix: str | None) -> None:
    pipeline = spec(problem=problem, ensemble={"folds": folds})
    findings = target_errors(pipeline, get_problem(problem), pd.Series(y), "train.csv")
    assert [finding.fix for finding in findings] == ([] if fix is None else [fix])


@pytest.mark.parametrize(
    ("problem", "changes", "code", "fix"),
    [
        ("binary", {"metric": "r2"}, "metric", "metric: accuracy"),
        ("regression", {"metric": "r2"}, None, ""),
        ("regression", {"threshold": 0.3}, "threshold", "threshold: null"),
        ("binary", {"metric": "roc_auc", "threshold": "auto"}, "threshold", "threshold: null"),
        ("binary", {"metric": "f1", "threshold": "auto"}, None, ""),
        ("binary", {"network": {"hidden": [0]}}, "network", ""),
    ],
)
def test_what_does_not_suit_the_problem_is_found_with_what_would(
    problem: str, changes: dict[str, Any], code: str | None, fix: str
) -> None:
    findings = pipeline_errors(spec(**changes), get_problem(problem))
    assert [(finding.code, finding.fix) for finding in findings] == ([] if code is None else [(code, fix)])


def test_numbers_that_a_rule_reads_as_texts_are_found_and_become_numbers() -> None:
    rows = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4], "c": ["x", "y"], "d": ["some words", None]}, index=[1, 2])
    texts = {"columns": ["a", "d"], "encode": "text", "components": 3, "missing_flag": True}
    pipeline = spec(columns=[texts, {"columns": ["b"]}, {"columns": ["c"], "encode": "onehot"}], features={})
    (finding,) = found_in(pipeline, rows)
    assert finding.message.startswith("train.csv, column 'a': expected texts, found numbers. Leave encode out")
    assert finding.fix == "- {columns: [a], missing_flag: true}  # and take a out of rule 1"
