"""Several targets of a model of another library, which predicts one: each member has a model for each target."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular_dl.problems import known_values

__all__ = ["ModelTargets"]


class ModelTargets:
    """Mixin that counts the targets of a model, and the models that they need.

    Attributes
    ----------
    targets_ : int
        Number of targets.
    """

    targets_ = 1  # a class attribute, because models stored by older versions lack it
    members: int
    classes_: Any

    @property
    def count(self) -> int:
        """Number of models: one for each target of each member, those of a member side by side."""
        return self.members * self.targets_

    @staticmethod
    def _with_target(y: np.ndarray, rows: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that have one of the targets, and their values."""
        values = y[rows] if y.ndim == 1 else y[rows, target]
        known = known_values(values)
        return (rows, values) if known is None else (rows[known], values[known])

    def _classes_of(self, target: int) -> np.ndarray:
        """Return the classes of one of the targets."""
        if isinstance(self.classes_, list):
            return self.classes_[target]
        return self.classes_ if self.targets_ == 1 else np.array([0, 1])
