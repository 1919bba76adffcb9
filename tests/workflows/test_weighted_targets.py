"""Weights of rows, metrics of the user's own and cut points where a pipeline has several targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss, root_mean_squared_error

from tabular_dl.model_selection import weights_of_model
from tabular_dl.workflows.fit import fit

pytestmark = pytest.mark.slow

PIPELINE = """
name: boxes
problem: PROBLEM
data: {source: ., target: [a, b], weight: w}
metric: METRIC
columns:
  - {columns: ["*"], scale: standard}
model: MODEL
ensemble: {folds: 2, members: 1}
baselines: BASELINES
"""
NETWORK = "{name: network}\nnetwork: {hidden: [4]}\ntraining: {epochs: 1, early_stopping: null, batch_size: 64}"
METRICS = """
import numpy as np


def right(y_true, prediction, sample_weight):
    assert y_true.ndim == prediction.ndim == 1
    return np.average(y_true == prediction, weights=sample_weight)
"""
QUIET = Console(quiet=True)
WEIGHTS = np.random.default_rng(1).integers(0, 4, 60)


def write(problem: str, metric: str, model: str, baselines: str = "none") -> str:
    """Write a table of 60 rows with two targets, the metric and the pipeline into this folder."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)).round(3)
    numbers = np.exp(x + 0.5 * rng.normal(size=(60, 2))).round(2)
    targets = {
        "regression": numbers,
        "multilabel": (numbers > 1).astype(int),
        "multioutput": np.array(["low", "middle", "high"])[np.digitize(numbers, [0.6, 1.5])],
    }[problem]
    table = pd.DataFrame({"size": x[:, 0], "width": x[:, 1], "w": WEIGHTS}).assign(a=targets[:, 0], b=targets[:, 1])
    table.to_csv("train.csv", index=False)
    Path("my_metrics.py").write_text(METRICS)
    filled = PIPELINE.replace("PROBLEM", problem).replace("METRIC", metric).replace("BASELINES", baselines)
    Path("boxes.yaml").write_text(filled.replace("MODEL", model))
    return "boxes.yaml"


def by_hand(problem: str, y: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> float:
    """Return the mean over the targets of scikit-learn's weighted score."""
    if problem == "regression":
        scores = [root_mean_squared_error(y[:, k], predictions[:, k], sample_weight=weights) for k in (0, 1)]
    elif problem == "multilabel":
        scores = [log_loss(y[:, k], predictions[:, k], sample_weight=weights) for k in (0, 1)]
    else:
        names = np.array(["high", "low", "middle"])
        labels = [names[predictions[:, 3 * k : 3 * k + 3].argmax(axis=1)] for k in (0, 1)]
        scores = [balanced_accuracy_score(y[:, k], labels[k], sample_weight=weights) for k in (0, 1)]
    return float(np.mean(scores))


@pytest.mark.parametrize(
    ("problem", "metric", "model"),
    [
        ("regression", "rmse", "ridge"),
        ("multilabel", "log_loss", "logistic"),
        ("multioutput", "balanced_accuracy", NETWORK),
    ],
)
def test_weights_hold_for_each_target(workspace: Path, problem: str, metric: str, model: str) -> None:
    result = fit(write(problem, metric, model, "simple"), track=False, console=QUIET)
    crossfit, y = result.crossfit, result.competition.train[["a", "b"]].to_numpy()
    np.testing.assert_array_equal(weights_of_model(crossfit), WEIGHTS)
    expected = [by_hand(problem, y[r], crossfit.oof_predictions_[r], WEIGHTS[r]) for r in crossfit.test_rows_]
    np.testing.assert_allclose(result.scores, expected)
    assert len(result.baselines) == 2, "the simple models take the weights too"
    assert all(np.isfinite(scores).all() for scores in result.baselines.values())


@pytest.mark.parametrize(("problem", "model"), [("multilabel", "logistic"), ("multioutput", "logistic")])
def test_a_metric_of_the_user_scores_each_target(workspace: Path, problem: str, model: str) -> None:
    result = fit(write(problem, '{python: "my_metrics.py:right"}', model), track=False, console=QUIET)
    crossfit, y = result.crossfit, result.competition.train[["a", "b"]].to_numpy()
    X, expected = result.competition.train[["size", "width"]], []
    for fold, rows in enumerate(crossfit.test_rows_):
        predicted = crossfit.pipelines_[fold].predict(X.iloc[rows])
        expected.append(
            np.mean([accuracy_score(y[rows, k], predicted[:, k], sample_weight=WEIGHTS[rows]) for k in (0, 1)])
        )
    np.testing.assert_allclose(result.scores, expected)


def test_several_targets_have_neither_cut_points_nor_smearing(cli: Any, workspace: Path) -> None:
    write("regression", "qwk", "ridge")
    refused = cli("fit", "boxes.yaml", "--no-track").refused()
    assert "metric: qwk cuts the numbers of one target into labels, but data.target names 2." in refused
    assert "problem: multioutput" in refused
    assert cli("check", "boxes.yaml").code == 2
    write("regression", "rmse", "ridge\ntraining: {target_transform: log1p}")
    fitted = cli("fit", "boxes.yaml", "--no-track")
    assert fitted.code == 0, fitted
    said = "logarithms is not corrected (smearing), which is for one target: of 2 targets, rmse may be better without"
    assert said in " ".join(fitted.out.split())
    write("regression", "mae", "ridge\ntraining: {target_transform: log1p}")
    assert "smearing" not in cli("fit", "boxes.yaml", "--no-track").out


def test_map_at_k_says_how_many_labels_a_cell_has() -> None:
    from tabular_dl.competition import Asked, make_submission, prediction_table
    from tabular_dl.problems import get_metric

    p = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]])
    table = prediction_table(pd.Series([1, 2], name="Id"), "kind", p, np.array(["x", "y", "z"]))
    cells = {
        name: make_submission(table, "kind", None, get_metric(name), integers=False, asked=asked)["kind"].tolist()
        for name, asked in (("map_at_k:2", None), ("map_at_k", None), ("map_at_k:3", Asked(top_k=1)))
    }
    assert cells == {"map_at_k:2": ["z y", "x y"], "map_at_k:3": ["z", "x"], "map_at_k": ["z y x", "x y z"]}
