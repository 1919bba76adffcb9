"""Submissions made from tables of predictions.

A submission has the header of the sample submission, and its ids in the same order. Rows are joined by id, never by
position. The values are labels, numbers, probabilities of one class, or one column of probabilities per class,
depending on the sample; of several targets, each has a column.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from tabular_dl.competition.prediction_tables import prediction_table, probabilities, table_of_target
from tabular_dl.competition.submission_labels import UnclearLabelsError
from tabular_dl.competition.submission_values import (
    MOST_LISTED,
    Asked,
    columns_by_target,
    columns_without_sample,
    form_of,
    labels_of,
    values_of,
)
from tabular_dl.errors import SubmissionError, listed
from tabular_dl.problems import Metric, metric_at, probability_columns

__all__ = ["label_notes", "make_submission", "score_submission"]


def make_submission(
    predictions: pd.DataFrame,
    target: str | Sequence[str],
    sample: pd.DataFrame | None,
    metric: Metric,
    *,
    integers: bool | Collection[str],
    asked: Asked | None = None,
    names: tuple[str, str] = ("test.csv", "sample_submission.csv"),
) -> pd.DataFrame:
    """Return a checked submission made from predictions of the test rows.

    ============================  =================================================================================
    columns of the sample         values of the submission
    ============================  =================================================================================
    id and one column             labels or numbers. For two classes, probabilities if the values of the sample are
                                  fractions, or are numbers and the metric scores probabilities: those of the class
                                  that the column is named after, else of the second class
    id and one column per class   probability of each class; columns are matched by the names of the classes, in any
                                  order, with or without a common prefix such as ``Class_``
    id and one column per target  as for one column, for each of several targets
    no sample                     as for one column; for more than two classes one column each, if the metric scores
                                  probabilities
    ============================  =================================================================================

    Labels are written as the sample has them (`tabular_dl.competition.submission_labels`), and whole numbers if the
    sample has whole numbers and the target had no others.

    Parameters
    ----------
    predictions : DataFrame
        Predictions as returned by `prediction_table`, with the id first.
    target : str, or sequence of str
        Predicted column, or columns.
    sample : DataFrame or None
        Sample submission: an id column and the columns of the prediction.
    metric : Metric
        Metric of the competition.
    integers : bool or collection of str
        Whether the training target contains only whole numbers; or the names of those of several targets that do.
    asked : Asked, optional
        Values that the user chose; by default those of the sample.
    names : tuple of (str, str)
        Names of the files of test rows and sample, for messages.

    Returns
    -------
    DataFrame
        Submission with the header, the ids and the order of the sample.

    Raises
    ------
    SubmissionError
        If the ids of the sample are not those of the test rows, its columns cannot be filled, an id is repeated, or a
        prediction is missing or infinite; `UnclearLabelsError` if it is unclear which of its labels are which classes.

    Examples
    --------
    >>> table = prediction_table(pd.Series([7], name="Id"), "y", np.array([[0.25, 0.75]]), np.array(["no", "yes"]))
    >>> from tabular_dl.problems.metrics import get_metric
    >>> sample = pd.DataFrame({"Id": [7], "is_yes": [0], "is_no": [1]})
    >>> make_submission(table, "y", sample, get_metric("accuracy"), integers=False)
       Id  is_yes  is_no
    0   7    0.75   0.25
    """
    id_column, asked = str(predictions.columns[0]), asked or Asked()
    tables = _by_target(predictions, target)
    for name, table in tables.items():
        if asked.form == "probabilities" and probabilities(table).empty:
            raise SubmissionError(f"--proba: {name} is a number and has no probabilities. Leave --proba out.")
        if (asked.labels or asked.top_k) and probabilities(table).empty:
            raise UnclearLabelsError(
                f"submission: values and top_k are for classes, {name} is a number: leave them out."
            )
    if sample is None:
        columns = [columns_without_sample(table, metric, asked) for table in tables.values()]
        sample = pd.concat([predictions[id_column], *columns], axis=1)
    _check_sample(sample, predictions, id_column, names)
    # Probabilities are checked too, since argmax gives rows without them the label of the first class.
    missing = predictions.iloc[:, 1:].isin([np.nan, np.inf, -np.inf]).any(axis=1)
    if missing.any():
        raise SubmissionError(
            f"{missing.sum()} predictions are missing or infinite, the first for the id "
            f"{predictions[id_column][missing].iloc[0]}. Fit again, and report this."
        )
    whole = {*tables} if integers is True else {*(integers or ())}
    parts = [
        values_of(tables[name], sample[[id_column, *columns]], metric, asked, name in whole, names[1])
        for name, columns in columns_by_target(sample, list(tables), names[1]).items()
    ]
    values = pd.concat(parts, axis=1)
    by_id = values.set_axis(predictions[id_column].astype(str)).loc[pd.Index(sample[id_column].astype(str))]
    return pd.concat([sample[[id_column]].reset_index(drop=True), by_id.reset_index(drop=True)], axis=1)


def label_notes(
    target: str | Sequence[str],
    classes: np.ndarray | Sequence[np.ndarray] | None,
    sample: pd.DataFrame | None,
    metric: Metric,
    asked: Asked | None = None,
    file: str = "sample_submission.csv",
) -> list[str]:
    """Return a sentence for each target whose labels are written in other words than those of the target.

    Parameters
    ----------
    target, sample, metric, asked
        As for `make_submission`.
    classes : ndarray, list of ndarray or None
        Labels, or those of each of several targets; None for numbers.
    file : str
        Name of the sample.

    Raises
    ------
    UnclearLabelsError
        As for `make_submission`.

    Examples
    --------
    >>> from tabular_dl.problems.metrics import get_metric
    >>> sample = pd.DataFrame({"Id": [7], "y": ["No"]})
    >>> label_notes("y", np.array([0, 1]), sample, get_metric("accuracy"))
    ['y: the submission has 0 as No, 1 as Yes.']
    """
    if classes is None or sample is None:
        return []
    predictions = prediction_table(None, target, np.zeros((1, probability_columns(classes))), classes)
    tables, asked = _by_target(predictions, target), asked or Asked()
    notes: dict[str, list[str]] = {}
    for name, columns in columns_by_target(sample, list(tables), file).items():
        p = probabilities(tables[name])
        if len(columns) == 1 and form_of(sample[columns[0]], p, metric, asked) == "labels":
            notes.setdefault(labels_of(sample[columns[0]], p, metric, asked, file).note, []).append(name)
    return [f"{listed(targets, MOST_LISTED)}: {note}" for note, targets in notes.items() if note]


def _by_target(predictions: pd.DataFrame, target: str | Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return the table of predictions of each target."""
    if isinstance(target, str):
        return {target: predictions}
    return {name: table_of_target(predictions, target, name) for name in target}


def _check_sample(sample: pd.DataFrame, predictions: pd.DataFrame, id_column: str, names: tuple[str, str]) -> None:
    if len(sample.columns) < 2 or sample.columns[0] != id_column:
        raise SubmissionError(
            f"{names[1]} has the columns {listed(list(sample.columns), MOST_LISTED)}; expected {id_column} and one "
            "column for the prediction, or one per class."
        )
    # As objects: `isin` is slow for pandas's strings.
    sample_ids, test_ids = (table[id_column].astype(str).astype(object) for table in (sample, predictions))
    for ids, name in ((test_ids, names[0]), (sample_ids, names[1])):
        repeated = ids[ids.duplicated()]
        if len(repeated):
            raise SubmissionError(f"{name}, column {id_column}: the id {repeated.iloc[0]} appears more than once.")
    unknown, missing = sample_ids[~sample_ids.isin(test_ids)], test_ids[~test_ids.isin(sample_ids)]
    if len(unknown) or len(missing):
        examples = [
            f"{ids.iloc[0]} is only in {name}" for ids, name in ((unknown, names[1]), (missing, names[0])) if len(ids)
        ]
        raise SubmissionError(
            f"The ids of {names[0]} and {names[1]} differ in {len(unknown) + len(missing)} rows: "
            f"{'; '.join(examples)}. Both files must be from the same competition."
        )


def score_submission(
    submission: pd.DataFrame,
    predictions: pd.DataFrame,
    answers: pd.DataFrame,
    target: str | Sequence[str],
    metric: Metric,
) -> float:
    """Return the score of a submission against the true targets, joined by id; of several targets, the mean.

    Parameters
    ----------
    submission : DataFrame
        The submission.
    predictions : DataFrame
        Predictions that it was made from, with the probabilities of classes if there are any.
    answers : DataFrame
        Ids and true targets.
    target : str, or sequence of str
        Name of the target, or names of several.
    metric : Metric
        Metric to score by; if it scores queries, those of the rows of the predictions.

    Returns
    -------
    float
        The score.

    Raises
    ------
    SubmissionError
        If an id of the submission has no answer, or answers and predictions are labels of different types.
    """
    if not isinstance(target, str):
        tables = _by_target(predictions, target)
        first = str(submission.columns[0])
        parts = [
            score_submission(submission[[first, name]], table, answers, name, metric) for name, table in tables.items()
        ]
        return float(np.mean(parts))
    id_column = str(submission.columns[0])
    truth = answers.set_index(answers[id_column].astype(str))[target]
    ids = submission[id_column].astype(str)
    if not ids.isin(truth.index).all():
        raise SubmissionError(f"answers.csv has no row for the id {ids[~ids.isin(truth.index)].iloc[0]}.")
    y = truth.loc[ids]
    by_id = predictions.set_axis(predictions[id_column].astype(str)).loc[pd.Index(ids)]
    metric = metric_at(metric, pd.Index(predictions[id_column].astype(str)).get_indexer(pd.Index(ids)))
    p = probabilities(by_id)
    if p.empty:
        return metric(y.to_numpy(), submission.iloc[:, 1].to_numpy())
    if metric.looks_at == "labels":
        numeric = pd.api.types.is_numeric_dtype(y)
        # Answers may have the words of the submission, such as Yes for the class 1.
        written = submission.iloc[:, 1]
        alike = [labels for labels in (by_id[target], written) if pd.api.types.is_numeric_dtype(labels) == numeric]
        if not alike:
            predicted = by_id[target]
            raise SubmissionError(
                f"answers.csv has labels such as {y.tolist()[0]!r}, the predictions such as {predicted.tolist()[0]!r}."
            )
        return metric(y.to_numpy(), alike[0].to_numpy())
    # Classes are taken from the predictions, since the answers may lack one.
    numbers = pd.to_numeric(pd.Series(p.columns), errors="coerce").to_numpy()
    if y.dtype.kind in "iuf" and not np.isnan(numbers).any():
        order = np.argsort(numbers)
        return metric(y.to_numpy(), p.to_numpy()[:, order], numbers[order])
    names = sorted(p.columns)  # as text, like the answers
    return metric(y.astype(str).to_numpy(dtype=object), p[names].to_numpy(), np.array(names))
