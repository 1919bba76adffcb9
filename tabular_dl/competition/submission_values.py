"""Values of a submission: labels, numbers or probabilities, as its sample has them and the user chose them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from tabular_dl.competition.prediction_tables import probabilities
from tabular_dl.competition.submission_labels import Given, LabelForm, UnclearLabelsError, label_form
from tabular_dl.errors import SubmissionError, listed
from tabular_dl.problems import Metric

__all__ = [
    "MOST_LISTED",
    "Asked",
    "Form",
    "columns_by_target",
    "columns_without_sample",
    "form_of",
    "labels_of",
    "values_of",
]

Form = Literal["labels", "probabilities"]

MOST_LISTED = 12  # names listed by one message


@dataclass(frozen=True)
class Asked:
    """Values of a submission that the user chose, in place of those of the sample.

    Parameters
    ----------
    form : {"labels", "probabilities"}, optional
        Form of the predictions.
    labels : mapping or "target", optional
        Label of the submission for each class, or "target" for the classes themselves.
    top_k : int, optional
        Number of labels in a cell, the most probable first.
    """

    form: Form | None = None
    labels: Given | None = None
    top_k: int | None = None


def labels_a_cell(metric: Metric) -> int:
    """Return the number of labels in a cell that a metric scores, for samples of one label and no choice of the user.

    Examples
    --------
    >>> from tabular_dl.problems.metrics import get_metric
    >>> labels_a_cell(get_metric("map_at_k:5")), labels_a_cell(get_metric("accuracy"))
    (5, 1)
    """
    return int(dict(metric.settings).get("k", 1))  # the k of map_at_k


def columns_by_target(sample: pd.DataFrame, targets: Sequence[str], file: str) -> dict[str, list[str]]:
    """Return the columns of a sample that are for each target, in the sample's order.

    Raises
    ------
    SubmissionError
        If there is not one column for each of several targets.
    """
    columns = [str(name) for name in sample.columns[1:]]
    if len(targets) == 1:
        return {targets[0]: columns}
    lacking, others = ([name for name in a if name not in b] for a, b in ((targets, columns), (columns, targets)))
    if lacking or others:
        reasons = [f"{listed(lacking, MOST_LISTED)} is missing" if lacking else ""]
        reasons += [f"{listed(others, MOST_LISTED)} is none of the targets" if others else ""]
        raise SubmissionError(
            f"{file} has the {len(columns)} columns {listed(columns, MOST_LISTED)} beside the id; expected one for "
            f"each target: {' and '.join(filter(None, reasons))}. Name the targets by data.target as {file} does."
        )
    return {name: [name] for name in columns}


def columns_without_sample(table: pd.DataFrame, metric: Metric, asked: Asked) -> pd.DataFrame | pd.Series:
    """Return columns like those of a sample, for a target without one."""
    p = probabilities(table)
    several = asked.top_k is not None or labels_a_cell(metric) > 1
    form = asked.form or ("probabilities" if metric.looks_at == "probabilities" and not several else "labels")
    return p if p.shape[1] > 2 and form == "probabilities" else table.iloc[:, 1]


def values_of(
    table: pd.DataFrame, sample: pd.DataFrame, metric: Metric, asked: Asked, integers: bool, file: str
) -> pd.DataFrame:
    """Return values for the sample's columns of one target, in the order of the predictions."""
    predicted, p = table.iloc[:, 1], probabilities(table)
    columns = [str(name) for name in sample.columns[1:]]
    if len(columns) > 1:
        if asked.top_k is not None:
            raise UnclearLabelsError(
                f"{file} has {len(columns)} columns beside the id: top_k is for one. Leave it out."
            )
        classes = _classes_of(columns, p, str(predicted.name), file)
        if asked.form == "labels":
            p = pd.DataFrame({name: (predicted.astype(str) == name).astype(int) for name in p.columns})
        return p[classes].set_axis(columns, axis=1)
    (column,) = columns
    if form_of(sample.iloc[:, 1], p, metric, asked) == "probabilities":
        if p.shape[1] != 2:
            raise SubmissionError(
                f"{file} has one column, {column}, for the probabilities of {p.shape[1]} classes: "
                f"{', '.join(p.columns)}. Add one column per class, or use --labels."
            )
        return p[[column if column in p.columns else p.columns[1]]].set_axis([column], axis=1)
    labels = LabelForm() if p.empty else labels_of(sample.iloc[:, 1], p, metric, asked, file)
    if labels.written or labels.top_k > 1:
        return labels.write(predicted, p).rename(column).to_frame()
    # Labels that are whole numbers may have been read as 0.0 and 1.0.
    whole = pd.api.types.is_integer_dtype(sample.iloc[:, 1]) and pd.api.types.is_numeric_dtype(predicted)
    whole = whole and (integers or not p.empty) and not pd.api.types.is_bool_dtype(predicted)
    return (predicted.round().astype("int64") if whole else predicted).rename(column).to_frame()


def labels_of(column: pd.Series, p: pd.DataFrame, metric: Metric, asked: Asked, file: str) -> LabelForm:
    """Return the form of the labels in a column of a sample."""
    return label_form(column, list(p.columns), file, asked.labels, asked.top_k, labels_a_cell(metric))


def form_of(values: pd.Series, p: pd.DataFrame, metric: Metric, asked: Asked) -> Form:
    """Return the form of the predictions in a sample with one column; numbers count as labels."""
    if asked.form is not None or asked.top_k is not None or labels_a_cell(metric) > 1:
        return asked.form or "labels"
    if p.empty or not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return "labels"
    if p.shape[1] == 2 and ((values % 1 != 0) & values.notna()).any():
        return "probabilities"
    return "probabilities" if p.shape[1] == 2 and metric.looks_at == "probabilities" else "labels"


def _classes_of(columns: list[str], p: pd.DataFrame, target: str, file: str) -> list[str]:
    """Return the class that each column of a sample is named after.

    Raises
    ------
    SubmissionError
        If there is not one column per class.
    """
    classes = list(p.columns)
    # A common prefix of the columns is what precedes the first class in one of them.
    prefixes = {"", *(name.removesuffix(classes[0]) for name in columns if classes and name.endswith(classes[0]))}
    for prefix in sorted(prefixes):
        if sorted(columns) == sorted(f"{prefix}{name}" for name in classes):
            return [name.removeprefix(prefix) for name in columns]
    reason = f"the classes of {target} are {listed(classes, MOST_LISTED)}" if classes else f"{target} is a number"
    raise SubmissionError(
        f"{file} has the {len(columns)} columns {listed(columns, MOST_LISTED)} beside the id; expected one for the "
        f"prediction, or one per class: {reason}."
    )
