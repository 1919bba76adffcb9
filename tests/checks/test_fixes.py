"""The lines of fixes are YAML, keep the keys of a rule, and leave out the columns to remove."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tabular_dl.checks.fixes import balanced_classes, columns_of, ensemble_with, removal, separate_rule
from tabular_dl.preprocessing.column_rules import ColumnRule
from tabular_dl.spec.reader import PipelineSpec


def pipeline(*rules: dict[str, Any], **changes: Any) -> PipelineSpec:
    content = {"name": "p", "data": {"source": "p", "target": "y"}, "columns": [*rules], "rest": "drop"}
    return PipelineSpec.model_validate(content | changes)


def rule(fix: str) -> ColumnRule:
    (rule,) = yaml.safe_load(fix)
    return ColumnRule.model_validate(rule)


@pytest.mark.parametrize(
    "words",
    [
        {"scale": "minmax"},
        {"impute": {"constant": -1}, "missing_flag": True, "scale": "symmetric"},
        {"encode": "onehot"},
        {"encode": "label", "impute": "most_frequent"},
        {"encode": "onehot", "impute": {"constant": "no: ne"}},
    ],
)
def test_a_rule_of_its_own_keeps_the_words_that_are_not_changed(words: dict[str, Any]) -> None:
    spec = pipeline({"columns": ["a"]}, {"columns": ["b", "c: d"], **words})
    fix = separate_rule(spec, "c: d", 1)
    assert rule(fix) == spec.columns[1].model_copy(update={"columns": ("c: d",)})
    assert fix.endswith("  # and take c: d out of rule 2")


def test_a_rule_of_its_own_has_the_changed_words_and_not_those_left_out() -> None:
    spec = pipeline({"columns": ["a"], "scale": "minmax", "missing_flag": True})
    fix = separate_rule(spec, "a", 0, scale="robust", missing_flag=None)
    assert fix == "- {columns: [a], scale: robust}  # in place of rule 1"


@pytest.mark.parametrize(
    ("columns", "rest", "fix"),
    [
        (["a"], "drop", "- {columns: [b], scale: minmax}  # in place of rule 1"),
        (["a"], "error", "rest: drop  # and take a out of rule 1"),
        (["a", "b"], "drop", "# take a, b out of rule 1"),
        (["a", "c"], "drop", "# take a, c out of rules 1, 2"),
        (["F"], "error", "# take F out of rule 3 and of features"),
        (["F", "c"], "drop", "# take F, c out of rules 2, 3, and F out of features"),
        (["raw"], "error", "# take F out of rule 3 and of features"),
        (["pixel1"], "drop", "# write rule 4 without a pattern that matches pixel1"),
        (["nowhere"], "drop", ""),
        (["self"], "drop", ""),
    ],
)
def test_columns_are_taken_out_of_rules_and_features(columns: list[str], rest: str, fix: str) -> None:
    spec = pipeline(
        {"columns": ["a", "b"], "scale": "minmax"},
        {"columns": ["c"]},
        {"columns": ["F", "d"]},
        {"columns": ["pixel*"]},
        features={"F": {"from": "raw"}, "self": {"from": "self"}},
        rest=rest,
    )
    assert removal(spec, columns) == fix


def test_a_long_list_of_names_is_cut() -> None:
    names = [f"c{number}" for number in range(20)]
    assert removal(pipeline({"columns": names}), names).startswith("# take c0, c1, c2, c3, c4, c5, c6, c7 and 12 more")


def test_patterns_mean_the_columns_that_match() -> None:
    table = ["pixel10", "x", "pixel2", "a[1]", "Pixel3"]
    assert columns_of(ColumnRule(columns=("pixel*", "x")), table) == ["pixel10", "x", "pixel2"]
    assert columns_of(ColumnRule(columns=("a[1]",)), table) == ["a[1]"]
    assert columns_of(ColumnRule(columns=("pixel?",)), table) == ["pixel2"]


def test_a_section_keeps_its_other_keys() -> None:
    spec = pipeline({"columns": ["a"]}, ensemble={"folds": 9, "members": 2}, training={"epochs": 7})
    assert yaml.safe_load(ensemble_with(spec, folds=3)) == {"ensemble": {"folds": 3, "members": 2}}
    assert yaml.safe_load(balanced_classes(spec)) == {"training": {"epochs": 7, "class_weight": "balanced"}}
