"""Target coding: how labels and numbers become what a network is trained on, and what its outputs mean again.

A coding is learned from training rows alone. What it learned is stored on the estimator under scikit-learn's names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tabular_dl.errors import DataError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Labels", "Numbers"]


@dataclass(frozen=True)
class Labels:
    """Labels coded as class numbers, in sorted order.

    Parameters
    ----------
    classes : ndarray of shape (classes,)
        The labels, sorted.

    Examples
    --------
    >>> import numpy as np
    >>> Labels.learn(np.array(["no", "yes", "no"])).encode(np.array(["yes", "no"]))
    array([1., 0.], dtype=float32)
    """

    classes: np.ndarray
    unit = 1.0

    @classmethod
    def learn(cls, y: np.ndarray, classes: np.ndarray | None = None) -> Self:
        """Learn the labels of training rows, or take those that are known.

        Raises
        ------
        DataError
            If there is one label only.
        """
        import numpy as np

        found = np.unique(y) if classes is None else classes
        if len(found) < 2:
            raise DataError(f"The target has one class only, {found.tolist()[0]!r}: a classifier needs two or more.")
        return cls(found)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return the number of each row's class, (rows,); for a label that was not learned, any."""
        import numpy as np

        return np.searchsorted(self.classes, y).astype(np.float32)

    def attributes(self) -> dict[str, Any]:
        """Return what an estimator keeps of this coding."""
        return {"classes_": self.classes}


@dataclass(frozen=True)
class Numbers:
    """Numbers coded by standardisation: ``(y - mean) / sigma``, with the population sigma.

    Parameters
    ----------
    mean, scale : float
        Mean and standard deviation of the training rows; a constant target has the scale 1.

    Examples
    --------
    >>> import numpy as np
    >>> Numbers.learn(np.array([10.0, 30.0])).encode(np.array([20.0, 40.0]))
    array([0., 2.], dtype=float32)
    """

    mean: float
    scale: float

    @property
    def unit(self) -> float:
        """What one unit of the coded target is worth."""
        return self.scale

    @classmethod
    def learn(cls, y: np.ndarray, classes: np.ndarray | None = None) -> Self:
        """Learn mean and scale of training rows."""
        import numpy as np

        del classes
        return cls(float(np.mean(y)), float(np.std(y)) or 1.0)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return the standardised target, (rows,)."""
        import numpy as np

        return ((y - self.mean) / self.scale).astype(np.float32)

    def attributes(self) -> dict[str, Any]:
        """Return what an estimator keeps of this coding."""
        return {"target_mean_": self.mean, "target_scale_": self.scale}
