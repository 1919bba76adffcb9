"""Columns and features with one value, or the same as another, are left out, as the check would find them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.drafting.column_defaults import treat
from tabular_dl.drafting.redundant import redundant_names
from tabular_dl.profiling.column_kinds import column_kinds

RANDOM = np.random.default_rng(0)
NUMBERS = RANDOM.normal(size=60)
SIDES = RANDOM.choice(["left", "right", "both"], 60)


def named(features: dict[str, Any] | None = None, **columns: Any) -> dict[str, str | None]:
    rows = pd.DataFrame(columns)
    numeric = {name: rows[name].dtype.kind in "biuf" for name in rows}
    return redundant_names(numeric | dict.fromkeys(features or {}, True), features or {}, rows)


def test_columns_that_say_the_same() -> None:
    redundant = named(a=NUMBERS, b=NUMBERS + 0.0, c=SIDES, d=[side[0] for side in SIDES], e=NUMBERS * 2)
    assert redundant == {"b": "a", "d": "c"}


def test_features_of_one_value_and_features_that_say_the_same() -> None:
    names = [f"{side} {number:03d}" for number, side in enumerate(SIDES)]
    features = {
        "words": {"from": "name", "text": "words"},
        "length": {"from": "name", "text": "length"},
        "again": {"from": "name", "text": "length"},
    }
    redundant = named(features, name=names)
    assert redundant == {"words": None, "again": "length"}


def test_a_draft_leaves_them_out_with_the_reason() -> None:
    day = pd.Series(pd.date_range("2024-03-01", periods=20).repeat(3)).astype(str)
    rows = pd.DataFrame({"a": NUMBERS, "b": NUMBERS, "day": day, "sold": day, "c": SIDES})
    plan = treat(column_kinds(rows), rows, 2)
    assert plan.dropped == {"the same as a in every row": ["b"], "the same as day in every row": ["sold"]}
    assert [*plan.features] == ["day_weekday_sin", "day_weekday_cos", "day_day", "day_elapsed"]
    assert [*plan.feature_reasons] == ["day_weekday_sin"]
    assert {name for rule in plan.rules for name in rule["columns"]} == {"a", "c", *plan.features}
    assert {*plan.used} == {"a", "c", "day"}


def test_a_reason_moves_to_the_first_feature_that_is_left() -> None:
    names = [f"{number:02d} {'aaabb cc' if number % 3 else 'aa bb cc'}" for number in range(60)]  # 11 characters each
    plan = treat(column_kinds(rows := pd.DataFrame({"name": names, "a": NUMBERS})), rows, 2)
    assert [*plan.features] == ["name_words", "name_word"]
    assert [*plan.feature_reasons] == ["name_words"]
    assert plan.feature_reasons["name_words"].startswith("name: text of 3.3 words")
