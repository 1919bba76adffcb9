"""Numbers that cells write as text: with units, currencies, percent signs, magnitudes, and in parentheses.

==================  ================================================================================================
form                cells
==================  ================================================================================================
unit                ``19.67 kmpl``, ``74bhp``, ``1,240 CC``, ``17.1%``, ``1.2e3 km``, ``3 yrs``
currency            ``$4,436``, ``-$5``, ``4,436 EUR``, ``$1.5M``
units one by one    ``5'11"``, ``2h 50m``, ``3 yrs 2 mths``: of one dimension, the largest first
magnitude           ``1.5M``, ``20k``, ``3 million``, ``45 Lakh``
parentheses         ``(1,200)``, which is -1200 in accounts
plain               ``1,240``, in the declared unit
==================  ================================================================================================

Everything else is no number: dates, times (``12:30``), ranges (``10-20``), versions (``1.2.3``), ordinals (``3rd``),
codes (``007``, ``12A``), and numbers of a unit that cannot be converted into the declared one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from tabular_dl.tables.number_parsing import LONGEST_NUMBER, UNSIGNED, UNSIGNED_COMMA
from tabular_dl.tables.units import UNIT, common_unit, conversion, dimensions, unit_key
from tabular_dl.tables.values import LARGEST, read_categories

__all__ = ["NumberForm", "find_number_form", "read_unit_numbers"]

SHARE = 0.95  # of the different cells have the form of the column; the others become missing
FEWEST = 3  # different cells that have it
RARE_UNIT = 0.02  # share of the different cells from which a further unit is no slip
MOST_UNITS = 4  # in one column that cannot be converted into each other
GLANCE = 200  # different cells that are looked at first
GLANCE_SHARE = 0.5  # of them that have a form in a column that is worth reading

_CURRENCY = r"(?:US\$|[$€£¥₹₩]|USD|EUR|GBP|JPY|INR|CHF|Rs\.?)"
_SIGN = "[+\u2212-]"
# Magnitudes by the case in which they are written; the last ones only with a currency, as m is for meters too.
_MAGNITUDES = {"k": 1e3, "K": 1e3, "M": 1e6, "thousand": 1e3, "million": 1e6, "billion": 1e9, "mn": 1e6, "mln": 1e6}
_MAGNITUDES |= {"bn": 1e9, "lac": 1e5, "lakh": 1e5, "crore": 1e7, "cr": 1e7}
_OF_CURRENCIES = {"m": 1e6, "b": 1e9, "B": 1e9}
# Words after a number that are no units: ordinals, times of the day, months, days.
_NO_UNITS = re.compile(
    "st|nd|rd|th|am|pm|ad|bc|bce|ce|to|and|or|of|x|jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?"
    "|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?|(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?"
)
_PLACES = {".": UNSIGNED, ",": UNSIGNED_COMMA}
_ONE = {
    decimal: re.compile(
        rf"(?P<sign>{_SIGN})?(?P<currency>{_CURRENCY})?\s?(?P<inner>{_SIGN})?(?P<number>{number})(?P<blank>\s*)(?P<rest>\D.*)?"
    )
    for decimal, number in _PLACES.items()
}
_PART = {decimal: re.compile(rf"({number})\s?({UNIT})[\s,]*") for decimal, number in _PLACES.items()}
_FEET = re.compile(r"""([0-9]+)\s?['\u2032]\s?([0-9]+(?:\.[0-9]+)?)""")
_MAGNITUDE_AND_UNIT = re.compile(rf"(?P<magnitude>[A-Za-z]+)\.?(?:\s+(?P<unit>{UNIT}))?")


class _Reading(NamedTuple):
    """Number of a cell: amounts that are added up, each with its unit, which is empty for a plain number."""

    amounts: tuple[tuple[float, str], ...]
    marked: bool  # whether more than digits say that it is a number, such as parentheses or a magnitude
    negative: bool = False  # by parentheses


@dataclass(frozen=True)
class NumberForm:
    """Form in which nearly all cells of a column write numbers.

    Attributes
    ----------
    unit : str, tuple of str or True
        Unit of the numbers; several if they cannot be converted into each other; True for numbers without a unit.
    decimal : {".", ","}
        Decimal sign.
    spellings : tuple of str
        Units as the cells spell them, if there are several.
    """

    unit: str | tuple[str, ...] | bool
    decimal: str = "."
    spellings: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """Description of the numbers, such as "numbers in kmpl"."""
        if isinstance(self.unit, bool):
            return "numbers written as text"
        return f"numbers in {self.unit if isinstance(self.unit, str) else ' and '.join(self.unit)}"


def read_unit_numbers(column: pd.Series, unit: str | Sequence[str] | bool, decimal: str = ".") -> pd.Series:
    r"""Return the numbers in texts, in a declared unit.

    Numbers of another unit of the same dimension are converted. Among several declared units, each number stays in its
    own. Plain numbers count as numbers in the declared unit.

    Parameters
    ----------
    column : Series of shape (rows,)
        Texts or numbers.
    unit : str, sequence of str or True
        Declared unit, or units; True for numbers without one.
    decimal : {".", ","}, default="."
        Decimal sign; the other one separates thousands.

    Returns
    -------
    Series of float64, shape (rows,)
        Numbers; NaN where the cell is missing or none in a declared unit.

    Examples
    --------
    >>> read_unit_numbers(pd.Series(["2 GB", "512 MB", "1", "large", None]), "GB").tolist()
    [2.0, 0.5, 1.0, nan, nan]
    >>> read_unit_numbers(pd.Series(["(1,200)", "1.5M", "12:30", "1.2.3"]), True).tolist()
    [-1200.0, 1500000.0, nan, nan]
    >>> read_unit_numbers(pd.Series(["5'11\"", "6 ft"]), "in").tolist()
    [71.0, 72.0]
    """
    if column.dtype.kind in "biuf":
        return column.astype(np.float64)
    units = () if isinstance(unit, bool) else (unit,) if isinstance(unit, str) else tuple(unit)
    codes, distinct = pd.factorize(read_categories(column))  # missing is -1
    numbers = [_in_units(_read(str(text), decimal), units) for text in distinct]
    return pd.Series(np.array([*numbers, np.nan], dtype=np.float64)[codes], index=column.index, name=column.name)


def find_number_form(texts: Iterable[str]) -> NumberForm | None:
    """Return the form in which the cells of a column write numbers; None if fewer than 95 % of them share one.

    Cells are counted once, however many rows have them. Plain numbers other than 0 do not have the form of a column
    with units. Columns with fewer than 3 different numbers are categories.

    Parameters
    ----------
    texts : iterable of str
        Cells that have a value.

    Returns
    -------
    NumberForm or None
        Unit and decimal sign.

    Examples
    --------
    >>> find_number_form(["19.67 kmpl", "18.9 kmpl", "20.3 kmpl"]).unit
    'kmpl'
    >>> find_number_form(["2 BHK", "3 BHK", "4 Bedroom", "5 Bedroom"]).unit
    ('BHK', 'Bedroom')
    >>> find_number_form(["C85", "12A", "007"]) is None
    True
    """
    distinct = list(dict.fromkeys(texts))
    glance = distinct[:: max(1, len(distinct) // GLANCE)]
    decimals = [d for d in _PLACES if sum(_read(text, d) is not None for text in glance) >= GLANCE_SHARE * len(glance)]
    forms = [(len(readings), decimal, readings) for decimal in decimals if (readings := _readings(distinct, decimal))]
    if not forms:
        return None
    # Of two decimal signs that read the same cells, the point.
    count, decimal, readings = max(forms, key=lambda form: form[0])
    if count < max(FEWEST, SHARE * len(distinct)):
        return None
    return _form(readings, len(distinct), decimal)


def _readings(distinct: Iterable[str], decimal: str) -> list[_Reading]:
    return [reading for text in distinct if (reading := _read(text, decimal)) is not None]


def _form(readings: Sequence[_Reading], cells: int, decimal: str) -> NumberForm | None:
    """Return the form of cells that are numbers; None if too few have a mark or a unit of the few of the column."""
    groups = _groups([reading for reading in readings if reading.amounts[-1][1]])
    groups = {kind: units for kind, units in groups.items() if len(units) >= max(2, RARE_UNIT * cells)}
    zeros = sum(reading.amounts == ((0.0, ""),) for reading in readings)
    if not groups:
        marked = sum(reading.marked for reading in readings)
        all_negative = all(reading.negative for reading in readings)  # such as (555), which is no amount
        plain = [reading for reading in readings if not reading.amounts[-1][1]]
        enough = marked >= max(2, RARE_UNIT * cells) and len(plain) >= SHARE * cells
        return NumberForm(True, decimal) if enough and not all_negative else None
    with_unit = sum(map(len, groups.values()))
    if len(groups) > MOST_UNITS or with_unit < FEWEST or with_unit + zeros < SHARE * cells:
        return None
    names = tuple(_name(kind, units) for kind, units in groups.items())
    if len(names) == 1:
        return NumberForm(names[0], decimal)
    spellings = Counter(unit for units in groups.values() for unit in units)
    return NumberForm(names, decimal, tuple(sorted(spellings, key=lambda unit: (-len(unit), unit))))


def _groups(readings: Sequence[_Reading]) -> dict[str, list[str]]:
    """Return the units of cells by dimension, or by their key if they have none, those of most cells first.

    A unit of two dimensions, such as m, belongs to the one that more cells of the column may have.
    """
    remaining = [(_kinds(reading), reading.amounts[-1][1]) for reading in readings]
    groups: dict[str, list[str]] = {}
    while remaining:
        counts = Counter(kind for kinds, _ in remaining for kind in sorted(kinds))
        best = max(counts, key=lambda kind: counts[kind])
        groups[best] = [unit for kinds, unit in remaining if best in kinds]
        remaining = [pair for pair in remaining if best not in pair[0]]
    return groups


def _kinds(reading: _Reading) -> frozenset[str]:
    shared = frozenset.intersection(*(dimensions(unit) for _, unit in reading.amounts))
    return shared or frozenset({f"={unit_key(reading.amounts[-1][1])}"})


def _name(kind: str, units: Sequence[str]) -> str:
    """Return the commonest spelling of a unit, or the usual one if it is a mark or may be of another dimension."""
    commonest = Counter(units).most_common(1)[0][0].rstrip(".")
    if kind.startswith("=") or (len(dimensions(commonest)) == 1 and commonest.isalnum()):
        return commonest
    return common_unit(commonest, kind)


def _in_units(reading: _Reading | None, units: Sequence[str]) -> float:
    """Return the number of a cell in the first of the units that it can be converted to; NaN if there is none."""
    if reading is None:
        return np.nan
    number, own = reading.amounts[0]
    if not own:
        return number if abs(number) <= LARGEST else np.nan
    for unit in units:
        factors = [conversion(written, unit) for _, written in reading.amounts]
        if None not in factors:
            total = float(sum(n * f for (n, _), f in zip(reading.amounts, factors, strict=True) if f is not None))
            return total if abs(total) <= LARGEST else np.nan
    return np.nan


def _read(text: str, decimal: str) -> _Reading | None:
    """Return the number of a cell; None if it is none."""
    text = text.strip()
    if len(text) > LONGEST_NUMBER or not any(map(str.isdigit, text)):
        return None
    if text.startswith("(") and text.endswith(")"):
        inner = _read_one(text[1:-1], decimal)
        if inner is None or inner.amounts[0][0] < 0:
            return None
        return _Reading(tuple((-number, unit) for number, unit in inner.amounts), marked=True, negative=True)
    return _read_one(text, decimal) or _read_parts(text, decimal)


def _read_one(text: str, decimal: str) -> _Reading | None:
    """Return one number, with a currency before it, or a magnitude and a unit after it."""
    match = _ONE[decimal].fullmatch(text)
    if match is None or (match["sign"] and match["inner"]):
        return None
    number = _number(match["number"], decimal) * (-1 if (match["sign"] or match["inner"] or "+") != "+" else 1)
    currency, rest = match["currency"] or "", match["rest"] or ""
    if not rest:
        return _Reading(((number, currency),), marked=bool(currency))
    if not currency and _is_unit(rest, glued=not match["blank"]):
        return _Reading(((number, rest),), marked=True)
    parts = _MAGNITUDE_AND_UNIT.fullmatch(rest)
    scale = None if parts is None else _magnitude(parts["magnitude"], currency, glued=not match["blank"])
    if parts is None or scale is None:
        return None
    unit = parts["unit"] or ""
    if unit and (currency or not (dimensions(unit) or re.fullmatch(_CURRENCY, unit))):
        return None
    return _Reading(((number * scale, currency or unit),), marked=True)


def _is_unit(text: str, *, glued: bool) -> bool:
    """Whether text after a number is a unit: a known one, a sign, or a word of two letters or more."""
    word = text.rstrip(".")
    if not re.fullmatch(UNIT, text) or _NO_UNITS.fullmatch(word.casefold()):
        return False
    if dimensions(text) or not text[0].isalpha():
        return True
    return len(word) > 1 and _magnitude(word, "", glued=glued) is None


def _magnitude(word: str, currency: str, *, glued: bool) -> float | None:
    known = _MAGNITUDES | (_OF_CURRENCIES if currency else {})
    if len(word) == 1:  # 300 K is no number of thousands
        return known.get(word) if glued or currency else None
    return known.get(word.casefold())


def _read_parts(text: str, decimal: str) -> _Reading | None:
    """Return a number of several units of one dimension, the largest first, such as 2h 50m."""
    feet = re.fullmatch(rf"""{_FEET.pattern}\s?(?:"|″|'')?""", text)
    if feet:
        return _Reading(((float(feet[1]), "ft"), (float(feet[2]), "in")), marked=True)
    place, amounts = 0, []
    while place < len(text) and (match := _PART[decimal].match(text, place)):
        amounts.append((_number(match[1], decimal), match[2]))
        place = match.end()
    if place < len(text) or len(amounts) < 2:
        return None
    shared = frozenset.intersection(*(dimensions(unit) for _, unit in amounts))
    for dimension in sorted(shared):
        base = common_unit(amounts[0][1], dimension)
        sizes = [conversion(common_unit(unit, dimension), base) or 0.0 for _, unit in amounts]
        if all(larger > smaller for larger, smaller in pairwise(sizes)):
            return _Reading(tuple((number, common_unit(unit, dimension)) for number, unit in amounts), marked=True)
    return None


def _number(text: str, decimal: str) -> float:
    if decimal == ",":
        text = re.sub("[. \u00a0\u202f]", "", text).replace(",", ".")
    return float(text.replace(",", ""))
