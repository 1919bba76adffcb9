"""Ends of ranges of numbers that cells write as text.

==================  ================================================================================================
form                cells
==================  ================================================================================================
between two         ``18-25``, ``$1,000 - $1,999``, ``10 to 19 years``, ``between 1 and 5 km``, ``ages 18-25``
interval            ``[70-80)``, ``(18.0, 25.0]``, as `pandas.cut` writes them, also with ``inf``
from one on         ``65+``, ``10+ years``, ``> 100``, ``more than 100 days``, ``65 years or older``
up to one           ``< 1 year``, ``under 18``, ``up to 5 kg``, ``5 or less``
==================  ================================================================================================

The ends are texts, which need not be numbers.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["RangeEnds", "range_ends"]

LONGEST = 60  # characters

_COMPARED = {
    "low": "more|greater|larger|older|longer|higher",
    "high": "less|fewer|smaller|younger|shorter|lower",
}
_BEFORE = {
    "low": re.compile(rf"(?:>=?|≥|(?:(?:{_COMPARED['low']}) than|over|above|at least)\s)\s*(.+)", re.IGNORECASE),
    "high": re.compile(
        rf"(?:<=?|≤|(?:(?:{_COMPARED['high']}) than|under|below|up to|at most)\s)\s*(.+)", re.IGNORECASE
    ),
}
_AFTER = {
    "low": re.compile(rf"(.+?)\s(?:or|and) (?:{_COMPARED['low']}|over|above|up)\b(.*)", re.IGNORECASE),
    "high": re.compile(rf"(.+?)\s(?:or|and) (?:{_COMPARED['high']}|under|below)\b(.*)", re.IGNORECASE),
}
_PLUS = re.compile(r"([^+]*[0-9][^+0-9]*?)\s?\+(?![0-9])([^+0-9]*)")
_INTERVAL = re.compile(r"([\[(])\s*([^,;\[\]()]+?)\s*[,;\u2013-]\s*([^,;\[\]()]+?)\s*([\])])")
_BETWEEN = re.compile(r"between\s+(.+?)\s+and\s+(.+)", re.IGNORECASE)
_TO = re.compile(r"([^\s+\u2212-].*?)(?:\s*[\u2013\u2014-]\s*|\s+to\s+)([^\s+\u2212-].*)", re.IGNORECASE)
_AGES = re.compile(r"^(?:ages?|aged)\s+|\s+(?:old|of age)$", re.IGNORECASE)


class RangeEnds(NamedTuple):
    """Texts of the two ends of a range; empty where it has no end."""

    low: str
    high: str


def range_ends(text: str) -> RangeEnds | None:
    """Return the ends of a range as they are written; None if the text has the form of none.

    Parameters
    ----------
    text : str
        Text as in a cell.

    Returns
    -------
    RangeEnds or None
        Lower and upper end.

    Examples
    --------
    >>> range_ends("18 - 25"), range_ends("10+ years")
    (RangeEnds(low='18', high='25'), RangeEnds(low='10 years', high=''))
    >>> range_ends("< 1 year"), range_ends("(18.0, 25.0]")
    (RangeEnds(low='', high='1 year'), RangeEnds(low='18.0', high='25.0'))
    >>> range_ends("18") is None
    True
    """
    if len(text) > LONGEST:
        return None
    text = _AGES.sub("", text.strip())
    interval = _INTERVAL.fullmatch(text)
    if interval:
        return _interval(*interval.groups())
    end = _open_end(text)
    if end is not None:
        return end
    both = _BETWEEN.fullmatch(text) or _TO.fullmatch(text)
    return RangeEnds(both[1], both[2]) if both else None


def _open_end(text: str) -> RangeEnds | None:
    """Return the end of a range that has one end."""
    plus = _PLUS.fullmatch(text)
    if plus:
        return RangeEnds(f"{plus[1]} {plus[2].strip()}".strip(), "")
    for key in ("low", "high"):
        before, after = _BEFORE[key].fullmatch(text), _AFTER[key].fullmatch(text)
        end = before[1] if before else f"{after[1]}{after[2].rstrip()}" if after else None
        if end is not None:
            return RangeEnds(end, "") if key == "low" else RangeEnds("", end)
    return None


def _interval(opening: str, low: str, high: str, closing: str) -> RangeEnds | None:
    """Return the ends of an interval that contains one of them; of an infinite one, the end that it has."""
    ends = RangeEnds("" if low in ("-inf", "-∞") else low, "" if high in ("inf", "+inf", "∞") else high)
    half_open = (opening == "[") != (closing == "]")  # (1, 2) and [1, 2] may be lists of two numbers
    return ends if half_open or (ends.low == "") != (ends.high == "") else None
