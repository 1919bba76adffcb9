"""Units of measurement in the cells of tables: a small table of dimensions, and conversion within a dimension.

A unit that the table lacks, such as kmpl or BHK, is a unit of its own: it equals itself, in any spelling of its letters
and with or without a plural s, and is converted to no other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["UNIT", "common_unit", "conversion", "dimensions", "number_problem", "unit_key"]

# Of each dimension the units, with how many of its base unit each is. Spellings stand between bars, the first is the
# usual one. Case distinguishes single letters, but not longer spellings.
DIMENSIONS: dict[str, dict[str, float]] = {
    "length": {
        "m|meter|metre": 1,
        "mm|millimeter|millimetre": 1e-3,
        "cm|centimeter|centimetre": 1e-2,
        "km|kilometer|kilometre": 1e3,
        "inch|in|inches|\"|″|''": 0.0254,
        "ft|foot|feet|'|\u2032": 0.3048,
        "yd|yard": 0.9144,
        "mi|mile": 1609.344,
    },
    "mass": {
        "kg|kilo|kilogram": 1,
        "mg|milligram": 1e-6,
        "g|gm|gram": 1e-3,
        "t|ton|tonne": 1e3,
        "oz|ounce": 0.028349523125,
        "lb|pound": 0.45359237,
    },
    "time": {
        "s|sec|second": 1,
        "ms|msec|millisecond": 1e-3,
        "min|m|minute": 60,
        "h|hr|hour": 3600,
        "d|day": 86400,
        "wk|w|week": 604800,
        "mo|mth|month": 2629800,  # a twelfth of a year
        "yr|y|year": 31557600,  # 365.25 days
    },
    "data": {
        "B|byte": 1,
        "KB|KiB|kilobyte": 2**10,  # as sizes of memory and files are usually meant
        "MB|MiB|megabyte": 2**20,
        "GB|GiB|gigabyte": 2**30,
        "TB|TiB|terabyte": 2**40,
    },
    "volume": {
        "l|L|ltr|liter|litre": 1,
        "ml|cc|ccm|cm3|cm³": 1e-3,
        "cl": 1e-2,
        "m3|m³": 1e3,
        "gal|gallon": 3.785411784,
    },
    "area": {
        "sqm|m2|m²": 1,
        "sqkm|km2|km²": 1e6,
        "sqft|ft2|ft²": 0.09290304,
        "sqyd|yd2|yd²": 0.83612736,
        "ha|hectare": 1e4,
        "acre": 4046.8564224,
    },
    "power": {"W|watt": 1, "kW|kilowatt": 1e3, "hp|bhp": 745.69987158227, "PS|cv": 735.49875},
    "speed": {"m/s": 1, "km/h|kmh|kmph|kph": 1 / 3.6, "mph": 0.44704},
    "frequency": {"Hz": 1, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    "electric charge": {"Ah": 1, "mAh": 1e-3},
}
# Codes of currencies that have a sign.
_SIGNS = {"us$": "$", "usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹", "rs": "₹"}

_WORD = r"[^\W\d_]{1,15}"
_POWER = r"(?:[23²³](?!\w))?"
# One word, such as bhp, km/kg, °C or m², or a sign. Regular expression without groups.
UNIT = rf"(?:[%‰°\"″\u2032$€£¥₹₩]|''|'|(?:[sS][qQ]\.? ?)?°?{_WORD}{_POWER}(?:/{_WORD}{_POWER})?\.?|US\$)"


def _spellings() -> dict[str, dict[str, float]]:
    """Return the factors of each spelling by dimension."""
    factors: dict[str, dict[str, float]] = {}
    for dimension, units in DIMENSIONS.items():
        for spellings, factor in units.items():
            for spelling in spellings.split("|"):
                key = spelling if len(spelling) == 1 else spelling.casefold()
                factors.setdefault(key, {})[dimension] = factor
    return factors


_FACTORS = _spellings()


def unit_key(unit: str) -> str:
    """Return what all spellings of a unit have in common: its letters in lower case, without a plural s or a dot.

    Parameters
    ----------
    unit : str
        Unit as in a cell.

    Returns
    -------
    str
        Key of the unit; single letters keep their case.

    Examples
    --------
    >>> [unit_key(unit) for unit in ("CC", "yrs", "Bedrooms", "sq. ft", "USD", "W")]
    ['cc', 'yr', 'bedroom', 'sqft', '$', 'W']
    """
    text = unit.replace(".", "").replace(" ", "")
    if len(text) == 1:
        return text
    key = text.casefold()
    if key in _FACTORS or key in _SIGNS:
        return _SIGNS.get(key, key)
    single = key[:-1] if key.endswith("s") else key
    return single if single in _FACTORS or len(single) > 2 else key


@lru_cache(maxsize=1000)
def dimensions(unit: str) -> frozenset[str]:
    """Return the dimensions that a unit may have; none if the table lacks it.

    Examples
    --------
    >>> sorted(dimensions("m")), sorted(dimensions("kmpl"))
    (['length', 'time'], [])
    """
    return frozenset(_FACTORS.get(unit_key(unit), ()))


@lru_cache(maxsize=1000)  # a column has few units
def conversion(unit: str, to: str) -> float | None:
    """Return the number of units ``to`` in one unit; None if they have no dimension in common.

    Parameters
    ----------
    unit, to : str
        Units.

    Returns
    -------
    float or None
        Factor.

    Examples
    --------
    >>> conversion("GB", "MB"), conversion("m", "s"), conversion("Kmpl", "kmpl"), conversion("kmpl", "km/kg")
    (1024.0, 60.0, 1.0, None)
    """
    if unit_key(unit) == unit_key(to):
        return 1.0
    factors, others = _FACTORS.get(unit_key(unit), {}), _FACTORS.get(unit_key(to), {})
    ratio = next((factors[name] / others[name] for name in factors if name in others), None)
    return None if ratio is None else float(f"{ratio:.15g}")  # 12 inches are a foot, not 12.000000000000002


def common_unit(unit: str, dimension: str) -> str:
    """Return the usual spelling of a unit of a dimension, which another dimension may have too.

    Examples
    --------
    >>> common_unit("m", "time"), common_unit('"', "length")
    ('min', 'inch')
    """
    factor = _FACTORS[unit_key(unit)][dimension]
    return next(spelling.split("|")[0] for spelling, other in DIMENSIONS[dimension].items() if other == factor)


def number_problem(value: object) -> str | None:
    """Return the fault of a declaration of the unit of numbers in text; None if it is valid.

    Parameters
    ----------
    value : object
        Value of ``number`` in a pipeline file: a unit, a list of units that cannot be converted into each other, or
        true for numbers without a unit.

    Returns
    -------
    str or None
        Reason, with what was expected and found.

    Examples
    --------
    >>> number_problem("kmpl") is None, number_problem(True) is None, number_problem(["kmpl", "km/kg"]) is None
    (True, True, True)
    >>> number_problem(["GB", "MB"])
    "one unit is enough for 'GB' and 'MB', which are converted into each other: write one of them"
    """
    if value is True:
        return None
    units = value if isinstance(value, list | tuple) else [value]
    if not units or not all(isinstance(unit, str) and re.fullmatch(UNIT, unit) for unit in units):
        return f"expected a unit such as kg, a list of units, or true for numbers without one, found {value!r}"
    return _alike([str(unit) for unit in units])


def _alike(units: Sequence[str]) -> str | None:
    for place, unit in enumerate(units):
        for other in units[:place]:
            if conversion(unit, other) is not None:
                return (
                    f"one unit is enough for {other!r} and {unit!r}, which are converted into each other: write one "
                    "of them"
                )
    return None
