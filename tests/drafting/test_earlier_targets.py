"""Earlier targets are drafted where levels change, with a lag that check accepts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tabular_dl.checks.run import run_checks
from tabular_dl.competition.competition import Competition
from tabular_dl.drafting.draft import Draft, draft_pipeline
from tabular_dl.profiling.target_and_id import Roles
from tabular_dl.spec.reader import load_spec
from tests.profiling.test_group_drift import AHEAD, STORES, shops

ROLES = Roles("y", "", None, "")


def drafted(table: pd.DataFrame) -> tuple[Draft, pd.DataFrame, pd.DataFrame]:
    train, test = table[: -AHEAD * STORES], table[-AHEAD * STORES :].drop(columns="y").reset_index(drop=True)
    return draft_pipeline("own", {"source": "own"}, ROLES, train, test, effort="fast"), train, test


def test_a_changing_level_is_a_feature_that_check_accepts(tmp_path: Path) -> None:
    draft, train, test = drafted(shops(0.03))
    assert draft.content["features"]["y_before"] == {
        "from": "y",
        "by": "store",
        "time": "date",
        "lag": AHEAD,
        "rolling": {"window": 28, "statistic": "mean"},
    }
    assert {"columns": ["y_before"], "impute": "median", "scale": "quantile"} in draft.content["columns"]
    text = " ".join(draft.text.replace("#", " ").split())
    assert f"Mean of y by store over 28 days that end {AHEAD} days before a row, as far as test rows lie ahead" in text
    (tmp_path / "own.yaml").write_text(draft.text, encoding="utf-8")
    spec = load_spec(tmp_path / "own.yaml")
    tables = Competition(Path("own"), "y", None, train, test, None, "", "")
    assert [finding for finding in run_checks(tables, spec, draft.problem) if finding.code == "lag"] == []


@pytest.mark.parametrize("drift", [0.0, 0.03])
def test_levels_that_stay_and_labels_have_none(drift: float) -> None:
    table = shops(drift)
    if drift:
        table["y"] = np.where(table["y"] > table["y"].median(), "more", "less")
    draft, _, _ = drafted(table)
    assert draft.content["ensemble"]["split"] == "time"
    assert "y_before" not in draft.content["features"]


def test_taken_names_are_left_alone() -> None:
    draft, _, _ = drafted(shops(0.03).assign(y_before=0.5))
    assert "y_before_" in draft.content["features"]
