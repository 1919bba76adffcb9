"""Standard error of a cross-validated mean, or of a mean of paired differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["mean_and_error", "standard_error"]


def standard_error(scores: np.ndarray | Sequence[float]) -> float:
    r"""Return the standard error of the mean of k folds' scores, or of k paired differences.

    Training rows of different folds overlap, so that their scores are not independent and ``s / sqrt(k)`` is too small.
    Nadeau and Bengio (Machine Learning 52, 2003, section 3) correct the variance of the mean by the ratio of test rows
    to training rows, which is ``1 / (k - 1)`` in a k-fold cross-validation::

        variance of the mean = (1 / k + 1 / (k - 1)) * s ** 2

    where ``s ** 2`` is the sample variance of the scores. For five folds the error is 1.5 times the uncorrected one.

    Parameters
    ----------
    scores : array-like of shape (folds,)
        Score of each fold, or difference of two scores.

    Returns
    -------
    float
        Standard error in units of the scores; NaN for fewer than two folds.

    Examples
    --------
    >>> round(standard_error([0.7, 0.9]), 4)
    0.1732
    """
    folds = len(scores)
    if folds < 2:
        return float("nan")
    return float(np.std(scores, ddof=1) * np.sqrt(1 / folds + 1 / (folds - 1)))


def mean_and_error(scores: np.ndarray | Sequence[float]) -> tuple[float, float]:
    """Return the mean over folds and its standard error, rounded to 15 decimals to remove rounding errors.

    Parameters
    ----------
    scores : array-like of shape (folds,)
        Score of each fold.

    Returns
    -------
    tuple of float and float
        Mean and standard error.

    Examples
    --------
    >>> mean_and_error(np.array([0.7, 0.9, 0.8]))
    (0.8, 0.091287092917528)
    """
    return round(float(np.mean(scores)), 15), round(standard_error(scores), 15)
