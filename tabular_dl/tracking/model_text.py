"""Validated reading of the texts in which libraries of boosted trees store their models."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import numpy as np

__all__ = ["read_json", "require", "text_number", "whole_numbers"]

# Libraries read nested values by recursion. The deepest are CatBoost's trees that are not symmetric, of 16 levels.
DEEPEST = 60
_NOT_BRACKETS = bytes(sorted({*range(256)} - {*b"[]{}"}))
_STEPS = np.zeros(256, np.int8)
_STEPS[[*b"[{"]], _STEPS[[*b"]}"]] = 1, -1
MOST_DIGITS = 10


def require(condition: Any, fault: str) -> None:
    """Raise a ValueError unless a condition holds."""
    if not condition:
        raise ValueError(fault)


def read_json(text: str) -> Any:
    """Return the content of a JSON text that every parser reads in the same way.

    Parameters
    ----------
    text : str
        Text.

    Returns
    -------
    object
        Content.

    Raises
    ------
    ValueError
        If it is not JSON, is nested too deeply, or has a key twice: some parsers take the first value, others the last.

    Examples
    --------
    >>> read_json('{"trees": [1, 2]}')
    {'trees': [1, 2]}
    >>> read_json('{"trees": [1, 2], "trees": [7]}')
    Traceback (most recent call last):
    ...
    ValueError: its text has a key twice
    """
    brackets = np.frombuffer(text.encode().translate(None, _NOT_BRACKETS), np.uint8)
    depth = np.cumsum(_STEPS[brackets], dtype=np.int64)
    # Brackets in strings count as well, so a text in which they balance others is rejected.
    require(len(depth) and not depth[-1] and (depth[:-1] > 0).all(), "its text is not one mapping")
    require(depth.max() <= DEEPEST, "its text is nested too deeply")
    require("\0" not in text, "its text has a null character")
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    require(len(values) == len(pairs), "its text has a key twice")
    return values


def text_number(text: Any, name: str) -> int:
    """Return a whole number that is stored as text.

    Raises
    ------
    ValueError
        If it is not a whole number from 0, of at most ten digits.

    Examples
    --------
    >>> text_number("31", "num_nodes")
    31
    """
    valid = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    require(valid, f"{name} is not a whole number")
    return int(text)


def whole_numbers(lists: list[Any], name: str) -> np.ndarray:
    """Return the whole numbers of several lists in one array.

    Parameters
    ----------
    lists : list of lists
        Lists.
    name : str
        Name of the lists for the message.

    Returns
    -------
    ndarray of int64
        Numbers.

    Raises
    ------
    ValueError
        If one of them is not a list, or has a value other than a whole number of 64 bits.

    Examples
    --------
    >>> whole_numbers([[1, 2], [], [-1]], "left_children")
    array([ 1,  2, -1])
    """
    require(all(type(values) is list for values in lists), f"{name} are not lists")
    flat = list(chain.from_iterable(lists))
    require({*map(type, flat)} <= {int}, f"{name} are not whole numbers")
    try:
        return np.array(flat, np.int64)
    except OverflowError:
        raise ValueError(f"{name} are not whole numbers of 64 bits") from None
