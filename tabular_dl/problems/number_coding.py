"""Codings of numbers as targets of a network: standardised, as logarithms, or scaled to bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tabular_dl.errors import DataError
from tabular_dl.problems.target_coding import Coding

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LARGEST_LOGARITHM", "TRANSFORMS", "Bounded", "Logarithms", "Numbers", "known_values", "with_means"]

# Largest decoded logarithm: float64 can represent the square of such a number.
LARGEST_LOGARITHM = 300.0


@dataclass(frozen=True)
class Numbers(Coding):
    """Numbers, standardised as ``(y - mean) / scale``. Of several targets, rows may lack some, which are NaN.

    Parameters
    ----------
    mean, scale : ndarray of shape (targets,)
        Weighted mean and population standard deviation of the training rows; the scale of a constant target is 1.

    Examples
    --------
    >>> import numpy as np
    >>> Numbers.learn(np.array([10.0, 30.0])).encode(np.array([20.0, 40.0])).tolist()
    [[0.0], [2.0]]
    """

    mean: np.ndarray
    scale: np.ndarray
    standardised = True

    @property
    def unit(self) -> float:  # type: ignore[override]
        """Size of one unit of the coded target; 1 for several targets, whose units differ."""
        return float(self.scale[0]) if len(self.scale) == 1 else 1.0

    @classmethod
    def learn(cls, y: np.ndarray, *, weights: Any = None, bounds: Any = None, **_: Any) -> Self:
        """Learn mean and scale from training rows.

        Raises
        ------
        DataError
            If the numbers are too large to be squared, or no row has one of the targets.
        """
        import numpy as np

        del bounds
        columns = _columns(y)
        mean = _mean(columns, weights)
        scale = np.sqrt(_mean((columns - mean) ** 2, weights))
        if not np.isfinite(scale).all():
            raise DataError(
                f"The target goes up to {np.nanmax(np.abs(columns)):.3g}, whose square is too large for a float. "
                "Divide the target by a power of ten."
            )
        return cls(mean, np.where(scale > 0, scale, 1.0))

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return the standardised target, (rows, targets)."""
        import numpy as np

        return ((_columns(y) - self.mean) / self.scale).astype(np.float32)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return values in units of the target, (..., rows, targets), float64."""
        return outputs * self.scale + self.mean

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of a fitted estimator that describe the coding."""
        return {"target_mean_": self.mean, "target_scale_": self.scale, "target_transform_": None}


@dataclass(frozen=True)
class Logarithms(Numbers):
    """Numbers from 0 on, whose logarithms are standardised: ``(log(1 + y) - mean) / scale``.

    Parameters
    ----------
    mean, scale : ndarray of shape (targets,)
        Mean and standard deviation of ``log(1 + y)``, as in `Numbers`.

    Examples
    --------
    >>> import numpy as np
    >>> coding = Logarithms.learn(np.expm1([1.0, 3.0]))
    >>> coding.encode(np.expm1([2.0, 4.0])).tolist(), coding.decode(np.array([[-2.0]])).round(6).tolist()
    ([[0.0], [2.0]], [[0.0]])
    """

    standardised = False

    @classmethod
    def learn(cls, y: np.ndarray, *, weights: Any = None, bounds: Any = None, **_: Any) -> Self:
        """Learn mean and scale of the logarithms from training rows.

        Raises
        ------
        DataError
            If a number is below 0.
        """
        import numpy as np

        columns = _columns(y)
        below = np.argwhere(columns < 0)
        if len(below):
            row, column = below[0]
            raise DataError(
                f"The target has {columns[row, column]} in row {row}: target_transform log1p is for numbers from 0 on. "
                "Correct the row, or leave target_transform out."
            )
        return super().learn(np.log1p(columns), weights=weights, bounds=bounds)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return the standardised logarithms, (rows, targets). Numbers below 0 count as 0."""
        import numpy as np

        return super().encode(np.log1p(np.maximum(_columns(y), 0.0)))

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return values in units of the target, (..., rows, targets), float64, at most about 1e130."""
        import numpy as np

        return np.expm1(np.minimum(super().decode(outputs), LARGEST_LOGARITHM))

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of a fitted estimator that describe the coding."""
        return {**super().attributes(), "target_transform_": "log1p"}


@dataclass(frozen=True)
class Bounded(Numbers):
    """Numbers between two bounds, scaled to the interval from 0 to 1: ``(y - low) / (high - low)``.

    Parameters
    ----------
    mean, scale : ndarray of shape (targets,)
        Lower bound, and difference of the bounds.

    Examples
    --------
    >>> import numpy as np
    >>> coding = Bounded.learn(np.array([1.0, 3.0]), bounds=(1, 5))
    >>> coding.encode(np.array([3.0, 5.0])).tolist(), coding.decode(np.array([[0.25]])).tolist()
    ([[0.5], [1.0]], [[2.0]])
    """

    standardised = False

    @classmethod
    def learn(cls, y: np.ndarray, *, weights: Any = None, bounds: Any = None, **_: Any) -> Self:
        """Return the coding for the given bounds.

        Raises
        ------
        DataError
            If a training row is outside the bounds.
        """
        import numpy as np

        del weights
        low, high = bounds if bounds is not None else (0.0, 1.0)
        columns = _columns(y)
        outside = np.argwhere((columns < low) | (columns > high))
        if len(outside):
            row, column = outside[0]
            raise DataError(
                f"The target has {columns[row, column]} in row {row}, outside the bounds {low} and {high}: "
                "correct the row, or bounds."
            )
        targets = np.ones(columns.shape[1])
        return cls(low * targets, (high - low) * targets)


# Codings that transform a target before it is standardised, by name.
TRANSFORMS: dict[str, type[Numbers]] = {"log1p": Logarithms}


def known_values(y: np.ndarray) -> np.ndarray | None:
    """Return whether each value of a target is known, of the same shape; None if all of them are.

    Examples
    --------
    >>> import numpy as np
    >>> known_values(np.array([1.0, np.nan])).tolist(), known_values(np.array([1, 2]))
    ([True, False], None)
    """
    import numpy as np

    known = ~np.isnan(y) if y.dtype.kind == "f" else None
    return None if known is None or known.all() else known


def with_means(y: np.ndarray) -> np.ndarray:
    """Return several targets with the mean of each in place of its missing numbers.

    Examples
    --------
    >>> import numpy as np
    >>> with_means(np.array([[1.0, 2.0], [np.nan, 4.0]])).tolist()
    [[1.0, 2.0], [1.0, 4.0]]
    """
    import numpy as np

    known = known_values(y) if y.ndim == 2 else None
    return y if known is None else np.where(known, y, _mean(y, None))


def _mean(columns: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return the weighted mean of each column without its missing values."""
    import numpy as np

    known = known_values(columns)
    if known is None:
        return np.average(columns, axis=0, weights=weights)
    of_known = known if weights is None else known * weights[:, np.newaxis]
    absent = np.flatnonzero(of_known.sum(axis=0) == 0)
    if len(absent):
        raise DataError(f"No training row has a value of target {absent[0] + 1}: fill some in, or leave it out.")
    return np.average(np.where(known, columns, 0.0), axis=0, weights=of_known)


def _columns(y: np.ndarray) -> np.ndarray:
    """Return a target in float64 with two axes, (rows, targets)."""
    import numpy as np

    values = np.asarray(y, np.float64)
    return values[:, np.newaxis] if values.ndim == 1 else values
