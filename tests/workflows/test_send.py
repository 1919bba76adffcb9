"""`tabular-dl submit --send` and `compare`: sent once, scored, kept in the run, shown beside the CV score."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.entities import LoggedModelOutput, Metric
from scipy.stats import spearmanr

from tabular_dl.resources import bundled

pytestmark = pytest.mark.slow

START, CREATE, ASK = "/StartSubmissionUpload", "/CreateSubmission", "/GetSubmission"


@pytest.fixture
def files(own: Any) -> Path:
    """Put Kaggle's files in the place of the bundled ones: the same without answers."""
    folder = own.folder / "data" / "titanic"
    shutil.copytree(bundled("data") / "titanic", folder)
    (folder / "answers.csv").unlink()
    return folder


@pytest.fixture
def accepting(kaggle: Any, says: Any) -> Any:
    kaggle.answer(START, says(body={"token": "where", "createUrl": f"{kaggle.address}/upload"}))
    kaggle.answer("/upload", says())
    kaggle.answer(CREATE, says(body={"message": "Successfully submitted", "ref": 41}))
    kaggle.answer(ASK, says(body={"ref": 41, "status": "COMPLETE", "publicScore": "0.78468"}))
    return kaggle


def test_a_submission_is_sent_scored_and_kept_in_the_run(cli: Any, own: Any, files: Path, accepting: Any) -> None:
    outcome = cli("submit", "titanic", "--send", "-m", "two folds")
    assert (outcome.code, outcome.err) == (0, "")
    content = (own.folder / "submission.csv").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert accepting.received["/upload"] == [content]
    assert json.loads(accepting.received[CREATE][0])["submissionDescription"] == "two folds"
    assert json.loads(accepting.received[START][0])["competitionName"] == "titanic"
    assert f"Sent to Kaggle's titanic as submission 41 (SHA-256 {digest})." in outcome.out
    assert "Its public score: 0.78468." in outcome.out
    data = own.run.data
    assert data.metrics["public_score"] == 0.78468
    assert "submission_score" not in data.metrics
    assert data.tags["tabular_dl.submission_sha256"] == digest
    assert data.tags["tabular_dl.kaggle_submission"] == "41"
    # The same file again: asked for, not sent.
    outcome = cli("submit", "titanic", "--send")
    assert "Kaggle already has this file, as submission 41." in outcome.out
    assert "Its public score: 0.78468." in outcome.out
    assert len(accepting.received[CREATE]) == 1
    # Another file of the same run is another submission.
    assert cli("submit", "titanic", "--proba", "--send").code == 0
    assert len(accepting.received[CREATE]) == 2
    assert json.loads(accepting.received[CREATE][1])["submissionDescription"].startswith(f"{own.run.info.run_name}, CV")


def test_a_score_that_is_not_there_yet_is_asked_for_later(
    cli: Any, own: Any, files: Path, accepting: Any, says: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tabular_dl.workflows.submit.PAUSE", 0.05)
    accepting.answer(ASK, says(body={"ref": 41, "status": "PENDING"}))
    outcome = cli("submit", "titanic", "--send", "--timeout", "0.2s")
    assert outcome.code == 0
    assert "Kaggle has not scored it within 0.2 s. Run the same command to ask again" in outcome.out
    assert "public_score" not in own.run.data.metrics
    accepting.answer(ASK, says(body={"ref": 41, "status": "COMPLETE", "publicScore": "0.5"}))
    assert "Its public score: 0.5." in cli("submit", "titanic", "--send").out
    assert len(accepting.received[CREATE]) == 1
    assert own.run.data.metrics["public_score"] == 0.5


def test_a_refusal_is_shown_in_kaggles_words_and_the_file_is_there(
    cli: Any, own: Any, files: Path, accepting: Any, says: Any
) -> None:
    words = "Your team has used its daily Submission allowance (10) today, please try again tomorrow UTC"
    accepting.answer(CREATE, says(400, {"code": 400, "message": words}))
    outcome = cli("submit", "titanic", "--send")
    assert outcome.refused() == f"Kaggle says (400): {words}"
    assert "418 rows are in submission.csv" in outcome.out
    assert (own.folder / "submission.csv").exists()
    assert "tabular_dl.kaggle_submission" not in own.run.data.tags


def test_what_kaggle_cannot_score_is_not_computed_at_all(cli: Any, own: Any, kaggle: Any) -> None:
    message = cli("submit", "titanic", "--send").refused()
    assert "come with answers.csv, so they are not Kaggle's. Fit again with Kaggle's files: " in message
    assert message.endswith("tabular-dl data get titanic, then tabular-dl fit titanic --data data/titanic")
    assert not (own.folder / "submission.csv").exists()
    assert kaggle.received == {}


def test_without_a_token_nothing_is_computed(
    cli: Any, own: Any, files: Path, kaggle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    assert "There is no token for Kaggle. Make a token at" in cli("submit", "titanic", "--send").refused()
    assert not (own.folder / "submission.csv").exists()


def test_a_message_is_for_what_is_sent(cli: Any, workspace: Path) -> None:
    assert re.fullmatch(r"-m .*: add --send, or leave -m out\.", cli("submit", "titanic", "-m", "words").refused())


def test_compare_shows_public_scores_and_their_rank_correlation_once_there_are_three(cli: Any, own: Any) -> None:
    def run(cv: float, public: float | None) -> None:
        tags = {k: v for k, v in own.run.data.tags.items() if k.startswith("tabular_dl.") and "folds" not in k}
        made = own.client.create_run(own.run.info.experiment_id, tags={**tags, "tabular_dl.fold_scores": "[]"}).info
        scores = {"cv_score": cv, **({} if public is None else {"public_score": public})}
        own.client.log_batch(made.run_id, metrics=[Metric(name, value, 0, 0) for name, value in scores.items()])
        own.client.log_outputs(made.run_id, [LoggedModelOutput(own.run.outputs.model_outputs[0].model_id, 0)])
        own.client.set_terminated(made.run_id)

    assert "Kaggle" not in cli("compare", "titanic").out
    pairs = [(0.91, 0.77), (0.92, 0.775), (0.93, 0.76), (0.94, 0.78)]
    for cv, public in pairs[:2]:
        run(cv, public)
    two = cli("compare", "titanic").out
    assert "0.7750" in two
    assert "Rank correlation" not in two
    for cv, public in pairs[2:]:
        run(cv, public)
    run(0.99, None)
    out = cli("compare", "titanic").out
    expected = spearmanr(*np.array(pairs).T).statistic
    assert re.search(rf"Rank correlation \(Spearman\).*: {expected:.2f}, 4 runs", out)
    rows = json.loads(cli("compare", "titanic", "--json").out)
    assert [row["public_score"] for row in rows] == [None, 0.78, 0.76, 0.775, 0.77, None]
    table = list(csv.DictReader(io.StringIO(cli("compare", "titanic", "--csv").out)))
    assert table[1]["public_score"] == "0.78"
    assert table[1]["submission_score"] == ""
