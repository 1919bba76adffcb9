"""Trained model of one member, in the form in which it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["TrainedModel"]


@dataclass(frozen=True)
class TrainedModel:
    """Trained model of one member.

    Attributes
    ----------
    stored : object
        The library's text or JSON, or scikit-learn's estimator; None if there is one class only, which needs no model.
    rounds : int or None
        Number of boosting rounds that predict; None for models without rounds.
    classes : ndarray or None
        Numbers of the classes that its training rows had; None for numbers.
    """

    stored: Any
    rounds: int | None
    classes: np.ndarray | None
