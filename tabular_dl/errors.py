"""Errors that a user can act on.

The command line prints a `UserError` without a traceback and exits with code 2. Each message says which file,
column, row or key is meant, what was expected, what was found and what to do. Any other exception is a defect of
the package, and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "DataError",
    "SpecError",
    "SubmissionError",
    "TabularDLError",
    "UserError",
    "did_you_mean",
    "nearest",
    "plain_words",
]

MOST_OPTIONS = 12  # that one message lists

# What a value should have been, by pydantic's name of the mistake; in braces, what pydantic adds to it.
_EXPECTED = {
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "too_short": "a list of {min_length} or more",
    "string_type": "text",
    "string_too_short": "text of {min_length} or more characters",
    "string_pattern_mismatch": "letters, digits, '_', '.' or '-', the first a letter or a digit",  # one pattern: names
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "literal_error": "{expected}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
}


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


def nearest(word: str, options: Iterable[str]) -> str | None:
    """Return the option that a mistyped word is most like, whatever its case, or None if it is like none.

    Examples
    --------
    >>> nearest("Titanc", ["boston", "titanic"]), nearest("zzz", ["boston"])
    ('titanic', None)
    """
    lower = {name.lower(): name for name in sorted(options)}
    found = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return lower[found[0]] if found else None


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Return a sentence that suggests the option nearest to a mistyped word, or lists the options.

    Upper and lower case are the same; at most 12 options are listed.

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
    near = nearest(word, names)
    if near is not None:
        return f"Did you mean {near!r}?"
    more = f" and {len(names) - MOST_OPTIONS} more" if len(names) > MOST_OPTIONS else ""
    return f"Known: {', '.join(names[:MOST_OPTIONS])}{more}." if names else "There are none."


def plain_words(problem: Mapping[str, Any]) -> str:
    """Say what one of pydantic's errors means to someone who does not know pydantic.

    Parameters
    ----------
    problem : mapping
        An item of `pydantic.ValidationError.errors`.

    Returns
    -------
    str
        What was expected and what was found, without the key.

    Examples
    --------
    >>> plain_words({"type": "greater_than_equal", "ctx": {"ge": 2}, "input": 1})
    'expected 2 or more, found 1.'
    """
    if problem["type"] == "missing":
        return "this key is required."
    if problem["type"] == "value_error":  # raised by a check of our own
        return str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] not in _EXPECTED:
        return f"{problem['msg']}; found {problem['input']!r}."
    expected = _EXPECTED[problem["type"]].format(**problem.get("ctx", {}))
    return f"expected {expected}, found {problem['input']!r}."
