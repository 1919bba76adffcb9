"""`metric: ndcg` from `init` to `submit`: each score is a plain loop over scikit-learn's on what is stored."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from tabular_dl.spec import load_spec
from tests.competitions import search_engine

pytestmark = pytest.mark.slow

MADE = search_engine()
PIPELINE = """
name: pages
problem: regression
data: {source: ., target: relevance, id: row}
metric: {name: ndcg, k: 5}
columns:
  - {columns: [match, links], scale: standard}
rest: drop
model: {name: ridge, parameters: {alpha: 1.0}}
ensemble: {folds: 3, members: 1, split: group, group: query}
baselines: simple
search:
  model.parameters.alpha: {log_uniform: [0.01, 1000.0]}
"""


@pytest.fixture
def pages(workspace: Path) -> Path:
    """Write the tables of a search engine, the answers and a pipeline."""
    MADE.write(workspace)
    assert MADE.answers is not None
    MADE.answers.sample(frac=1, random_state=0).to_csv("answers.csv", index=False)
    Path("pages.yaml").write_text(PIPELINE)
    return workspace


def looped(table: pd.DataFrame, k: int | None = 5) -> float:
    """Return the mean of scikit-learn's NDCG over the queries; a single page is in the best order, if relevant."""
    values = [
        float(pages["relevance"].iloc[0] > 0)
        if len(pages) == 1
        else ndcg_score([pages["relevance"]], [pages["predicted"]], k=k)
        for _, pages in table.groupby("query")
    ]
    return float(np.mean(values))


def by_fold(run: Any, folds: pd.DataFrame) -> list[float]:
    """Return the score of each fold of a run's stored predictions."""
    oof = pd.read_csv(Path(run.info.artifact_uri) / "predictions" / "oof.csv").rename(
        columns={"relevance": "predicted"}
    )
    table = MADE.train.merge(oof, on="row").merge(folds, on="row")
    assert len(table) == len(MADE.train)
    return [looped(rows) for _, rows in table.groupby("fold")]


def runs(store: Any, kind: str) -> list[Any]:
    experiment = store.get_experiment_by_name("pages").experiment_id
    return store.search_runs([experiment], f"tags.`tabular_dl.kind` = '{kind}'", order_by=["attributes.start_time"])


def test_a_fit_an_import_a_blend_and_a_submission_are_scored_by_query(cli: Any, store: Any, pages: Path) -> None:
    fitted = cli("fit", "pages.yaml")
    assert fitted.code == 0, fitted
    assert "linear regression" in fitted.out
    assert cli("folds", "pages.yaml", "--output", "folds.csv").code == 0
    folds = pd.read_csv("folds.csv")
    assert MADE.test is not None
    assert MADE.answers is not None
    for name, table in (("oof", MADE.train), ("predicted", MADE.test)):
        table[["row"]].assign(relevance=table["links"]).to_csv(f"{name}.csv", index=False)
    imported = cli("import", "pages.yaml", "--oof", "oof.csv", "--test", "predicted.csv", "--name", "links")
    assert imported.code == 0, imported
    assert cli("ensemble", "pages.yaml").code == 0
    of_kind = {kind: runs(store, kind)[0] for kind in ("fit", "import", "ensemble")}
    scores = {kind: by_fold(run, folds) for kind, run in of_kind.items()}
    for kind, run in of_kind.items():
        assert run.data.metrics["cv_score"] == pytest.approx(np.mean(scores[kind]))
    printed = re.findall(r"^│ \d +│ +([\d.]+) │", fitted.out, re.MULTILINE)
    assert printed == [f"{score:.4f}" for score in scores["fit"]]
    assert np.mean(scores["ensemble"]) > np.mean(scores["import"])
    submitted = cli("submit", "pages.yaml", "--run", of_kind["fit"].info.run_name)
    assert submitted.code == 0, submitted
    predicted = pd.read_csv("submission.csv").rename(columns={"relevance": "predicted"})
    expected = looped(MADE.test.merge(predicted, on="row").merge(MADE.answers, on="row"))
    assert f"Its ndcg:5 against answers.csv: {expected:.4f}" in submitted.out
    folds.assign(fold=np.arange(len(folds)) % 3).to_csv("torn.csv", index=False)
    refused = cli("import", "pages.yaml", "--oof", "oof.csv", "--name", "torn", "--folds", "torn.csv").refused()
    assert re.match(r"torn\.csv: fold 1 has \d of the \d+ rows of a query", refused)


def test_a_search_scores_whole_queries_and_holds_some_out(cli: Any, store: Any, pages: Path) -> None:
    outcome = cli("search", "pages.yaml", "--trials", "4", "--rounds", "1")
    assert outcome.code == 0, outcome
    (search,) = runs(store, "search")
    assert 0.5 < search.data.metrics["cv_score"] <= 1
    assert 0.5 < search.data.metrics["holdout_winner"] <= 1
    assert 0 < search.data.metrics["holdout_winner_error"] < 0.2


def test_a_draft_names_the_query_and_check_accepts_it(cli: Any, pages: Path) -> None:
    assert cli("init", "drafted", "--train", "train.csv", "--metric", "ndcg").code == 0
    spec = load_spec("drafted")
    assert (spec.problem, spec.metric, spec.ensemble.split, spec.ensemble.group) == (
        "regression",
        "ndcg",
        "group",
        "query",
    )
    text = " ".join(Path("pipelines/drafted.yaml").read_text().replace("#", " ").split())
    assert "ndcg orders the rows of a query by the relevance that is predicted for them" in text
    assert "The metric is the mean over queries: query has that of each row" in text
    outcome = cli("check", "drafted")
    assert outcome.code == 0, outcome
    # Without the column, the draft says what is missing, and the commands refuse to train.
    MADE.train.drop(columns="query").to_csv("train.csv", index=False)
    assert cli("init", "unnamed", "--train", "train.csv", "--metric", "ndcg").code == 0
    assert "No column looks like the query of each row" in Path("pipelines/unnamed.yaml").read_text()
    for command in (["fit"], ["search", "--trials", "2"], ["auto", "--time", "1m"], ["check"]):
        outcome = cli(command[0], "unnamed", *command[1:])
        assert outcome.code == 2
        assert "metric: ndcg is the mean over queries, and the pipeline names no column" in outcome.out + outcome.err
