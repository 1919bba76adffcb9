"""Metric that the user has written in Python, beside the pipeline file.

It is kept with the model that it has scored, as the user's other Python is: its text, and a signature without which it
is not executed. Leaderboards show the scores that are stored.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from tabular_dl.errors import DataError, SpecError
from tabular_dl.preprocessing.python_source import PythonSource
from tabular_dl.preprocessing.python_step import PythonStep

__all__ = ["PythonMetric"]


class PythonMetric(PythonStep):
    r"""Function of the user that scores predictions; its arguments are those of `tabular_dl.problems.metric_functions`.

    Parameters
    ----------
    source : PythonSource
        Text of the user's file.
    name : str
        Function ``(y_true, prediction)`` or ``(y_true, prediction, sample_weight)`` that returns a number.
    signature : str, default=""
        Result of `tabular_dl.preprocessing.approve`.

    Examples
    --------
    >>> from tabular_dl.preprocessing.python_trust import approve
    >>> source = PythonSource("my_metrics.py", "def most(y, p):\n    return max(abs(y - p))")
    >>> most = PythonMetric(source, "most", approve(source, "most", {}))
    >>> most(np.array([1.0, 2.0]), np.array([1.5, 2.0]), None, None)
    0.5
    """

    __module__ = "tabular_dl.preprocessing"  # stored models name this path: it stays

    state_: dict[str, Any] | None = None  # a function learns nothing

    def __init__(self, source: PythonSource, name: str, signature: str = "") -> None:
        self.source = source
        self.name = name
        self.signature = signature

    def __call__(
        self, y: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None, classes: np.ndarray | None
    ) -> float:
        """Score predictions.

        Parameters
        ----------
        y : ndarray of shape (rows,) or (rows, labels)
            True values.
        prediction : ndarray of shape (rows,) or (rows, classes)
            Labels, values, or probabilities; of two classes, the function gets those of the second.
        weights : ndarray of shape (rows,) or None
            Weight of each row.
        classes : ndarray of shape (classes,) or None
            Label of each column of probabilities.

        Returns
        -------
        float
            The score.

        Raises
        ------
        DataError
            If the function raises an exception, or returns anything but a finite number.
        SpecError
            If it is no function, or there are weights that it does not take.
        """
        function = self._ready()
        if not callable(function) or inspect.isclass(function):
            raise SpecError(f"{self._subject}: expected a function, found {type(function).__name__}.")
        arguments = {} if weights is None else self._weights(function, weights)
        if classes is not None and y.ndim == 1 and prediction.ndim == 2 and len(classes) == 2:
            prediction = prediction[:, 1]
        # Copies, since code may change what it is given.
        result = self._call(lambda: function(y.copy(), prediction.copy(), **arguments), self.name)
        try:
            score = float(result)
        except (TypeError, ValueError):
            raise DataError(f"{self._subject} returned {type(result).__name__}: expected a number.") from None
        if not np.isfinite(score):
            raise DataError(f"{self._subject} returned {score} for {len(y):,} rows: expected a finite number.")
        return score

    def _weights(self, function: Any, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return the keyword argument with the weights of the rows."""
        parameters = inspect.signature(function).parameters
        if "sample_weight" not in parameters and all(p.kind is not p.VAR_KEYWORD for p in parameters.values()):
            raise SpecError(
                f"{self._subject} takes no sample_weight, but the rows have weights (data.weight): add the argument, "
                "as in def score(y_true, prediction, sample_weight), or leave data.weight out."
            )
        return {"sample_weight": weights.copy()}
