"""Rows held out from the training rows of a fold, for early stopping."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from tabular_dl.errors import DataError

__all__ = ["hold_out"]


def hold_out(
    rows: np.ndarray, labels: np.ndarray | None, fraction: float, seed: int, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return training rows and held-out rows.

    Rows are stratified by label if every class has enough rows for both. With groups, a fraction of the groups is held
    out instead.

    Parameters
    ----------
    rows : ndarray of int
        Numbers of the rows.
    labels : ndarray of shape (rows,) or None
        Label of each row.
    fraction : float
        Share of the rows to hold out.
    seed : int
        Seed of the draw.
    groups : ndarray of shape (rows,), optional
        Group of each row; rows of one group are held out together.

    Returns
    -------
    tuple of two ndarrays of int
        Training rows and held-out rows.

    Raises
    ------
    DataError
        If there are too few rows or groups.

    Examples
    --------
    >>> train, held_out = hold_out(np.arange(10), np.array([0, 1] * 5), 0.2, seed=0)
    >>> len(train), sorted(held_out % 2)
    (8, [np.int64(0), np.int64(1)])
    """
    if fraction == 0:
        return rows, rows[:0]
    size = max(1, round(fraction * len(rows)))
    if size >= len(rows):
        raise DataError(
            f"validation_fraction {fraction} of {len(rows)} training rows leaves none to train on: give more rows, "
            "or set early_stopping to null and validation_fraction to 0."
        )
    if groups is not None:
        count = len(np.unique(groups))
        if count < 2:
            raise DataError(
                "All training rows of a fold are of one group, and early stopping holds out whole groups: set "
                "early_stopping to null and validation_fraction to 0."
            )
        splitter = GroupShuffleSplit(1, test_size=min(max(1, round(fraction * count)), count - 1), random_state=seed)
        ((training, validation),) = splitter.split(rows, groups=groups)
        return rows[training], rows[validation]
    if labels is not None:
        counts = np.unique(labels, return_counts=True)[1]
        if counts.min() < 2 or not len(counts) <= size <= len(rows) - len(counts):
            labels = None
    train, held_out = train_test_split(rows, test_size=size, stratify=labels, random_state=seed)
    return train, held_out
