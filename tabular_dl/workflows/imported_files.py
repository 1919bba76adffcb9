"""Validated reading of files with predictions that were made elsewhere, whose rows are joined by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError, did_you_mean, listed
from tabular_dl.tables import category_text, read_categories, read_numbers, read_table_file

__all__ = ["KnownRows", "PredictionFile", "more_rows", "named_column", "named_row", "read_prediction_file"]

# Tolerance of a sum of probabilities, which may be rounded; and of a probability beyond 0 or 1, which may have been
# computed with 32-bit floats.
SUM_TOLERANCE, TOLERANCE = 1e-3, 1e-6
# Distance of a sum from 1 above which probabilities are divided by it: float64's own rounding is left as it is.
EXACT = 1e-9
MOST_CLASSES = 12  # listed by one message


@dataclass(frozen=True)
class KnownRows:
    """Rows of a table of the pipeline, of which a file has the predictions.

    Parameters
    ----------
    file : str
        Name of the table's file.
    id_column : str
        Column that identifies rows.
    ids : Series of shape (rows,)
        Ids as texts, each different.
    others : dict of str to Series
        Ids of other tables by the name of their file, to explain unexpected ids.
    unpredicted : frozenset of str
        Ids of rows that no fold predicts, which a file may have or lack.
    """

    file: str
    id_column: str
    ids: pd.Series[Any]
    others: dict[str, pd.Series[Any]]
    unpredicted: frozenset[str] = frozenset()

    def some(self, rows: np.ndarray) -> KnownRows:
        """Return some of the rows; a file may have the others too, which are not read."""
        ids = self.ids.iloc[rows]
        return replace(self, ids=ids, unpredicted=frozenset(self.ids) - frozenset(ids))

    def places(self, path: Path, ids: pd.Series[Any]) -> np.ndarray:
        """Return the place of each known row among the rows of a file.

        Parameters
        ----------
        path : Path
            File, for messages.
        ids : Series of shape (rows,)
            Ids in the file.

        Returns
        -------
        ndarray of int, shape (rows,)
            Numbers of the file's rows, from 0, in the order of the table.

        Raises
        ------
        DataError
            If an id is missing, repeated or unknown, or a row of the table is not in the file.
        """
        texts = pd.Series(read_categories(ids), index=ids.index, dtype=object)
        subject = f"{path}, column {self.id_column}"
        missing = texts.index[texts.isna()]
        if len(missing):
            raise DataError(
                f"{subject}, row {missing[0]}: the id is missing{more_rows(missing)}. Write the id that {self.file} "
                "has."
            )
        repeated = texts[texts.duplicated()]
        if len(repeated):
            raise DataError(
                f"{subject}, row {repeated.index[0]}: the id {repeated.iloc[0]!r} appears a second "
                f"time{more_rows(repeated)}. Expected one row for each row of {self.file}: remove the others."
            )
        foreign = texts[~texts.isin({*self.ids, *self.unpredicted})]
        if len(foreign):
            raise DataError(
                f"{subject}, row {foreign.index[0]}: the id {foreign.iloc[0]!r} is not in {self.file}"
                f"{more_rows(foreign)}. {self._origin(foreign.iloc[0])}"
            )
        lacking = self.ids[~self.ids.isin(set(texts))]
        if len(lacking):
            raise DataError(
                f"{path} has {len(texts):,} rows, {self.file} has {len(self.ids):,}: there is none for the id "
                f"{lacking.iloc[0]!r}, row {lacking.index[0]} of {self.file}{more_rows(lacking)}. Add the missing rows."
            )
        return pd.Index(texts, dtype=object).get_indexer(pd.Index(self.ids, dtype=object))

    def _origin(self, text: str) -> str:
        """Return a sentence that explains an unknown id."""
        for file, ids in self.others.items():
            if (ids == text).any():
                return f"It is an id of {file}: give the file for the rows of {self.file}."
        number = pd.to_numeric(pd.Series([text]), errors="coerce").iloc[0]
        alike = self.ids[pd.to_numeric(self.ids, errors="coerce") == number]
        if len(alike):
            return (
                f"{self.file} has {alike.iloc[0]!r}, and ids are compared as text: read them with "
                f"pd.read_csv(..., dtype={{{self.id_column!r}: str}}) where the predictions are made."
            )
        return f"Remove the rows that {self.file} does not have."


@dataclass(frozen=True)
class PredictionFile:
    """Predictions read from a file.

    Attributes
    ----------
    predictions : ndarray of shape (rows, classes) or (rows,)
        Probabilities or values, in the order of the known rows.
    notes : tuple of str
        Unusual properties of the file.
    """

    predictions: np.ndarray
    notes: tuple[str, ...]


def read_prediction_file(
    path: Path,
    rows: KnownRows,
    target: str | Sequence[str],
    classes: np.ndarray | list[np.ndarray] | None,
    predicted: np.ndarray | None = None,
) -> PredictionFile:
    """Read predictions of the rows of a table.

    Parameters
    ----------
    path : Path
        File with the id column and one column for each class, ``p_CLASS``; for two classes, or for numbers, instead one
        column named like the target or ``prediction``, or ``p`` for the probability of the second class. For several
        targets, the columns of `tabular_dl.competition.prediction_table`: a number under the name of each target, or
        probabilities ``p_TARGET`` of 0/1 targets, or ``p_TARGET_CLASS``.
    rows : KnownRows
        Rows of the table.
    target : str, or sequence of str
        Column to predict, or several.
    classes : ndarray of shape (classes,), list of ndarray or None
        Sorted labels, or those of each of several targets; None for numbers.
    predicted : ndarray of int, optional
        Numbers of the rows that a file has to predict, by default all; the others are NaN, even if it has them.

    Returns
    -------
    PredictionFile
        Predictions in the order of the table.

    Raises
    ------
    DataError
        If ids, columns or values are not valid; the message names file, column and row.
    """
    if predicted is not None:
        file = read_prediction_file(path, rows.some(predicted), target, classes)
        values = np.full((len(rows.ids), *file.predictions.shape[1:]), np.nan)
        values[predicted] = file.predictions
        return replace(file, predictions=values)
    table = read_table_file(path, (rows.id_column,))
    frame, notes = table.frame, [*table.notes]
    places = rows.places(path, named_column(path, frame, rows.id_column, "the id"))
    if rows.unpredicted:
        frame, places = frame.iloc[places], np.arange(len(places))
    if not isinstance(target, str) or isinstance(classes, list):
        return PredictionFile(_of_several(path, frame, rows.id_column, target, classes)[places], tuple(notes))
    names = _value_columns(path, [str(name) for name in frame if name != rows.id_column], target, classes)
    values = np.column_stack([_numbers(path, frame, name, rows.id_column, target, classes) for name in names])
    if classes is None:
        return PredictionFile(values[places, 0], tuple(notes))
    if len(names) == 1:
        if np.isin(values, (0, 1)).all():
            notes.append(
                f"{path.name}: {names[0]} has only the values 0 and 1, which are read as probabilities of "
                f"{classes[1]}; labels lose what a blend could learn from probabilities"
            )
        return PredictionFile(np.column_stack([1 - values, values])[places], tuple(notes))
    return PredictionFile(_summing_to_one(path, frame, names, values, rows.id_column)[places], tuple(notes))


def _of_several(
    path: Path,
    frame: pd.DataFrame,
    id_column: str,
    targets: Sequence[str],
    classes: np.ndarray | list[np.ndarray] | None,
) -> np.ndarray:
    """Return the predictions of several targets, (rows, columns), in the order of the file."""
    present = [str(name) for name in frame if name != id_column]
    if isinstance(classes, list):
        names = [[f"p_{name}_{label}" for label in labels] for name, labels in zip(targets, classes, strict=True)]
    elif classes is None:
        names = [[name] for name in targets]
    else:
        names = [[f"p_{name}" if f"p_{name}" in present else name] for name in targets]
    expected = [name for columns in names for name in columns]
    lacking = [name for name in expected if name not in present]
    if lacking:
        raise DataError(
            f"{path}: expected the columns {listed(expected, MOST_CLASSES)}, found "
            f"{listed(present, MOST_CLASSES) or 'none'}: {listed(lacking)} missing. Name a column after each target."
        )
    parts = []
    for target, columns in zip(targets, names, strict=True):
        values = np.column_stack([_numbers(path, frame, name, id_column, target, classes) for name in columns])
        parts.append(_summing_to_one(path, frame, columns, values, id_column) if len(columns) > 1 else values)
    return np.hstack(parts)


def _summing_to_one(
    path: Path, frame: pd.DataFrame, names: Sequence[str], values: np.ndarray, id_column: str
) -> np.ndarray:
    """Return probabilities, (rows, classes), divided by their sum, which has to be about 1."""
    sums = values.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > SUM_TOLERANCE + EXACT)
    if len(wrong):
        raise DataError(
            f"{path}, columns {listed(names)}, {named_row(frame, id_column, wrong[0])}: the probabilities sum to "
            f"{sums[wrong[0]]:.6g}, expected 1 within {SUM_TOLERANCE:g}{more_rows(wrong)}. Divide each row by its sum."
        )
    divisors = np.where(np.abs(sums - 1) > EXACT, sums, 1.0)
    return values / divisors[:, np.newaxis]


def _value_columns(path: Path, present: Sequence[str], target: str, classes: np.ndarray | None) -> list[str]:
    """Return the columns with the predictions: one for each class, or a single one."""
    single = [name for name in (target, "prediction", *(["p"] if classes is not None else [])) if name in present]
    if classes is not None:
        wanted = [{f"p_{label}", f"p_{category_text(label)}"} for label in classes]
        probabilities = [name for name in present if name.startswith("p_")]
        names = [next((name for name in probabilities if name in spellings), None) for spellings in wanted]
        extra = [name for name in probabilities if not any(name in spellings for spellings in wanted)]
        expected = listed([f"p_{label}" for label in classes], MOST_CLASSES)
        if probabilities:
            lacking = [f"p_{label}" for label, name in zip(classes, names, strict=True) if name is None]
            if lacking or extra:
                faults = [f"{listed(lacking)} missing"] * bool(lacking) + [f"{listed(extra)} unknown"] * bool(extra)
                raise DataError(
                    f"{path}: expected the columns {expected}, one for each class of {target}, found "
                    f"{listed(probabilities, MOST_CLASSES)}: {' and '.join(faults)}. Name them after the classes."
                )
            return [name for name in names if name is not None]
        if len(classes) > 2 or not single:
            one = "" if len(classes) > 2 else f"; or one column p with the probability of {classes[1]}"
            raise DataError(
                f"{path}: expected the columns {expected}, one for each class of {target}{one}. Found "
                f"{listed(present, MOST_CLASSES) or 'none'}: rename or add columns."
            )
    if len(single) != 1:
        columns = listed(single or present, MOST_CLASSES) or "none"
        action = "leave the others out" if single else "rename the column of the predictions"
        raise DataError(
            f"{path}: expected one column with predictions, named {target} or prediction, found {columns} beside the "
            f"id: {action}."
        )
    return single


def named_column(path: Path, frame: pd.DataFrame, name: str, role: str) -> pd.Series[Any]:
    """Return a column of a file; raise an error, with the nearest name, if there is none."""
    if name not in frame:
        hint = did_you_mean(name, [str(column) for column in frame])
        raise DataError(f"{path}: there is no column {name!r} ({role}). {hint}")
    return frame[name]


def _numbers(path: Path, frame: pd.DataFrame, name: str, id_column: str, target: str, classes: object) -> np.ndarray:
    """Return a column as finite numbers; as probabilities, if there are classes."""
    subject = f"{path}, column {name}"
    kind = f"a number for {target}" if classes is None else "a probability from 0 to 1"
    values = read_numbers(frame[name], subject, f"Write {kind}.")
    bad = np.isnan(values)
    if classes is not None:
        bad |= (values < -TOLERANCE) | (values > 1 + TOLERANCE)
    wrong = np.flatnonzero(bad)
    if len(wrong):
        value = "no value" if np.isnan(values[wrong[0]]) else f"{values[wrong[0]]:g}"
        raise DataError(
            f"{subject}, {named_row(frame, id_column, wrong[0])}: expected {kind}, found {value}{more_rows(wrong)}. "
            "Correct it where the predictions are made."
        )
    return values if classes is None else np.clip(values, 0, 1)


def named_row(frame: pd.DataFrame, id_column: str, place: int) -> str:
    """Return the number and the id of a row of a file, for messages."""
    return f"row {frame.index[place]} (id {frame[id_column].iloc[place]})"


def more_rows(rows: Any) -> str:
    """Return the number of rows with the same fault, for messages; empty if there is only one."""
    return f" ({len(rows):,} such rows)" if len(rows) > 1 else ""
