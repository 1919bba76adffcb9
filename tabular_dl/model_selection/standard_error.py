"""Standard error of a cross-validated mean, or of a mean of paired differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["mean_and_error", "size_ratio", "standard_error"]


def standard_error(scores: np.ndarray | Sequence[float], ratio: float | None = None) -> float:
    r"""Return the standard error of the mean of the scores of J splits, or of J paired differences.

    Training rows of different splits overlap, so that their scores are not independent and ``s / sqrt(J)`` is too
    small. Nadeau and Bengio (Machine Learning 52, 2003, section 3) correct the variance of the mean by the ratio of
    test rows to training rows::

        variance of the mean = (1 / J + test rows / training rows) * s ** 2

    where ``s ** 2`` is the sample variance of the scores. In a k-fold cross-validation, J is k and the ratio
    ``1 / (k - 1)``: for five folds the error is 1.5 times the uncorrected one. If the folds are repeated r times with
    other seeds, J is ``k * r`` while the ratio stays: repeats make the first summand small, but not the second, which
    is due to the rows that all repeats share (Bouckaert and Frank, Evaluating the Replicability of Significance Tests
    for Comparing Learning Algorithms, 2004, section 3.2). With folds by time the ratio is the mean over the folds.

    Parameters
    ----------
    scores : array-like of shape (splits,)
        Score of each split, or difference of two scores.
    ratio : float or None, default=None
        Test rows by training rows, as of `size_ratio`; None is that of one k-fold cross-validation.

    Returns
    -------
    float
        Standard error in units of the scores; NaN for fewer than two splits.

    Examples
    --------
    >>> round(standard_error([0.7, 0.9]), 4)
    0.1732
    >>> round(standard_error([0.7, 0.9, 0.9, 0.7], ratio=1.0), 4)
    0.1291
    """
    splits = len(scores)
    if splits < 2:
        return float("nan")
    ratio = 1 / (splits - 1) if ratio is None else ratio
    return float(np.std(scores, ddof=1) * np.sqrt(1 / splits + ratio))


def mean_and_error(scores: np.ndarray | Sequence[float], ratio: float | None = None) -> tuple[float, float]:
    """Return the mean over splits and its standard error, rounded to 15 decimals to remove rounding errors.

    Parameters
    ----------
    scores, ratio
        As for `standard_error`.

    Returns
    -------
    tuple of float and float
        Mean and standard error.

    Examples
    --------
    >>> mean_and_error(np.array([0.7, 0.9, 0.8]))
    (0.8, 0.091287092917528)
    """
    return round(float(np.mean(scores)), 15), round(standard_error(scores, ratio), 15)


def size_ratio(splits: Sequence[tuple[np.ndarray, np.ndarray]]) -> float | None:
    """Return the mean ratio of test rows to training rows, for `standard_error`.

    Parameters
    ----------
    splits : sequence of (train, test)
        Training rows and test rows of each fold.

    Returns
    -------
    float or None
        The ratio; None for folds that are each trained on all rows of the others, where it follows from their number.

    Examples
    --------
    >>> size_ratio([(np.arange(2), np.arange(2, 4)), (np.arange(4), np.arange(4, 6))])
    0.75
    """
    rows = {len(train) + len(test) for train, test in splits}
    if len(rows) == 1 and sum(len(test) for _, test in splits) == min(rows):
        return None
    return float(np.mean([len(test) / len(train) for train, test in splits]))
