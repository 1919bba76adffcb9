"""Search spaces: distributions of the values to try for each leaf of a pipeline file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tabular_dl.errors import SpecError, did_you_mean

__all__ = ["Choice", "Distribution", "Range", "flatten", "read_distribution"]

RANGES = ("log_uniform", "uniform", "int_uniform")
LARGEST = 1e300
KINDS = (*RANGES, "choice")


@dataclass(frozen=True)
class Range:
    """Distribution of numbers between two bounds.

    Parameters
    ----------
    kind : {"log_uniform", "uniform", "int_uniform"}
        Uniform on a log scale, ``10 ** uniform(log10(low), log10(high))``; uniform; or uniform whole numbers.
    low, high : float
        Bounds, both included.

    Examples
    --------
    >>> str(Range("log_uniform", 1e-6, 1e-2))
    '1e-06..0.01'
    """

    kind: str
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.3g}..{self.high:.3g}"

    def scale(self, value: float) -> float:
        """Return the position of a value on the scale of the distribution: its logarithm on a log scale."""
        return math.log10(value) if self.kind == "log_uniform" else float(value)

    def value(self, place: float) -> float:
        """Return the value at a position on the scale, with four significant digits; the inverse of `scale`."""
        if self.kind == "int_uniform":
            return round(place)
        return float(f"{10**place if self.kind == 'log_uniform' else place:.4g}")

    def as_dict(self) -> dict[str, Any]:
        """Return the declaration in a pipeline file."""
        return {self.kind: [self.low, self.high]}


@dataclass(frozen=True)
class Choice:
    """Uniform distribution over a few values.

    Parameters
    ----------
    options : tuple
        Values.

    Examples
    --------
    >>> str(Choice(("minmax", [64, 32])))
    'minmax, [64, 32]'
    """

    options: tuple[Any, ...]

    def __str__(self) -> str:
        return ", ".join(str(option) for option in self.options)

    def as_dict(self) -> dict[str, Any]:
        """Return the declaration in a pipeline file."""
        return {"choice": list(self.options)}


Distribution = Range | Choice


def flatten(section: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a search space, which are mappings with the kind of a distribution as key.

    Parameters
    ----------
    section : mapping
        Nested mappings, as in a pipeline file.
    path : str, default=""
        Path of the section, with a final dot.

    Yields
    ------
    tuple of str and object
        Dotted path and value of a leaf.

    Examples
    --------
    >>> dict(flatten({"network": {"l2": {"log_uniform": [1e-8, 1e-4]}}, "columns.0.scale": {"choice": ["minmax"]}}))
    {'network.l2': {'log_uniform': [1e-08, 0.0001]}, 'columns.0.scale': {'choice': ['minmax']}}
    """
    for name, value in section.items():
        leaf = f"{path}{name}"
        is_leaf = not isinstance(value, Mapping) or not value or set(map(str, value)) & set(KINDS)
        nested = isinstance(value, Mapping) and all(isinstance(inner, Mapping) for inner in value.values())
        if is_leaf or not nested:
            yield leaf, value
        else:
            yield from flatten(value, f"{leaf}.")


def read_distribution(leaf: str, value: object) -> Distribution:
    """Return the distribution that a leaf declares.

    Parameters
    ----------
    leaf : str
        Dotted path of the leaf, for messages.
    value : mapping, Range or Choice
        Declaration such as ``{uniform: [0, 0.5]}``.

    Returns
    -------
    Range or Choice
        The distribution.

    Raises
    ------
    SpecError
        If the declaration is invalid, bounds are reversed, or a log scale has a bound that is not above zero.

    Examples
    --------
    >>> read_distribution("network.dropout", {"uniform": [0.0, 0.5]})
    Range(kind='uniform', low=0.0, high=0.5)
    """
    if isinstance(value, Range | Choice):
        return value
    if not isinstance(value, Mapping) or len(value) != 1:
        raise SpecError(f"search.{leaf}: expected a distribution like {{uniform: [0, 0.5]}}, found {value!r}.")
    kind, bounds = next(iter(value.items()))
    if kind not in KINDS:
        raise SpecError(f"search.{leaf}: there is no distribution {kind!r}. {did_you_mean(str(kind), KINDS)}")
    if not isinstance(bounds, list | tuple) or not bounds:
        raise SpecError(f"search.{leaf}.{kind}: expected a list of values, found {bounds!r}.")
    if kind == "choice":
        return Choice(tuple(bounds))
    numbers = [bound for bound in bounds if isinstance(bound, int | float) and not isinstance(bound, bool)]
    # Python's whole numbers have no end, and are compared with floats without being converted.
    finite = all(-LARGEST <= number <= LARGEST for number in numbers)
    if len(bounds) != 2 or len(numbers) != 2 or not finite:
        raise SpecError(f"search.{leaf}.{kind}: expected two numbers, the lower first, found {list(bounds)!r}.")
    low, high = numbers
    if low >= high:
        raise SpecError(f"search.{leaf}.{kind}: expected a lower bound below the upper one, found {list(bounds)!r}.")
    if kind == "log_uniform" and low <= 0:
        raise SpecError(f"search.{leaf}.{kind}: a log scale has bounds above 0, found {low!r}. Use uniform for zero.")
    if kind == "int_uniform" and not (float(low).is_integer() and float(high).is_integer()):
        raise SpecError(f"search.{leaf}.{kind}: expected whole numbers, found {list(bounds)!r}.")
    return Range(kind, low, high)
