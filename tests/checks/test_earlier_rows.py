"""A lag that rows to predict cannot have is found, and what is advised mends it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from tabular_dl.checks.earlier_rows import lag_findings
from tabular_dl.checks.finding import Finding
from tabular_dl.spec.models import PipelineSpec
from tabular_dl.spec.validate import validate_rows

DATES = pd.date_range("2024-01-01", periods=30).astype(str)
TRAIN = pd.DataFrame({"date": DATES[:20], "block": np.arange(20), "heat": np.arange(20.0)})
TEST = pd.DataFrame({"date": DATES[20:], "block": np.arange(20, 30), "heat": np.arange(10.0)})


def findings(feature: dict[str, Any], train: pd.DataFrame = TRAIN, test: pd.DataFrame = TEST) -> list[Finding]:
    content = {
        "name": "shops",
        "data": {"source": "shops", "target": "sales"},
        "features": {"Days": {"from": "date", "date": "elapsed"}, "Lag": feature},
        "columns": [{"columns": ["Lag"]}],
        "rest": "drop",
    }
    spec = PipelineSpec.model_validate(content)
    checked = validate_rows(spec, train, "train.csv", target=pd.Series(np.arange(20.0), index=train.index))
    return list(
        lag_findings(spec, checked, validate_rows(spec, test, "test.csv", training=checked), ("a.csv", "b.csv"))
    )


@pytest.mark.parametrize("time", ["date", "block", "Days"])
@pytest.mark.parametrize("more", [{"lag": 7}, {"rolling": {"window": 7, "statistic": "mean"}}])
def test_a_lag_that_is_shorter_than_the_time_to_the_last_row_is_found_and_mended(time: str, more: Any) -> None:
    (finding,) = findings({"from": "sales", "time": time, **more})
    unit = "days" if time == "date" else "steps"
    assert (
        f"b.csv: rows lie up to 10 {unit} after the last of a.csv, and the feature Lag reads sales" in finding.message
    )
    assert f"with a lag of {more.get('lag', 1)}" in finding.message
    mended = yaml.safe_load(finding.fix)["Lag"]
    assert mended == {"from": "sales", "time": time, **more, "lag": 10}
    assert not findings(mended)


@pytest.mark.parametrize(
    "feature",
    [
        {"from": "sales", "time": "date", "lag": 10},
        {"from": "heat", "time": "date", "lag": 1},
        {"from": "sales", "time": "date", "unit": "row", "lag": 1},
    ],
)
def test_long_lags_other_columns_and_rows_are_not(feature: dict[str, Any]) -> None:
    assert not findings(feature)


def test_rows_among_the_training_rows_and_dates_that_cannot_be_read_are_not() -> None:
    feature = {"from": "sales", "time": "date", "lag": 1}
    assert not findings(feature, test=TEST.assign(date=[None, *DATES[:9]]))
    assert not findings(feature, test=TEST.assign(date="soon"))
    assert not findings(feature, test=TEST.drop(columns="date"))
