"""Tables of predictions: an id, and for each target the prediction and the probabilities that it was made from."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from tabular_dl.errors import nearest
from tabular_dl.problems import decide, each_target

__all__ = ["ids_of", "only_of_test", "prediction_table", "probabilities", "table_of_target"]


def prediction_table(
    ids: pd.Series | None,
    target: str | Sequence[str],
    predictions: np.ndarray,
    classes: np.ndarray | Sequence[np.ndarray] | None,
    threshold: float | np.ndarray | None = None,
) -> pd.DataFrame:
    """Return a table of predictions: the id, the prediction under the target's name, and one probability per class.

    Of several targets, each is followed by its own probabilities: that of 1 for targets of 0 and 1, else those of its
    classes.

    Parameters
    ----------
    ids : Series of shape (rows,) or None
        Id column; None numbers the rows from 1.
    target : str, or sequence of str
        Name of the target, or names of several.
    predictions : ndarray of shape (rows, classes) or (rows,) or (rows, targets)
        Probabilities, or numbers.
    classes : ndarray of shape (classes,), list of ndarray or None
        Labels, or those of each of several targets; None if the target is a number.
    threshold : float, ndarray of shape (rows,) or None
        Probability above which the second of two classes is predicted; with None, the most probable class is.

    Returns
    -------
    DataFrame of shape (rows, columns)
        Columns are the id, the target and ``p_`` followed by each label. Of several targets, probabilities are called
        ``p_TARGET`` or ``p_TARGET_LABEL``.

    Examples
    --------
    >>> prediction_table(pd.Series([7], name="Id"), "y", np.array([[0.25, 0.75]]), np.array(["no", "yes"]))
       Id    y  p_no  p_yes
    0   7  yes  0.25   0.75
    >>> prediction_table(pd.Series([7], name="Id"), ["a", "b"], np.array([[0.25, 0.75]]), np.array([0, 1]))
       Id  a   p_a  b   p_b
    0   7  0  0.25  1  0.75
    """
    first = pd.RangeIndex(1, len(predictions) + 1, name="row").to_series() if ids is None else ids
    table = pd.DataFrame({first.name: first.to_numpy()})
    if not isinstance(target, str):
        return pd.concat([table, *_target_tables(target, predictions, classes)], axis=1)
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


def only_of_test(train: pd.DataFrame, test: pd.DataFrame, id_column: str, targets: Collection[str]) -> bool:
    """Return whether only test rows have ids; training rows, which are not submitted, need none.

    Examples
    --------
    >>> train, test = pd.DataFrame(columns=["day", "sales"]), pd.DataFrame(columns=["id", "day"])
    >>> only_of_test(train, test, "id", ["sales"])
    True
    >>> only_of_test(train.assign(Ids=0), test, "id", ["sales"])  # by a mistaken name
    False
    """
    others = [str(name) for name in train if name not in test and name not in targets]
    return id_column in test and id_column not in train and nearest(id_column, others) is None


def _target_tables(
    targets: Sequence[str], predictions: np.ndarray, classes: np.ndarray | Sequence[np.ndarray] | None
) -> list[pd.DataFrame]:
    """Return the columns of each target: its prediction, and its probabilities."""
    tables = []
    for name, (values, labels) in zip(targets, each_target(predictions, classes), strict=True):
        if labels is None:
            tables.append(pd.DataFrame({name: values}))
            continue
        table = pd.DataFrame({name: labels[decide(values, None).argmax(axis=1)]})
        if isinstance(classes, np.ndarray):
            table[f"p_{name}"] = values[:, 1]
        else:
            table[[f"p_{name}_{label}" for label in labels]] = values
        tables.append(table)
    return tables


def table_of_target(predictions: pd.DataFrame, targets: Sequence[str], target: str) -> pd.DataFrame:
    """Return the table of predictions that one of several targets would have alone.

    Parameters
    ----------
    predictions : DataFrame
        Table of several targets, as returned by `prediction_table`.
    targets : sequence of str
        Targets in the order of the table.
    target : str
        One of them.

    Returns
    -------
    DataFrame
        Its table.

    Examples
    --------
    >>> table = prediction_table(pd.Series([7], name="Id"), ["a", "b"], np.array([[0.25, 0.75]]), np.array([0, 1]))
    >>> table_of_target(table, ["a", "b"], "b")
       Id  b   p_0   p_1
    0   7  1  0.25  0.75
    """
    columns = list(predictions.columns)
    place = targets.index(target)
    first = columns.index(target)
    last = columns.index(targets[place + 1]) if place + 1 < len(targets) else len(columns)
    table, p = predictions.iloc[:, [0, first]], predictions.iloc[:, first + 1 : last]
    if list(p.columns) == [f"p_{target}"]:
        return table.assign(p_0=1 - p.iloc[:, 0], p_1=p.iloc[:, 0])
    return pd.concat([table, p.rename(columns=lambda name: f"p_{name.removeprefix(f'p_{target}_')}")], axis=1)


def probabilities(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the probabilities in columns named by the classes; no columns if the target is a number."""
    columns = [name for name in predictions.columns[2:] if name.startswith("p_")]
    return predictions[columns].rename(columns=lambda name: name.removeprefix("p_"))
