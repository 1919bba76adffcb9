"""Numbers that are written as text in single cells: with units, currencies, magnitudes, in parentheses, as ranges.

==================  ================================================================================================
form                cells
==================  ================================================================================================
unit                ``19.67 kmpl``, ``74bhp``, ``1,240 CC``, ``17.1%``, ``1.2e3 km``, ``3 yrs``
currency            ``$4,436``, ``-$5``, ``4,436 EUR``, ``$1.5M``
units one by one    ``5'11"``, ``2h 50m``, ``2h30``, ``3 yrs 2 mths``: of one dimension, the largest first
magnitude           ``1.5M``, ``20k``, ``3 million``, ``45 Lakh``
parentheses         ``(1,200)``, which is -1200 in accounts
range               ``18-25``, ``$0-999``, ``10 to 19 years``, ``[70-80)``, which is its middle
                    (`tabular_dl.tables.number_ranges`)
without an end      ``65+``, ``10+ years``, ``> 100``, which is its end; ``< 1 year`` and ``under 18``, which is
                    half of it, the middle between 0 and the end
plain               ``1,240``, in the declared unit
==================  ================================================================================================

Everything else is no number: dates, seasons (``2020-21``, ``2020-2021``), times (``12:30``), versions (``1.2.3``),
ordinals (``3rd``), and codes (``007``, ``12A``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from tabular_dl.tables.number_parsing import LONGEST_NUMBER, UNSIGNED, UNSIGNED_COMMA
from tabular_dl.tables.number_ranges import RangeEnds, range_ends
from tabular_dl.tables.units import UNIT, common_unit, conversion, dimensions
from tabular_dl.tables.values import LARGEST

__all__ = ["DECIMALS", "CellNumber", "ends_in_units", "in_units", "read_cell"]

YEARS = (1900, 2100)  # whole numbers that may be years: two that follow each other are a season

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
DECIMALS = {".": UNSIGNED, ",": UNSIGNED_COMMA}
_ONE = {
    decimal: re.compile(
        rf"(?P<sign>{_SIGN})?(?P<currency>{_CURRENCY})?\s?(?P<inner>{_SIGN})?(?P<number>{number})(?P<blank>\s*)(?P<rest>\D.*)?"
    )
    for decimal, number in DECIMALS.items()
}
_PART = {decimal: re.compile(rf"({number}|0[0-9])\s?({UNIT})[\s,]*") for decimal, number in DECIMALS.items()}
_FEET = re.compile(r"""([0-9]+)\s?['\u2032]\s?([0-9]+(?:\.[0-9]+)?)""")
_HOURS = re.compile(r"([0-9]{1,3}\s?(?:h|hrs?|hours?)\s?)([0-5]?[0-9])")  # 1H19 is a half of a year
_MAGNITUDE_AND_UNIT = re.compile(rf"(?P<magnitude>[A-Za-z]+)\.?(?:\s+(?P<unit>{UNIT}))?")

Amounts = tuple[tuple[float, str], ...]


class CellNumber(NamedTuple):
    """Number of a cell: amounts that are added up, each with its unit, which is empty for a plain number."""

    amounts: Amounts
    marked: bool  # whether it has a mark of numbers beside its digits, such as parentheses or a magnitude
    negative: bool = False  # by parentheses
    ends: tuple[Amounts | None, Amounts | None] | None = None  # of a range

    @property
    def unit(self) -> str:
        """Unit of the last amount."""
        return self.amounts[-1][1]


def in_units(number: CellNumber | None, units: Sequence[str]) -> float:
    """Return the number of a cell in the first of the units that it can be converted to; NaN if there is none.

    Examples
    --------
    >>> in_units(read_cell("2h30", "."), ["min"]), in_units(read_cell("10-19 kg", "."), ["km"])
    (150.0, nan)
    """
    return math.nan if number is None else _total(number.amounts, units)


def _total(amounts: Amounts, units: Sequence[str]) -> float:
    """Return the sum of amounts in the first of the units that they can be converted to; NaN if there is none."""
    first, first_unit = amounts[0]
    if not first_unit:
        return first if abs(first) <= LARGEST else math.nan
    for unit in units:
        factors = [conversion(written, unit) for _, written in amounts]
        if None not in factors:
            pairs = zip(amounts, factors, strict=True)
            total = float(sum(amount * factor for (amount, _), factor in pairs if factor is not None))
            return total if abs(total) <= LARGEST else math.nan
    return math.nan


def ends_in_units(number: CellNumber, units: Sequence[str]) -> tuple[float, float]:
    """Return the ends of the range of a cell in a unit, infinite where it has none; the number twice if it is no range.

    Examples
    --------
    >>> ends_in_units(read_cell("500 m - 2 km", "."), ["km"]), ends_in_units(read_cell("65+", "."), [])
    ((0.5, 2.0), (65.0, inf))
    """
    low, high = number.ends or (number.amounts, number.amounts)
    return (-math.inf if low is None else _total(low, units), math.inf if high is None else _total(high, units))


def read_cell(text: str, decimal: str) -> CellNumber | None:
    """Return the number of a cell; None if it is none.

    Parameters
    ----------
    text : str
        Text as in the cell.
    decimal : {".", ","}
        Decimal sign.

    Returns
    -------
    CellNumber or None
        Number, with its unit.

    Examples
    --------
    >>> read_cell("1,240 CC", ".").amounts, read_cell("2h 50m", ".").amounts, read_cell("12:30", ".")
    (((1240.0, 'CC'),), ((2.0, 'h'), (50.0, 'min')), None)
    >>> read_cell("18-25", ".").amounts, read_cell("10+ years", ".").amounts, read_cell("< 1 year", ".").amounts
    (((21.5, ''),), ((10.0, 'years'),), ((0.5, 'year'),))
    """
    text = text.strip()
    if len(text) > LONGEST_NUMBER or not any(map(str.isdigit, text)):
        return None
    if text.startswith("(") and text.endswith(")"):
        inner = _read_one(text[1:-1], decimal)
        if inner is not None and inner.amounts[0][0] >= 0:
            return CellNumber(tuple((-number, unit) for number, unit in inner.amounts), marked=True, negative=True)
    return _read_exact(text, decimal) or _read_range(text, decimal)


def _read_exact(text: str, decimal: str) -> CellNumber | None:
    minutes = _HOURS.fullmatch(text)
    text = f"{minutes[1]}{minutes[2]}min" if minutes else text
    return _read_one(text, decimal) or _read_parts(text, decimal)


def _read_range(text: str, decimal: str) -> CellNumber | None:
    """Return the middle of a range; the end of one that has no other, or half of it if that is the upper one."""
    texts = range_ends(text)
    if texts is None:
        return None
    if not texts.low or not texts.high:
        end = _read_exact(texts.low or texts.high, decimal)
        if end is None:
            return None
        if texts.low:
            return CellNumber(end.amounts, marked=True, ends=(end.amounts, None))
        amounts = _halves(end.amounts) if end.amounts[0][0] > 0 else end.amounts
        return CellNumber(amounts, marked=True, ends=(None, end.amounts))
    low, high = (_read_exact(end, decimal) for end in _completed(texts, decimal))
    if low is None or high is None or bool(low.unit) != bool(high.unit):
        return None
    ends = _total(low.amounts, [high.amounts[0][1]]), _total(high.amounts, [high.amounts[0][1]])
    if not ends[0] < ends[1] or _is_season(*ends, high.unit):
        return None
    amounts = (*_halves(low.amounts), *_halves(high.amounts)) if high.unit else (((ends[0] + ends[1]) / 2, ""),)
    return CellNumber(amounts, marked=True, ends=(low.amounts, high.amounts))


def _halves(amounts: Amounts) -> Amounts:
    return tuple((number / 2, unit) for number, unit in amounts)


def _is_season(low: float, high: float, unit: str) -> bool:
    """Whether two ends are years that follow each other."""
    return not unit and low % 1 == 0 and high == low + 1 and low >= YEARS[0] and high <= YEARS[1]


def _completed(texts: RangeEnds, decimal: str) -> RangeEnds:
    """Return the ends of a range with the currency, magnitude or unit that one of them has for both."""
    low, high = (_ONE[decimal].fullmatch(text) for text in texts)
    if low is None or high is None:
        return texts
    currency, rest = low["currency"] or "", high["rest"] or ""
    # 500-1k is from 500 on, 1-2k from 1000 on.
    shared = not low["rest"] and _number(low["number"], decimal) < _number(high["number"], decimal)
    has_currency = high["currency"] or re.search(rf"{_CURRENCY}$", rest)
    return RangeEnds(
        f"{texts.low}{high['blank']}{rest}" if shared else texts.low,
        texts.high if has_currency else f"{currency}{texts.high}",
    )


def _read_one(text: str, decimal: str) -> CellNumber | None:
    """Return one number, with a currency before it, or a magnitude and a unit after it."""
    match = _ONE[decimal].fullmatch(text)
    if match is None or (match["sign"] and match["inner"]):
        return None
    number = _number(match["number"], decimal) * (-1 if (match["sign"] or match["inner"] or "+") != "+" else 1)
    currency, rest = match["currency"] or "", match["rest"] or ""
    if not rest:
        return CellNumber(((number, currency),), marked=bool(currency))
    if not currency and _is_unit(rest, glued=not match["blank"]):
        return CellNumber(((number, rest),), marked=True)
    parts = _MAGNITUDE_AND_UNIT.fullmatch(rest)
    scale = None if parts is None else _magnitude(parts["magnitude"], currency, glued=not match["blank"])
    if parts is None or scale is None:
        return None
    unit = parts["unit"] or ""
    if unit and (currency or not (dimensions(unit) or re.fullmatch(_CURRENCY, unit))):
        return None
    return CellNumber(((number * scale, currency or unit),), marked=True)


@lru_cache(maxsize=1000)  # a column has few units
def _is_unit(text: str, *, glued: bool) -> bool:
    """Whether text after a number is a unit: a known one, a sign, or a word of two letters or more."""
    word = text.rstrip(".")
    if not re.fullmatch(UNIT, text) or _NO_UNITS.fullmatch(word.casefold()):
        return False
    if dimensions(text) or not text[0].isalpha():
        return True
    return len(word) > 1 and _magnitude(word, "", glued=glued) is None


def _magnitude(word: str, currency: str, *, glued: bool) -> float | None:
    factors = _MAGNITUDES | (_OF_CURRENCIES if currency else {})
    if len(word) == 1:  # 300 K is no number of thousands
        return factors.get(word) if glued or currency else None
    return factors.get(word.casefold())


def _read_parts(text: str, decimal: str) -> CellNumber | None:
    """Return a number of several units of one dimension, the largest first, such as 2h 50m."""
    feet = re.fullmatch(rf"""{_FEET.pattern}\s?(?:"|″|'')?""", text)
    if feet:
        return CellNumber(((float(feet[1]), "ft"), (float(feet[2]), "inch")), marked=True)
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
            return CellNumber(tuple((number, common_unit(unit, dimension)) for number, unit in amounts), marked=True)
    return None


def _number(text: str, decimal: str) -> float:
    if decimal == ",":
        text = re.sub("[. \u00a0\u202f]", "", text).replace(",", ".")
    return float(text.replace(",", ""))
