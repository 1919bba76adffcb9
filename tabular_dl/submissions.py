"""Predictions and submissions as tables: values in, tables out.

A submission has the sample's header and its ids in the sample's order. Rows are joined by id, never by position.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tabular_dl.errors import SubmissionError
from tabular_dl.metrics import Metric

__all__ = ["make_submission", "prediction_table", "score_submission"]


def prediction_table(
    ids: pd.Series | None, target: str, predictions: np.ndarray, classes: np.ndarray | None
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
    table[target] = classes[predictions.argmax(axis=1)]
    return pd.concat([table, pd.DataFrame(predictions, columns=[f"p_{name}" for name in classes])], axis=1)


def make_submission(
    predictions: pd.DataFrame, target: str, sample: pd.DataFrame | None, metric: Metric, *, integers: bool
) -> pd.DataFrame:
    """Turn predictions of the test rows into a submission, and check it.

    Labels or numbers are submitted; for two classes and a metric that looks at probabilities, the probability of the
    second class. Whole numbers are written where the sample has them and the target had only them.

    Parameters
    ----------
    predictions : DataFrame
        As `prediction_table` makes it, the id first.
    target : str
        The predicted column.
    sample : DataFrame or None
        The sample submission: an id column and one for the prediction. None asks for the predictions as they are.
    metric : Metric
        What the competition scores by.
    integers : bool
        Whether the training target holds whole numbers only.

    Returns
    -------
    DataFrame
        With the sample's header, ids and order.

    Raises
    ------
    SubmissionError
        If the sample's ids are not the test rows' ids, its header has other columns than two, an id appears twice or a
        prediction is missing or infinite.
    """
    id_column = str(predictions.columns[0])
    probabilities = [name for name in predictions.columns[2:] if name.startswith("p_")]
    wants_probability = metric.looks_at == "probabilities" and len(probabilities) == 2
    values = predictions[probabilities[1] if wants_probability else target]
    sample = predictions[[id_column, target]] if sample is None else sample
    _check_sample(sample, predictions, id_column)
    # The probabilities too: the label beside a missing one is the first class, which nobody predicted.
    missing = predictions[[target, *probabilities]].isin([np.nan, np.inf, -np.inf]).any(axis=1)
    if missing.any():
        raise SubmissionError(
            f"{missing.sum()} predictions are missing or infinite, the first for the id "
            f"{predictions[id_column][missing].iloc[0]}: fit again, and report this."
        )
    by_id = pd.Series(values.to_numpy(), index=predictions[id_column].astype(str))
    column = sample.columns[1]
    submission = pd.DataFrame({id_column: sample[id_column].to_numpy()})
    submission[column] = by_id.loc[sample[id_column].astype(str)].to_numpy()
    whole = pd.api.types.is_integer_dtype(sample[column]) and integers and not wants_probability
    return submission.assign(**{column: submission[column].round().astype("int64")}) if whole else submission


def _check_sample(sample: pd.DataFrame, predictions: pd.DataFrame, id_column: str) -> None:
    if len(sample.columns) != 2 or sample.columns[0] != id_column:
        raise SubmissionError(
            f"sample_submission.csv has the columns {', '.join(map(str, sample.columns))}; expected {id_column} and "
            "one column for the prediction."
        )
    wanted, present = sample[id_column].astype(str), predictions[id_column].astype(str)
    for ids, name in ((present, "test.csv"), (wanted, "sample_submission.csv")):
        twice = ids[ids.duplicated()]
        if len(twice):
            raise SubmissionError(f"{name}, column {id_column}: the id {twice.iloc[0]} appears more than once.")
    unknown, left_out = wanted[~wanted.isin(present)], present[~present.isin(wanted)]
    if len(unknown) or len(left_out):
        examples = [
            f"{ids.iloc[0]} is only in {name}"
            for ids, name in ((unknown, "sample_submission.csv"), (left_out, "test.csv"))
            if len(ids)
        ]
        raise SubmissionError(
            f"The ids of test.csv and sample_submission.csv differ in {len(unknown) + len(left_out)} rows: "
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
    if metric.looks_at != "probabilities":
        return metric(y.to_numpy(), submission.iloc[:, 1].to_numpy())
    # The classes are those that the model knows, as text and sorted as such: the answers may lack one of them.
    names = sorted(name for name in predictions.columns[2:] if name.startswith("p_"))
    probabilities = predictions[names].set_axis(predictions[id_column].astype(str))
    p = probabilities.reindex(ids).to_numpy()
    return metric(y.astype(str).to_numpy(dtype=object), p, np.array([name.removeprefix("p_") for name in names]))
