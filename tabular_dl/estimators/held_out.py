"""Rows held out from the training rows of a fold, for early stopping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from tabular_dl.errors import DataError

__all__ = ["HeldOutBy", "LabeledRows", "RowGroups", "RowTimes", "hold_out"]


@dataclass(frozen=True, eq=False)
class RowTimes:
    """Time of each row, in the place of groups of rows: models are trained on earlier rows than they predict.

    Parameters
    ----------
    steps : ndarray of int of shape (rows,)
        Number of each row's time among the different times of the table, from 0.
    gap : int, default=0
        Number of different times between training rows and rows that are predicted, which are left out.

    Examples
    --------
    >>> times = RowTimes.of(np.array([2021.0, 2019.0, 2021.0, 2020.0]))
    >>> times.steps.tolist(), times[np.array([0, 3])].steps.tolist()
    ([2, 0, 2, 1], [2, 1])
    """

    steps: np.ndarray
    gap: int = 0

    @classmethod
    def of(cls, times: np.ndarray, gap: int = 0) -> RowTimes:
        """Return the times of rows that are given as numbers or dates, (rows,)."""
        return cls(np.unique(times, return_inverse=True)[1].ravel(), gap)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.steps)

    def __getitem__(self, rows: np.ndarray) -> RowTimes:
        """Return the times of some rows. Different times are still counted in the whole table."""
        return RowTimes(self.steps[rows], self.gap)

    def before(self, step: int) -> np.ndarray:
        """Return the places of the rows from which those of a step, and later ones, may be predicted."""
        return np.flatnonzero(self.steps < step - self.gap)


# What rows belong together by: the group of each row, or its time.
RowGroups = np.ndarray | RowTimes


@dataclass(frozen=True, eq=False)
class LabeledRows:
    """Rows with a label, among others whose labels were predicted: these are trained on, and never held out.

    Parameters
    ----------
    known : ndarray of bool of shape (rows,)
        Whether the label of each row is known.
    groups : ndarray of shape (labeled rows,), RowTimes or None, default=None
        What labeled rows are held out by.

    Examples
    --------
    >>> rows = LabeledRows(np.array([True, True, False, False]), np.array([7, 8]))
    >>> rows[np.array([1, 3])].known.tolist(), rows[np.array([1, 3])].groups.tolist()
    ([True, False], [8])
    """

    known: np.ndarray
    groups: HeldOutBy | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.known)

    def __getitem__(self, rows: np.ndarray) -> LabeledRows:
        """Return some rows."""
        labeled = self.known[rows]
        places = (np.cumsum(self.known) - 1)[rows[labeled]]
        return LabeledRows(labeled, None if self.groups is None else self.groups[places])


# What rows are held out by, where labels of some may have been predicted.
HeldOutBy = RowGroups | LabeledRows


def hold_out(
    rows: np.ndarray, labels: np.ndarray | None, fraction: float, seed: int, groups: HeldOutBy | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return training rows and held-out rows.

    Rows are stratified by label if every class has enough rows for both. With groups, a fraction of the groups is held
    out instead. With times, the latest rows are held out, and rows in the gap before them are neither held out nor
    trained on.

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
    groups : ndarray of shape (rows,), RowTimes or LabeledRows, optional
        Group of each row; rows of one group are held out together. Or their times. Of labeled rows among others, a
        fraction is held out, and all others are training rows.

    Returns
    -------
    tuple of two ndarrays of int
        Training rows and held-out rows.

    Raises
    ------
    DataError
        If there are too few rows, groups or times.

    Examples
    --------
    >>> train, held_out = hold_out(np.arange(10), np.array([0, 1] * 5), 0.2, seed=0)
    >>> len(train), sorted(held_out % 2)
    (8, [np.int64(0), np.int64(1)])
    """
    if fraction == 0:
        return rows, rows[:0]
    if isinstance(groups, LabeledRows):
        labeled = groups.known
        train, held_out = hold_out(
            rows[labeled], None if labels is None else labels[labeled], fraction, seed, groups.groups
        )
        return np.concatenate([train, rows[~labeled]]), held_out
    size = max(1, round(fraction * len(rows)))
    if size >= len(rows):
        raise DataError(
            f"validation_fraction {fraction} of {len(rows)} training rows leaves none to train on: give more rows, "
            "or set early_stopping to null and validation_fraction to 0."
        )
    if isinstance(groups, RowTimes):
        training, validation = _latest(groups, size)
        return rows[training], rows[validation]
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


def _latest(times: RowTimes, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of training rows, and of about `size` latest rows; rows of one time stay together."""
    ordered = np.unique(times.steps)
    first = max(np.sort(times.steps)[len(times) - size], ordered[min(times.gap + 1, len(ordered) - 1)])
    training = times.before(int(first))
    if not len(training):
        raise DataError(
            f"The training rows of a fold have {len(ordered)} different times, too few to hold out the latest of "
            f"them{f' after a gap of {times.gap}' if times.gap else ''}: take fewer folds or a smaller gap "
            "(ensemble.folds, ensemble.gap), or set early_stopping to null and validation_fraction to 0."
        )
    return training, np.flatnonzero(times.steps >= first)
