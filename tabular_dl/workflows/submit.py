"""`tabular-dl submit`: the best run's predictions as a submission file, checked before anyone sees it, and sent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking
from tabular_dl.atomic_files import write_table
from tabular_dl.competition import (
    Competition,
    Form,
    Score,
    check_ready,
    ids_of,
    make_submission,
    prediction_table,
    read_answers,
    score_submission,
    send_submission,
    wait_for_score,
)
from tabular_dl.errors import SubmissionError
from tabular_dl.spec import PipelineSpec, check_rows, competition_of, load_spec, metric_of, problem_of
from tabular_dl.tracking import open_model

if TYPE_CHECKING:
    import pandas as pd

    from tabular_dl.problems import Metric

__all__ = ["Sending", "submit"]

# Seconds between the first two questions for a score.
PAUSE = 2.0


@dataclass(frozen=True)
class Sending:
    """How a submission is sent to Kaggle.

    Parameters
    ----------
    message : str or None
        Shown beside it on Kaggle; None is the run's name and score.
    seconds : float
        How long to wait for its score.
    """

    message: str | None = None
    seconds: float = 300.0


def submit(
    pipeline: str,
    run: str | None,
    output: Path,
    console: Console | None = None,
    *,
    form: Form | None = None,
    sending: Sending | None = None,
) -> Path:
    """Write a submission from a run's model, and send it to Kaggle if asked to.

    Parameters
    ----------
    pipeline : str
        The name of a pipeline, or the path of a YAML file.
    run : str or None
        A run's id or name; None takes the finished run with the best cross-validated score.
    output : Path
        Where to write; zipped if it ends in ``.zip`` or the table is large.
    console : Console, optional
        Where to print.
    form : {"labels", "probabilities"}, optional
        What to write, whatever the sample submission shows.
    sending : Sending, optional
        Whether and how to send it.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    UserError
        If there is no run, or its submission would not be accepted; nothing has been written then. If Kaggle refuses
        what was sent; the file is there then.
    """
    console = console or Console()
    chosen = _choose(pipeline, run)
    model, spec = open_model(chosen)
    competition = competition_of(spec)
    if competition.test is None:
        raise SubmissionError(
            f"There is no test table, so nothing to submit: put {competition.test_file} there, or name the file by "
            f"data.test in the pipeline and fit again. tabular-dl predict {chosen.name} FILE predicts any table."
        )
    ids = ids_of(competition.test, competition.sample, spec.data.id)
    if ids is None:
        raise SubmissionError(
            f"pipeline {spec.name}: a submission needs data.id, the column that identifies a row, or a sample "
            f"submission whose first column counts the rows of {competition.test_file.name}. Name it in the pipeline "
            f"and fit again; without one, tabular-dl predict {chosen.name} FILE predicts any table."
        )
    if sending:
        _check_sendable(spec, competition.folder)
    target = competition.train[spec.data.target]
    metric = metric_of(spec, problem_of(spec, target))
    check_rows(spec, competition.test, str(competition.test_file), rest=False)
    classes = getattr(model, "classes_", None)
    predicted = model.predict(competition.test) if classes is None else model.predict_proba(competition.test)
    threshold = getattr(model, "threshold_", None)
    table = prediction_table(ids, spec.data.target, predicted, classes, threshold)
    submission = make_submission(
        table,
        spec.data.target,
        competition.sample,
        metric,
        integers=target.dtype.kind in "iu",
        form=form,
        names=(competition.test_file.name, competition.sample_file.name),
    )
    output = write_table(output, submission.to_csv(index=False))
    cv_score = f"{chosen.metrics['cv_score']:.4f}" if "cv_score" in chosen.metrics else "unknown"
    lines = [
        f"Run [bold]{escape(chosen.name)}[/] ({chosen.id}), cross-validated {metric.name} {cv_score}",
        f"{len(submission)} rows are in [bold]{escape(str(output))}[/]: header, ids and values are checked.",
    ]
    sample_notes = [note for note in competition.notes if note.startswith(f"{competition.sample_file.name}: ")]
    if any("between fields" in note or "decimal sign" in note for note in sample_notes):
        lines.append(f"It has commas between fields and decimal points, which {competition.sample_file.name} has not.")
    if spec.data.id is None:
        file, first = competition.sample_file.name, escape(str(ids.name))
        lines.append(f"Nothing but their order tells rows apart: {first} of {file} counts the test rows.")
    if chosen.tags.get("tabular_dl.data_digest", competition.digest) != competition.digest:
        lines.append(f"The run was fitted on other rows than {competition.train_file} holds now")
    scores, said = _against_answers(submission, table, competition, metric)
    lines += said
    if not said and spec.data.kaggle and not sending:
        asked = "" if form is None else " --labels" if form == "labels" else " --proba"
        command = f"tabular-dl submit {pipeline} --run {chosen.name}{asked} --send"
        lines.append(f"Next: [bold]{escape(command)}[/], which sends it to Kaggle")
    try:
        tracking.log_file(chosen, output, "submission", scores)
    except Exception as error:  # noqa: BLE001 (whatever the store raises, the submission is there)
        reason = " ".join(str(error).split())
        lines.append(f"[bold red]It was not added to the run[/]: {escape(reason)}")
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    if sending:
        _send(chosen, str(spec.data.kaggle), output, sending, f"{chosen.name}, CV {metric.name} {cv_score}", console)
    return output


def _choose(pipeline: str, run: str | None) -> tracking.LoggedRun:
    spec = load_spec(pipeline)
    if run is None:
        return tracking.best_run(spec.name, spec.metric)
    chosen = tracking.find_run(run)
    found = chosen.tags.get("tabular_dl.pipeline")
    if found != spec.name:
        raise SubmissionError(f"Run {run} is of pipeline {found}, not of {spec.name}: tabular-dl submit {found}.")
    return chosen


def _against_answers(
    submission: pd.DataFrame, table: pd.DataFrame, competition: Competition, metric: Metric
) -> tuple[dict[str, float], list[str]]:
    """Score a submission where the answers are known; return the score, and what to say of it."""
    try:
        answers = read_answers(competition.folder, competition.target, str(competition.id))
        if answers is None:
            return {}, []
        score = score_submission(submission, table, answers, competition.target, metric)
    except Exception as error:  # noqa: BLE001 (whatever is wrong with the answers, the submission is there)
        reason = " ".join(str(error).split())
        return {}, [f"Its {metric.name} against answers.csv cannot be computed: {escape(reason)}"]
    return {"submission_score": score}, [f"Its {metric.name} against answers.csv: [bold]{score:.4f}[/]"]


def _check_sendable(spec: PipelineSpec, folder: Path) -> None:
    """Refuse what Kaggle cannot score, before any work is done and a submission of the day is spent."""
    if not spec.data.kaggle:
        raise SubmissionError(
            f"pipeline {spec.name}: --send needs data.kaggle, the competition's name in its address on Kaggle: "
            "data: {kaggle: NAME}."
        )
    if (folder / "answers.csv").exists():
        raise SubmissionError(
            f"The test rows in {folder} are not Kaggle's, whose answers nobody has. Take Kaggle's files and fit again: "
            f"tabular-dl data get {spec.data.kaggle}, then tabular-dl fit {spec.name} --data data/{spec.data.kaggle}"
        )
    check_ready(spec.data.kaggle)


def _send(
    run: tracking.LoggedRun, competition: str, file: Path, sending: Sending, message: str, console: Console
) -> None:
    """Send a file, wait for its score, and keep both in the run. A file that was sent before is not sent again."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    ref = run.tags.get("tabular_dl.kaggle_submission")
    if ref and run.tags.get("tabular_dl.submission_sha256") == digest:
        console.print(f"Kaggle has this file already, as submission {ref}.", highlight=False, soft_wrap=True)
    else:
        ref = str(send_submission(competition, file, sending.message or message))
        said = f"Sent to Kaggle's {escape(competition)} as submission {ref} (SHA-256 {digest})."
        console.print(said, highlight=False, soft_wrap=True)
        _keep(run, {}, {"tabular_dl.submission_sha256": digest, "tabular_dl.kaggle_submission": ref}, console)
    with console.status("Kaggle is scoring it"):
        score = wait_for_score(competition, int(ref), sending.seconds, PAUSE)
    if score.public is not None:
        _keep(run, {"public_score": score.public}, {}, console)
    console.print(_said(score, sending.seconds), highlight=False, soft_wrap=True)


def _said(score: Score, seconds: float) -> str:
    if score.public is not None:
        return f"Its public score: [bold]{score.public:g}[/]. `tabular-dl compare` shows it beside the CV score."
    if score.complete:
        return "Kaggle has taken it and shows no public score."
    return (
        f"Kaggle has not scored it within {seconds:g} s. The same command asks again, and does not send the file twice."
    )


def _keep(run: tracking.LoggedRun, metrics: dict[str, float], tags: dict[str, str], console: Console) -> None:
    try:
        tracking.log_values(run, metrics, tags)
    except Exception as error:  # noqa: BLE001 (whatever the store raises, the submission is at Kaggle)
        reason = " ".join(str(error).split())
        console.print(f"[bold red]This was not added to the run[/]: {escape(reason)}", highlight=False, soft_wrap=True)
