"""`ModelClassifier` and `ModelRegressor`: models of other libraries on the matrices of the networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from tabular_dl.estimators.model_base import ModelEstimator
from tabular_dl.problems import LARGEST_LOGARITHM, TRANSFORMS, predicted_labels

__all__ = ["ModelClassifier", "ModelRegressor"]


class ModelClassifier(ClassifierMixin, ModelEstimator):
    """Classifier: a model of another library on the matrices of the networks.

    The parameters are those of `ModelEstimator`.

    Attributes
    ----------
    classes_ : ndarray of shape (classes,)
        Sorted labels; for multilabel the numbers of the labels, for multioutput a list with the labels of each target.
    models_ : list
        Stored form of each member, and each target: the library's text or JSON, or scikit-learn's estimator.
    rounds_ : ndarray of shape (members x targets,) or None
        Number of boosting rounds of each model; None for models without rounds.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True)
    >>> ModelClassifier("extra_trees", parameters={"n_estimators": 20}, random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    __module__ = "tabular_dl.estimators"  # stored models contain this path: do not change it

    def _coded(self, y: np.ndarray, number: int) -> np.ndarray:
        return np.searchsorted(self._classes_of(number), y)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the mean of the members' probabilities, of classes or labels, (rows, classes)."""
        parts = self._outputs(X)
        totals = [np.zeros((len(parts[0]), len(self._classes_of(number)))) for number in range(self.targets_)]
        for place, (part, present) in enumerate(zip(parts, self.known_classes_, strict=True)):
            totals[place % self.targets_][:, present] += part
        if self.targets_ > 1 and not isinstance(self.classes_, list):
            totals = [total[:, 1:] for total in totals]
        return np.hstack(totals) / self.members

    def predict(self, X: Any) -> np.ndarray:
        """Return the label with the greatest mean probability, (rows,), or those of several targets."""
        probabilities = self.predict_proba(X)
        if self.targets_ > 1:
            several = isinstance(self.classes_, list)
            return predicted_labels(probabilities, self.classes_) if several else (probabilities > 0.5).astype(int)
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

    def _coded(self, y: np.ndarray, number: int) -> np.ndarray:
        del number
        return np.asarray(y if self.target_transform is None else np.log1p(y), float)

    def predict(self, X: Any) -> np.ndarray:
        """Return the mean of the members' values in units of the target, (rows,) or (rows, targets)."""
        parts = self._outputs(X)
        if self.target_transform is not None:
            parts = [np.expm1(np.minimum(part, LARGEST_LOGARITHM)) for part in parts]
        mean = np.mean(np.reshape(parts, (self.members, self.targets_, -1)), axis=0).T
        mean = mean if self.targets_ > 1 else mean[:, 0]
        return mean if self.bounds is None else np.clip(mean, self.bounds[0], self.bounds[1])
