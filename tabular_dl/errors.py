"""Errors that a user can act on.

The command line prints a `UserError` without a traceback and exits with code 2. Each message says which file,
column, row or key is meant, what was expected, what was found and what to do. Any other exception is a defect of
the package, and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["DataError", "SpecError", "SubmissionError", "TabularDLError", "UserError", "did_you_mean"]


class TabularDLError(Exception):
    """Base of every exception that the package raises on purpose."""


class UserError(TabularDLError, ValueError):
    """Something that the user gave cannot be used; the message says what to change.

    It is a `ValueError`, so code that expects scikit-learn's behaviour catches it as usual.
    """


class SpecError(UserError):
    """A pipeline (the YAML file, `--set`, or an option) asks for something that does not exist."""


class DataError(UserError):
    """A table does not hold what the pipeline expects of it."""


class SubmissionError(UserError):
    """A submission would not be accepted, or the run that it is made from cannot be used."""


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Return a sentence that suggests the option nearest to a mistyped word, or lists all of them.

    Parameters
    ----------
    word : str
        What the user wrote.
    options : iterable of str
        What would have been valid.

    Returns
    -------
    str
        A sentence to append to an error message.

    Examples
    --------
    >>> did_you_mean("titanc", ["boston", "titanic", "wine"])
    "Did you mean 'titanic'?"
    >>> did_you_mean("zzz", ["wine", "boston"])
    'Known: boston, wine.'
    """
    names = sorted(options)
    nearest = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if nearest:
        return f"Did you mean {nearest[0]!r}?"
    return f"Known: {', '.join(names)}." if names else "There are none."
