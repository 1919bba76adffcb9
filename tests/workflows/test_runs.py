"""Runs that are compared, blended, promoted and fitted again."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tabular_dl.errors import SpecError, SubmissionError, UserError
from tabular_dl.tracking import run_log, runs
from tabular_dl.tracking.stored_model import open_model
from tabular_dl.workflows.compare import compare
from tabular_dl.workflows.ensemble import ensemble
from tabular_dl.workflows.fit import fit
from tabular_dl.workflows.predict import predict
from tabular_dl.workflows.promote import promote
from tabular_dl.workflows.reproduce import reproduce
from tabular_dl.workflows.submit import submit

pytestmark = pytest.mark.slow

TINY = [
    "ensemble.folds=3",
    "ensemble.members=1",
    "training.epochs=5",
    "network.hidden=[6]",
    "network.learning_rate=0.02",
    "baselines=simple",
]
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Any:
    """Work in a folder with three fits of titanic."""
    place = tmp_path_factory.mktemp("runs")
    shutil.copy(empty_store, place / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for change in ("network.l2=0.0", "network.l2=0.01", "network.dropout=0.1"):
            fit("titanic", [*TINY, change], console=QUIET)
        yield place


def said(work: Any, *arguments: Any, **named: Any) -> str:
    out = io.StringIO()
    work(*arguments, console=Console(file=out, width=160), **named)
    return out.getvalue()


def test_the_leaderboard_says_scores_errors_and_what_differs(folder: Path) -> None:
    rows = compare("titanic", console=QUIET)
    fits = [row for row in rows if row.entry.kind == "fit"]
    assert len(fits) == 3
    assert [row.entry.score for row in fits] == sorted((row.entry.score for row in fits), reverse=True)
    for row in fits:
        assert row.entry.score == pytest.approx(row.entry.fold_scores.mean())
    text = said(compare, "titanic")
    assert "titanic: accuracy in cross-validation, higher is better" in text
    assert all(row.entry.name in text for row in fits)
    assert "l2 0.01" in text or "l2 0.0" in text


def test_the_leaderboard_as_csv_and_json(folder: Path) -> None:
    out = io.StringIO()
    compare("titanic", form="json", top=2, out=out)
    rows = json.loads(out.getvalue())
    assert [row["rank"] for row in rows] == [1, 2]
    out = io.StringIO()
    compare("titanic", form="csv", out=out)
    table = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert float(table[0]["cv_score"]) == rows[0]["cv_score"]


def test_a_table_has_the_best_rows_and_says_how_to_see_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = compare("titanic", form="csv", out=io.StringIO())
    monkeypatch.setattr("tabular_dl.workflows.compare.MOST_ROWS", 2)
    rows = compare("titanic", console=QUIET)
    assert [(row.rank, row.entry.id, row.error, row.changes) for row in rows] == [
        (row.rank, row.entry.id, row.error, row.changes) for row in every[:2]
    ]
    hidden = len(every) - 2
    text = said(compare, "titanic")
    assert f"Not shown: {hidden} more run" in text
    assert f"tabular-dl compare titanic --top {len(every)}" in text
    assert "Not shown" not in said(compare, "titanic", top=len(every))
    assert "tabular-dl compare titanic --all --top" in said(compare, "titanic", every=True)


@pytest.mark.parametrize("method", ["greedy", "stack"])
def test_a_blend_is_a_run_that_predict_submit_and_compare_take(folder: Path, method: str) -> None:
    text = io.StringIO()
    run = ensemble("titanic", method=method, console=Console(file=text, width=160))
    assert f"blend ({'stack: meta logistic' if method == 'stack' else method})" in text.getvalue()
    model, _ = open_model(run)
    assert len(model.models) == 3
    test = pd.read_csv(Path(run_log.__file__).parents[2] / "data" / "titanic" / "test.csv")
    by_hand = model.blend_.combine(np.stack([own.predict_proba(test) for own in model.models]))
    np.testing.assert_allclose(model.predict_proba(test), by_hand)
    y = pd.read_csv(Path(run_log.__file__).parents[2] / "data" / "titanic" / "train.csv")["Survived"].to_numpy()
    nested = [np.mean(model.oof_predictions_[rows].argmax(axis=1) == y[rows]) for rows in model.test_rows_]
    assert run.metrics["cv_score"] == pytest.approx(np.mean(nested))
    test.to_csv(folder / "rows.csv", index=False)
    predict(run.id, folder / "rows.csv", folder / "out.csv", QUIET)
    assert len(pd.read_csv(folder / "out.csv")) == len(test)
    submit("titanic", run.id, folder / "submission.csv", QUIET)
    assert run.name in [row.entry.name for row in compare("titanic", console=QUIET)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"meta": "hist_gradient_boosting", "passthrough": True}, "stack: meta hist_gradient_boosting, passthrough"),
        ({"levels": 2}, "stack: levels 2"),
    ],
)
def test_meta_models_are_stored_and_reported(
    folder: Path, options: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "tabular_dl.model_selection.meta_models"
    monkeypatch.setattr(f"{path}.TREES", {"max_iter": 10, "max_leaf_nodes": 3})
    monkeypatch.setattr(f"{path}.NETWORK", {"hidden": [3], "linear_skip": True, "epochs": 3})
    text = io.StringIO()
    run = ensemble("titanic", top=2, method="stack", console=Console(file=text, width=160), **options)
    assert f"blend ({words})" in text.getvalue()
    assert "each fold is predicted by meta models trained on the other folds" in text.getvalue()
    page = mlflow.artifacts.load_text(f"runs:/{run.id}/report.html")
    assert f"Blended runs, method {words}" in page
    model, _ = open_model(run)
    data = Path(run_log.__file__).parents[2] / "data" / "titanic"
    test, y = pd.read_csv(data / "test.csv"), pd.read_csv(data / "train.csv")["Survived"].to_numpy()
    inputs = np.stack([own.predict_proba(test) for own in model.models])
    stored = pd.read_csv(io.StringIO(mlflow.artifacts.load_text(f"runs:/{run.id}/predictions/test.csv")))
    np.testing.assert_allclose(model.predict_proba(test), stored.filter(regex="^p|prob").to_numpy(), atol=1e-6)
    nested = [np.mean(model.oof_predictions_[rows].argmax(axis=1) == y[rows]) for rows in model.test_rows_]
    assert run.metrics["cv_score"] == pytest.approx(np.mean(nested))
    if "levels" in options:
        assert list(model.blend_.level_weights_) == ["logistic", "hist_gradient_boosting", "network"]
        assert all(f"level 1: {name}" in page for name in model.blend_.level_weights_)
        level = [meta.combine(inputs) for meta in model.blend_.stack_.first_]
        weights = [*model.blend_.weights_, *model.blend_.level_weights_.values()]
        by_hand = np.average([*inputs, *level], axis=0, weights=weights)
        np.testing.assert_allclose(model.predict_proba(test), by_hand, atol=1e-6)
    else:
        assert not any(name.startswith("weight_") for name in run.metrics)
        assert model.blend_.stack_.last_.model_.n_features_in_ > 2  # the columns of the table as well


def test_runs_of_other_folds_are_not_blended(folder: Path) -> None:
    fit("titanic", [*TINY, "seed=5", "network.learning_rate=1.0e-6"], console=QUIET)  # not the best: it learns nothing
    best = [row.entry for row in compare("titanic", console=QUIET) if row.entry.kind == "fit"]
    newest = max(best, key=lambda entry: entry.started)
    first = next(entry for entry in best if entry.folds != newest.folds)
    with pytest.raises(UserError, match=rf"Run {newest.name} has other folds than {first.name}.*ensemble\.folds"):
        ensemble("titanic", [first.id, newest.name], console=QUIET)
    text = said(ensemble, "titanic", method="mean")
    assert re.search(rf"Left out because of other folds \(ensemble\.folds, seed\).*: {newest.name}", text)
    assert "score of the blend: the mean of the runs" in text


def test_one_run_is_no_blend(folder: Path) -> None:
    only = compare("titanic", console=QUIET)[0].entry.id
    with pytest.raises(SubmissionError, match="A blend needs two runs or more of titanic, --runs names 1:"):
        ensemble("titanic", [only, only], console=QUIET)
    blend = next(row.entry for row in compare("titanic", console=QUIET) if row.entry.kind == "ensemble")
    with pytest.raises(SubmissionError, match=rf"Run {blend.name} is a blend.*name its runs"):
        ensemble("titanic", [only, blend.id], console=QUIET)
    with pytest.raises(UserError, match=r"--method: there is no 'greed'"):
        ensemble("titanic", method="greed", console=QUIET)


def test_a_fit_is_reproduced_bit_for_bit(folder: Path) -> None:
    run = next(row.entry for row in compare("titanic", console=QUIET) if row.entry.kind == "fit")
    out = io.StringIO()
    found = reproduce(run.id, Console(file=out, width=160))
    assert found.identical
    assert found.largest == 0
    assert found.different == {}
    assert "Identical: all 1782 out-of-fold predictions" in out.getvalue()


def test_what_differs_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tabular_dl.workflows import reproduce as module

    run = next(row.entry for row in compare("titanic", console=QUIET) if row.entry.kind == "fit")
    monkeypatch.setattr(module, "environment", lambda _: {"keras": "0.1"})
    monkeypatch.setattr(module, "train", lambda spec, console, **_: _other(spec, console))
    text = said(reproduce, run.id)
    assert "Not identical" in text
    assert "keras was " in text
    assert ", is 0.1" in text


def _other(spec: Any, console: Any) -> Any:
    from tabular_dl.workflows.training import train

    return train(spec.model_copy(update={"seed": 77}), console)


def test_a_blend_is_not_fitted_again(folder: Path) -> None:
    blend = ensemble("titanic", top=2, method="mean", console=QUIET)
    with pytest.raises(SpecError, match="is not a fit, but a ensemble"):
        reproduce(blend.id, QUIET)


def test_a_blend_without_a_test_table_predicts_no_test_rows(folder: Path) -> None:
    shutil.copytree(Path(run_log.__file__).parents[2] / "data" / "titanic", folder / "data" / "titanic")
    (folder / "data" / "titanic" / "test.csv").unlink()
    blend = ensemble("titanic", top=2, method="mean", console=QUIET)
    shutil.rmtree(folder / "data")
    files = mlflow.artifacts.list_artifacts(run_id=blend.id, artifact_path="predictions")
    assert [Path(file.path).name for file in files] == ["oof.csv"]


def test_an_alias_names_a_model_until_it_is_given_to_another(folder: Path) -> None:
    first, second = [row.entry for row in compare("titanic", console=QUIET) if row.entry.kind == "fit"][:2]
    assert promote(first.id, "champion", QUIET) == "titanic@champion"
    assert runs.find_run("titanic@champion").id == first.id
    promote(second.id, "champion", QUIET)
    assert runs.find_run("titanic@champion").id == second.id
    submit("titanic", "titanic@champion", folder / "champion.csv", QUIET)
    assert len(pd.read_csv(folder / "champion.csv")) == 418
    for alias in ("latest", "v1", "", "a b"):
        with pytest.raises(SpecError, match="--as: expected a word like champion"):
            promote(first.id, alias, QUIET)
    with pytest.raises(SubmissionError, match="No model of titanic has the alias 'nobody'"):
        runs.find_run("titanic@nobody")
