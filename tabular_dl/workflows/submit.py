"""Checked submission from a run, written to a file and sent to Kaggle: `tabular-dl submit`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking
from tabular_dl.atomic_files import write_table
from tabular_dl.competition import (
    Asked,
    Competition,
    Score,
    check_ready,
    ids_of,
    label_notes,
    make_submission,
    prediction_table,
    read_answers,
    score_submission,
    send_submission,
    wait_for_score,
    written_like,
)
from tabular_dl.errors import SubmissionError
from tabular_dl.model_selection import lacks_test_predictions
from tabular_dl.nn import load_quietly
from tabular_dl.spec import PipelineSpec, check_rows, competition_of, load_spec, metric_of, problem_of, scoring_metric
from tabular_dl.tracking import check_opened, open_model
from tabular_dl.workflows.console import print_lines
from tabular_dl.workflows.predictions import predict_rows
from tabular_dl.workflows.stored_predictions import stored_predictions

if TYPE_CHECKING:
    import numpy as np

    from tabular_dl.reporting import Model

__all__ = ["Sending", "submit"]

# Seconds between the first two requests for a score.
PAUSE = 2.0


@dataclass(frozen=True)
class Sending:
    """Options for sending a submission to Kaggle.

    Parameters
    ----------
    message : str, optional
        Description shown on Kaggle; by default the run's name and score.
    seconds : float, default=300.0
        Longest wait for the score.
    """

    message: str | None = None
    seconds: float = 300.0


def submit(
    pipeline: str,
    run: str | None,
    output: Path,
    console: Console | None = None,
    *,
    asked: Asked | None = None,
    sending: Sending | None = None,
    trust: bool = False,
) -> Path:
    """Write a submission from a run's model, and optionally send it to Kaggle.

    Parameters
    ----------
    pipeline : str
        Name of a pipeline, or path of a YAML file.
    run : str or None
        Id or name of a run; None for the finished run with the best cross-validated score.
    output : Path
        File to write; zipped if it ends in ``.zip`` or the table is large.
    console : Console, optional
        Console to print to; standard output by default.
    asked : Asked, optional
        Form of the predictions, and number of labels in a cell; by default those of the sample submission.
    sending : Sending, optional
        Options for sending; by default the submission is not sent.
    trust : bool, default=False
        Whether to execute Python in the model that was not stored by this user on this machine.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    UserError
        If there is no run, or the submission is not valid; nothing is written then. Also if Kaggle rejects the
        submission; the file is kept then.
    """
    console = console or Console()
    written = load_spec(pipeline)
    chosen = _choose_run(written, run)
    model, spec = open_model(chosen, trust=trust, check=False)
    asked = _asked(asked, written, spec)
    competition = competition_of(spec)
    if competition.test is None:
        raise SubmissionError(
            f"There is no test table to predict: add {competition.test_file}, or name the file by data.test in the "
            f"pipeline and fit again. tabular-dl predict {chosen.name} FILE predicts any table."
        )
    if lacks_test_predictions(model):
        part = "" if chosen.tags.get("tabular_dl.kind") == "import" else "has a part that "
        raise SubmissionError(
            f"Run {chosen.name} {part}was imported without predictions of the test rows: import it again with "
            "--test FILE and another --name, or name another run with --run."
        )
    ids = ids_of(competition.test, competition.sample, spec.data.id)
    if ids is None:
        raise SubmissionError(
            f"pipeline {spec.name}: a submission needs data.id, the column that identifies rows, or a sample "
            f"submission whose first column counts the rows of {competition.test_file.name}. Add data.id and fit "
            f"again. tabular-dl predict {chosen.name} FILE predicts any table."
        )
    if sending:
        _check_sendable(spec, competition.folder)
    target = competition.train[spec.data.target]
    metric = metric_of(spec, problem_of(spec, target))
    check_rows(spec, competition.test, str(competition.test_file), rest=False)
    classes, threshold = getattr(model, "classes_", None), getattr(model, "threshold_", None)
    names, sample = (competition.test_file.name, competition.sample_file.name), competition.sample
    notes = label_notes(spec.data.target, classes, sample, metric, asked, names[1])
    table = prediction_table(
        ids, spec.data.target, _predictions(chosen, model, competition, competition.test), classes, threshold
    )
    integers = [str(name) for name, column in pd.DataFrame(target).items() if column.dtype.kind in "iu"]
    submission = make_submission(table, spec.data.target, sample, metric, integers=integers, asked=asked, names=names)
    # Answers are read as numbers, and so are those of a submission that is written with a unit.
    units = competition.target_number, (spec.data.target_names, names[1])
    output = write_table(output, written_like(submission, sample, *units).to_csv(index=False))
    cv_score = f"{chosen.metrics['cv_score']:.4f}" if "cv_score" in chosen.metrics else "unknown"
    lines = [
        f"Run [bold]{escape(chosen.name)}[/] ({chosen.id}), cross-validated {metric.name} {cv_score}",
        f"{len(submission)} rows are in [bold]{escape(str(output))}[/]: header, ids and values are checked.",
        *map(escape, notes),
    ]
    sample_notes = [note for note in competition.notes if note.startswith(f"{competition.sample_file.name}: ")]
    if any("between fields" in note or "decimal sign" in note for note in sample_notes):
        lines.append(f"Unlike {competition.sample_file.name}, it has commas between fields and decimal points.")
    if spec.data.id is None:
        file, first = competition.sample_file.name, escape(str(ids.name))
        lines.append(f"Rows are identified by their order only: {first} of {file} counts the test rows.")
    if chosen.tags.get("tabular_dl.data_digest", competition.digest) != competition.digest:
        lines.append(f"{competition.train_file} has changed since the run was fitted.")
    scores, score_lines = _score_with_answers(submission, table, competition, spec)
    lines += score_lines
    if not score_lines and spec.data.kaggle and not sending:
        option = {"labels": " --labels", "probabilities": " --proba"}.get(asked.form or "", "")
        option += "" if asked.top_k in (None, written.submission.top_k) else f" --top-k {asked.top_k}"
        command = f"tabular-dl submit {pipeline} --run {chosen.name}{option} --send"
        lines.append(f"Next: [bold]{escape(command)}[/] sends it to Kaggle")
    try:
        tracking.log_file(chosen, output, "submission", scores)
    except Exception as error:  # noqa: BLE001 (whatever the store raises, the submission is written)
        lines.append(f"[bold red]It was not added to the run[/]: {_reason(error)}")
    print_lines(console, *lines)
    if sending:
        _send(chosen, str(spec.data.kaggle), output, sending, f"{chosen.name}, CV {metric.name} {cv_score}", console)
    return output


def _predictions(run: tracking.LoggedRun, model: Model, competition: Competition, test: pd.DataFrame) -> np.ndarray:
    """Return a run's stored predictions of the test rows; if a table has changed, new ones of its model."""
    stored = stored_predictions(run, model, competition)
    if stored is not None:
        return stored
    load_quietly()  # networks predict with TensorFlow, which takes seconds to load
    check_opened(model)
    return predict_rows(model, test)


def _reason(error: Exception) -> str:
    """Return an error's message on one line, for printing."""
    return escape(" ".join(str(error).split()))


def _asked(asked: Asked | None, written: PipelineSpec, fitted: PipelineSpec) -> Asked:
    """Return the requested values: of the command, else of the pipeline file, else of the file of the run."""
    asked, keys = asked or Asked(), (written.submission, fitted.submission)
    labels = asked.labels or next((key.values for key in keys if key.values), None)  # noqa: PD011 (no frames)
    top_k = asked.top_k or next((key.top_k for key in keys if key.top_k), None)
    return Asked(asked.form, labels, None if asked.form == "probabilities" else top_k)


def _choose_run(spec: PipelineSpec, run: str | None) -> tracking.LoggedRun:
    if run is None:
        return tracking.best_run(spec.name, spec.metric_name)
    chosen = tracking.find_run(run)
    name = chosen.tags.get("tabular_dl.pipeline")
    if name != spec.name:
        raise SubmissionError(f"Run {run} is of pipeline {name}, not of {spec.name}: tabular-dl submit {name}.")
    return chosen


def _score_with_answers(
    submission: pd.DataFrame, table: pd.DataFrame, competition: Competition, spec: PipelineSpec
) -> tuple[dict[str, float], list[str]]:
    """Return the score of a submission and a line to print, both empty without answers.csv."""
    problem = problem_of(spec, competition.train[spec.data.target])
    name = metric_of(spec, problem).name
    try:
        folder, unit = competition.folder, competition.target_number
        answers = read_answers(folder, competition.target, str(competition.id), unit)
        if answers is None or competition.test is None:
            return {}, []
        metric = scoring_metric(spec, problem, competition.test, competition.test_file.name)
        score = score_submission(submission, table, answers, competition.target, metric)
    except Exception as error:  # noqa: BLE001 (whatever is wrong with the answers, the submission is written)
        return {}, [f"Its {name} against answers.csv cannot be computed: {_reason(error)}"]
    return {"submission_score": score}, [f"Its {name} against answers.csv: [bold]{score:.4f}[/]"]


def _check_sendable(spec: PipelineSpec, folder: Path) -> None:
    """Raise an error for a submission that Kaggle cannot score; a rejected one still counts for the daily limit."""
    if not spec.data.kaggle:
        raise SubmissionError(
            f"pipeline {spec.name}: --send needs data.kaggle, the competition's name in its address on Kaggle: "
            "data: {kaggle: NAME}."
        )
    if (folder / "answers.csv").exists():
        raise SubmissionError(
            f"The test rows in {folder} come with answers.csv, so they are not Kaggle's. Fit again with Kaggle's "
            f"files: tabular-dl data get {spec.data.kaggle}, then tabular-dl fit {spec.name} --data "
            f"data/{spec.data.kaggle}"
        )
    check_ready(spec.data.kaggle)


def _send(
    run: tracking.LoggedRun, competition: str, file: Path, sending: Sending, message: str, console: Console
) -> None:
    """Send a file, wait for its score, and log both in the run. A file that was sent before is not sent again."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    ref = run.tags.get("tabular_dl.kaggle_submission")
    if ref and run.tags.get("tabular_dl.submission_sha256") == digest:
        print_lines(console, f"Kaggle already has this file, as submission {ref}.")
    else:
        ref = str(send_submission(competition, file, sending.message or message))
        print_lines(console, f"Sent to Kaggle's {escape(competition)} as submission {ref} (SHA-256 {digest}).")
        _log_values(run, {}, {"tabular_dl.submission_sha256": digest, "tabular_dl.kaggle_submission": ref}, console)
    with console.status("Kaggle is scoring it"):
        score = wait_for_score(competition, int(ref), sending.seconds, PAUSE)
    if score.public is not None:
        _log_values(run, {"public_score": score.public}, {}, console)
    print_lines(console, _score_message(score, sending.seconds))


def _score_message(score: Score, seconds: float) -> str:
    if score.public is not None:
        return f"Its public score: [bold]{score.public:g}[/]. `tabular-dl compare` shows it beside the CV score."
    if score.complete:
        return "Kaggle has accepted it and shows no public score."
    return (
        f"Kaggle has not scored it within {seconds:g} s. Run the same command to ask again; the file is not sent twice."
    )


def _log_values(run: tracking.LoggedRun, metrics: dict[str, float], tags: dict[str, str], console: Console) -> None:
    try:
        tracking.log_values(run, metrics, tags)
    except Exception as error:  # noqa: BLE001 (whatever the store raises, the submission is at Kaggle)
        print_lines(console, f"[bold red]This was not added to the run[/]: {_reason(error)}")
