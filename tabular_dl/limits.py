"""Limits of what is read from outside, all raised by one factor.

The factor is the environment variable ``TABULAR_DL_LIMITS``, 1 by default, which ``tabular-dl --limits FACTOR COMMAND``
sets. It is read whenever a limit is needed, so that it can be changed between two calls.
"""

from __future__ import annotations

import math
import os

from tabular_dl.errors import UserError

__all__ = ["VARIABLE", "limit", "raised_by"]

VARIABLE = "TABULAR_DL_LIMITS"


def limit(default: int) -> int:
    """Return a limit, raised by the factor that the user has chosen.

    Parameters
    ----------
    default : int
        Limit with a factor of 1.

    Returns
    -------
    int
        Limit that holds now.

    Raises
    ------
    UserError
        If the factor is not a positive and finite number.

    Examples
    --------
    >>> limit(4_000_000)
    4000000
    """
    text = os.environ.get(VARIABLE) or "1"
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0 < factor < 1e9:
        raise UserError(f"{VARIABLE} (option --limits): expected a positive number like 10, found {text[:40]!r}.")
    return math.ceil(default * factor)


def raised_by(found: float, default: int) -> str:
    """Return a sentence that tells how to raise a limit as far as needed.

    Parameters
    ----------
    found : float
        Value that is above the limit.
    default : int
        Limit with a factor of 1.

    Returns
    -------
    str
        Sentence to append to an error message.

    Examples
    --------
    >>> raised_by(9_500_000, 4_000_000)
    'If you trust it: tabular-dl --limits 3 COMMAND.'
    """
    return f"If you trust it: tabular-dl --limits {max(2, math.ceil(found / default))} COMMAND."
