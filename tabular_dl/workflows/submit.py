"""`tabular-dl submit`: the best run's predictions as a submission file, checked before anyone sees it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking
from tabular_dl.datasets import read_answers
from tabular_dl.errors import SubmissionError
from tabular_dl.pipeline import check_rows, competition_of, metric_of, problem_of
from tabular_dl.spec import load_spec
from tabular_dl.submissions import make_submission, prediction_table, score_submission
from tabular_dl.workflows.files import write_text
from tabular_dl.workflows.models import open_model

__all__ = ["submit"]


def submit(pipeline: str, run: str | None, output: Path, console: Console | None = None) -> Path:
    """Write a submission from a run's model.

    Parameters
    ----------
    pipeline : str
        The name of a pipeline, or the path of a YAML file.
    run : str or None
        A run's id or name; None takes the finished run with the best cross-validated score.
    output : Path
        Where to write.
    console : Console, optional
        Where to print.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    UserError
        If there is no run, or its submission would not be accepted; nothing has been written then.
    """
    console = console or Console()
    chosen = _choose(pipeline, run)
    model, spec = open_model(chosen)
    if spec.data.id is None:
        raise SubmissionError(f"pipeline {spec.name}: a submission needs data.id, the column that identifies a row.")
    competition = competition_of(spec)
    if competition.test is None:
        raise SubmissionError(
            f"There is no test table, so nothing to submit: put {competition.test_file} there, or name the file by "
            f"data.test in the pipeline and fit again. tabular-dl predict {chosen.name} FILE predicts any table."
        )
    target = competition.train[spec.data.target]
    metric = metric_of(spec, problem_of(spec, target))
    check_rows(spec, competition.test, str(competition.test_file), rest=False)
    classes = getattr(model, "classes_", None)
    predicted = model.predict(competition.test) if classes is None else model.predict_proba(competition.test)
    table = prediction_table(competition.test[spec.data.id], spec.data.target, predicted, classes)
    submission = make_submission(
        table, spec.data.target, competition.sample, metric, integers=target.dtype.kind in "iu"
    )
    write_text(output, submission.to_csv(index=False))
    cv_score = f"{chosen.metrics['cv_score']:.4f}" if "cv_score" in chosen.metrics else "unknown"
    lines = [
        f"Run [bold]{escape(chosen.name)}[/] ({chosen.id}), cross-validated {metric.name} {cv_score}",
        f"{len(submission)} rows are in [bold]{escape(str(output))}[/]: header, ids and values are checked.",
    ]
    scores: dict[str, float] = {}
    try:
        answers = read_answers(competition.folder, spec.data.target, spec.data.id)
        if answers is not None:
            score = score_submission(submission, table, answers, spec.data.target, metric)
            scores["submission_score"] = score
            lines.append(f"Its {metric.name} against answers.csv: [bold]{score:.4f}[/]")
        elif spec.data.kaggle:
            send = f"kaggle competitions submit -c {spec.data.kaggle} -f {output} -m {chosen.name}"
            lines.append(f"Next: [bold]{escape(send)}[/]")
    except Exception as error:  # noqa: BLE001 (whatever is wrong with the answers, the submission is there)
        reason = " ".join(str(error).split())
        lines.append(f"Its {metric.name} against answers.csv cannot be computed: {escape(reason)}")
    try:
        tracking.log_file(chosen, output, "submission", scores)
    except Exception as error:  # noqa: BLE001 (whatever the store raises, the submission is there)
        reason = " ".join(str(error).split())
        lines.append(f"[bold red]It was not added to the run[/]: {escape(reason)}")
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    return output


def _choose(pipeline: str, run: str | None) -> tracking.LoggedRun:
    spec = load_spec(pipeline)
    if run is None:
        return tracking.best_run(spec.name)
    chosen = tracking.find_run(run)
    found = chosen.tags.get("tabular_dl.pipeline")
    if found != spec.name:
        raise SubmissionError(f"Run {run} is of pipeline {found}, not of {spec.name}: tabular-dl submit {found}.")
    return chosen
