"""Errors that a user can act on.

The command line prints a `UserError` without a traceback and exits with code 2. Each message names the file, column,
row or key, the value that was expected, the value that was found, and the action to take. Any other exception is a
defect of the package and keeps its traceback.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = [
    "DataError",
    "SpecError",
    "SubmissionError",
    "TabularDLError",
    "TrackingError",
    "UserError",
    "did_you_mean",
    "listed",
    "nearest",
    "plain_words",
    "shortened",
]

MOST_OPTIONS = 12  # options listed by one message
# Characters of a word, and of a line, above which a message leaves out the middle; lines of a message.
LONGEST_WORD, LONGEST_LINE, MOST_LINES = 300, 2000, 60
LONGEST_COMPARED = 100  # characters of words that are compared: the time grows with the square
# Terminals interpret these characters, reorder letters by them, or do not print them.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

# Expected value for each of pydantic's error types. Names in braces are keys of the error's context.
_EXPECTED = {
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "too_short": "a list of {min_length} or more",
    "string_type": "text",
    "string_too_short": "text of {min_length} or more characters",
    "string_too_long": "text of at most {max_length} characters",
    # The only pattern in use is that of names.
    "string_pattern_mismatch": "letters, digits, '_', '.' or '-', the first a letter or a digit",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "literal_error": "{expected}",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
}


class TabularDLError(Exception):
    """Base class of the exceptions that the package raises on purpose."""


class UserError(TabularDLError, ValueError):
    """Error in the user's input; the message says what to change.

    It is a `ValueError`, so code written for scikit-learn's estimators catches it as usual. Values in the message may
    come from anywhere: long ones are cut by `shortened`.

    Attributes
    ----------
    exit_code : int
        Exit code of the command line.
    """

    exit_code = 2

    def __init__(self, message: str = "") -> None:
        super().__init__(shortened(message))


class SpecError(UserError):
    """Error in a pipeline: in its YAML file, in a `--set` or in another option."""


class DataError(UserError):
    """Error in a table: it does not contain what the pipeline expects."""


class TrackingError(UserError):
    """Results were computed and kept, but could not be written to the store; the message says where they are."""

    exit_code = 3


class SubmissionError(UserError):
    """Error in a submission, or in the run that it is made from."""


def shortened(message: str) -> str:
    r"""Return a message that can be read and printed, whatever names and values it repeats.

    The middle of words above 300 characters and of lines above 2,000 is left out, as are lines after the sixtieth.
    Control characters, and those that change the order of letters, are written as escapes.

    Parameters
    ----------
    message : str
        Message with names and values of the user.

    Returns
    -------
    str
        The message, unchanged if it is short and plain.

    Examples
    --------
    >>> shortened("There is no file a\x1b[31m.csv.")
    'There is no file a\\x1b[31m.csv.'
    >>> shortened("column " + "n" * 4999 + "!").replace("n" * 10, "~")
    'column ~~~~~~~~~~... (4,880 characters more) ...~nnnnnnnnn!'
    """
    lines = message.split("\n")
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], f"... and {len(lines) - MOST_LINES + 1:,} lines more"]
    text = "\n".join(_without_middle(_without_long_words(line), LONGEST_LINE) for line in lines)
    return _CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _without_long_words(line: str) -> str:
    long = rf"\S{{{LONGEST_WORD + 1},}}"
    return re.sub(long, lambda match: _without_middle(match[0], LONGEST_WORD), line)


def _without_middle(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    head, tail = longest // 3, longest // 15
    return f"{text[:head]}... ({len(text) - head - tail:,} characters more) ...{text[-tail:]}"


def nearest(word: str, options: Iterable[str]) -> str | None:
    """Return the option most similar to a mistyped word, ignoring case.

    Parameters
    ----------
    word : str
        Word that the user wrote.
    options : iterable of str
        Valid words.

    Returns
    -------
    str or None
        None if no option is similar.

    Examples
    --------
    >>> nearest("Titanc", ["boston", "titanic"]), nearest("zzz", ["boston"])
    ('titanic', None)
    """
    if len(word) > LONGEST_COMPARED:
        return None
    lower = {name.lower(): name for name in sorted(options) if len(name) <= LONGEST_COMPARED}
    matches = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return lower[matches[0]] if matches else None


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Return a sentence that suggests the option nearest to a mistyped word, or lists the options.

    Case is ignored. At most 12 options are listed.

    Parameters
    ----------
    word : str
        Word that the user wrote.
    options : iterable of str
        Valid words.

    Returns
    -------
    str
        Sentence to append to an error message.

    Examples
    --------
    >>> did_you_mean("titanc", ["boston", "titanic", "wine"])
    "Did you mean 'titanic'?"
    >>> did_you_mean("zzz", ["wine", "boston"])
    'Known: boston, wine.'
    """
    names = sorted(options)
    match = nearest(word, names)
    if match is not None:
        return f"Did you mean {match!r}?"
    return f"Known: {listed(names, MOST_OPTIONS)}." if names else "There are none."


def listed(names: Sequence[object], most: int = 5) -> str:
    """Return names joined by commas, the first few of many.

    Parameters
    ----------
    names : sequence
        Names, or other objects with a text.
    most : int, default=5
        Number of names after which the others are only counted.

    Returns
    -------
    str
        List for a message.

    Examples
    --------
    >>> listed(["a", "b"]), listed(range(100), most=2)
    ('a, b', '0, 1 and 98 more')
    """
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + rest


def plain_words(problem: Mapping[str, Any]) -> str:
    """Return the meaning of a pydantic error in plain words.

    Parameters
    ----------
    problem : mapping
        Item of `pydantic.ValidationError.errors`.

    Returns
    -------
    str
        Expected and actual value, without the key.

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
