"""`metric: qwk` of a regression: cut points reach score, run, predictions and submission."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from tabular_dl.model_selection import fold_scores
from tabular_dl.problems import apply_cut_points, get_metric
from tabular_dl.tracking import open_model

pytestmark = pytest.mark.slow

PIPELINE = """
name: essays
problem: regression
data: {source: ., target: grade, id: Id}
metric: qwk
columns:
  - {columns: [words, errors], scale: standard}
model: ridge
ensemble: {folds: 3, members: 1}
baselines: none
"""


@pytest.fixture
def essays(workspace: Path) -> np.ndarray:
    """Write tables of 90 and 20 rows, a sample and the pipeline; return the grades."""
    rng = np.random.default_rng(0)
    grades = rng.integers(1, 6, 110)
    words, errors = grades + rng.normal(scale=2, size=110), -grades + rng.normal(scale=2, size=110)
    table = pd.DataFrame({"Id": np.arange(110), "words": words, "errors": errors, "grade": grades}).round(3)
    table[:90].to_csv("train.csv", index=False)
    table[90:].drop(columns="grade").to_csv("test.csv", index=False)
    table[90:][["Id"]].assign(grade=1).to_csv("sample_submission.csv", index=False)
    Path("essays.yaml").write_text(PIPELINE)
    return grades[:90]


def test_cut_points_reach_everything_that_is_made_of_a_run(cli: Any, store: Any, essays: np.ndarray) -> None:
    outcome = cli("fit", "essays.yaml")
    assert outcome.code == 0, outcome
    assert "between the labels; each fold is scored with those of the other folds" in outcome.out
    (experiment,) = [store.get_experiment_by_name("essays").experiment_id]
    run = store.search_runs([experiment], "tags.`tabular_dl.kind` = 'fit'")[-1]
    model, _ = open_model(run.info.run_id)
    scores = fold_scores(model, essays, get_metric("qwk"))
    assert run.data.metrics["cv_score"] == pytest.approx(scores.mean())
    np.testing.assert_allclose([run.data.metrics[f"cut_point_{n}"] for n in range(1, 5)], model.cut_points_)
    oof = pd.read_csv(Path(run.info.artifact_uri) / "predictions" / "oof.csv")["grade"].to_numpy()
    own = [cohen_kappa_score(essays[rows], oof[rows], weights="quadratic") for rows in model.test_rows_]
    assert np.mean(own) == pytest.approx(scores.mean())
    test = pd.read_csv("test.csv")
    expected = apply_cut_points(model.predict_values(test), model.cut_points_, np.arange(1, 6))
    assert cli("predict", run.info.run_name, "test.csv").code == 0
    np.testing.assert_array_equal(pd.read_csv("predictions.csv")["grade"], expected)
    assert cli("submit", "essays.yaml", "--run", run.info.run_name).code == 0
    np.testing.assert_array_equal(pd.read_csv("submission.csv")["grade"], expected)


@pytest.mark.parametrize(
    ("values", "problem", "message"),
    [
        (
            np.r_[1.5, np.ones(44), np.full(45, 2.0)],
            "regression",
            "row 1: qwk scores whole numbers as labels, found",
        ),
        (
            np.arange(90),
            "regression",
            "grade (the target) has 90 different values; qwk scores labels, of",
        ),
        (["low", "mid", "high"] * 30, "multiclass", "qwk is for ordered labels, and texts such as 'low' have no order"),
    ],
)
def test_a_target_without_ordered_labels_is_refused(
    cli: Any, essays: np.ndarray, values: Any, problem: str, message: str
) -> None:
    pd.read_csv("train.csv").assign(grade=values).to_csv("train.csv", index=False)
    outcome = cli("check", "essays.yaml", "--set", f"problem={problem}", "--set", "model=hist_gradient_boosting")
    assert outcome.code == 2, outcome
    assert message in " ".join((outcome.err + outcome.out).split()), outcome
