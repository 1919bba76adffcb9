"""Columns of numbers that are written as text: the form that nearly all cells share, and their numbers in one unit.

Single cells are read by `tabular_dl.tables.number_cells`. A column of ranges has a form if its ranges are parts of one
scale, such as 18-25, 26-35 and 65+; ranges that overlap are no numbers, such as scores (3-1, 1-2) or telephone numbers
(555-1234).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from tabular_dl.tables.number_cells import DECIMALS, CellNumber, ends_in_units, in_units, read_cell
from tabular_dl.tables.units import common_unit, dimensions, unit_key
from tabular_dl.tables.values import read_categories

__all__ = ["NumberForm", "find_number_form", "read_unit_numbers"]

SHARE = 0.95  # least share of the different cells that have the form of the column; the others become missing
FEWEST = 3  # different cells that have it
RARE_UNIT = 0.02  # share of the different cells from which a further unit is no slip
MOST_UNITS = 4  # in one column that cannot be converted into each other
GLANCE = 200  # different cells that are looked at first
GLANCE_SHARE = 0.5  # of them that have a form in a column that is worth reading
RANGES = 0.5  # share of the numbers from which on a column consists of ranges
MOST_RANGES = 30  # different cells of such a column


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
    ranges : tuple of str
        Cells that are ranges, with the numbers that they are read as: one with two ends, one with an upper end, and
        one with a lower end, as far as there are any.
    """

    unit: str | tuple[str, ...] | bool
    decimal: str = "."
    spellings: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """Description of the numbers, such as "numbers in kmpl" or "numbers in years ('10+ years' as 10)"."""
        examples = f" ({', '.join(self.ranges)})" if self.ranges else ""
        if isinstance(self.unit, bool):
            return f"numbers written as text{examples}"
        return f"numbers in {self.unit if isinstance(self.unit, str) else ' and '.join(self.unit)}{examples}"


def read_unit_numbers(column: pd.Series, unit: str | Sequence[str] | bool, decimal: str = ".") -> pd.Series:
    r"""Return the numbers in texts, in a declared unit.

    Numbers of another unit of the same dimension are converted. Among several declared units, each number stays in its
    own. Plain numbers count as numbers in the declared unit. A range is its middle; one without an upper end is its
    lower one, and one without a lower end half of its upper one.

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
    >>> read_unit_numbers(pd.Series(["< 1 year", "1 year", "2-5 years", "10+ years"]), "year").tolist()
    [0.5, 1.0, 3.5, 10.0]
    """
    if column.dtype.kind in "biuf":
        return column.astype(np.float64)
    units = _units(unit)
    codes, distinct = pd.factorize(read_categories(column))  # missing is -1
    numbers = [in_units(read_cell(str(text), decimal), units) for text in distinct]
    return pd.Series(np.array([*numbers, np.nan], dtype=np.float64)[codes], index=column.index, name=column.name)


def find_number_form(texts: Iterable[str]) -> NumberForm | None:
    """Return the form in which the cells of a column write numbers; None if fewer than 95 % of them share one.

    Cells are counted once, however many rows have them. Plain numbers other than 0 do not have the form of a column
    with units. Columns with fewer than 3 different numbers are categories, and so are columns of ranges that overlap.

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
    >>> find_number_form(["18-25", "26-35", "36-45", "46+"]).ranges
    ("'18-25' as 21.5", "'46+' as 46")
    >>> find_number_form(["1-2", "0-2", "1-3", "0-1"]) is None
    True
    >>> find_number_form(["C85", "12A", "007"]) is None
    True
    """
    distinct = list(dict.fromkeys(texts))
    glance = distinct[:: max(1, len(distinct) // GLANCE)]
    enough = GLANCE_SHARE * len(glance)
    signs = [sign for sign in DECIMALS if sum(read_cell(text, sign) is not None for text in glance) >= enough]
    # Of two decimal signs that read the same cells, the point.
    by_sign = ((_readings(distinct, sign), sign) for sign in signs)
    readings, decimal = max(by_sign, key=lambda pair: len(pair[0]), default=({}, ""))
    if len(readings) < max(FEWEST, SHARE * len(distinct)):
        return None
    numbers = [*readings.values()]
    ranges = [number for number in numbers if number.ends]
    of_ranges = len(ranges) >= RANGES * len(numbers) and any(None not in (number.ends or ()) for number in ranges)
    form = _range_form(numbers, decimal) if of_ranges else _form(numbers, len(distinct), decimal)
    return None if form is None else replace(form, ranges=_examples(readings, form))


def _readings(distinct: Iterable[str], decimal: str) -> dict[str, CellNumber]:
    return {text: reading for text in distinct if (reading := read_cell(text, decimal)) is not None}


def _examples(numbers: Mapping[str, CellNumber], form: NumberForm) -> tuple[str, ...]:
    """Return a range with two ends, one with an upper and one with a lower end, as far as there are any."""
    examples: dict[tuple[bool, bool], str] = {}
    for text, number in numbers.items():
        if number.ends:
            value = np.format_float_positional(round(in_units(number, _units(form.unit)), 4), trim="-")
            examples.setdefault((number.ends[0] is None, number.ends[1] is None), f"{text!r} as {value}")
    return tuple(examples[kind] for kind in ((False, False), (True, False), (False, True)) if kind in examples)


def _units(unit: str | Sequence[str] | bool) -> tuple[str, ...]:
    return () if isinstance(unit, bool) else (unit,) if isinstance(unit, str) else tuple(unit)


def _range_form(numbers: Sequence[CellNumber], decimal: str) -> NumberForm | None:
    """Return the form of ranges that are parts of one scale; None if they overlap, are many, or of several units."""
    groups = _groups([number for number in numbers if number.unit])
    if len(groups) > 1 or len(numbers) > MOST_RANGES:
        return None
    unit: str | bool = next((_name(kind, units) for kind, units in groups.items()), True)
    ends = sorted(ends_in_units(number, _units(unit)) for number in numbers)
    apart = all(later[0] >= earlier[1] for earlier, later in pairwise(ends))
    return NumberForm(unit, decimal) if apart else None


def _form(readings: Sequence[CellNumber], cells: int, decimal: str) -> NumberForm | None:
    """Return the form of cells that are numbers; None if too few have a mark or a unit of the few of the column."""
    groups = _groups([reading for reading in readings if reading.unit])
    groups = {kind: units for kind, units in groups.items() if len(units) >= max(2, RARE_UNIT * cells)}
    zeros = sum(reading.amounts == ((0.0, ""),) for reading in readings)
    if not groups:
        marked = sum(reading.marked for reading in readings)
        all_negative = all(reading.negative for reading in readings)  # such as (555), which is no amount
        plain = [reading for reading in readings if not reading.unit]
        enough = (marked >= max(2, RARE_UNIT * cells) or _is_limited(readings)) and len(plain) >= SHARE * cells
        return NumberForm(True, decimal) if enough and not all_negative else None
    with_unit = sum(map(len, groups.values()))
    if len(groups) > MOST_UNITS or with_unit < FEWEST or with_unit + zeros < SHARE * cells:
        return None
    names = tuple(_name(kind, units) for kind, units in groups.items())
    if len(names) == 1:
        return NumberForm(names[0], decimal)
    spellings = Counter(unit for units in groups.values() for unit in units)
    return NumberForm(names, decimal, tuple(sorted(spellings, key=lambda unit: (-len(unit), unit))))


def _is_limited(numbers: Sequence[CellNumber]) -> bool:
    """Whether ranges without an end lie beyond all other numbers, such as 65+ beside ages up to 64."""
    ends = [ends_in_units(number, ()) for number in numbers]
    lows, highs = [low for low, high in ends if high == np.inf], [high for low, high in ends if low == -np.inf]
    others = [end for end in ends if np.isfinite(end).all()]
    beyond = min(lows, default=np.inf) >= max((high for _, high in others), default=np.inf)
    below = max(highs, default=-np.inf) <= min((low for low, _ in others), default=-np.inf)
    return bool(lows or highs) and beyond and below


def _groups(readings: Sequence[CellNumber]) -> dict[str, list[str]]:
    """Return the units of cells by dimension, or by their key if they have none, those of most cells first.

    A unit of two dimensions, such as m, belongs to the one that more cells of the column may have.
    """
    remaining = [(_kinds(reading), reading.unit) for reading in readings]
    groups: dict[str, list[str]] = {}
    while remaining:
        counts = Counter(kind for kinds, _ in remaining for kind in sorted(kinds))
        best = max(counts, key=lambda kind: counts[kind])
        groups[best] = [unit for kinds, unit in remaining if best in kinds]
        remaining = [pair for pair in remaining if best not in pair[0]]
    return groups


def _kinds(reading: CellNumber) -> frozenset[str]:
    shared = frozenset.intersection(*(dimensions(unit) for _, unit in reading.amounts))
    return shared or frozenset({f"={unit_key(reading.unit)}"})


def _name(kind: str, units: Sequence[str]) -> str:
    """Return the commonest spelling of a unit, or the usual one if it is a mark or may be of another dimension."""
    commonest = Counter(units).most_common(1)[0][0].rstrip(".")
    if kind.startswith("=") or (len(dimensions(commonest)) == 1 and commonest.isalnum()):
        return commonest
    return common_unit(commonest, kind)
