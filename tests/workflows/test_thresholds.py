"""`threshold: auto`: chosen on out-of-fold predictions, scored honestly, used by predict and submit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from tabular_dl.problems.decisions import best_threshold, decide
from tabular_dl.problems.metrics import get_metric
from tabular_dl.resources import bundled
from tabular_dl.tracking.stored_model import open_model

DATA = bundled("data") / "titanic"
TUNED = ["--set", "metric=balanced_accuracy", "--set", "threshold=auto"]


def test_a_threshold_reaches_score_model_predictions_and_submission(
    cli: Any, store: Any, workspace: Path, tiny: list[str]
) -> None:
    outcome = cli("fit", "titanic", *tiny, *TUNED)
    assert outcome.code == 0, outcome
    assert "each fold is scored with the threshold of the other folds" in outcome.out
    (run,) = store.search_runs(
        [store.get_experiment_by_name("titanic").experiment_id], "tags.`tabular_dl.kind` = 'fit'"
    )
    model, spec = open_model(run.info.run_id)
    assert spec.threshold == "auto"
    y, p, metric = (
        pd.read_csv(DATA / "train.csv")["Survived"].to_numpy(),
        model.oof_predictions_,
        get_metric(spec.metric),
    )
    assert model.threshold_ == best_threshold(y, p, model.classes_, metric)
    assert run.data.metrics["threshold"] == pytest.approx(model.threshold_)
    by_hand = []
    for fold, others in ((0, 1), (1, 0)):
        own, other = model.test_rows_[fold], model.test_rows_[others]
        threshold = best_threshold(y[other], p[other], model.classes_, metric)
        by_hand.append(balanced_accuracy_score(y[own], p[own, 1] > threshold))
    assert run.data.metrics["cv_score"] == pytest.approx(np.mean(by_hand))
    oof = pd.read_csv(Path(run.info.artifact_uri) / "predictions" / "oof.csv")
    scores = [balanced_accuracy_score(y[rows], oof["Survived"].to_numpy()[rows]) for rows in model.test_rows_]
    assert np.mean(scores) == pytest.approx(np.mean(by_hand))
    # The model that was stored decides by its threshold, wherever it is used.
    test = pd.read_csv(DATA / "test.csv")
    expected = decide(model.predict_proba(test), model.threshold_).argmax(axis=1)
    np.testing.assert_array_equal(model.predict(test), expected)
    assert cli("predict", run.info.run_name, DATA / "test.csv").code == 0
    np.testing.assert_array_equal(pd.read_csv("predictions.csv")["Survived"], expected)
    assert cli("submit", "titanic").code == 0
    np.testing.assert_array_equal(pd.read_csv("submission.csv")["Survived"], expected)
    assert cli("submit", "titanic", "--proba", "-o", "p.zip").code == 0
    np.testing.assert_allclose(pd.read_csv("p.zip")["Survived"], model.predict_proba(test)[:, 1])


@pytest.mark.parametrize(
    ("pipeline", "changes", "message"),
    [
        (
            "titanic",
            ["threshold=1.5"],
            r"--set threshold=1\.5: threshold: expected auto or a probability between 0 and 1",
        ),
        ("titanic", ["threshold=true"], "expected auto or a probability between 0 and 1, found True"),
        ("titanic", ["threshold=best"], "expected auto or a probability between 0 and 1, found 'best'"),
        (
            "titanic",
            ["threshold=auto", "metric=roc_auc"],
            r"threshold: auto .*labels \(accuracy, balanced_accuracy, f1, f_beta, f1_macro, mcc, qwk\).*roc_auc "
            r".*probabilities.* "
            "[Rr]emove it, or write a number",
        ),
        ("wine", ["threshold=0.4"], r"threshold: 0\.4 .*two classes.* problem: multiclass.* [Rr]emove"),
        (
            "boston",
            ["threshold=auto"],
            "threshold: auto .*two classes.* problem: regression.* [Rr]emove",
        ),
    ],
)
def test_a_threshold_that_decides_nothing_is_refused(
    cli: Any, workspace: Path, tiny: list[str], pipeline: str, changes: list[str], message: str
) -> None:
    settings = [option for change in changes for option in ("--set", change)]
    assert re.search(message, cli("fit", pipeline, *tiny, *settings).refused())
    assert list(workspace.iterdir()) == []
