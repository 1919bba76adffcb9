"""Centres and scales to normalise columns by."""

from __future__ import annotations

import numpy as np

__all__ = ["robust_scale", "standard_scale"]

# A column is constant if its standard deviation is at most this share of its mean, which is rounding error.
QUARTILES = (0.25, 0.5, 0.75)
ROUNDING = 100 * np.finfo(np.float64).eps


def standard_scale(numbers: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return means and standard deviations of columns; 1 for constant columns.

    Parameters
    ----------
    numbers : ndarray of shape (rows, columns)
        Training rows.
    weights : ndarray of shape (rows,) or None
        Weights of the rows.

    Returns
    -------
    centre, scale : ndarray of shape (columns,)
        Means and standard deviations.

    Examples
    --------
    >>> standard_scale(np.array([[1.0, 5.0], [3.0, 5.0]]), None)
    (array([2., 5.]), array([1., 1.]))
    """
    # Weights are a column: NumPy's average would fail without numeric columns.
    shares = np.ones((len(numbers), 1)) if weights is None else np.asarray(weights, np.float64)[:, np.newaxis]
    mean = (numbers * shares).sum(axis=0) / shares.sum()
    deviation = np.sqrt(((numbers - mean) ** 2 * shares).sum(axis=0) / shares.sum())
    # The deviation of equal numbers may be greater than 0 by rounding.
    return mean, np.where(deviation > ROUNDING * np.abs(mean), deviation, 1.0)


def robust_scale(numbers: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return medians, and distances of quartiles; of columns where these are equal, half of the range.

    A constant column has an infinite scale, and becomes zero (arXiv:2407.04491).

    Parameters
    ----------
    numbers : ndarray of shape (rows, columns)
        Training rows.
    weights : ndarray of shape (rows,) or None
        Weights of the rows.

    Returns
    -------
    centre, scale : ndarray of shape (columns,)
        Medians and distances.

    Examples
    --------
    >>> robust_scale(np.array([[0.0, 7.0, 0.0], [1, 7, 0], [4, 7, 0], [9, 7, 0], [9, 7, 8]]), None)
    (array([4., 7., 0.]), array([ 8., inf,  4.]))
    """
    if weights is None:
        first, median, third = np.quantile(numbers, QUARTILES, axis=0)
    else:
        first, median, third = np.quantile(numbers, QUARTILES, axis=0, weights=weights, method="inverted_cdf")
    scale = np.where(third > first, third - first, (numbers.max(axis=0) - numbers.min(axis=0)) / 2.0)
    return median, np.where(scale > ROUNDING * np.abs(median), scale, np.inf)
