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

__all__ = ["Coding", "Indicators", "Labels"]


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
