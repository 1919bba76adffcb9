"""Predictions and submissions as tables: values in, tables out.

A submission has the sample's header and its ids in the sample's order. Rows are joined by id, never by position. Its
values are labels, numbers, the probability of one class, or one column of probabilities a class, as the sample shows.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from tabular_dl.errors import SubmissionError
from tabular_dl.problems import Metric, decide

__all__ = ["Form", "ids_of", "make_submission", "prediction_table", "score_submission"]

Form = Literal["labels", "probabilities"]

MOST_LISTED = 12  # names in a message


def prediction_table(
    ids: pd.Series | None,
    target: str,
    predictions: np.ndarray,
    classes: np.ndarray | None,
    threshold: float | np.ndarray | None = None,
) -> pd.DataFrame:
    """Lay out predictions: the id, the prediction under the target's name, then one probability a class.

    Parameters
    ----------
    ids : Series of shape (rows,) or None
        The id column; None numbers the rows from 1.
    target : str
        The predicted column's name.
    predictions : ndarray of shape (rows, classes) or (rows,)
        Probabilities, or numbers.
    classes : ndarray of shape (classes,) or None
        The labels; None where the target is a number.
    threshold : float, ndarray of shape (rows,) or None
        The probability above which the second of two classes is predicted; None is the greatest probability.

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> prediction_table(pd.Series([7], name="Id"), "y", np.array([[0.25, 0.75]]), np.array(["no", "yes"]))
       Id    y  p_no  p_yes
    0   7  yes  0.25   0.75
    """
    first = pd.RangeIndex(1, len(predictions) + 1, name="row").to_series() if ids is None else ids
    table = pd.DataFrame({first.name: first.to_numpy()})
    if classes is None:
        table[target] = predictions
        return table
    table[target] = classes[decide(predictions, threshold).argmax(axis=1)]
    return pd.concat([table, pd.DataFrame(predictions, columns=[f"p_{name}" for name in classes])], axis=1)


def ids_of(test: pd.DataFrame, sample: pd.DataFrame | None, id_column: str | None) -> pd.Series | None:
    """Return the id of each test row: its column or, where none is named, its number in the sample submission.

    Parameters
    ----------
    test : DataFrame of shape (rows, columns)
        The rows to predict.
    sample : DataFrame or None
        The sample submission. Its first column numbers the test rows if it counts them from 0 or from 1.
    id_column : str or None
        The column that identifies a row.

    Returns
    -------
    Series of shape (rows,) or None
        None if nothing tells rows apart.

    Examples
    --------
    >>> test, sample = pd.DataFrame({"pixel0": [0, 255]}), pd.DataFrame({"ImageId": [1, 2], "Label": [0, 0]})
    >>> ids_of(test, sample, None).tolist()
    [1, 2]
    """
    if id_column is not None:
        return test[id_column]
    if sample is None or len(sample) != len(test):
        return None
    first = sample.iloc[:, 0]
    numbers = pd.to_numeric(first, errors="coerce").to_numpy(float)
    if any(np.array_equal(numbers, np.arange(start, start + len(test))) for start in (0, 1)):
        return first.set_axis(test.index)
    return None


def make_submission(
    predictions: pd.DataFrame,
    target: str,
    sample: pd.DataFrame | None,
    metric: Metric,
    *,
    integers: bool,
    form: Form | None = None,
    names: tuple[str, str] = ("test.csv", "sample_submission.csv"),
) -> pd.DataFrame:
    """Turn predictions of the test rows into a submission, and check it.

    ============================  =================================================================================
    the sample's columns          what is written
    ============================  =================================================================================
    one beside the id             labels or numbers; of two classes the probability of the second, or of the class
                                  that the column is named after, where the sample's values are fractions, or are
                                  numbers and the metric looks at probabilities
    one a class beside the id     the probability of each class; columns are matched by the classes' names, in any
                                  order, with or without a common beginning such as ``Class_``
    no sample                     as one column; more than two classes as one column each, where the metric looks at
                                  probabilities
    ============================  =================================================================================

    Whole numbers are written where the sample has them and the target had only them.

    Parameters
    ----------
    predictions : DataFrame
        As `prediction_table` makes it, the id first.
    target : str
        The predicted column.
    sample : DataFrame or None
        The sample submission: an id column and those for the prediction.
    metric : Metric
        What the competition scores by.
    integers : bool
        Whether the training target holds whole numbers only.
    form : {"labels", "probabilities"}, optional
        What to write, whatever the sample shows.
    names : tuple of str
        What the files of the test rows and of the sample are called in messages.

    Returns
    -------
    DataFrame
        With the sample's header, ids and order.

    Raises
    ------
    SubmissionError
        If the sample's ids are not the test rows' ids, its columns are not those that can be filled, an id appears
        twice or a prediction is missing or infinite.

    Examples
    --------
    >>> table = prediction_table(pd.Series([7], name="Id"), "y", np.array([[0.25, 0.75]]), np.array(["no", "yes"]))
    >>> from tabular_dl.problems.metrics import get_metric
    >>> sample = pd.DataFrame({"Id": [7], "is_yes": [0], "is_no": [1]})
    >>> make_submission(table, "y", sample, get_metric("accuracy"), integers=False)
       Id  is_yes  is_no
    0   7    0.75   0.25
    """
    id_column = str(predictions.columns[0])
    p = _probabilities(predictions)
    if form == "probabilities" and p.empty:
        raise SubmissionError(f"--proba: {target} is a number and has no probabilities. Leave --proba out.")
    if sample is None:
        form = form or ("probabilities" if metric.looks_at == "probabilities" else "labels")
        each = p.shape[1] > 2 and form == "probabilities"
        sample = pd.concat([predictions[id_column], p if each else predictions[target]], axis=1)
    _check_sample(sample, predictions, id_column, names)
    # The probabilities too: the label beside a missing one is the first class, which nobody predicted.
    missing = pd.concat([predictions[target], p], axis=1).isin([np.nan, np.inf, -np.inf]).any(axis=1)
    if missing.any():
        raise SubmissionError(
            f"{missing.sum()} predictions are missing or infinite, the first for the id "
            f"{predictions[id_column][missing].iloc[0]}: fit again, and report this."
        )
    values = _values(predictions[target], p, sample, metric, form, integers, names[1])
    by_id = values.set_axis(predictions[id_column].astype(str)).loc[pd.Index(sample[id_column].astype(str))]
    return pd.concat([sample[[id_column]].reset_index(drop=True), by_id.reset_index(drop=True)], axis=1)


def _probabilities(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return one column a class, under the classes' own names; none where the target is a number."""
    columns = [name for name in predictions.columns[2:] if name.startswith("p_")]
    return predictions[columns].rename(columns=lambda name: name.removeprefix("p_"))


def _values(
    predicted: pd.Series,
    p: pd.DataFrame,
    sample: pd.DataFrame,
    metric: Metric,
    form: Form | None,
    integers: bool,
    file: str,
) -> pd.DataFrame:
    """Fill the sample's columns, row by row of the predictions."""
    columns = [str(name) for name in sample.columns[1:]]
    if len(columns) > 1:
        classes = _classes_of(columns, p, str(predicted.name), file)
        if form == "labels":
            p = pd.DataFrame({name: (predicted.astype(str) == name).astype(int) for name in p.columns})
        return p[classes].set_axis(columns, axis=1)
    (column,) = columns
    if (form or _form_shown(sample.iloc[:, 1], p, metric)) == "probabilities":
        if p.shape[1] != 2:
            raise SubmissionError(
                f"{file} has one column, {column}, for the probabilities of {p.shape[1]} classes: "
                f"{', '.join(p.columns)}. It needs one column a class, or --labels."
            )
        return p[[column if column in p.columns else p.columns[1]]].set_axis([column], axis=1)
    # Labels that are whole numbers may have been read as 0.0 and 1.0.
    whole = pd.api.types.is_integer_dtype(sample.iloc[:, 1]) and pd.api.types.is_numeric_dtype(predicted)
    whole = whole and (integers or not p.empty) and not pd.api.types.is_bool_dtype(predicted)
    return (predicted.round().astype("int64") if whole else predicted).rename(column).to_frame()


def _form_shown(shown: pd.Series, p: pd.DataFrame, metric: Metric) -> Form:
    """Tell from a sample with one column what it wants: labels (or numbers), or a probability."""
    if p.empty or not pd.api.types.is_numeric_dtype(shown) or pd.api.types.is_bool_dtype(shown):
        return "labels"
    if p.shape[1] == 2 and ((shown % 1 != 0) & shown.notna()).any():
        return "probabilities"
    return "probabilities" if p.shape[1] == 2 and metric.looks_at == "probabilities" else "labels"


def _classes_of(columns: list[str], p: pd.DataFrame, target: str, file: str) -> list[str]:
    """Return the class that each column of a sample is named after.

    Raises
    ------
    SubmissionError
        If the columns are not one a class.
    """
    classes = list(p.columns)
    # Where the columns have a beginning in common that the classes lack, one of them shows it with the first class.
    beginnings = {"", *(name.removesuffix(classes[0]) for name in columns if classes and name.endswith(classes[0]))}
    for beginning in sorted(beginnings):
        if sorted(columns) == sorted(f"{beginning}{name}" for name in classes):
            return [name.removeprefix(beginning) for name in columns]
    known = f"the classes of {target} are {_listed(classes)}" if classes else f"{target} is a number"
    raise SubmissionError(
        f"{file} has the {len(columns)} columns {_listed(columns)} beside the id; expected one for the "
        f"prediction, or one for each class: {known}."
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return f"{', '.join(names[:MOST_LISTED])}{more}"


def _check_sample(sample: pd.DataFrame, predictions: pd.DataFrame, id_column: str, names: tuple[str, str]) -> None:
    if len(sample.columns) < 2 or sample.columns[0] != id_column:
        raise SubmissionError(
            f"{names[1]} has the columns {_listed([str(name) for name in sample.columns])}; expected "
            f"{id_column} and one column for the prediction, or one for each class."
        )
    # As objects: pandas asks of each of its own strings in turn whether it is in the other column.
    wanted, present = (table[id_column].astype(str).astype(object) for table in (sample, predictions))
    for ids, name in ((present, names[0]), (wanted, names[1])):
        twice = ids[ids.duplicated()]
        if len(twice):
            raise SubmissionError(f"{name}, column {id_column}: the id {twice.iloc[0]} appears more than once.")
    unknown, left_out = wanted[~wanted.isin(present)], present[~present.isin(wanted)]
    if len(unknown) or len(left_out):
        examples = [
            f"{ids.iloc[0]} is only in {name}" for ids, name in ((unknown, names[1]), (left_out, names[0])) if len(ids)
        ]
        raise SubmissionError(
            f"The ids of {names[0]} and {names[1]} differ in {len(unknown) + len(left_out)} rows: "
            f"{'; '.join(examples)}. Both files have to be of the same competition."
        )


def score_submission(
    submission: pd.DataFrame, predictions: pd.DataFrame, answers: pd.DataFrame, target: str, metric: Metric
) -> float:
    """Score a submission against the true targets, joined by id.

    Parameters
    ----------
    submission : DataFrame
        As it would be sent.
    predictions : DataFrame
        What it was made from, with the classes' probabilities where there are classes.
    answers : DataFrame
        The id and the true target.
    target : str
        The target column.
    metric : Metric
        What to score by.

    Returns
    -------
    float

    Raises
    ------
    SubmissionError
        If an id of the submission has no answer.
    """
    id_column = str(submission.columns[0])
    truth = answers.set_index(answers[id_column].astype(str))[target]
    ids = submission[id_column].astype(str)
    if not ids.isin(truth.index).all():
        raise SubmissionError(f"answers.csv has no row for the id {ids[~ids.isin(truth.index)].iloc[0]}.")
    y = truth.loc[ids]
    by_id = predictions.set_axis(predictions[id_column].astype(str)).loc[pd.Index(ids)]
    p = _probabilities(by_id)
    if p.empty:
        return metric(y.to_numpy(), submission.iloc[:, 1].to_numpy())
    if metric.looks_at == "labels":
        return metric(y.to_numpy(), by_id[target].to_numpy())
    # The classes are those that the model knows, as text and sorted as such: the answers may lack one of them.
    names = sorted(p.columns)
    return metric(y.astype(str).to_numpy(dtype=object), p[names].to_numpy(), np.array(names))
