"""Target coding: how labels become what a network is trained on, and what its outputs mean again.

Numbers have codings of their own, in `tabular_dl.problems.quantities`.

A coding is learned from training rows alone. What it learned is stored on the estimator under scikit-learn's names.
All codings learn by ``learn(y, weights, classes, one_hot, bounds)`` and take from that what they need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tabular_dl.errors import DataError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LARGEST_LOGARITHM", "TRANSFORMS", "Bounded", "Coding", "Indicators", "Labels", "Logarithms", "Numbers"]


@dataclass(frozen=True)
class Coding:
    """What all codings share.

    Attributes
    ----------
    unit : float
        What one unit of the coded target is worth.
    standardised : bool
        Whether a score of coded values is one of values, but for a power of the unit.
    """

    unit = 1.0
    standardised = False

    @classmethod
    def learn(cls, y: np.ndarray, **known: Any) -> Self:
        """Learn the coding from the target of training rows."""
        raise NotImplementedError

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return what networks are trained on, (rows, targets), float32."""
        raise NotImplementedError

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return what outputs (..., rows, units) mean."""
        raise NotImplementedError

    def attributes(self) -> dict[str, Any]:
        """Return what an estimator keeps of this coding."""
        raise NotImplementedError


@dataclass(frozen=True)
class Labels(Coding):
    """Labels coded as class numbers in sorted order, or as one-hot rows.

    Parameters
    ----------
    classes : ndarray of shape (classes,)
        The labels, sorted.
    one_hot : bool
        Whether each row has one column a class, with a single 1.

    Examples
    --------
    >>> import numpy as np
    >>> Labels.learn(np.array(["no", "yes", "no"])).encode(np.array(["yes", "no"])).tolist()
    [[1.0], [0.0]]
    >>> Labels(np.arange(7), one_hot=True).encode(np.array([2, 6])).tolist()
    [[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]]
    """

    classes: np.ndarray
    one_hot: bool = False

    @classmethod
    def learn(
        cls, y: np.ndarray, *, weights: Any = None, classes: np.ndarray | None = None, one_hot: bool = False, **_: Any
    ) -> Self:
        """Learn the labels of training rows, or take those that are known.

        Raises
        ------
        DataError
            If there is one label only.
        """
        import numpy as np

        found = np.unique(y) if classes is None else classes
        if len(found) < 2:
            counted = "" if weights is None else " Rows of sample_weight 0 do not count."
            raise DataError(
                f"The target has one class only, {found.tolist()[0]!r}: a classifier needs two or more.{counted}"
            )
        return cls(found, one_hot)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return the number of each row's class, (rows, 1), or one-hot rows; for a label not learned, any."""
        import numpy as np

        numbers = np.searchsorted(self.classes, y)
        if self.one_hot:
            return np.eye(len(self.classes), dtype=np.float32)[np.minimum(numbers, len(self.classes) - 1)]
        return numbers.astype(np.float32)[:, np.newaxis]

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Turn outputs into one probability a class.

        Parameters
        ----------
        outputs : ndarray of shape (..., rows, units)
            What the output activation returned.

        Returns
        -------
        ndarray of shape (..., rows, classes), float64
            Rows that sum to 1; a single sigmoid unit p becomes (1 - p, p).
        """
        import numpy as np

        outputs = np.asarray(outputs, np.float64)
        if outputs.shape[-1] == 1:
            return np.concatenate([1.0 - outputs, outputs], axis=-1)
        # Sigmoids of their own may all be zero: then nothing is known.
        total = outputs.sum(axis=-1, keepdims=True)
        return np.where(total > 0, outputs / np.where(total > 0, total, 1.0), 1.0 / outputs.shape[-1])

    def attributes(self) -> dict[str, Any]:
        """Return what an estimator keeps of this coding."""
        return {"classes_": self.classes}


@dataclass(frozen=True)
class Indicators(Coding):
    """Several yes-or-no labels a row, coded as they are: a column of 0 and 1 for each label.

    Parameters
    ----------
    labels : int
        How many labels there are.

    Examples
    --------
    >>> import numpy as np
    >>> Indicators.learn(np.array([[1, 0], [1, 1]])).encode(np.array([[False, True]])).tolist()
    [[0.0, 1.0]]
    """

    labels: int

    @classmethod
    def learn(cls, y: np.ndarray, **_: Any) -> Self:
        """Count the labels.

        Raises
        ------
        DataError
            If the target has values other than 0 and 1.
        """
        import numpy as np

        other = np.argwhere((y != 0) & (y != 1))
        if len(other):
            row, column = other[0]
            raise DataError(
                f"The target has {y[row, column]!r} in row {row}, column {column}: a multilabel target is 0 or 1."
            )
        return cls(y.shape[1])

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return the indicators as numbers, (rows, labels)."""
        import numpy as np

        return np.asarray(y, np.float32)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return one probability a label, (..., rows, labels), float64; they do not sum to 1."""
        import numpy as np

        return np.asarray(outputs, np.float64)

    def attributes(self) -> dict[str, Any]:
        """Return what an estimator keeps of this coding: the labels' numbers as classes, as scikit-learn does."""
        import numpy as np

        return {"classes_": np.arange(self.labels)}


# Of a larger one float64 could not hold the square.
LARGEST_LOGARITHM = 300.0


@dataclass(frozen=True)
class Numbers(Coding):
    """Numbers coded by standardisation: ``(y - mean) / sigma``, with the population sigma.

    Parameters
    ----------
    mean, scale : ndarray of shape (targets,)
        Weighted mean and standard deviation of the training rows; a constant target has the scale 1.

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
        """What one unit of the coded target is worth; 1 where several targets have several units."""
        return float(self.scale[0]) if len(self.scale) == 1 else 1.0

    @classmethod
    def learn(cls, y: np.ndarray, *, weights: Any = None, bounds: Any = None, **_: Any) -> Self:
        """Learn mean and scale of training rows."""
        import numpy as np

        del bounds
        columns = _columns(y)
        mean = np.average(columns, axis=0, weights=weights)
        scale = np.sqrt(np.average((columns - mean) ** 2, axis=0, weights=weights))
        if not np.isfinite(scale).all():
            raise DataError(
                f"The target goes up to {np.abs(columns).max():.3g}: its square is too large for a number. Divide the "
                "target by a power of ten."
            )
        return cls(mean, np.where(scale > 0, scale, 1.0))

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return the standardised target, (rows, targets)."""
        import numpy as np

        return ((_columns(y) - self.mean) / self.scale).astype(np.float32)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return values in the target's own units, (..., rows, targets), float64."""
        return outputs * self.scale + self.mean

    def attributes(self) -> dict[str, Any]:
        """Return what an estimator keeps of this coding."""
        return {"target_mean_": self.mean, "target_scale_": self.scale, "target_transform_": None}


@dataclass(frozen=True)
class Logarithms(Numbers):
    """Numbers from 0 on, coded by standardising their logarithm: ``(log(1 + y) - mean) / sigma``.

    Parameters
    ----------
    mean, scale : ndarray of shape (targets,)
        Of ``log(1 + y)``, as in `Numbers`.

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
        """Learn mean and scale of the logarithms of training rows.

        Raises
        ------
        DataError
            If a training row is below 0.
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
        """Return the standardised logarithms, (rows, targets). A number below 0, which was not learned, counts as 0."""
        import numpy as np

        return super().encode(np.log1p(np.maximum(_columns(y), 0.0)))

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return values in the target's own units, (..., rows, targets), float64, the largest near 1e130."""
        import numpy as np

        return np.expm1(np.minimum(super().decode(outputs), LARGEST_LOGARITHM))

    def attributes(self) -> dict[str, Any]:
        """Return what an estimator keeps of this coding."""
        return {**super().attributes(), "target_transform_": "log1p"}


@dataclass(frozen=True)
class Bounded(Numbers):
    """Numbers between two bounds, coded as ``(y - low) / (high - low)``, between 0 and 1.

    Parameters
    ----------
    mean, scale : ndarray of shape (targets,)
        The lower bound, and the distance of the bounds.

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
        """Take the bounds.

        Raises
        ------
        DataError
            If a training row lies outside.
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


# What a target may be transformed by before it is standardised.
TRANSFORMS: dict[str, type[Numbers]] = {"log1p": Logarithms}


def _columns(y: np.ndarray) -> np.ndarray:
    """Give a target of one column its second axis, in float64."""
    import numpy as np

    values = np.asarray(y, np.float64)
    return values[:, np.newaxis] if values.ndim == 1 else values
