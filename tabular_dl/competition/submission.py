"""Tables of predictions, and submissions made from them.

A submission has the header of the sample submission, and its ids in the same order. Rows are joined by id, never by
position. The values are labels, numbers, probabilities of one class, or one column of probabilities per class,
depending on the sample.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from tabular_dl.errors import SubmissionError, listed, nearest
from tabular_dl.problems import Metric, decide

__all__ = ["Form", "ids_of", "make_submission", "only_of_test", "prediction_table", "score_submission"]

Form = Literal["labels", "probabilities"]

MOST_LISTED = 12  # names listed by one message


def prediction_table(
    ids: pd.Series | None,
    target: str,
    predictions: np.ndarray,
    classes: np.ndarray | None,
    threshold: float | np.ndarray | None = None,
) -> pd.DataFrame:
    """Return a table of predictions: the id, the prediction under the target's name, and one probability per class.

    Parameters
    ----------
    ids : Series of shape (rows,) or None
        Id column; None numbers the rows from 1.
    target : str
        Name of the target.
    predictions : ndarray of shape (rows, classes) or (rows,)
        Probabilities, or numbers.
    classes : ndarray of shape (classes,) or None
        Labels; None if the target is a number.
    threshold : float, ndarray of shape (rows,) or None
        Probability above which the second of two classes is predicted; with None, the most probable class is.

    Returns
    -------
    DataFrame of shape (rows, columns)
        Columns are the id, the target and ``p_`` followed by each label.

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
    """Return the ids of the test rows: the id column, or if there is none the row numbers of the sample submission.

    Parameters
    ----------
    test : DataFrame of shape (rows, columns)
        Rows to predict.
    sample : DataFrame or None
        Sample submission. Its first column is used if it numbers the test rows from 0 or from 1.
    id_column : str or None
        Column that identifies a row.

    Returns
    -------
    Series of shape (rows,) or None
        Ids; None if there are none.

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


def only_of_test(train: pd.DataFrame, test: pd.DataFrame, id_column: str, target: str) -> bool:
    """Return whether only test rows have ids; training rows, which are not submitted, need none.

    Examples
    --------
    >>> train, test = pd.DataFrame(columns=["day", "sales"]), pd.DataFrame(columns=["id", "day"])
    >>> only_of_test(train, test, "id", "sales")
    True
    >>> only_of_test(train.assign(Ids=0), test, "id", "sales")  # by a mistaken name
    False
    """
    others = [str(name) for name in train if name not in test and name != target]
    return id_column in test and id_column not in train and nearest(id_column, others) is None


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
    """Return a checked submission made from predictions of the test rows.

    ============================  =================================================================================
    columns of the sample         values of the submission
    ============================  =================================================================================
    id and one column             labels or numbers. For two classes, probabilities if the values of the sample are
                                  fractions, or are numbers and the metric scores probabilities: those of the class
                                  that the column is named after, else of the second class
    id and one column per class   probability of each class; columns are matched by the names of the classes, in any
                                  order, with or without a common prefix such as ``Class_``
    no sample                     as for one column; for more than two classes one column each, if the metric scores
                                  probabilities
    ============================  =================================================================================

    Whole numbers are written if the sample has whole numbers and the target had no others.

    Parameters
    ----------
    predictions : DataFrame
        Predictions as returned by `prediction_table`, with the id first.
    target : str
        Predicted column.
    sample : DataFrame or None
        Sample submission: an id column and the columns of the prediction.
    metric : Metric
        Metric of the competition.
    integers : bool
        Whether the training target contains only whole numbers.
    form : {"labels", "probabilities"}, optional
        Form of the predictions; by default that of the sample.
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
        prediction is missing or infinite.

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
        column_per_class = p.shape[1] > 2 and form == "probabilities"
        sample = pd.concat([predictions[id_column], p if column_per_class else predictions[target]], axis=1)
    _check_sample(sample, predictions, id_column, names)
    # Probabilities are checked too, since argmax gives rows without them the label of the first class.
    missing = pd.concat([predictions[target], p], axis=1).isin([np.nan, np.inf, -np.inf]).any(axis=1)
    if missing.any():
        raise SubmissionError(
            f"{missing.sum()} predictions are missing or infinite, the first for the id "
            f"{predictions[id_column][missing].iloc[0]}. Fit again, and report this."
        )
    values = _values(predictions[target], p, sample, metric, form, integers, names[1])
    by_id = values.set_axis(predictions[id_column].astype(str)).loc[pd.Index(sample[id_column].astype(str))]
    return pd.concat([sample[[id_column]].reset_index(drop=True), by_id.reset_index(drop=True)], axis=1)


def _probabilities(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the probabilities in columns named by the classes; no columns if the target is a number."""
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
    """Return values for the sample's columns, in the order of the predictions."""
    columns = [str(name) for name in sample.columns[1:]]
    if len(columns) > 1:
        classes = _classes_of(columns, p, str(predicted.name), file)
        if form == "labels":
            p = pd.DataFrame({name: (predicted.astype(str) == name).astype(int) for name in p.columns})
        return p[classes].set_axis(columns, axis=1)
    (column,) = columns
    if (form or _form_of(sample.iloc[:, 1], p, metric)) == "probabilities":
        if p.shape[1] != 2:
            raise SubmissionError(
                f"{file} has one column, {column}, for the probabilities of {p.shape[1]} classes: "
                f"{', '.join(p.columns)}. Add one column per class, or use --labels."
            )
        return p[[column if column in p.columns else p.columns[1]]].set_axis([column], axis=1)
    # Labels that are whole numbers may have been read as 0.0 and 1.0.
    whole = pd.api.types.is_integer_dtype(sample.iloc[:, 1]) and pd.api.types.is_numeric_dtype(predicted)
    whole = whole and (integers or not p.empty) and not pd.api.types.is_bool_dtype(predicted)
    return (predicted.round().astype("int64") if whole else predicted).rename(column).to_frame()


def _form_of(values: pd.Series, p: pd.DataFrame, metric: Metric) -> Form:
    """Return the form of the predictions in a sample with one column; numbers count as labels."""
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
    submission: pd.DataFrame, predictions: pd.DataFrame, answers: pd.DataFrame, target: str, metric: Metric
) -> float:
    """Return the score of a submission against the true targets, joined by id.

    Parameters
    ----------
    submission : DataFrame
        The submission.
    predictions : DataFrame
        Predictions that it was made from, with the probabilities of classes if there are any.
    answers : DataFrame
        Ids and true targets.
    target : str
        Name of the target.
    metric : Metric
        Metric to score by.

    Returns
    -------
    float
        The score.

    Raises
    ------
    SubmissionError
        If an id of the submission has no answer, or answers and predictions are labels of different types.
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
        predicted = by_id[target]
        if pd.api.types.is_numeric_dtype(y) != pd.api.types.is_numeric_dtype(predicted):
            raise SubmissionError(
                f"answers.csv has labels such as {y.tolist()[0]!r}, the predictions such as {predicted.tolist()[0]!r}."
            )
        return metric(y.to_numpy(), predicted.to_numpy())
    # Classes are taken from the predictions, since the answers may lack one.
    numbers = pd.to_numeric(pd.Series(p.columns), errors="coerce").to_numpy()
    if y.dtype.kind in "iuf" and not np.isnan(numbers).any():
        order = np.argsort(numbers)
        return metric(y.to_numpy(), p.to_numpy()[:, order], numbers[order])
    names = sorted(p.columns)  # as text, like the answers
    return metric(y.astype(str).to_numpy(dtype=object), p[names].to_numpy(), np.array(names))
