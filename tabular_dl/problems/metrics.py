"""Metrics: a table of scikit-learn's functions.

Each record states whether greater is better, which predictions are scored (labels, probabilities or values) and which
types of problem the metric is for. To add a metric, add a row to `METRICS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tabular_dl.errors import DataError, SpecError, did_you_mean
from tabular_dl.problems.problem_types import Problem
from tabular_dl.problems.target_columns import target_scores

if TYPE_CHECKING:
    import numpy as np

__all__ = ["METRICS", "Metric", "get_metric"]


@dataclass(frozen=True)
class Metric:
    """Metric that scores predictions.

    Parameters
    ----------
    name : str
        Name in a pipeline file.
    function : str
        Name of the function in `sklearn.metrics`.
    looks_at : {"labels", "probabilities", "values"}
        Input of the function: predicted labels, one probability per class, or predicted numbers.
    greater_is_better : bool
        Whether a greater score is better.
    problems : tuple of str
        Names of the problem types that the metric can score.
    settings : tuple of (str, value)
        Fixed keyword arguments of the function.
    power : int, default=0
        Power of the target's unit in the score.
    lowest : float or None
        Lower bound of the target; predictions below it are raised to it.
    """

    name: str
    function: str
    looks_at: Literal["labels", "probabilities", "values"]
    greater_is_better: bool
    problems: tuple[str, ...]
    settings: tuple[tuple[str, Any], ...] = ()
    power: int = 0
    lowest: float | None = None

    def __call__(
        self,
        y: np.ndarray,
        prediction: np.ndarray,
        classes: np.ndarray | list[np.ndarray] | None = None,
        sample_weight: np.ndarray | None = None,
    ) -> float:
        """Score predictions; the score of several targets is the mean of their scores.

        Of several labels at once, accuracy is the share of rows with all of them right, as in scikit-learn.

        Parameters
        ----------
        y : ndarray of shape (rows,) or (rows, targets)
            True labels, indicators or numbers.
        prediction : ndarray of shape (rows, classes) or (rows,) or (rows, targets)
            One probability per class or label, or predicted numbers.
        classes : ndarray of shape (classes,), optional
            Label of each column of ``prediction``; None if the target is a number.
        sample_weight : ndarray of shape (rows,), optional
            Weight of each row; equal by default.

        Returns
        -------
        float
            The score, not negated.

        Raises
        ------
        DataError
            If a value of the target is below ``lowest``.

        Examples
        --------
        >>> import numpy as np
        >>> p = np.array([[0.2, 0.8], [0.7, 0.3], [0.5, 0.5], [0.1, 0.9]])
        >>> round(get_metric("log_loss")(np.array([1, 0, 0, 1]), p, np.array([0, 1])), 4)
        0.3446
        """
        import numpy as np
        import sklearn.metrics

        if y.ndim == 2 and (isinstance(classes, list) or "multilabel" not in self.problems):  # several targets
            known = np.arange(y.shape[1]) if classes is None and self.looks_at != "values" else classes
            return float(np.mean(target_scores(self, y, prediction, known, sample_weight)))
        # A greedy blend scores 26,000 times: scikit-learn checks both arrays for longer than these two take to compute.
        if self.name == "accuracy" and y.ndim == 1 and classes is not None:
            return float(np.average(classes[prediction.argmax(axis=1)] == y, weights=sample_weight))
        if self.name == "rmse" and y.ndim == prediction.ndim == 1:
            return float(np.sqrt(np.average((y - prediction) ** 2, weights=sample_weight)))
        function = getattr(sklearn.metrics, self.function)
        weighted = {} if sample_weight is None else {"sample_weight": sample_weight}
        settings = {**dict(self.settings), **weighted}
        if self.name == "f1":
            positive = np.unique(y)[-1] if classes is None else classes[1]
            predicted = prediction == positive if classes is None else prediction[:, 1] > 0.5
            return float(function(y == positive, predicted, **settings))
        if y.ndim == 2 and self.looks_at != "values":  # indicators: one probability per label
            return float(function(y, prediction > 0.5 if self.looks_at == "labels" else prediction, **settings))
        if self.lowest is not None:
            self.check_numbers(y, "The target", range(len(y)))
            prediction = np.maximum(prediction, self.lowest)
        if classes is None:
            return float(function(y, prediction, **settings))
        if self.looks_at == "labels":
            return float(function(y, classes[prediction.argmax(axis=1)], **settings))
        if len(classes) == 2 and self.function == "roc_auc_score":
            return float(function(y, prediction[:, 1], **weighted))
        return float(function(y, prediction, labels=classes, **settings))

    def better(self, a: float, b: float) -> bool:
        """Return whether score ``a`` is better than score ``b``.

        Examples
        --------
        >>> get_metric("accuracy").better(0.8, 0.7), get_metric("rmse").better(0.8, 0.7)
        (True, False)
        """
        return a > b if self.greater_is_better else a < b

    def check_numbers(self, y: np.ndarray, subject: str, rows: Sequence[Any]) -> None:
        """Raise an error if a number is outside the metric's domain.

        Parameters
        ----------
        y : ndarray of shape (rows,) or (rows, targets)
            The target.
        subject : str
            Beginning of the message: the column or its file.
        rows : sequence
            Name of each row, for the message.

        Raises
        ------
        DataError
            If a number is below ``lowest``; the message names the first such row.

        Examples
        --------
        >>> import numpy as np
        >>> get_metric("rmsle").check_numbers(np.array([2.0, -1.0]), "Price", [1, 2])
        Traceback (most recent call last):
        ...
        tabular_dl.errors.DataError: Price, row 2: rmsle is for numbers from 0 on, found -1.0. Correct it, or choose
        another metric.
        """
        import numpy as np

        below = np.argwhere(y < self.lowest).tolist() if self.lowest is not None else []
        if below:
            raise DataError(
                f"{subject}, row {rows[below[0][0]]}: {self.name} is for numbers from {self.lowest:g} on, found "
                f"{y[tuple(below[0])]}. Correct it, or choose another metric."
            )

    def scores(self, problem: Problem) -> bool:
        """Return whether the metric can score a problem, or each of its targets."""
        return problem.name in self.problems or problem.each in self.problems

    def check(self, problem: Problem) -> None:
        """Raise an error if the metric cannot score a problem.

        Parameters
        ----------
        problem : Problem
            The problem to score.

        Raises
        ------
        SpecError
            If the metric is not for this type of problem; the message lists the metrics that are.
        """
        if not {problem.name, problem.each} & {*self.problems}:
            usable = ", ".join(
                sorted(name for name, m in METRICS.items() if {problem.name, problem.each} & {*m.problems})
            )
            raise SpecError(f"metric: {self.name} cannot score a {problem.name} problem. Metrics that can: {usable}.")


_LABELS = ("binary", "multiclass")
# F1 of a class that is never predicted is 0; scikit-learn would warn as well.
_ZERO = ("zero_division", 0.0)
_NUMBERS = ("regression", "bounded_regression")

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "accuracy_score", "labels", True, (*_LABELS, "multilabel")),
        Metric("balanced_accuracy", "balanced_accuracy_score", "labels", True, _LABELS),
        Metric("f1", "f1_score", "labels", True, ("binary",), (_ZERO,)),
        Metric("f1_macro", "f1_score", "labels", True, (*_LABELS, "multilabel"), (("average", "macro"), _ZERO)),
        Metric("log_loss", "log_loss", "probabilities", False, _LABELS),
        Metric("roc_auc", "roc_auc_score", "probabilities", True, (*_LABELS, "multilabel"), (("multi_class", "ovr"),)),
        Metric("rmse", "root_mean_squared_error", "values", False, _NUMBERS, power=1),
        Metric("mae", "mean_absolute_error", "values", False, _NUMBERS, power=1),
        Metric("r2", "r2_score", "values", True, _NUMBERS),
        # The root of the mean square of log(1 + prediction) - log(1 + truth).
        Metric("rmsle", "root_mean_squared_log_error", "values", False, _NUMBERS, lowest=0.0),
    )
}


def get_metric(name: str) -> Metric:
    """Return the metric of a name.

    Parameters
    ----------
    name : str
        Key of `METRICS`.

    Returns
    -------
    Metric
        The metric.

    Raises
    ------
    SpecError
        If there is no such metric; the message suggests the nearest name.

    Examples
    --------
    >>> get_metric("rmse").greater_is_better
    False
    """
    try:
        return METRICS[name]
    except KeyError:
        raise SpecError(f"There is no metric {name!r}. {did_you_mean(name, METRICS)}") from None
