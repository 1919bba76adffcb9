"""Coding of several targets of classes: one-hot columns of each target, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tabular_dl.errors import DataError
from tabular_dl.problems.target_coding import Coding, Labels

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LabelColumns"]


@dataclass(frozen=True)
class LabelColumns(Coding):
    """Several targets, each one of several classes.

    Each class of each target has an output between 0 and 1. The probabilities of a target's classes are its outputs
    divided by their sum.

    Parameters
    ----------
    classes : sequence of ndarray
        Sorted classes of each target.

    Examples
    --------
    >>> import numpy as np
    >>> coding = LabelColumns.learn(np.array([["a", "x"], ["b", "y"], ["c", "x"]]))
    >>> coding.encode(np.array([["b", "x"]])).tolist()
    [[0.0, 1.0, 0.0, 1.0, 0.0]]
    >>> coding.decode(np.array([[0.2, 0.2, 0.4, 0.0, 0.0]])).tolist()
    [[0.25, 0.25, 0.5, 0.5, 0.5]]
    """

    classes: Sequence[np.ndarray]

    @classmethod
    def learn(cls, y: np.ndarray, *, classes: Sequence[np.ndarray] | None = None, **_: Any) -> Self:
        """Learn the classes of each target from training rows, unless they are given.

        Raises
        ------
        DataError
            If a target has one class only.
        """
        import numpy as np

        each = [np.unique(column) for column in y.T] if classes is None else list(classes)
        for number, labels in enumerate(each):
            if len(labels) < 2:
                raise DataError(f"Target {number + 1} has one class only, {labels.tolist()[0]!r}: leave it out.")
        return cls(each)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return one-hot columns of each target, (rows, sum of the classes)."""
        import numpy as np

        return np.hstack([Labels(labels, one_hot=True).encode(y[:, j]) for j, labels in enumerate(self.classes)])

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return probabilities that sum to 1 for each target, (..., rows, sum of the classes), float64."""
        import numpy as np

        parts = np.split(np.asarray(outputs, np.float64), self._ends, axis=-1)
        return np.concatenate(
            [Labels(labels).decode(p) for p, labels in zip(parts, self.classes, strict=True)], axis=-1
        )

    def numbers(self, coded: np.ndarray) -> np.ndarray:
        """Return the number of the class of each target from its one-hot columns, (rows, targets)."""
        import numpy as np

        return np.column_stack([part.argmax(axis=1) for part in np.split(coded, self._ends, axis=1)])

    @property
    def _ends(self) -> np.ndarray:
        import numpy as np

        return np.cumsum([len(labels) for labels in self.classes])[:-1]

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of a fitted estimator: as in scikit-learn, a list with the classes of each target."""
        return {"classes_": list(self.classes)}
