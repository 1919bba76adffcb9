"""Validation of the declarations of derived features, without a table and without heavy libraries.

A declaration is a mapping with one source and any of the operations below. They are applied in this order, whatever the
order in the file:

============= ========================================================================================
``from``      the values of a column, or
``eval``      the value of an expression of columns (see `tabular_dl.preprocessing.expressions`)
``extract``   the first group of a regular expression (the whole match if it has no group), else missing
``number``    the number in a text such as 19.67 kmpl, in this unit; true for numbers without one, such as 1.5M or
              (1,200); a list for units that cannot be converted into each other; missing where there is none;
              ``decimal`` is the decimal sign, a point unless it is given
``date``      a part of a date: year, month, day, weekday (Monday is 0), dayofyear, hour, minute, or
              elapsed, the days since the earliest training date; ``format`` is the format of the dates
``text``      ``length``, the number of characters, or ``words``, the number of words
``map``       values replaced by others; a value that is not listed stays
``fill``      the constant that replaces a missing value
``rare``      values with fewer training rows than this number, or with none, become ``rare``
``count``     if true, the number of training rows with the same value
``statistic`` mean, median, std, min or max of the values of the training rows with the same values of
              the columns ``by``; of all training rows if a value is missing or there are no such rows
============= ========================================================================================
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.preprocessing.expressions import parse
from tabular_dl.preprocessing.text_patterns import pattern_problem
from tabular_dl.tables import number_problem

__all__ = ["FEATURE_KEYS", "check_features", "columns_read", "first_mistake", "group_columns"]

# Keys, with the words that may be their values; empty for keys with other values.
FEATURE_KEYS: dict[str, tuple[str, ...]] = {
    "from": (),
    "eval": (),
    "extract": (),
    "number": (),
    "decimal": (".", ","),
    "date": ("year", "month", "day", "weekday", "dayofyear", "hour", "minute", "elapsed"),
    "format": (),
    "text": ("length", "words"),
    "map": (),
    "fill": (),
    "rare": (),
    "count": (),
    "by": (),
    "statistic": ("mean", "median", "std", "min", "max"),
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
    if ("from" in feature) == ("eval" in feature):
        sources = "both" if "from" in feature else "neither"
        return None, f"feature {name!r}: expected one source, `from: column` or `eval: expression`, found {sources}"
    for key, value in feature.items():
        problem = _problem(key, value) or _conflict(key, feature)
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


def columns_read(features: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the columns that features are derived from, each once, in order of appearance.

    Parameters
    ----------
    features : mapping of str to mapping
        Valid declarations.

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
        names.extend([feature["from"]] if "from" in feature else parse(feature["eval"]).columns)
        names.extend(group_columns(feature))
    return tuple(dict.fromkeys(names))


def _problem(key: str, value: object) -> str | None:
    """Return what is wrong with the value of a key, or None."""
    problem = None
    if FEATURE_KEYS[key]:
        problem = _word_problem(value, FEATURE_KEYS[key])
    elif key == "from" and not (isinstance(value, str) and value):
        problem = f"expected the name of a column, found {value!r}"
    elif key == "eval":
        problem = _expression_problem(value)
    elif key == "extract":
        problem = pattern_problem(value)
    elif key == "number":
        problem = number_problem(value)
    elif key == "format":
        problem = _format_problem(value)
    elif key == "by":
        problem = _columns_problem(value)
    elif key == "map":
        problem = _map_problem(value)
    elif key == "fill" and not _is_constant(value):
        problem = f"expected text or a number (quote words such as null), found {value!r}"
    elif key == "rare" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        problem = f"expected a number of rows, 1 or more, found {value!r}"
    elif key == "count" and not isinstance(value, bool):
        problem = f"expected true or false, found {value!r}"
    return problem


def _word_problem(value: object, words: tuple[str, ...]) -> str | None:
    if value in words:
        return None
    return f"there is no {value!r}. {did_you_mean(str(value), words)}"


def _conflict(key: str, feature: Mapping[str, Any]) -> str | None:
    """Return the key that this one needs or excludes, as a message, or None."""
    needed = {"format": "date", "decimal": "number", "by": "statistic", "statistic": "by"}.get(key)
    if needed and needed not in feature:
        return f"needs `{needed}` as well"
    for excluded in {"text": ("date",), "number": ("date", "text"), "statistic": ("rare", "count")}.get(key, ()):
        if excluded in feature:
            return f"cannot be combined with `{excluded}`: declare a feature for each"
    return None


def _format_problem(text: object) -> str | None:
    message = f"expected a format such as '%d/%m/%Y', found {text!r}"
    if not isinstance(text, str) or "%" not in text:
        return message
    try:
        datetime.strptime(datetime(2000, 1, 31).strftime(text), text)
    except (ValueError, re.error) as error:  # re.error: a part of the date that is there twice
        return f"{message}: {error}"
    return None


def _columns_problem(value: object) -> str | None:
    names = value if isinstance(value, list | tuple) else [value]
    if names and all(isinstance(name, str) and name for name in names):
        return None
    return f"expected the name of a column, or a list of names, found {value!r}"


def _expression_problem(expression: Any) -> str | None:
    try:
        parse(expression)
    except SpecError as error:
        return str(error)
    return None


def _map_problem(mapping: object) -> str | None:
    if not isinstance(mapping, Mapping) or not mapping:
        return f"expected a mapping of old to new values such as {{Mlle: Miss}}, found {mapping!r}"
    for old, new in mapping.items():
        if not _is_constant(old):
            return f"cannot replace {old!r}; use `fill` to replace missing values"
        if not (new is None or _is_constant(new)):
            return f"expected text, a number or null for {old!r}, found {new!r}"
    return None


def _is_constant(value: object) -> bool:
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))
