"""Metrics: one record each, with scikit-learn's function behind it.

A metric says whether greater is better, what it looks at (labels, probabilities or values) and which kinds of
problem it is for. A new metric is a new row of `METRICS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tabular_dl.errors import DataError, SpecError, did_you_mean
from tabular_dl.problems.problem_types import Problem

if TYPE_CHECKING:
    import numpy as np

__all__ = ["METRICS", "Metric", "get_metric"]


@dataclass(frozen=True)
class Metric:
    """One way to score predictions.

    Parameters
    ----------
    name : str
        The word for it in a pipeline file.
    function : str
        Name of the function in `sklearn.metrics`.
    looks_at : {"labels", "probabilities", "values"}
        What the function is given: predicted labels, one probability a class, or predicted numbers.
    greater_is_better : bool
        The direction of improvement.
    problems : tuple of str
        The names of the problem types that it can score.
    settings : tuple of (str, value)
        Fixed keyword arguments of the function.
    power : int
        In which power of the target's unit the score is.
    lowest : float or None
        What the target may not be below; predictions below it count as it.
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
        classes: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
    ) -> float:
        """Score predictions.

        Parameters
        ----------
        y : ndarray of shape (rows,) or (rows, targets)
            The true labels, indicators or numbers.
        prediction : ndarray of shape (rows, classes) or (rows,) or (rows, targets)
            One probability a class or label, or the predicted numbers.
        classes : ndarray of shape (classes,), optional
            The label of each column of ``prediction``; None where the target is a number.
        sample_weight : ndarray of shape (rows,), optional
            How much each row counts; by default all the same.

        Returns
        -------
        float
            The score, in the metric's own direction.

        Raises
        ------
        DataError
            If a number of the target is below the lowest that the metric is for.

        Examples
        --------
        >>> import numpy as np
        >>> p = np.array([[0.2, 0.8], [0.7, 0.3], [0.5, 0.5], [0.1, 0.9]])
        >>> round(get_metric("log_loss")(np.array([1, 0, 0, 1]), p, np.array([0, 1])), 4)
        0.3446
        """
        import numpy as np
        import sklearn.metrics

        function = getattr(sklearn.metrics, self.function)
        weighted = {} if sample_weight is None else {"sample_weight": sample_weight}
        settings = {**dict(self.settings), **weighted}
        if self.name == "f1":
            positive = np.unique(y)[-1] if classes is None else classes[1]
            found = prediction == positive if classes is None else prediction[:, 1] > 0.5
            return float(function(y == positive, found, **settings))
        if y.ndim == 2 and self.looks_at != "values":  # indicators: a probability for each label
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
        """Tell whether score ``a`` is better than score ``b``.

        Examples
        --------
        >>> get_metric("accuracy").better(0.8, 0.7), get_metric("rmse").better(0.8, 0.7)
        (True, False)
        """
        return a > b if self.greater_is_better else a < b

    def check_numbers(self, y: np.ndarray, subject: str, rows: Sequence[Any]) -> None:
        """Refuse numbers that this metric is not for.

        Parameters
        ----------
        y : ndarray of shape (rows,) or (rows, targets)
            The target.
        subject : str
            How a message begins.
        rows : sequence
            What each row is called.

        Raises
        ------
        DataError
            Naming the first such row.

        Examples
        --------
        >>> import numpy as np
        >>> get_metric("rmsle").check_numbers(np.array([2.0, -1.0]), "Price", [1, 2])
        Traceback (most recent call last):
        ...
        tabular_dl.errors.DataError: Price, row 2: rmsle is for numbers from 0 on, found -1.0. Correct it, or take
        another metric.
        """
        import numpy as np

        below = np.argwhere(y < self.lowest).tolist() if self.lowest is not None else []
        if below:
            raise DataError(
                f"{subject}, row {rows[below[0][0]]}: {self.name} is for numbers from {self.lowest:g} on, found "
                f"{y[tuple(below[0])]}. Correct it, or take another metric."
            )

    def check(self, problem: Problem) -> None:
        """Refuse a problem that this metric cannot score.

        Raises
        ------
        SpecError
            Naming the metrics that can score it.
        """
        if problem.name not in self.problems:
            usable = ", ".join(sorted(name for name, m in METRICS.items() if problem.name in m.problems))
            raise SpecError(f"metric: {self.name} cannot score a {problem.name} problem. Metrics that can: {usable}.")


_LABELS = ("binary", "multiclass")
# Without a predicted member of a class its F1 is 0, and not worth a warning.
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
    """Return the metric of this name.

    Raises
    ------
    SpecError
        If there is none; the message suggests the nearest.

    Examples
    --------
    >>> get_metric("rmse").greater_is_better
    False
    """
    try:
        return METRICS[name]
    except KeyError:
        raise SpecError(f"There is no metric {name!r}. {did_you_mean(name, METRICS)}") from None
