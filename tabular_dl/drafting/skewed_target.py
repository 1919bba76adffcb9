"""Targets whose logarithm is learned: positive numbers that are skewed, over a wide range."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import skew

__all__ = ["skew_reason"]

# Skewness from which on a logarithm is tried, and the share of it that the logarithm may have at most.
SKEWED, SHARE = 1.0, 0.5
WIDE = 20.0  # largest number, in units of the smallest, or of 1 if that is smaller


def skew_reason(y: pd.Series) -> str | None:
    """Return the reason to learn the logarithm of a target; None if there is none.

    Skewness is the third standardised moment. Prices, counts and durations often have a long tail of large numbers,
    whose errors would outweigh all others.

    Parameters
    ----------
    y : Series of shape (rows,)
        Target.

    Returns
    -------
    str or None
        Sentence with range and skewness.

    Examples
    --------
    >>> skew_reason(pd.Series([100.0 * 1.5**n for n in range(20)]))
    'from 100 to 2.22e+05, skewness 2.1; that of log(1 + y) is 0.0.'
    >>> skew_reason(pd.Series(range(100))) is None
    True
    """
    numbers = pd.to_numeric(y, errors="coerce").dropna().to_numpy(float)
    if not len(numbers) or numbers.min() < 0 or numbers.max() < WIDE * max(1.0, numbers.min()):
        return None
    plain, logarithm = (float(skew(values)) for values in (numbers, np.log1p(numbers)))
    if plain < SKEWED or abs(logarithm) > SHARE * plain:
        return None
    return (
        f"from {numbers.min():.3g} to {numbers.max():.3g}, skewness {plain:.1f}; that of log(1 + y) is {logarithm:.1f}."
    )
