"""`tabular-dl fit`: scores beside baselines, and one run or one folder with all that came out of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from tabular_dl import tracking
from tabular_dl.competition.competition import load_competition
from tabular_dl.resources import bundled
from tabular_dl.spec.reader import leaves, load_spec
from tabular_dl.tracking.persistence import load_model

pytestmark = pytest.mark.slow

TRAIN = pd.read_csv(bundled("data") / "titanic" / "train.csv")
TEST = pd.read_csv(bundled("data") / "titanic" / "test.csv")
UNTRACKED = ["--no-track", "--quiet"]


def table_rows(printed: str) -> dict[str, list[str]]:
    """Return the cells of the printed table by their row's first."""
    lines = [line.strip("│┃").replace("┃", "│") for line in printed.splitlines() if line[:1] in ("│", "┃")]
    return {first.strip(): [cell.strip() for cell in cells] for first, *cells in (line.split("│") for line in lines)}


def kaggle_folder(folder: Path, rows: int = 60, *, sample: bool = True) -> Path:
    """Make a folder as one downloads it from Kaggle: no answers, perhaps a sample submission."""
    folder.mkdir()
    TRAIN.head(rows).to_csv(folder / "train.csv", index=False)
    TEST.head(10).to_csv(folder / "test.csv", index=False)
    if sample:
        TEST[["PassengerId"]].head(10).assign(Survived=0).to_csv(folder / "sample_submission.csv", index=False)
    return folder


def kept(folder: Path) -> Path:
    """Return the one folder that a fit has left in outputs/."""
    (found,) = (folder / "outputs").iterdir()
    return found


# What is printed


def test_the_table_has_each_fold_mean_and_standard_error_beside_two_baselines(tracked: Any) -> None:
    found = table_rows(tracked.printed)
    assert found["fold"] == ["2 networks", "majority class", "logistic regression"]
    columns = [tracked.result.scores, *tracked.result.baselines.values()]
    assert len(columns) == 3
    for fold in range(2):
        assert found[str(fold + 1)] == [f"{scores[fold]:.4f}" for scores in columns]
    assert found["mean"] == [f"{sum(scores) / 2:.4f}" for scores in columns]
    # Of two values a and b the standard error is |a - b| / 2.
    assert found["standard error"] == [f"{abs(scores[0] - scores[1]) * np.sqrt(3) / 2:.4f}" for scores in columns]


def test_the_table_says_what_was_scored_and_which_way_is_better(tracked: Any) -> None:
    assert "titanic: accuracy of 2 folds, higher is better" in tracked.printed
    assert "4 networks, 891 rows" in tracked.printed
    assert "seed 0" in tracked.printed


def test_a_simple_model_that_does_better_is_named(cli: Any, workspace: Path, tiny: list[str], tracked: Any) -> None:
    said = " ".join(cli("fit", "wine", *tiny, "--set", "training.learning_rate=1.0e-6", "--no-track").out.split())
    assert re.search(r"The logistic regression is better than the networks by 0\.\d{4}", said)
    assert "tabular-dl search wine looks for better networks." in said
    beaten = [name for name, own in tracked.result.baselines.items() if own.mean() <= tracked.result.scores.mean()]
    assert not [name for name in beaten if f"The {name} is better" in tracked.printed]


def test_the_runs_name_and_id_and_the_next_command_are_said(tracked: Any) -> None:
    run = tracked.run
    assert f"Run {run.info.run_name} ({run.info.run_id}), experiment titanic" in tracked.printed
    assert f"Model models:/{run.outputs.model_outputs[0].model_id}" in tracked.printed
    assert "Next: tabular-dl submit titanic" in tracked.printed


def test_training_is_followed_on_one_line(tracked: Any) -> None:
    assert re.search(r"epoch 2/2  val_loss \d\.\d{4}  val_accuracy \d\.\d{4}  4 of 4 training", tracked.printed)


def test_the_next_command_names_a_file_as_it_was_named(cli: Any, store: Any, workspace: Path, tiny: list[str]) -> None:
    text = (bundled("pipelines") / "wine.yaml").read_text().replace("name: wine", "name: grapes")
    (workspace / "mine.yaml").write_text(text)
    outcome = cli("fit", "mine.yaml", *tiny)
    assert "Next: tabular-dl submit mine.yaml" in outcome.out
    assert cli("submit", "mine.yaml").code == 0


def test_without_an_id_the_next_command_predicts(cli: Any, store: Any, workspace: Path, tiny: list[str]) -> None:
    outcome = cli("fit", "wine", *tiny, "--set", "data.id=null", "--set", "rest=drop")
    assert "tabular-dl submit" not in outcome.out
    command = re.search(r"Next: tabular-dl (predict \S+ \S+test\.csv), or", outcome.out)
    assert command is not None
    assert cli(*command[1].split()).code == 0


def test_after_a_fit_of_a_table_the_next_command_names_the_table(
    cli: Any, store: Any, workspace: Path, tiny: list[str]
) -> None:
    table = workspace / "wine.csv"
    table.write_bytes((bundled("data") / "wine" / "train.csv").read_bytes())
    out = cli("fit", "--train", "wine.csv", "--target", "cultivar", *tiny).out
    command = re.search(r"Next: tabular-dl (init wine-draft --train \S+), with the same options", out)
    assert command is not None
    assert cli(*command[1].split(), "--target", "cultivar").code == 0


def test_quiet_prints_nothing_and_keeps_everything(cli: Any, workspace: Path, tiny: list[str]) -> None:
    outcome = cli("fit", "wine", *tiny, *UNTRACKED)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert (kept(workspace) / "model" / "model.skops").is_file()


# What is computed


def test_the_scores_are_those_of_the_out_of_fold_predictions(tracked: Any) -> None:
    crossfit = tracked.result.crossfit
    labels = crossfit.oof_predictions_.argmax(axis=1)
    expected = [accuracy_score(TRAIN["Survived"][rows], labels[rows]) for rows in crossfit.test_rows_]
    np.testing.assert_allclose(tracked.result.scores, expected)


def test_the_majority_baseline_scores_the_share_of_the_majority(tracked: Any) -> None:
    shares = [(TRAIN["Survived"][rows] == 0).mean() for rows in tracked.result.crossfit.test_rows_]
    np.testing.assert_allclose(tracked.result.baselines["majority class"], shares)


# What is tracked


def test_all_leaves_of_the_specification_are_parameters(tracked: Any) -> None:
    assert tracked.run.data.params == {name: str(value) for name, value in leaves(tracked.result.spec).items()}
    assert tracked.run.data.params["network.hidden"] == "[4]"
    assert tracked.run.data.params["ensemble.members"] == "2"


def test_the_score_its_error_and_the_baselines_are_values_of_the_run(tracked: Any) -> None:
    result, values = tracked.result, tracked.run.data.metrics
    assert values["cv_score"] == values["cv_accuracy"] == pytest.approx(np.mean(result.scores))
    assert values["cv_standard_error"] == pytest.approx(abs(result.scores[0] - result.scores[1]) * np.sqrt(3) / 2)
    assert values["baseline_majority_class"] == pytest.approx(np.mean(result.baselines["majority class"]))
    assert values["baseline_logistic_regression"] == pytest.approx(np.mean(result.baselines["logistic regression"]))
    assert values["best_epoch"] == pytest.approx(result.crossfit.best_epoch_.mean())


def test_the_values_of_the_best_epoch_are_the_mean_over_networks_of_each_ones_best(tracked: Any) -> None:
    history, best = tracked.result.crossfit.curves_, tracked.result.crossfit.best_epoch_
    for name in ("val_loss", "val_accuracy", "loss", "accuracy"):
        expected = np.mean([history[name][epoch - 1, network] for network, epoch in enumerate(best)])
        assert tracked.run.data.metrics[f"best_{name}"] == pytest.approx(expected)


def test_a_curve_has_the_mean_over_all_networks_for_each_epoch(tracked: Any) -> None:
    for name, values in tracked.result.crossfit.curves_.items():
        found = tracked.client.get_metric_history(tracked.run.info.run_id, name)
        assert [metric.step for metric in found] == [1, 2]
        assert [metric.value for metric in found] == pytest.approx([row.mean() for row in values])


def test_each_fold_is_a_child_run_with_its_score(tracked: Any) -> None:
    scores = {child.info.run_name[-1]: child.data.metrics["cv_score"] for child in tracked.children}
    assert scores == {"1": tracked.result.scores[0], "2": tracked.result.scores[1]}
    assert {child.data.tags["mlflow.parentRunId"] for child in tracked.children} == {tracked.run.info.run_id}


def test_the_tables_are_recorded_with_their_digests(tracked: Any) -> None:
    inputs = {entry.dataset.name: entry.dataset for entry in tracked.run.inputs.dataset_inputs}
    competition = load_competition("titanic", "Survived", "PassengerId")
    assert competition.digest.startswith(inputs["titanic-train"].digest)
    assert competition.test_digest.startswith(inputs["titanic-test"].digest)
    assert tracked.run.data.tags["tabular_dl.data_digest"] == competition.digest


def test_the_specification_reads_back_as_the_same(tracked: Any) -> None:
    assert load_spec(tracked.artifacts / "spec.yaml") == tracked.result.spec


@pytest.mark.parametrize(("name", "rows"), [("oof", TRAIN), ("test", TEST)])
def test_predictions_have_the_id_the_prediction_and_a_probability_a_class(
    tracked: Any, name: str, rows: pd.DataFrame
) -> None:
    table = pd.read_csv(tracked.artifacts / "predictions" / f"{name}.csv")
    crossfit = tracked.result.crossfit
    p = crossfit.oof_predictions_ if name == "oof" else crossfit.predict_proba(rows)
    assert list(table) == ["PassengerId", "Survived", "p_0", "p_1"]
    assert list(table["PassengerId"]) == list(rows["PassengerId"])
    np.testing.assert_allclose(table[["p_0", "p_1"]], p)
    np.testing.assert_array_equal(table["Survived"], (p[:, 1] > p[:, 0]).astype(int))


def test_the_figures_are_pictures(tracked: Any) -> None:
    figures = {path.name: path for path in (tracked.artifacts / "figures").iterdir()}
    assert set(figures) == {"learning_curves.png", "confusion_matrix.png"}
    for path in figures.values():
        picture = matplotlib.image.imread(path)
        assert min(picture.shape[:2]) > 100
        assert picture[..., :3].std() > 0


def test_the_working_folder_holds_the_store_and_nothing_else(tracked: Any) -> None:
    assert {path.name for path in tracked.folder.iterdir()} == {"mlflow.db", "mlruns"}


# Options


def test_options_change_the_run(cli: Any, workspace: Path) -> None:
    options = ["--folds", 3, "--members", 2, "--epochs", 1, "--seed", 7, "--set", "network.hidden=[3]"]
    assert cli("fit", "wine", *options, "--set", "training.batch_size=50", *UNTRACKED).code == 0
    spec = load_spec(kept(workspace) / "spec.yaml")
    assert (spec.ensemble.folds, spec.ensemble.members, spec.seed) == (3, 2, 7)
    model = load_model(kept(workspace) / "model" / "model.skops")
    assert len(model.pipelines_) == 3
    network = model.pipelines_[0][-1]
    assert [weight.shape[:1] + weight.shape[2:] for weight in network.weights_.values()] == [
        (2, 3),
        (2, 3),
        (2, 3),
        (2, 3),
    ]
    assert (network.epochs, network.batch_size) == (1, 50)
    assert len(network.curves_["loss"]) == 1


def test_the_same_seed_repeats_predictions_to_the_last_digit_another_does_not(
    cli: Any, workspace: Path, tiny: list[str]
) -> None:
    for seed in (3, 3, 4):
        cli("fit", "wine", *tiny, "--seed", seed, *UNTRACKED)
    first, second, other = [
        [(folder / "predictions" / f"{name}.csv").read_bytes() for name in ("oof", "test")]
        for folder in sorted((workspace / "outputs").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    ]
    assert first == second
    assert first != other


def test_data_names_a_folder_of_kaggles_files(cli: Any, workspace: Path, tiny: list[str]) -> None:
    folder = kaggle_folder(workspace / "my [data] ü😀", sample=False)
    outcome = cli("fit", "titanic", "--data", folder.name, *tiny, "--no-track")
    assert outcome.code == 0
    assert "4 networks, 60 rows" in outcome.out
    predictions = pd.read_csv(kept(workspace) / "predictions" / "test.csv")
    assert list(predictions["PassengerId"]) == list(TEST["PassengerId"].head(10))
    # Absolute, so that the model can be used from anywhere.
    assert load_spec(kept(workspace) / "spec.yaml").data.source == str(folder)
    assert f"tabular-dl predict {kept(workspace).relative_to(workspace)} {folder}/test.csv" in outcome.out


def test_a_regression_leaves_residuals_and_numbers(cli: Any, workspace: Path) -> None:
    options = ["--folds", 2, "--members", 1, "--epochs", 1, "--set", "network.hidden=[3]", "--set", "baselines=simple"]
    outcome = cli("fit", "boston", *options, "--no-track")
    assert "boston: rmse of 2 folds, lower is better" in outcome.out
    assert table_rows(outcome.out)["fold"] == ["1 network", "mean", "linear regression"]
    assert (kept(workspace) / "figures" / "residuals.png").stat().st_size > 0
    for name, rows in (("oof", 404), ("test", 102)):
        table = pd.read_csv(kept(workspace) / "predictions" / f"{name}.csv")
        assert (list(table), len(table)) == (["Id", "MEDV"], rows)
        assert np.isfinite(table["MEDV"]).all()


# Without a store


def test_without_tracking_everything_is_in_a_folder_that_predict_takes(
    cli: Any, workspace: Path, tiny: list[str]
) -> None:
    outcome = cli("fit", "wine", *tiny, "--no-track")
    folder = kept(workspace)
    assert [path.name for path in workspace.iterdir()] == ["outputs"]
    assert re.fullmatch(r"wine-\d{8}-\d{6}", folder.name)
    assert {path.name for path in folder.iterdir()} == {"spec.yaml", "predictions", "figures", "model", "report.html"}
    assert {path.name for path in (folder / "figures").iterdir()} == {"learning_curves.png", "confusion_matrix.png"}
    assert f"Results are in outputs/{folder.name}" in outcome.out
    # The command that the fit says comes next.
    following = re.search(r"Next: tabular-dl (predict .*)", outcome.out)
    assert following is not None
    assert cli(*following[1].split()).code == 0
    test = pd.read_csv(folder / "predictions" / "test.csv")
    pd.testing.assert_frame_equal(pd.read_csv(workspace / "predictions.csv"), test)


def test_others_may_read_the_folder(cli: Any, workspace: Path, tiny: list[str]) -> None:
    cli("fit", "wine", *tiny, *UNTRACKED)
    folder = kept(workspace)
    (workspace / "ordinary").mkdir()
    (workspace / "ordinary.txt").touch()
    assert folder.stat().st_mode == (workspace / "ordinary").stat().st_mode
    assert (folder / "spec.yaml").stat().st_mode == (workspace / "ordinary.txt").stat().st_mode


def test_two_fits_that_end_in_the_same_second_are_both_kept(
    cli: Any, workspace: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.strftime", lambda _: "20260101-120000")
    for _ in range(3):
        assert cli("fit", "wine", *tiny, *UNTRACKED).code == 0
    names = {path.name for path in (workspace / "outputs").iterdir()}
    assert names == {f"wine-20260101-120000{end}" for end in ("", "-2", "-3")}


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_a_store_that_fails_after_the_training_never_loses_a_fit(
    cli: Any, workspace: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch, quiet: tuple[str, ...]
) -> None:
    # Rich would take [parameters] for a style, and fail on [/x].
    def broken(_: Any) -> None:
        raise RuntimeError("[SQL: insert] [parameters: (1,)] [/x]")

    with monkeypatch.context() as patch:
        patch.setattr(tracking, "log_results", broken)
        outcome = cli("fit", "wine", *tiny, *quiet)
    assert outcome.code == 3
    assert "Tracking failed: RuntimeError: [SQL: insert] [parameters: (1,)] [/x]" in outcome.err
    folder = kept(workspace)
    assert outcome.err.strip().endswith(f"log them: tabular-dl recover outputs/{folder.name}")
    assert (folder / "model" / "model.skops").is_file()
    later = cli("compare", "wine")
    assert f"Note: 1 folder of results is not in the store yet (outputs/{folder.name})" in later.err
    recovered = cli("recover")
    assert recovered.code == 0
    assert f"outputs/{folder.name}: run " in recovered.out
    assert not (workspace / "outputs").exists()
    ranked = cli("compare", "wine", "--csv")
    assert ranked.err == ""
    assert len(ranked.out.splitlines()) == 2
    assert "Nothing was left behind" in cli("recover").out


def test_ctrl_c_while_the_run_is_logged_loses_nothing(
    cli: Any, workspace: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tracking, "log_results", interrupted)
    outcome = cli("fit", "wine", *tiny)
    assert outcome.code == 3
    assert outcome.err.startswith("Tracking failed: Ctrl-C")
    assert (kept(workspace) / "run.json").is_file()


@pytest.mark.parametrize(
    ("uri", "expected"), [("sqlite:///{folder}/file/x.db", "There is no folder"), ("nosuch://x", "unsupported URI")]
)
def test_a_store_that_cannot_be_used_is_told_before_the_training(
    cli: Any, workspace: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch, uri: str, expected: str
) -> None:
    (workspace / "file").touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(folder=workspace))
    monkeypatch.setattr("tabular_dl.workflows.fit.train", lambda *_: pytest.fail("trained all the same"))
    assert expected in cli("fit", "wine", *tiny).refused()
    assert {path.name for path in workspace.iterdir()} == {"file"}


def test_a_training_that_diverges_is_told_without_a_warning_and_leaves_nothing(cli: Any, workspace: Path) -> None:
    settings = ["training.optimizer=sgd", "training.learning_rate=1e30", "network.hidden=[4]"]
    options = [option for setting in settings for option in ("--set", setting)]
    message = cli("fit", "wine", *options, "--folds", 2, "--members", 1, "--epochs", 3).refused()
    assert message.startswith("Training diverged")
    assert "Lower learning_rate" in message
    assert list(workspace.iterdir()) == []


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")  # Keras saving itself
def test_callbacks_of_a_pipeline_write_into_the_folder_of_the_run_alone(
    cli: Any, workspace: Path, tiny: list[str]
) -> None:
    callbacks = "training.callbacks=[{CSVLogger: {filename: log.csv}}, {ModelCheckpoint: {filepath: best.keras}}]"
    settings = ["--set", callbacks, "--set", "training.tensorboard=logs"]
    assert cli("fit", "wine", *tiny, *UNTRACKED, *settings).code == 0
    folder = kept(workspace)
    assert [path.name for path in workspace.iterdir()] == ["outputs"]
    assert {path.name for path in (folder / "callbacks").iterdir()} == {"log.csv", "best.keras", "logs"}
    assert (folder / "callbacks" / "log.csv").read_text().startswith("epoch,")
    spec = load_spec(folder / "spec.yaml")
    network = load_model(folder / "model" / "model.skops").pipelines_[0][-1]
    assert spec.training["tensorboard"] == network.tensorboard == "logs", "no folder of this machine is stored"
    assert network.callbacks == spec.training["callbacks"]
