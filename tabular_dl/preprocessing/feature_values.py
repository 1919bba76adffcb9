"""Validation of the values of single keys in declarations of derived features."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.preprocessing.expressions import parse
from tabular_dl.preprocessing.text_patterns import pattern_problem
from tabular_dl.tables import number_problem

__all__ = ["ROLLING", "STATISTICS", "value_problem"]

STATISTICS = ("mean", "median", "std", "min", "max")  # of ``statistic``
ROLLING = (*STATISTICS, "sum", "count")


def value_problem(key: str, value: object, words: Sequence[str]) -> str | None:
    """Return what is wrong with the value of a key, or None.

    Parameters
    ----------
    key : str
        Key of a declaration.
    value : object
        Its value in a pipeline file.
    words : sequence of str
        Valid words; empty for keys with other values.

    Returns
    -------
    str or None
        What was expected and what was found; None if the value is valid.

    Examples
    --------
    >>> value_problem("lag", 0, ())
    'expected a number of steps, 1 or more, found 0'
    """
    problem = None
    if words:
        problem = _word_problem(value, words)
    elif key in ("from", "time") and not (isinstance(value, str) and value):
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
    elif key == "cross":
        problem = _cross_problem(value)
    elif key == "map":
        problem = _map_problem(value)
    elif key == "fill" and not _is_constant(value):
        problem = f"expected text or a number (quote words such as null), found {value!r}"
    elif key == "rare" and not _is_count(value):
        problem = f"expected a number of rows, 1 or more, found {value!r}"
    elif key == "lag" and not _is_count(value):
        problem = f"expected a number of steps, 1 or more, found {value!r}"
    elif key == "rolling":
        problem = _rolling_problem(value)
    elif key == "count" and not isinstance(value, bool):
        problem = f"expected true or false, found {value!r}"
    return problem


def _word_problem(value: object, words: Sequence[str]) -> str | None:
    if value in words:
        return None
    return f"there is no {value!r}. {did_you_mean(str(value), words)}"


def _rolling_problem(value: object) -> str | None:
    if not isinstance(value, Mapping) or {*value} != {"window", "statistic"}:
        return (
            f"expected {{window: 28, statistic: mean}}, found {dict(value) if isinstance(value, Mapping) else value!r}"
        )
    if not _is_count(value["window"]):
        return f"expected a window of 1 step or more, found {value['window']!r}"
    return _word_problem(value["statistic"], ROLLING)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


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


def _cross_problem(value: object) -> str | None:
    names = value if isinstance(value, list | tuple) else []
    if len(names) > 1 and _columns_problem(names) is None and len({*names}) == len(names):
        return None
    return f"expected a list of two columns or more, each once, such as [shop, item], found {value!r}"


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
