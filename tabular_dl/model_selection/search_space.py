"""Search spaces: which values of a leaf may be tried, as a pipeline file says it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tabular_dl.errors import SpecError, did_you_mean

__all__ = ["Choice", "Distribution", "Range", "flatten", "read_distribution"]

RANGES = ("log_uniform", "uniform", "int_uniform")
KINDS = (*RANGES, "choice")


@dataclass(frozen=True)
class Range:
    """Numbers between two bounds.

    Parameters
    ----------
    kind : {"log_uniform", "uniform", "int_uniform"}
        Uniform on a log scale, ``10 ** uniform(log10(low), log10(high))``; uniform; or uniform whole numbers.
    low, high : float
        The bounds, which may be drawn themselves.

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
        """Return a value's place on the scale on which it is drawn."""
        return math.log10(value) if self.kind == "log_uniform" else float(value)

    def value(self, place: float) -> float:
        """Return the value at a place on that scale, with four significant digits."""
        if self.kind == "int_uniform":
            return round(place)
        return float(f"{10**place if self.kind == 'log_uniform' else place:.4g}")

    def as_dict(self) -> dict[str, Any]:
        """Write it as a pipeline file does."""
        return {self.kind: [self.low, self.high]}


@dataclass(frozen=True)
class Choice:
    """One of some values.

    Parameters
    ----------
    options : tuple
        The values.

    Examples
    --------
    >>> str(Choice(("minmax", [64, 32])))
    'minmax, [64, 32]'
    """

    options: tuple[Any, ...]

    def __str__(self) -> str:
        return ", ".join(str(option) for option in self.options)

    def as_dict(self) -> dict[str, Any]:
        """Write it as a pipeline file does."""
        return {"choice": list(self.options)}


Distribution = Range | Choice


def flatten(section: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a space with their dotted paths; a leaf is a mapping of one kind of distribution.

    Examples
    --------
    >>> dict(flatten({"network": {"l2": {"log_uniform": [1e-8, 1e-4]}}, "columns.0.scale": {"choice": ["minmax"]}}))
    {'network.l2': {'log_uniform': [1e-08, 0.0001]}, 'columns.0.scale': {'choice': ['minmax']}}
    """
    for name, value in section.items():
        here = f"{path}{name}"
        is_leaf = not isinstance(value, Mapping) or not value or set(map(str, value)) & set(KINDS)
        nested = isinstance(value, Mapping) and all(isinstance(inner, Mapping) for inner in value.values())
        if is_leaf or not nested:
            yield here, value
        else:
            yield from flatten(value, f"{here}.")


def read_distribution(leaf: str, value: Any) -> Distribution:
    """Read a distribution.

    Raises
    ------
    SpecError
        If it is none, its bounds are reversed, or a log scale has a bound that is not above zero.

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
    if len(bounds) != 2 or len(numbers) != 2 or not all(map(math.isfinite, numbers)):
        raise SpecError(f"search.{leaf}.{kind}: expected two numbers, the lower first, found {list(bounds)!r}.")
    low, high = numbers
    if low >= high:
        raise SpecError(
            f"search.{leaf}.{kind}: the lower bound comes first and below the upper, found {list(bounds)!r}."
        )
    if kind == "log_uniform" and low <= 0:
        raise SpecError(f"search.{leaf}.{kind}: a log scale has bounds above 0, found {low!r}. Take uniform for zero.")
    if kind == "int_uniform" and not (float(low).is_integer() and float(high).is_integer()):
        raise SpecError(f"search.{leaf}.{kind}: expected whole numbers, found {list(bounds)!r}.")
    return Range(kind, low, high)
