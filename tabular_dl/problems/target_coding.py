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

    Classes = np.ndarray | list[np.ndarray]  # of one target, or of each of several
else:
    Classes = object  # the types need numpy, which loads when a target is coded

__all__ = ["Classes", "Coding", "Indicators", "Labels"]


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
    def learn(cls, y: np.ndarray, **settings: Any) -> Self:
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
