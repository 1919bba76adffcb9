"""Validation of the declarations of derived features, without a table and without heavy libraries.

A declaration is a mapping with one source and any of the operations below. They are applied in this order, whatever the
order in the file:

============= ========================================================================================
``from``      the values of a column, or
``eval``      the value of an expression of columns (see `tabular_dl.preprocessing.expressions`), or
``cross``     the values of several columns as one category; missing if one of them is
``extract``   the first group of a regular expression (the whole match if it has no group), else missing
``number``    the number in a text such as 19.67 kmpl, in this unit; true for numbers without one, such as 1.5M or
              (1,200); a list for units that cannot be converted into each other; the middle of a range such as 18-25,
              and of 65+ and < 1 year the end, and half of it; missing where there is none;
              ``decimal`` is the decimal sign, a point unless it is given
``date``      a part of a date: year, month, day, weekday (Monday is 0), dayofyear, hour, minute, or
              elapsed, the days since the earliest training date; ``format`` is the format of the dates
``cyclic``    ``sin`` or ``cos`` of the part of a date as an angle, so that its last value is beside its first
``text``      ``length``, the number of characters, or ``words``, the number of words
``map``       values replaced by others; a value that is not listed stays
``fill``      the constant that replaces a missing value
``rare``      values with fewer training rows than this number, or with none, become ``rare``
``count``     if true, the number of training rows with the same value
``statistic`` mean, median, std, min or max of the values of the training rows with the same values of
              the columns ``by``; of all training rows if a value is missing or there are no such rows
``lag``       the latest value, of the rows with the same values of ``by``, that is this number of steps of ``time``
              older, or more; ``from`` may be the target (see `tabular_dl.preprocessing.history`)
``rolling``   ``{window: steps, statistic: mean}`` (or sum, min, max, std, median, count) of the values of so many steps
              of ``time`` that end ``lag`` steps before, by default 1; ``unit`` is what a step is
============= ========================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.preprocessing.expressions import parse
from tabular_dl.preprocessing.feature_values import STATISTICS, value_problem

__all__ = [
    "FEATURE_KEYS",
    "PERIODS",
    "check_features",
    "columns_read",
    "first_mistake",
    "group_columns",
    "reads_history",
]

# Parts of a date that return to their first value: the first value, and the number of values.
PERIODS = {
    "month": (1, 12),
    "day": (1, 31),
    "weekday": (0, 7),
    "dayofyear": (1, 366),
    "hour": (0, 24),
    "minute": (0, 60),
}
UNITS = ("year", "month", "week", "day", "hour", "minute", "second", "row")

# Keys, with the words that may be their values; empty for keys with other values.
FEATURE_KEYS: dict[str, tuple[str, ...]] = {
    "from": (),
    "eval": (),
    "cross": (),
    "extract": (),
    "number": (),
    "decimal": (".", ","),
    "date": ("year", "month", "day", "weekday", "dayofyear", "hour", "minute", "elapsed"),
    "format": (),
    "cyclic": ("sin", "cos"),
    "text": ("length", "words"),
    "map": (),
    "fill": (),
    "rare": (),
    "count": (),
    "by": (),
    "statistic": STATISTICS,
    "time": (),
    "lag": (),
    "rolling": (),
    "unit": UNITS,
}

SOURCES = ("from", "eval", "cross")
# Keys of which a key needs one.
_NEEDED = {
    "decimal": ("number",),
    "format": ("date", "time"),
    "cyclic": ("date",),
    "by": ("statistic", "time"),
    "statistic": ("by",),
    "time": ("lag", "rolling"),
    "lag": ("time",),
    "rolling": ("time",),
    "unit": ("time",),
}
_EXCLUDED = {
    "text": ("date",),
    "number": ("date", "text"),
    "statistic": ("rare", "count", "lag", "rolling"),
    "lag": ("rare", "count"),
    "rolling": ("rare", "count"),
}


def check_features(features: Mapping[str, Mapping[str, Any]]) -> None:
    r"""Validate the declarations of derived features.

    Parameters
    ----------
    features : mapping of str to mapping
        Declarations by name of the new column, as in a pipeline file.

    Raises
    ------
    SpecError
        If a declaration is invalid; the message names the feature, the key, the reason and what to write.

    Examples
    --------
    >>> check_features({"Deck": {"from": "Cabin", "extract": "^([A-Z])", "fill": "none"}})
    >>> check_features({"Deck": {"from": "Cabin", "extrct": "^([A-Z])"}})
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: feature 'Deck': unknown key 'extrct'. Did you mean 'extract'?
    """
    if not isinstance(features, Mapping):
        raise SpecError(f"features: expected a mapping of names to declarations, found {features!r}")
    for name, feature in features.items():
        mistake = first_mistake(name, feature)
        if mistake:
            raise SpecError(mistake[1])


def first_mistake(name: object, feature: object) -> tuple[Any, str] | None:
    """Return the first mistake in the declaration of a feature, if any.

    Parameters
    ----------
    name, feature : object
        Name and declaration as in a pipeline file; valid ones are a text and a mapping.

    Returns
    -------
    tuple of key and str, or None
        Key with the mistake, or None if it concerns the feature as a whole, and the error message. None if the
        declaration is valid.

    Examples
    --------
    >>> first_mistake("Deck", {"from": "Cabin", "rare": 0})
    ('rare', "feature 'Deck', key 'rare': expected a number of rows, 1 or more, found 0")
    """
    if not isinstance(name, str) or not name:
        return None, f"features: expected text as name of a feature, found {name!r}"
    if not isinstance(feature, Mapping):
        return None, f"feature {name!r}: expected a mapping such as {{from: Name}}, found {feature!r}"
    for key in feature:
        if key not in FEATURE_KEYS:
            return key, f"feature {name!r}: unknown key {key!r}. {did_you_mean(str(key), FEATURE_KEYS)}"
    sources = [key for key in SOURCES if key in feature]
    if len(sources) != 1:
        expected = "expected one source, `from: column`, `eval: expression` or `cross: [columns]`"
        return None, f"feature {name!r}: {expected}, found {' and '.join(sources) or 'none'}"
    for key, value in feature.items():
        problem = value_problem(key, value, FEATURE_KEYS[key]) or _conflict(key, feature)
        if problem:
            return key, f"feature {name!r}, key {key!r}: {problem}"
    return None


def group_columns(feature: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns whose values define the groups of a statistic.

    Parameters
    ----------
    feature : mapping
        Valid declaration, in which ``by`` is one column or several.

    Returns
    -------
    tuple of str
        Names; empty without ``by``.

    Examples
    --------
    >>> group_columns({"from": "Fare", "by": "Pclass", "statistic": "mean"})
    ('Pclass',)
    """
    by = feature.get("by", ())
    return (by,) if isinstance(by, str) else tuple(by)


def reads_history(feature: Mapping[str, Any], target: str | None = None) -> bool:
    """Return whether a feature is made from earlier rows: by ``lag`` or ``rolling``.

    Parameters
    ----------
    feature : mapping
        Valid declaration.
    target : str, optional
        Name of the target; if given, whether it is made from earlier targets.

    Examples
    --------
    >>> sales = {"from": "sales", "time": "date", "lag": 7}
    >>> reads_history(sales), reads_history(sales, "price"), reads_history({"from": "sales"})
    (True, False, False)
    """
    return ("lag" in feature or "rolling" in feature) and target in (None, feature.get("from"))


def columns_read(features: Mapping[str, Mapping[str, Any]], target: str | None = None) -> tuple[str, ...]:
    """Return the columns that features are derived from, each once, in order of appearance.

    Parameters
    ----------
    features : mapping of str to mapping
        Valid declarations.
    target : str, optional
        Name of the target, which is left out where earlier targets are read.

    Returns
    -------
    tuple of str
        Columns of the table, and earlier features.

    Examples
    --------
    >>> columns_read({"Family": {"eval": "SibSp + Parch + 1"}, "Deck": {"from": "Cabin"}})
    ('SibSp', 'Parch', 'Cabin')
    """
    names: list[str] = []
    for feature in features.values():
        source = _source_columns(feature)
        names.extend([] if target is not None and reads_history(feature, target) else source)
        names.extend([*group_columns(feature), *([feature["time"]] if "time" in feature else [])])
    return tuple(dict.fromkeys(names))


def _source_columns(feature: Mapping[str, Any]) -> Sequence[str]:
    if "cross" in feature:
        return list(feature["cross"])
    return [feature["from"]] if "from" in feature else parse(feature["eval"]).columns


def _conflict(key: str, feature: Mapping[str, Any]) -> str | None:
    """Return the key that this one needs or excludes, as a message, or None."""
    needed = _NEEDED.get(key, ())
    if needed and not {*needed} & {*feature}:
        return f"needs {' or '.join(f'`{other}`' for other in needed)} as well"
    for excluded in _EXCLUDED.get(key, ()):
        if excluded in feature:
            return f"cannot be combined with `{excluded}`: declare a feature for each"
    if key == "cyclic" and feature["date"] not in PERIODS:
        return f"date: {feature['date']} has no period. {did_you_mean('', PERIODS)}"
    return None
