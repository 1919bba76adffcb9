"""`data.weight: COLUMN`: rows count by a column in training and in scores, and mistakes are told before training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tabular_dl.spec import columns_used
from tabular_dl.workflows.fit import fit

pytestmark = pytest.mark.slow

PIPELINE = """
name: boxes
problem: regression
data: {source: ., target: price, weight: w}
metric: rmse
columns:
  - {columns: ["*"], scale: standard}
model: ridge
ensemble: {folds: 2, members: 1}
baselines: none
"""
QUIET = Console(quiet=True)


def write(weights: Any, changes: dict[str, str] | None = None) -> Path:
    """Write a table of 40 rows with their weights, and the pipeline, into this folder."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=40).round(3)
    table = pd.DataFrame({"size": size, "price": (3 * size + rng.normal(size=40)).round(2), "w": weights})
    table.to_csv("train.csv", index=False)
    text = PIPELINE
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    Path("boxes.yaml").write_text(text)
    return Path("boxes.yaml")


def test_a_fit_trains_and_scores_by_the_column_which_is_no_feature(workspace: Path) -> None:
    weights = np.random.default_rng(1).integers(0, 4, 40)
    result = fit(str(write(weights)), track=False, console=QUIET)
    crossfit, train = result.crossfit, result.competition.train
    y = train["price"].to_numpy()
    assert columns_used(result.spec, train) == ["size"], "no pattern matches the weights"
    expected = [
        np.sqrt(np.average((y[rows] - crossfit.oof_predictions_[rows]) ** 2, weights=weights[rows]))
        for rows in crossfit.test_rows_
    ]
    np.testing.assert_allclose(result.scores, expected)
    plain = fit(
        str(write(weights, {", weight: w": "", '"*"': "size", "model:": "rest: drop\nmodel:"})),
        track=False,
        console=QUIET,
    )
    assert not np.allclose(plain.crossfit.oof_predictions_, crossfit.oof_predictions_)
    ones = fit(str(write(1.0)), track=False, console=QUIET)
    np.testing.assert_array_equal(ones.crossfit.oof_predictions_, plain.crossfit.oof_predictions_)
    np.testing.assert_array_equal(ones.scores, plain.scores)


FEW = np.r_[np.zeros(39), 1.0]


@pytest.mark.parametrize(
    ("weights", "changes", "message"),
    [
        (
            np.r_[1, 2, -3, np.ones(37)],
            {},
            "train.csv, column w (data.weight), row 3: expected a number from 0 on, found -3.0. Correct it, or leave",
        ),
        ([1, None, None, *[2] * 37], {}, "row 2: expected a number from 0 on, found a missing value (2 such rows)."),
        (["much", *[2] * 39], {}, "row 1: expected a number from 0 on, found 'much'."),
        (0, {}, "train.csv, column w (data.weight): all 40 weights are 0."),
        (FEW, {}, "train.csv, column w (data.weight): all rows that fold 1 of 2 is"),
        (1, {"weight: w": "weight: ww"}, "train.csv: there is no column 'ww', which data.weight names. Did you"),
        (1, {"weight: w": "weight: price"}, "line 4: data.weight: 'price' is the target. Name the column that has"),
        (1, {'["*"]': "[size, w]"}, "pipeline boxes: the weight 'w' cannot be a feature too: remove it."),
        (2, {"model: ridge": "model: knn"}, "data.weight: KNeighborsRegressor takes no weights of rows."),
    ],
)
def test_a_mistake_is_told_before_training(
    cli: Any, workspace: Path, weights: Any, changes: dict[str, str], message: str
) -> None:
    file = write(weights, changes)
    outcome = cli("check", file)
    assert outcome.code == 2, outcome
    assert message in " ".join((outcome.err + outcome.out).split()), outcome
    if "fold 1" in message:
        assert message in cli("fit", file, "--no-track").refused()
        assert not Path("outputs").exists()
