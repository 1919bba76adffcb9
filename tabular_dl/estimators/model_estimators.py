"""`ModelClassifier` and `ModelRegressor`: models of other libraries on the matrices of the networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from tabular_dl.estimators.model_base import ModelEstimator
from tabular_dl.problems import LARGEST_LOGARITHM, TRANSFORMS

__all__ = ["ModelClassifier", "ModelRegressor"]


class ModelClassifier(ClassifierMixin, ModelEstimator):
    """Classifier: a model of another library on the matrices of the networks.

    The parameters are those of `ModelEstimator`.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
        Sorted labels.
    models_ : list
        Stored form of each member: the library's text or JSON, or scikit-learn's estimator.
    rounds_ : ndarray of shape (members,) or None
        Number of boosting rounds of each member; None for models without rounds.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True)
    >>> ModelClassifier("extra_trees", parameters={"n_estimators": 20}, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    __module__ = "tabular_dl.estimators"  # stored models contain this path: do not change it

    def _coded(self, y: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.classes_, y)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the mean of the members' probabilities, (rows, classes)."""
        parts = self._outputs(X)
        total = np.zeros((len(parts[0]), len(self.classes_)))
        for part, present in zip(parts, self.known_classes_, strict=True):
            total[:, present] += part
        return total / len(parts)

    def predict(self, X: Any) -> np.ndarray:
        """Return the label with the greatest mean probability, (rows,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]


class ModelRegressor(RegressorMixin, ModelEstimator):
    """Regressor: a model of another library on the matrices of the networks.

    The parameters are those of `ModelEstimator`.

    Attributes
    ----------
    models_, rounds_
        As in `ModelClassifier`.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> 0.4 < ModelRegressor("ridge").fit(X, y).score(X, y) < 0.6
    True
    """

    __module__ = "tabular_dl.estimators"  # stored models contain this path: do not change it

    def _check_target(self, y: np.ndarray) -> None:
        if self.target_transform is not None:
            TRANSFORMS[self.target_transform].learn(y)

    def _coded(self, y: np.ndarray) -> np.ndarray:
        return np.asarray(y if self.target_transform is None else np.log1p(y), float)

    def predict(self, X: Any) -> np.ndarray:
        """Return the mean of the members' values in units of the target, (rows,)."""
        parts = self._outputs(X)
        if self.target_transform is not None:
            parts = [np.expm1(np.minimum(part, LARGEST_LOGARITHM)) for part in parts]
        mean = np.mean(parts, axis=0)
        return mean if self.bounds is None else np.clip(mean, self.bounds[0], self.bounds[1])
