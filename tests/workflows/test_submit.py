"""`tabular-dl submit`: the sample's header and ids, joined by id, checked before anything is written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.entities import LoggedModelOutput, Metric
from sklearn.metrics import accuracy_score

from tabular_dl.competition import load_competition, prediction_table
from tabular_dl.resources import bundled
from tabular_dl.spec.reader import dump_spec
from tabular_dl.workflows import stored_predictions, submit
from tabular_dl.workflows.predictions import predict_rows

pytestmark = pytest.mark.slow

DATA = bundled("data") / "titanic"
TRAIN, TEST, SAMPLE, ANSWERS = (
    pd.read_csv(DATA / f"{name}.csv") for name in ("train", "test", "sample_submission", "answers")
)


def kaggle_folder(folder: Path, sample: pd.DataFrame | None) -> Path:
    folder.mkdir()
    TRAIN.head(60).to_csv(folder / "train.csv", index=False)
    TEST.head(40).to_csv(folder / "test.csv", index=False)
    if sample is not None:
        sample.to_csv(folder / "sample_submission.csv", index=False)
    return folder


def labels(tracked: Any) -> pd.Series:
    """Return the label that the fit's model gives each test row, by id."""
    predicted = tracked.result.crossfit.predict(TEST)
    return pd.Series(predicted, index=TEST["PassengerId"])


def better_run(own: Any, score: float) -> str:
    """Add a finished run with this score, and the tracked fit's tags and model; return its id."""
    client, tags = own.client, {k: v for k, v in own.run.data.tags.items() if k.startswith("tabular_dl.")}
    run = client.create_run(own.run.info.experiment_id, tags=tags).info.run_id
    client.log_batch(run, metrics=[Metric("cv_score", score, 0, 0)])
    client.log_outputs(run, [LoggedModelOutput(own.run.outputs.model_outputs[0].model_id, 0)])
    client.set_terminated(run)
    return run


def test_the_file_has_the_samples_header_and_ids_and_whole_numbers(cli: Any, own: Any) -> None:
    outcome = cli("submit", "titanic")
    assert outcome.code == 0
    text = (own.folder / "submission.csv").read_text()
    assert text.splitlines()[0] == "PassengerId,Survived"
    assert len(text.splitlines()) == 1 + 418
    assert {line.split(",")[1] for line in text.splitlines()[1:]} == {"0", "1"}
    submission = pd.read_csv(own.folder / "submission.csv")
    assert list(submission["PassengerId"]) == list(SAMPLE["PassengerId"])
    np.testing.assert_array_equal(submission["Survived"], labels(own).loc[SAMPLE["PassengerId"]])
    assert "418 rows are in submission.csv: header, ids and values are checked." in outcome.out


def test_the_score_against_the_answers_is_printed_and_logged_with_the_file(cli: Any, own: Any) -> None:
    outcome = cli("submit", "titanic", "-o", "mine.csv")
    expected = accuracy_score(ANSWERS["Survived"], labels(own).loc[ANSWERS["PassengerId"]])
    assert f"Its accuracy against answers.csv: {expected:.4f}" in outcome.out
    assert own.run.data.metrics["submission_score"] == pytest.approx(expected)
    logged = own.artifacts / "submission" / "mine.csv"
    assert logged.read_bytes() == (own.folder / "mine.csv").read_bytes()
    run, score = own.run, np.mean(own.result.scores)
    assert f"Run {run.info.run_name} ({run.info.run_id}), cross-validated accuracy {score:.4f}" in outcome.out


def test_the_best_run_is_taken_or_the_one_that_is_named(cli: Any, own: Any) -> None:
    first = own.run.info
    best = better_run(own, 0.99)
    assert f"({best}), cross-validated accuracy 0.9900" in cli("submit", "titanic").out
    for name in (first.run_id, first.run_name):
        assert f"Run {first.run_name} ({first.run_id})" in cli("submit", "titanic", "--run", name).out


def test_quiet_prints_nothing(cli: Any, own: Any) -> None:
    outcome = cli("submit", "titanic", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert (own.folder / "submission.csv").exists()


# Stored predictions


def refuse(*_: object) -> None:
    pytest.fail("the model predicts")


def test_the_runs_own_predictions_are_submitted_without_predicting_again(
    cli: Any, own: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("predict_rows", "check_opened", "load_quietly"):
        monkeypatch.setattr(submit, name, refuse)
    assert cli("submit", "titanic", "--proba").code == 0
    submission = pd.read_csv("submission.csv", converters={"Survived": float}).set_index("PassengerId")
    again = own.result.crossfit.predict_proba(TEST)[:, 1]
    np.testing.assert_array_equal(submission["Survived"].loc[TEST["PassengerId"]], again)


def test_tensorflow_is_not_loaded_for_predictions_that_are_there(own: Any) -> None:
    program = (
        "import sys; sys.argv = ['tabular-dl', 'submit', 'titanic', '-q']\n"
        "from tabular_dl.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as ended: print(ended.code, sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=own.folder, capture_output=True, text=True)
    assert done.stdout == "0 []\n", done.stderr
    assert (own.folder / "submission.csv").exists()


def test_stored_predictions_are_those_of_the_model_bit_for_bit(own: Any) -> None:
    run, competition = submit.tracking.find_run(own.run.info.run_id), own.result.competition
    stored = stored_predictions.stored_predictions(run, own.result.crossfit, competition)
    assert stored is not None
    assert stored.tobytes() == own.result.crossfit.predict_proba(TEST).tobytes()


@pytest.mark.parametrize("changed", ["test", "train", "file", "no file", "no tag"])
def test_the_model_predicts_again_where_a_table_or_the_file_has_changed(
    changed: str, cli: Any, own: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = own.result.competition
    if changed in ("test", "train"):
        folder = own.folder / "changed"
        shutil.copytree(DATA, folder)
        table = TEST.assign(Fare=TEST["Fare"] * 2) if changed == "test" else TRAIN.assign(Fare=TRAIN["Fare"] * 2)
        table.to_csv(folder / f"{changed}.csv", index=False)
        competition = load_competition(str(folder), "Survived", "PassengerId")
        monkeypatch.setattr(submit, "competition_of", lambda _: competition)
    elif changed == "no tag":
        own.client.delete_tag(own.run.info.run_id, stored_predictions.TAG)
    else:
        file = own.artifacts / "predictions" / "test.csv"
        file.unlink() if changed == "no file" else file.write_text(file.read_text().replace("892,0", "892,1"))
    predicted: list[pd.DataFrame] = []

    def predict(model: Any, rows: pd.DataFrame) -> np.ndarray:
        predicted.append(rows)
        return predict_rows(model, rows)

    monkeypatch.setattr(submit, "predict_rows", predict)
    assert cli("submit", "titanic", "--proba").code == 0
    assert [rows.equals(competition.test) for rows in predicted] == [True]
    submission = pd.read_csv("submission.csv", converters={"Survived": float}).set_index("PassengerId")
    again = own.result.crossfit.predict_proba(competition.test)[:, 1]
    np.testing.assert_array_equal(submission["Survived"].loc[TEST["PassengerId"]], again)


def test_predictions_that_a_file_does_not_hold_exactly_are_not_offered(tmp_path: Path, tracked: Any) -> None:
    competition, model = tracked.result.competition, tracked.result.crossfit
    exact = model.predict_proba(TEST)
    file = tmp_path / "test.csv"
    table = prediction_table(TEST["PassengerId"], "Survived", exact, model.classes_)
    table.to_csv(file, index=False)
    assert set(stored_predictions.test_tag(file, exact, model, competition)) == {stored_predictions.TAG}
    assert stored_predictions.test_tag(file, exact.astype(np.float32), model, competition) == {}
    table.round(3).to_csv(file, index=False)
    assert stored_predictions.test_tag(file, exact, model, competition) == {}


@pytest.fixture
def fitted(cli: Any, store: Any, workspace: Path, tiny: list[str]) -> Any:
    """Return a function that fits a folder of Kaggle's files, tracked."""

    def fit(sample: pd.DataFrame | None) -> Path:
        folder = kaggle_folder(workspace / "kaggle", sample)
        assert cli("fit", "titanic", "--data", folder, *tiny, "-q").code == 0
        return folder

    return fit


SHUFFLED = SAMPLE.head(40).sample(frac=1, random_state=0)


def test_ids_come_in_the_samples_order_and_take_their_own_predictions_along(
    cli: Any, fitted: Any, store: Any, workspace: Path
) -> None:
    fitted(SHUFFLED)
    outcome = cli("submit", "titanic")
    assert "40 rows are in submission.csv" in outcome.out
    # Kaggle keeps its answers: what comes next is to send the file.
    assert "against answers.csv" not in outcome.out
    assert "--send sends it to Kaggle" in outcome.out
    submission = pd.read_csv("submission.csv")
    assert list(submission["PassengerId"]) == list(SHUFFLED["PassengerId"])
    (run,) = store.search_runs(
        [store.get_experiment_by_name("titanic").experiment_id], "tags.`tabular_dl.kind` = 'fit'"
    )
    predicted = pd.read_csv(Path(run.info.artifact_uri) / "predictions" / "test.csv").set_index("PassengerId")
    assert predicted["Survived"].nunique() == 2
    np.testing.assert_array_equal(submission["Survived"], predicted["Survived"].loc[SHUFFLED["PassengerId"]])
    assert "submission_score" not in run.data.metrics


def test_without_a_sample_the_file_has_id_and_target_in_the_test_rows_order(cli: Any, fitted: Any) -> None:
    fitted(None)
    assert cli("submit", "titanic").code == 0
    submission = pd.read_csv("submission.csv")
    assert list(submission) == ["PassengerId", "Survived"]
    assert list(submission["PassengerId"]) == list(TEST["PassengerId"].head(40))
    assert submission["Survived"].dtype == "int64"


def test_a_sample_that_changed_since_the_fit_is_refused_and_nothing_is_written(
    cli: Any, fitted: Any, store: Any, workspace: Path
) -> None:
    folder = fitted(SHUFFLED)
    refusals = {
        "The ids of test.csv and sample_submission.csv differ in 2 rows: 999999 is only in sample_submission.csv; "
        f"{SHUFFLED['PassengerId'].iloc[0]} is only in test.csv": SHUFFLED.assign(
            PassengerId=[999999, *SHUFFLED["PassengerId"].iloc[1:]]
        ),
        "The ids of test.csv and sample_submission.csv differ in 10 rows": SHUFFLED.head(30),
        f"the id {SHUFFLED['PassengerId'].iloc[0]} appears more than once": SHUFFLED.iloc[[0, *range(40)]],
        "has the columns PassengerId; expected PassengerId and one column": SHUFFLED[["PassengerId"]],
    }
    for message, sample in refusals.items():
        sample.to_csv(folder / "sample_submission.csv", index=False)
        assert message in cli("submit", "titanic").refused()
        assert {path.name for path in workspace.iterdir()} == {"kaggle", "mlflow.db", "mlruns"}
    (run,) = store.search_runs(
        [store.get_experiment_by_name("titanic").experiment_id], "tags.`tabular_dl.kind` = 'fit'"
    )
    assert not (Path(run.info.artifact_uri) / "submission").exists()


# Runs that cannot be used


def test_without_a_run_one_is_told_to_fit_first_and_nothing_is_written(cli: Any, workspace: Path) -> None:
    message = cli("submit", "titanic").refused()
    assert message.startswith("There is no finished run of titanic in sqlite:///")
    assert message.endswith("Fit one first: tabular-dl fit titanic")
    assert list(workspace.iterdir()) == []


def test_a_run_that_does_not_exist_is_refused(cli: Any, own: Any) -> None:
    message = cli("submit", "titanic", "--run", "no-such-run-1").refused()
    assert message.startswith("There is no run 'no-such-run-1' in sqlite:///")
    assert not (own.folder / "submission.csv").exists()


def test_a_run_of_another_pipeline_is_refused_with_the_command_for_it(cli: Any, own: Any) -> None:
    run = own.run.info.run_name
    message = cli("submit", "wine", "--run", run).refused()
    assert message == f"Run {run} is of pipeline titanic, not of wine: tabular-dl submit titanic."


def test_a_fold_is_not_a_run_to_submit(cli: Any, own: Any) -> None:
    fold = own.children[0].info
    assert (
        f"Run {fold.run_name} ({fold.run_id}) has no model" in cli("submit", "titanic", "--run", fold.run_id).refused()
    )


def test_a_folder_that_does_not_exist_to_write_to_is_refused_and_nothing_is_logged(cli: Any, own: Any) -> None:
    assert "nowhere/x.csv cannot be written" in cli("submit", "titanic", "-o", "nowhere/x.csv").refused()
    assert "submission_score" not in own.run.data.metrics
    assert not (own.artifacts / "submission").exists()


def test_a_pipeline_without_an_id_has_no_submission(cli: Any, own: Any) -> None:
    spec = own.result.spec.model_copy(update={"data": own.result.spec.data.model_copy(update={"id": None})})
    model_id = own.run.outputs.model_outputs[0].model_id
    folder = Path(own.client.get_logged_model(model_id).artifact_location)
    (folder / "extra_files" / "spec.yaml").write_text(dump_spec(spec))
    message = cli("submit", "titanic").refused()
    assert message.startswith("pipeline titanic: a submission needs data.id, the column that identifies rows, or")
    assert message.endswith(f"tabular-dl predict {own.run.info.run_name} FILE predicts any table.")
