"""Reading of files with the folds that predictions were made on elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tabular_dl.errors import DataError
from tabular_dl.model_selection import Splits
from tabular_dl.tables import read_numbers, read_table_file
from tabular_dl.workflows.imported_files import KnownRows, more_rows, named_column, named_row

__all__ = ["read_fold_file", "same_folds"]


def read_fold_file(path: Path, rows: KnownRows, y: np.ndarray | None, *, by_time: bool = False) -> Splits:
    """Read the folds that predictions were made on.

    Parameters
    ----------
    path : Path
        File with the id column and ``fold``, whole numbers; or ``fold_1``, ``fold_2`` and so on for repeated folds.
    rows : KnownRows
        Rows of the training table.
    y : ndarray of shape (rows,) or None
        Labels of the rows; None if the target is a number.
    by_time : bool, default=False
        Whether each fold was predicted from earlier rows: from those without a number, which no fold predicts, and
        those of smaller numbers.

    Returns
    -------
    list of (train, test)
        Numbers of training rows and test rows of each fold, from 0, in the order of the folds' numbers.

    Raises
    ------
    DataError
        If ids or folds are not valid, there is only one fold, or a fold lacks a label, so that it cannot be scored.
    """
    frame = read_table_file(path, (rows.id_column,)).frame
    places = rows.places(path, named_column(path, frame, rows.id_column, "the id"))
    repeated = [f"fold_{repeat}" for repeat in range(1, len(frame.columns)) if f"fold_{repeat}" in frame]
    columns = ["fold"] if "fold" in frame or not repeated else repeated
    splits: Splits = []
    for name in columns:
        numbers = _fold_numbers(path, frame, name, rows.id_column, by_time=by_time)[places]
        for fold in np.unique(numbers[~np.isnan(numbers)]):
            test = np.flatnonzero(numbers == fold)
            absent = [] if y is None else np.setdiff1d(y, y[test]).tolist()
            if absent:
                raise DataError(
                    f"{path}, column {name}: fold {fold:g} has no row of the class {absent[0]!r}, so that it cannot be "
                    "scored by every metric. Take fewer folds, or stratified ones."
                )
            splits.append((np.flatnonzero(~(numbers >= fold) if by_time else numbers != fold), test))
    return splits


def same_folds(splits: Splits, others: Splits) -> bool:
    """Return whether folds consist of the same test rows, however they are numbered."""
    rows, other_rows = ({tuple(np.sort(test)) for _, test in folds} for folds in (splits, others))
    return rows == other_rows


def _fold_numbers(path: Path, frame: pd.DataFrame, name: str, id_column: str, *, by_time: bool) -> np.ndarray:
    """Return the folds in a column of a file, checked; NaN for rows that no fold by time predicts."""
    advice = "Write the number of the fold in which the row was predicted."
    values = read_numbers(named_column(path, frame, name, "the number of the fold"), f"{path}, column {name}", advice)
    wrong = np.flatnonzero(~(values % 1 == 0) & ~(np.isnan(values) & by_time))
    if len(wrong):
        value = "no value" if np.isnan(values[wrong[0]]) else f"{values[wrong[0]]:g}"
        raise DataError(
            f"{path}, column {name}, {named_row(frame, id_column, wrong[0])}: expected a whole number, found "
            f"{value}{more_rows(wrong)}. {advice}"
        )
    numbers = np.unique(values[~np.isnan(values)])
    if len(numbers) < 2:
        folds = f"{numbers[0]:g} in every row" if len(numbers) else "none"
        raise DataError(f"{path}, column {name}: expected two folds or more, found {folds}.")
    return values
