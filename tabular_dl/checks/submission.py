"""Findings about the sample submission, which a fit would report only at its end."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabular_dl.checks.finding import Finding
from tabular_dl.checks.fixes import data_with
from tabular_dl.competition import (
    Asked,
    Competition,
    UnclearLabelsError,
    ids_of,
    label_notes,
    make_submission,
    prediction_table,
    written_like,
)
from tabular_dl.errors import SubmissionError
from tabular_dl.problems import Problem, classes_of, probability_columns
from tabular_dl.spec import PipelineSpec, metric_of, write_line

__all__ = ["sample_findings"]


def sample_findings(competition: Competition, spec: PipelineSpec, problem: Problem) -> list[Finding]:
    """Return the finding about a sample submission that cannot be filled in, or has other labels than the target.

    Parameters
    ----------
    competition : Competition
        Tables.
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem, which the metric can score.

    Returns
    -------
    list of Finding
        Findings with the code ``sample``: errors if the pipeline file has to state the labels, else warnings; notes
        about labels that differ from those of the target.
    """
    test, sample = competition.test, competition.sample
    asked = Asked(None, spec.submission.values, spec.submission.top_k)
    if test is None or (sample is None and asked == Asked()):
        return []
    ids = ids_of(test, sample, spec.data.id)
    if ids is None:
        return [] if sample is None else [_without_ids(competition, spec, sample)]
    # The predicted values do not matter here, only their rows and columns.
    targets, metric = spec.data.target, metric_of(spec, problem)
    target = competition.train[targets].to_numpy()
    classes = classes_of(target, problem)
    width = target.shape[1:] if classes is None else (probability_columns(classes),)
    table = prediction_table(ids, targets, np.full((len(test), *width), 0.5), classes)
    names = (competition.test_file.name, competition.sample_file.name)
    try:
        submission = make_submission(table, targets, sample, metric, integers=False, asked=asked, names=names)
        if isinstance(targets, str):
            written_like(submission, sample, competition.target_number, (targets, names[1]))
        notes = label_notes(targets, classes, sample, metric, asked, names[1])
    except UnclearLabelsError as error:
        keys = {**spec.submission.model_dump(exclude_defaults=True), "values": error.values}
        fix = "" if error.values is None else write_line({"submission": keys})[1:-1]
        return [Finding("error", "sample", f"No submission could be made: {error}", fix)]
    except SubmissionError as error:
        return [Finding("warning", "sample", f"No submission could be made: {error}")]
    return [Finding("note", "sample", note) for note in notes]


def _without_ids(competition: Competition, spec: PipelineSpec, sample: pd.DataFrame) -> Finding:
    """Return the finding about a pipeline without ids whose sample does not number the test rows."""
    message = (
        f"No submission could be made: the pipeline names no id, and {sample.columns[0]} of "
        f"{competition.sample_file.name} does not number the rows of {competition.test_file.name}."
    )
    in_both = [name for name in sample if competition.test is not None and name in competition.test]
    return Finding("warning", "sample", message, data_with(spec, id=in_both[0]) if in_both else "")
