"""Tracked run of predictions that were made elsewhere: `tabular-dl import`.

files -> rows joined by id and checked -> imported predictions -> scores on their folds -> files -> MLflow run
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape

from tabular_dl import tracking
from tabular_dl.atomic_files import write_text
from tabular_dl.competition import Competition, require_column
from tabular_dl.errors import DataError, SpecError
from tabular_dl.model_selection import (
    ImportedClassifier,
    ImportedRegressor,
    Splits,
    choose_decisions,
    error_ratio,
    fold_scores,
    mean_and_error,
    predicted_rows,
)
from tabular_dl.problems import Indicators, Metric, check_whole_queries, classes_of
from tabular_dl.reporting import Judged, by_split, import_page, render
from tabular_dl.spec import (
    PipelineSpec,
    check_network,
    columns_used,
    dump_spec,
    load_spec,
    problem_of,
    scoring_metric,
    weights_of,
    whole_tables,
)
from tabular_dl.tables import read_categories
from tabular_dl.tracking import environment, keep_metric
from tabular_dl.workflows.console import print_lines, print_notes
from tabular_dl.workflows.fold_files import read_fold_file, same_folds
from tabular_dl.workflows.folds import checked_folds
from tabular_dl.workflows.import_content import Imported, ImportFiles, run_content
from tabular_dl.workflows.imported_files import KnownRows, read_prediction_file
from tabular_dl.workflows.outputs import log, new_results
from tabular_dl.workflows.predictions import write_predictions
from tabular_dl.workflows.signals import interrupts_deferred

__all__ = ["ImportFiles", "import_run"]

LONGEST_NOTE = 2000


def import_run(
    pipeline: str,
    name: str,
    files: ImportFiles,
    *,
    note: str = "",
    overrides: Sequence[str] = (),
    console: Console | None = None,
) -> tracking.LoggedRun | None:
    """Create a tracked run from files with out-of-fold and test predictions.

    Parameters
    ----------
    pipeline : str
        Name of a pipeline, or path of a YAML file.
    name : str
        Name of the run, which no other run may have.
    files : ImportFiles
        Files with the predictions.
    note : str, default=""
        Text that is kept with the run.
    overrides : sequence of str
        Changed values, such as ``"ensemble.folds=10"``.
    console : Console, optional
        Console to print to; standard output by default.

    Returns
    -------
    LoggedRun or None
        The run; None if tracking failed, and the results are kept in ``outputs``.

    Raises
    ------
    UserError
        If pipeline, tables or files cannot be used; nothing is written then.
    """
    console = console or Console()
    started = time.time()
    spec = load_spec(pipeline, overrides, check_network)
    if spec.data.id is None:
        raise SpecError(
            f"pipeline {spec.name}: predictions are joined with rows by data.id, the column that identifies rows, and "
            "the pipeline names none: add it to the file, or by --set data.id=COLUMN."
        )
    tracking.prepare_store(create=False, write=True)
    _check_name(name, note)
    imported = _imported(spec, name, files, note, started, console)
    page = import_page(_judged(imported), name, imported.origin, imported.scores, environment())

    def write(folder: Path) -> None:
        (folder / "predictions").mkdir()
        write_text(folder / "spec.yaml", dump_spec(spec))
        write_predictions(imported.model, spec, imported.competition, folder / "predictions")
        write_text(folder / "report.html", render(page))
        tracking.write_results(run_content(imported), folder)

    with new_results(spec.name) as results:
        with interrupts_deferred() as interrupts:
            folder = results.complete(write)
        print_lines(console, *_messages(imported))
        run = log(folder, interrupts)
    if run is not None:
        print_lines(
            console,
            f"Run [bold]{escape(run.name)}[/] ({run.id}), experiment {escape(run.experiment)}",
            f"Next: [bold]tabular-dl ensemble {escape(pipeline)}[/], or tabular-dl compare {escape(pipeline)}",
        )
    return run


def _check_name(name: str, note: str) -> None:
    """Raise an error for a name that other commands could not use, or that a run has already."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,99}", name):
        raise SpecError(
            "--name: expected at most 100 letters, digits, '_', '.' or '-', the first a letter or a digit, found "
            f"{name!r}."
        )
    if tracking.has_run_named(name):
        raise SpecError(f"--name: there is a run {name} already: choose another name, such as {name}-2.")
    if len(note) > LONGEST_NOTE:
        raise SpecError(f"--note: expected at most {LONGEST_NOTE:,} characters, found {len(note):,}.")


def _imported(
    spec: PipelineSpec, name: str, files: ImportFiles, note: str, started: float, console: Console
) -> Imported:
    """Read the files and score the predictions."""
    competition = whole_tables(spec)
    train, test = competition.train, competition.test
    target = train[spec.data.target]
    problem = problem_of(spec, target)
    metric, y = scoring_metric(spec, problem, train, competition.train_file.name), target.to_numpy()
    splits = checked_folds(spec, competition, problem)
    classes = classes_of(y, problem)
    rows_of = _known_rows(spec, competition)
    splits, own_folds = _splits(spec, files, rows_of["train"], splits, y if problem.classification else None, metric)
    predicted = np.unique(np.concatenate([rows for _, rows in splits]))
    oof = read_prediction_file(files.oof, rows_of["train"], spec.data.target, classes, predicted)
    notes = [*oof.notes]
    tested = None
    if files.test is not None:
        if "test" not in rows_of:
            raise DataError(
                f"--test: pipeline {spec.name} has no test table, so that the rows of {files.test} cannot be checked: "
                f"leave --test out, or add {competition.test_file}."
            )
        tested = read_prediction_file(files.test, rows_of["test"], spec.data.target, classes)
        notes += tested.notes
    if classes is None and np.array_equal(oof.predictions[predicted], y[predicted]):
        notes.append(f"{files.oof.name}: all predictions are equal to the target: are they the true values?")
    model_class = ImportedRegressor if classes is None else ImportedClassifier
    model = model_class(str(spec.data.id)).fit_predictions(
        rows_of["train"].ids,
        oof.predictions,
        [rows for _, rows in splits],
        train_rows=[rows for rows, _ in splits],
        test_ids=() if tested is None else rows_of["test"].ids,
        test_predictions=None if tested is None else tested.predictions,
        classes=classes,
        indicators=problem.coding is Indicators,
        sample_weight=weights_of(spec, train, competition.train_file.name),
    )
    choose_decisions(model, spec.threshold, y, metric)
    keep_metric(model, metric)
    shared = 0 if test is None else int(rows_of["test"].ids.isin(set(rows_of["train"].ids)).sum())
    if shared and tested is not None:
        notes.append(
            f"{competition.test_file.name}: {shared} of its ids {'is' if shared == 1 else 'are'} in "
            f"{competition.train_file.name} too; `predict` and `serve` take them for test rows"
        )
    print_notes(notes, console)
    scores = fold_scores(model, y, metric)
    return Imported(name, files, note, spec, competition, problem, metric, model, own_folds, scores, started)


def _splits(
    spec: PipelineSpec, files: ImportFiles, rows: KnownRows, splits: Splits, labels: np.ndarray | None, metric: Metric
) -> tuple[Splits, bool]:
    """Return the folds that predictions were made on, and whether they are the pipeline's."""
    if files.folds is None:
        return splits, True
    of_file = read_fold_file(files.folds, rows, labels, by_time=spec.ensemble.split == "time")
    check_whole_queries(metric, [test for _, test in of_file], str(files.folds))
    return (splits, True) if same_folds(of_file, splits) else (of_file, False)


def _known_rows(spec: PipelineSpec, competition: Competition) -> dict[str, KnownRows]:
    """Return the rows of the training table and of the test table, if there is one, by "train" and "test"."""
    column = str(spec.data.id)
    require_column(competition.train, column, competition.train_file, "the id, by which predictions are joined")
    tables = {"train": (competition.train_file, competition.train), "test": (competition.test_file, competition.test)}
    ids = {
        key: (file.name, pd.Series(read_categories(frame[column]), index=frame.index, dtype=object))
        for key, (file, frame) in tables.items()
        if frame is not None
    }
    file, of_training = ids["train"]
    repeated = of_training[of_training.duplicated()]
    if len(repeated):
        raise DataError(
            f"{file}, column {column} (the id), row {repeated.index[0]}: {repeated.iloc[0]!r} is repeated "
            f"({len(repeated)} such rows), so that predictions cannot be joined with rows. Name a column with a "
            "different value in each row by data.id."
        )
    return {
        key: KnownRows(name, column, texts, dict(v for k, v in ids.items() if k != key))
        for key, (name, texts) in ids.items()
    }


def _judged(imported: Imported) -> Judged:
    columns = columns_used(imported.spec, imported.competition.train)
    return Judged(imported.model, imported.spec, imported.competition, imported.problem, imported.metric, columns)


def _messages(imported: Imported) -> list[str]:
    """Return the score, and sentences about the folds and missing files."""
    spec, metric, scores = imported.spec, imported.metric, imported.scores
    mean, error = mean_and_error(scores, error_ratio(imported.model))
    better = "higher" if metric.greater_is_better else "lower"
    each = ", ".join(f"{score:.4f}" for score in scores)
    predicted, of = len(predicted_rows(imported.model)), len(imported.competition.train)
    rows = f"{of:,} rows" if predicted == of else f"{predicted:,} of {of:,} rows"
    lines = [
        f"[bold]{escape(imported.name)}[/]: {metric.name} [bold]{mean:.4f}[/], standard error {error:.4f}, {better} is "
        f"better; {rows} in {len(scores)} folds: {each}"
    ]
    folds = f"{len(scores) if imported.own_folds else spec.ensemble.folds} folds{by_split(spec)}, seed {spec.seed}"
    if not imported.own_folds:
        lines.append(
            f"The folds of {escape(str(imported.files.folds))} are not the pipeline's ({escape(folds)}), so that "
            "`ensemble` refuses to blend this run with runs of other folds: weights learned on the other folds would "
            "have seen predictions by models that were trained on the rows of the fold that is scored."
        )
    elif imported.files.folds is None:
        lines.append(
            f"Taken as predicted on the pipeline's folds ({escape(folds)}), which `tabular-dl folds` writes; with "
            "--folds FILE they are compared."
        )
    if imported.competition.test is not None and imported.files.test is None:
        lines.append("Without --test, the run has no predictions of the test rows and cannot be submitted.")
    return lines
