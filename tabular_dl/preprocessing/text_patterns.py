"""Regular expressions of pipeline files, limited in time and size.

Python's ``re`` may take years for a short pattern: with each letter of a text that ``(.*)*x`` does not match, its time
doubles. The package ``regex`` reads the same language, and ends a search after a time. Patterns that either of them
could not hold in memory are refused.
"""

from __future__ import annotations

import math
import re
import time
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tabular_dl.errors import DataError
from tabular_dl.limits import limit, raised_by

if TYPE_CHECKING:
    import regex

__all__ = ["first_groups", "pattern_problem"]

LONGEST = 1000  # characters of a pattern
MOST_REPEATS = 100_000  # product of the counts in braces, which the compiled pattern has copies for
SECONDS = 3  # time for all texts of a column, and for each million of their characters
_COUNTS = re.compile(r"\{(\d+)(?:,\d*)?\}")


def pattern_problem(pattern: object) -> str | None:
    """Return what is wrong with a regular expression; None if it can be used.

    Parameters
    ----------
    pattern : object
        Value of ``extract`` in a pipeline file; a valid one is a text that Python's ``re`` compiles.

    Returns
    -------
    str or None
        Reason, with what was expected and found.

    Examples
    --------
    >>> pattern_problem("^([A-Z])") is None
    True
    >>> pattern_problem("[A-Z")
    "'[A-Z' is not a regular expression: unterminated character set at position 0"
    """
    if not isinstance(pattern, str):
        return f"expected a regular expression in quotes, found {pattern!r}"
    if len(pattern) > limit(LONGEST):
        advice = raised_by(len(pattern), LONGEST)
        return f"a pattern of {len(pattern):,} characters; expected at most {limit(LONGEST):,}. {advice}"
    repeats = math.prod(int(count[:9]) for count in _COUNTS.findall(pattern) if count.strip("0"))
    if repeats > limit(MOST_REPEATS):
        return (
            f"{pattern!r} repeats its parts {repeats:,} times; expected at most {limit(MOST_REPEATS):,}. "
            f"{raised_by(repeats, MOST_REPEATS)}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what another version may read otherwise
            re.compile(pattern)
            _compiled(pattern)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        return f"{pattern!r} is not a regular expression: {error}"
    return None


def first_groups(pattern: str, texts: Iterable[object], subject: str) -> list[object]:
    """Return the first group of the first match in each text; the whole match if the pattern has no group.

    Parameters
    ----------
    pattern : str
        Valid regular expression.
    texts : iterable
        Texts; anything but a `str` is a missing value.
    subject : str
        Beginning of the error message: the feature and the key.

    Returns
    -------
    list of str or float
        NaN for missing values, texts without a match, and groups that took no part in it.

    Raises
    ------
    DataError
        If the searches take longer than 3 s, and 3 s for each million of characters.

    Examples
    --------
    >>> first_groups("^([A-Z])", ["C85", "none", None], "feature 'Deck', key 'extract'")
    ['C', nan, nan]
    """
    compiled = _compiled(pattern)
    values = list(texts)
    groups: dict[str, object] = {}
    distinct = dict.fromkeys(text for text in values if isinstance(text, str))
    seconds = SECONDS * (1 + sum(map(len, distinct)) // 1_000_000)
    end = time.monotonic() + limit(seconds)
    for text in distinct:
        left = end - time.monotonic()
        try:
            match = compiled.search(text, timeout=left) if left > 0 else None
        except (TimeoutError, MemoryError):
            left = 0
        if left <= 0:
            raise DataError(
                f"{subject}: {pattern!r} takes more than {limit(seconds)} s to search {len(distinct):,} texts, the "
                f"first too long for it {text!r}. Write it without a repeat inside a repeat, like (.*)*. "
                f"{raised_by(2 * limit(seconds), seconds)}"
            )
        group = None if match is None else match.group(1 if compiled.groups else 0)
        groups[text] = math.nan if group is None else group
    return [groups[text] if isinstance(text, str) else math.nan for text in values]


def _compiled(pattern: str) -> regex.Pattern[str]:
    import regex

    try:
        return regex.compile(pattern)
    except regex.error as error:
        raise ValueError(str(error)) from None
