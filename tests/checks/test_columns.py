"""New categories are reported unless the rule handles them; many similar findings are listed in one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.checks.columns import column_findings, unread_findings
from tabular_dl.spec.reader import PipelineSpec

TRAIN = pd.DataFrame({"c": np.tile(np.array(["a", "b", "c", "a"], dtype=object), 25)})


def answers(share: float, encode: str) -> list[tuple[str, str, str]]:
    """Check a rule with such an encoding and a test table of which this share has a category of its own."""
    content: dict[str, Any] = {"name": "p", "data": {"source": "p", "target": "y"}, "rest": "drop"}
    spec = PipelineSpec.model_validate({**content, "columns": [{"columns": ["c"], "encode": "onehot"}]})
    # An encoding is what the rule says, whether or not this version knows it.
    spec = spec.model_copy(update={"columns": (spec.columns[0].model_copy(update={"encode": encode}),)})
    test = TRAIN.assign(c=TRAIN["c"].where(TRAIN.index >= share * 100, "new"))
    findings = column_findings(spec, TRAIN, test, ("train.csv", "test.csv"))
    return [(finding.level, finding.code, finding.fix) for finding in findings]


@pytest.mark.parametrize(("share", "level"), [(0.01, "note"), (0.05, "warning"), (1.0, "warning")])
def test_one_hot_columns_have_no_answer(share: float, level: str) -> None:
    fix = "- {columns: [c], encode: onehot, rare: 10}  # in place of rule 1"
    assert answers(share, "onehot") == [(level, "category", fix)]


@pytest.mark.parametrize("encode", ["target", "frequency", "embedding"])
def test_other_encodings_have_one_unless_most_rows_need_it(encode: str) -> None:
    assert answers(0.4, encode) == []
    assert answers(0.6, encode) == [("warning", "category", "")]


def test_known_categories_are_none() -> None:
    assert answers(0.0, "onehot") == []


@pytest.mark.parametrize(("odd", "level"), [(4, "note"), (5, "warning")])
def test_cells_that_are_no_numbers_are_said_by_their_share(odd: int, level: str) -> None:
    content: dict[str, Any] = {"name": "p", "data": {"source": "p", "target": "y"}, "rest": "drop"}
    features = {"c_kg": {"from": "c", "number": "kg"}, "part": {"from": "c", "extract": "([0-9]+)", "number": True}}
    rules = [{"columns": ["c_kg", "part"], "impute": "median"}]
    spec = PipelineSpec.model_validate({**content, "features": features, "columns": rules})
    table = pd.DataFrame({"c": [*["5 kg"] * (100 - odd), *["heavy"] * odd, None]}, index=range(1, 102))
    (finding,) = unread_findings(spec, table, "test.csv")
    assert (finding.level, finding.code) == (level, "number")
    assert finding.message == (
        f"test.csv, column c: {odd} of 100 values are no numbers in kg and become missing, the first in row "
        f"{101 - odd}: 'heavy'."
    )


def test_names_that_hardly_two_rows_share_are_as_new_in_every_fold() -> None:
    spec = PipelineSpec.model_validate(
        {"name": "p", "data": {"source": "p", "target": "y"}, "columns": [{"columns": ["c"], "encode": "target"}]}
    )
    names = pd.DataFrame(
        {"c": np.array([f"n{number // 2 if number < 40 else number}" for number in range(100)], object)}
    )
    test = names.assign(c="t" + names["c"])
    half_known = names.assign(c=np.where(names.index < 40, names["c"], "t" + names["c"]))
    assert column_findings(spec, names, half_known, ("train.csv", "test.csv")) == []
    (finding,) = column_findings(spec, names, test, ("train.csv", "test.csv"))
    assert finding.code == "category"


def numbers_pipeline(*names: str) -> PipelineSpec:
    content = {"name": "p", "data": {"source": "p", "target": "y"}, "rest": "drop"}
    return PipelineSpec.model_validate({**content, "columns": [{"columns": [*names], "impute": "median"}]})


def test_many_columns_that_are_there_twice_are_told_in_one_line() -> None:
    values = np.random.default_rng(0).normal(size=(50, 12))
    table = pd.DataFrame(np.hstack([values, values]), columns=[f"{side}{n}" for side in "ab" for n in range(12)])
    (finding,) = column_findings(numbers_pipeline(*table), table, None, ("train.csv", "test.csv"))
    assert finding.message == (
        "train.csv: 12 columns have the same content as another in every row: a0 = b0, a1 = b1, a2 = b2, a3 = b3, "
        "a4 = b4, a5 = b5, a6 = b6, a7 = b7 and 4 more."
    )
    assert finding.fix == "# take b0, b1, b2, b3, b4, b5, b6, b7 and 4 more out of rule 1"


def test_many_columns_without_values_are_told_in_one_line() -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 9))).add_prefix("c")
    rows = np.arange(50)
    test = table.assign(**{name: table[name].where(rows > place) for place, name in enumerate(table)})
    findings = column_findings(numbers_pipeline(*table), table, test, ("train.csv", "test.csv"))
    assert [(finding.level, finding.fix) for finding in findings] == [("warning", ""), ("note", "")]
    assert findings[0].message == (
        "test.csv: rows have no value, while in train.csv all rows have one, in 7 columns: c2 (3 of 50 rows), "
        "c3 (4 of 50 rows), c4 (5 of 50 rows), c5 (6 of 50 rows), c6 (7 of 50 rows), c7 (8 of 50 rows), "
        "c8 (9 of 50 rows). Their rules fill them in."
    )
