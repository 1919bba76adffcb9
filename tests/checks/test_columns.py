"""New categories are worth a word as far as the rule has no answer to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.checks.columns import column_findings, unread_findings
from tabular_dl.spec.reader import PipelineSpec

TRAIN = pd.DataFrame({"c": np.tile(np.array(["a", "b", "c", "a"], dtype=object), 25)})


def found(share: float, encode: str) -> list[tuple[str, str, str]]:
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
    assert found(share, "onehot") == [(level, "category", fix)]


@pytest.mark.parametrize("encode", ["target", "frequency", "embedding"])
def test_other_encodings_have_one_unless_most_rows_need_it(encode: str) -> None:
    assert found(0.4, encode) == []
    assert found(0.6, encode) == [("warning", "category", "")]


def test_known_categories_are_none() -> None:
    assert found(0.0, "onehot") == []


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
