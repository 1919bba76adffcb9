"""What a derived feature may declare, checked without a table and without the heavy libraries.

A feature is a mapping, as written in a pipeline file, with one source and any of the operations below. They apply
in this order, whatever the order in the file:

============= ========================================================================================
``from``      the values of a column, or
``eval``      the value of an expression on the columns (see `tabular_dl.preprocessing.expressions`)
``extract``   the first group of a regular expression (the whole match if it has no group), else missing
``date``      a part of a date: year, month, day, weekday (Monday is 0), dayofyear, hour, minute, or
              elapsed, the days since the earliest training date; ``format`` says how dates are written
``text``      ``length``, the number of characters, or ``words``, the number of words
``map``       values replaced by others; a value that is not listed stays
``fill``      the constant that replaces a missing value
``rare``      values with fewer training rows than this number become ``rare``, as do values never seen
``count``     true: the number of training rows that share the value
``statistic`` mean, median, std, min or max of the values over the training rows that share the value of
              the columns ``by``; of all training rows where that is missing or was never seen
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

__all__ = ["FEATURE_KEYS", "check_features", "columns_read", "first_mistake", "group_columns"]

# Every key, and for those that take one of some words, the words.
FEATURE_KEYS: dict[str, tuple[str, ...]] = {
    "from": (),
    "eval": (),
    "extract": (),
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
    r"""Refuse a declaration of derived features that could not be computed on any table.

    Parameters
    ----------
    features : mapping of str to mapping
        Name of the new column -> its declaration, as written in a pipeline file.

    Raises
    ------
    SpecError
        Naming the feature, the key, what is wrong and what to write.

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


def first_mistake(name: Any, feature: Any) -> tuple[Any, str] | None:
    """Find what makes the declaration of one feature impossible on any table.

    Parameters
    ----------
    name, feature : object
        As written in a pipeline file; right are text and a mapping.

    Returns
    -------
    tuple of key and str, or None
        The key that is wrong, None if it is the feature as a whole, and what to say. None if nothing is wrong.

    Examples
    --------
    >>> first_mistake("Deck", {"from": "Cabin", "rare": 0})
    ('rare', "feature 'Deck', key 'rare': expected a number of rows, 1 or more, found 0")
    """
    if not isinstance(name, str) or not name:
        return None, f"features: a feature's name is text, found {name!r}"
    if not isinstance(feature, Mapping):
        return None, f"feature {name!r}: expected a mapping such as {{from: Name}}, found {feature!r}"
    for key in feature:
        if key not in FEATURE_KEYS:
            return key, f"feature {name!r}: unknown key {key!r}. {did_you_mean(str(key), FEATURE_KEYS)}"
    if ("from" in feature) == ("eval" in feature):
        found = "both" if "from" in feature else "neither"
        return None, f"feature {name!r}: expected one source, `from: column` or `eval: expression`, found {found}"
    for key, value in feature.items():
        problem = _problem(key, value) or _missing_company(key, feature)
        if problem:
            return key, f"feature {name!r}, key {key!r}: {problem}"
    return None


def group_columns(feature: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the columns whose values are the groups of a statistic: ``by`` is one column, or several.

    Examples
    --------
    >>> group_columns({"from": "Fare", "by": "Pclass", "statistic": "mean"})
    ('Pclass',)
    """
    by = feature.get("by", ())
    return (by,) if isinstance(by, str) else tuple(by)


def columns_read(features: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Name the columns that checked features are made from, each once, in order of appearance.

    Parameters
    ----------
    features : mapping of str to mapping
        Declarations that `check_features` accepts.

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


def _problem(key: str, value: Any) -> str | None:
    """Say what is wrong with the value of one key, or None."""
    problem = None
    if FEATURE_KEYS[key]:
        problem = _word_problem(value, FEATURE_KEYS[key])
    elif key == "from" and not (isinstance(value, str) and value):
        problem = f"expected the name of a column, found {value!r}"
    elif key == "eval":
        problem = _refusal(value)
    elif key == "extract":
        problem = _pattern_problem(value)
    elif key == "format":
        problem = _format_problem(value)
    elif key == "by":
        problem = _columns_problem(value)
    elif key == "map":
        problem = _map_problem(value)
    elif key == "fill" and not _is_constant(value):
        problem = f"expected text or a number (quote words that YAML reads as nothing), found {value!r}"
    elif key == "rare" and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        problem = f"expected a number of rows, 1 or more, found {value!r}"
    elif key == "count" and not isinstance(value, bool):
        problem = f"expected true or false, found {value!r}"
    return problem


def _word_problem(value: Any, words: tuple[str, ...]) -> str | None:
    if value in words:
        return None
    return f"there is no {value!r}. {did_you_mean(str(value), words)}"


def _missing_company(key: str, feature: Mapping[str, Any]) -> str | None:
    """Say which key has to stand beside this one, or must not."""
    needed = {"format": "date", "by": "statistic", "statistic": "by"}.get(key)
    if needed and needed not in feature:
        return f"it goes with `{needed}`, which is not there"
    for refused in {"text": ("date",), "statistic": ("rare", "count")}.get(key, ()):
        if refused in feature:
            return f"it cannot stand beside `{refused}`: declare a feature for each"
    return None


def _format_problem(text: Any) -> str | None:
    wrong = f"expected a format such as '%d/%m/%Y', found {text!r}"
    if not isinstance(text, str) or "%" not in text:
        return wrong
    try:
        datetime.strptime(datetime(2000, 1, 31).strftime(text), text)
    except ValueError as error:
        return f"{wrong}: {error}"
    return None


def _columns_problem(value: Any) -> str | None:
    names = value if isinstance(value, list | tuple) else [value]
    if names and all(isinstance(name, str) and name for name in names):
        return None
    return f"expected the name of a column, or a list of names, found {value!r}"


def _refusal(expression: Any) -> str | None:
    try:
        parse(expression)
    except SpecError as error:
        return str(error)
    return None


def _pattern_problem(pattern: Any) -> str | None:
    if not isinstance(pattern, str):
        return f"expected a regular expression in quotes, found {pattern!r}"
    try:
        re.compile(pattern)
    except re.error as error:
        return f"{pattern!r} is not a regular expression: {error}"
    return None


def _map_problem(mapping: Any) -> str | None:
    if not isinstance(mapping, Mapping) or not mapping:
        return f"expected a mapping of old to new values such as {{Mlle: Miss}}, found {mapping!r}"
    for old, new in mapping.items():
        if not _is_constant(old):
            return f"cannot replace {old!r}; use `fill` to replace missing values"
        if not (new is None or _is_constant(new)):
            return f"expected text, a number or null for {old!r}, found {new!r}"
    return None


def _is_constant(value: Any) -> bool:
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))
