"""Codings of labels and numbers as targets of a network, and the decoding of its outputs.

A coding is learned from training rows only. Its parameters are stored on the estimator under scikit-learn's names.
Every coding is learned by ``learn(y, weights, classes, one_hot, bounds)`` and ignores arguments that it does not need.
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
    """Base class of the codings.

    Attributes
    ----------
    unit : float
        Size of one unit of the coded target, in units of the target.
    standardised : bool
        Whether a score of coded values equals the score of the values up to a power of the unit.
    """

    unit = 1.0
    standardised = False

    @classmethod
    def learn(cls, y: np.ndarray, **known: Any) -> Self:
        """Learn the coding from the target of training rows."""
        raise NotImplementedError

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return the targets of a network, (rows, targets), float32."""
        raise NotImplementedError

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return predictions from outputs of shape (..., rows, units)."""
        raise NotImplementedError

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of a fitted estimator that describe the coding."""
        raise NotImplementedError


@dataclass(frozen=True)
class Labels(Coding):
    """Labels coded as class numbers in sorted order, or as one-hot rows.

    Parameters
    ----------
    classes : ndarray of shape (classes,)
        Sorted labels.
    one_hot : bool, default=False
        Whether each row is coded as one column per class, with a single 1.

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
        """Learn the labels from training rows, unless they are given.

        Raises
        ------
        DataError
            If there is only one label.
        """
        import numpy as np

        labels = np.unique(y) if classes is None else classes
        if len(labels) < 2:
            hint = "" if weights is None else " Rows of sample_weight 0 do not count."
            raise DataError(
                f"The target has one class only, {labels.tolist()[0]!r}: a classifier needs two or more.{hint}"
            )
        return cls(labels, one_hot)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return class numbers, (rows, 1), or one-hot rows, (rows, classes); arbitrary for unknown labels."""
        import numpy as np

        numbers = np.searchsorted(self.classes, y)
        if self.one_hot:
            return np.eye(len(self.classes), dtype=np.float32)[np.minimum(numbers, len(self.classes) - 1)]
        return numbers.astype(np.float32)[:, np.newaxis]

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return one probability per class.

        Parameters
        ----------
        outputs : ndarray of shape (..., rows, units)
            Values of the output activation.

        Returns
        -------
        ndarray of shape (..., rows, classes), float64
            Probabilities, which sum to 1 in each row; a single sigmoid unit p becomes (1 - p, p).
        """
        import numpy as np

        outputs = np.asarray(outputs, np.float64)
        if outputs.shape[-1] == 1:
            return np.concatenate([1.0 - outputs, outputs], axis=-1)
        # One sigmoid per class: if all of them are zero, the classes are equally probable.
        total = outputs.sum(axis=-1, keepdims=True)
        return np.where(total > 0, outputs / np.where(total > 0, total, 1.0), 1.0 / outputs.shape[-1])

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of a fitted estimator that describe the coding."""
        return {"classes_": self.classes}


@dataclass(frozen=True)
class Indicators(Coding):
    """Several labels per row, one column of 0 and 1 each, which are not changed.

    Parameters
    ----------
    labels : int
        Number of labels.

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
        """Return one probability per label, (..., rows, labels), float64; they need not sum to 1."""
        import numpy as np

        return np.asarray(outputs, np.float64)

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of a fitted estimator: as in scikit-learn, the classes are the labels' numbers."""
        import numpy as np

        return {"classes_": np.arange(self.labels)}


# Largest decoded logarithm: float64 can represent the square of such a number.
LARGEST_LOGARITHM = 300.0


@dataclass(frozen=True)
class Numbers(Coding):
    """Numbers, standardised as ``(y - mean) / scale``.

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
            If the numbers are too large to be squared.
        """
        import numpy as np

        del bounds
        columns = _columns(y)
        mean = np.average(columns, axis=0, weights=weights)
        scale = np.sqrt(np.average((columns - mean) ** 2, axis=0, weights=weights))
        if not np.isfinite(scale).all():
            raise DataError(
                f"The target goes up to {np.abs(columns).max():.3g}, whose square is too large for a float. Divide "
                "the target by a power of ten."
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


def _columns(y: np.ndarray) -> np.ndarray:
    """Return a target in float64 with two axes, (rows, targets)."""
    import numpy as np

    values = np.asarray(y, np.float64)
    return values[:, np.newaxis] if values.ndim == 1 else values
