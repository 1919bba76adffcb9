"""Metrics: a table of records.

Each record names its formula in `tabular_dl.problems.metric_functions`, and states whether greater is better, which
predictions are scored (labels, probabilities or values) and which types of problem the metric is for. To add a metric,
add a row to `METRICS`, and its formula.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast

from tabular_dl.errors import DataError, SpecError, did_you_mean
from tabular_dl.problems.metric_parameters import Parameter
from tabular_dl.problems.problem_types import Problem
from tabular_dl.problems.target_columns import target_scores

if TYPE_CHECKING:
    import numpy as np

__all__ = ["METRICS", "Metric", "get_metric", "metric_text"]

LooksAt = Literal["labels", "probabilities", "values"]


@dataclass(frozen=True)
class Metric:
    """Metric that scores predictions.

    Parameters
    ----------
    name : str
        Name in a pipeline file; with a parameter, as in "f_beta:2".
    function : str or callable
        Name of a function of `tabular_dl.problems.metric_functions`, or a function with the same arguments.
    looks_at : {"labels", "probabilities", "values"}
        Input of the function: predicted labels, one probability per class, or predicted numbers.
    greater_is_better : bool
        Whether a greater score is better.
    problems : tuple of str
        Names of the problem types that the metric can score.
    power : int or None, default=None
        Power of the target's unit in the score of numbers; None if the score changes when the target is shifted.
    lowest : float or None, default=None
        Lower bound of a target of numbers.
    nonzero : bool, default=False
        Whether no number of the target may be 0.
    ordered : bool, default=False
        Whether the labels have to be in order.
    of_means : bool, default=False
        Whether the best prediction of a number is its mean, given the features.
    by_query : bool, default=False
        Whether the score is the mean over queries: it needs the query of each row, and rows have no weights.
    parameter : Parameter or None, default=None
        Parameter of the function.
    settings : tuple of (str, value)
        Keyword arguments of the function.
    queries : ndarray of shape (rows,) or None, default=None
        Query of each scored row, as `tabular_dl.problems.queries` binds them to a metric.
    """

    name: str
    function: str | Callable[..., float]
    looks_at: LooksAt
    greater_is_better: bool
    problems: tuple[str, ...]
    power: int | None = None
    lowest: float | None = None
    nonzero: bool = False
    ordered: bool = False
    of_means: bool = False
    by_query: bool = False
    parameter: Parameter | None = None
    settings: tuple[tuple[str, Any], ...] = ()
    queries: np.ndarray | None = field(default=None, compare=False, repr=False)

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
            True labels, indicators or numbers; NaN where a row lacks one of several numbers.
        prediction : ndarray of shape (rows, classes) or (rows,) or (rows, targets)
            One probability per class or label, or predicted numbers. A metric of labels rounds numbers.
        classes : ndarray of shape (classes,), optional
            Label of each column of ``prediction``; None if the target is a number.
        sample_weight : ndarray of shape (rows,), optional
            Weight of each row; equal by default.

        Returns
        -------
        float
            The score, not negated; of several numbers, the mean of their scores.

        Raises
        ------
        DataError
            If a value of the target is outside the metric's domain.
        SpecError
            If the metric scores queries, and the queries of these rows are not known.

        Examples
        --------
        >>> import numpy as np
        >>> p = np.array([[0.2, 0.8], [0.7, 0.3], [0.5, 0.5], [0.1, 0.9]])
        >>> round(get_metric("log_loss")(np.array([1, 0, 0, 1]), p, np.array([0, 1])), 4)
        0.3446
        """
        if y.ndim == 2 and (isinstance(classes, list) or "multilabel" not in self.problems):  # several targets
            import numpy as np

            # Without classes, columns are numbers if the metric can score some, else probabilities of labels.
            labels = np.arange(y.shape[1]) if classes is None and not {*_NUMBERS} & {*self.problems} else classes
            scores = target_scores(self, y, prediction, labels, sample_weight)
            return float(np.mean(scores[~np.isnan(scores)] if y.dtype.kind == "f" else scores))
        if classes is None and (self.lowest is not None or self.nonzero):
            self.check_numbers(y, "The target", range(len(y)))
        if self.looks_at == "labels":
            prediction = _labels(y, prediction, cast("np.ndarray | None", classes))  # of one target
        by_query = {"queries": self.queries} if self.by_query else {}
        return self._formula(y, prediction, sample_weight, classes, **dict(self.settings), **by_query)

    @property
    def _formula(self) -> Callable[..., float]:
        if callable(self.function):
            return self.function
        from tabular_dl.problems import metric_functions  # imported here, since it loads scikit-learn

        return getattr(metric_functions, self.function)

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
            If a number is below ``lowest``, or 0 where it may not be; the message names the first such row.

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

        wrong = (y == 0) if self.nonzero else (y < self.lowest) if self.lowest is not None else np.zeros(0, bool)
        places = np.argwhere(wrong).tolist()
        if places:
            domain = "other than 0, which it divides by" if self.nonzero else f"from {self.lowest:g} on"
            raise DataError(
                f"{subject}, row {rows[places[0][0]]}: {self.name} is for numbers {domain}, found "
                f"{y[tuple(places[0])]}. Correct it, or choose another metric."
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
                sorted(name for name, other in METRICS.items() if {problem.name, problem.each} & {*other.problems})
            )
            raise SpecError(f"metric: {self.name} cannot score a {problem.name} problem. Metrics that can: {usable}.")


def _labels(y: np.ndarray, prediction: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
    """Return predicted labels: indicators, the most probable class, labels as they are, or rounded numbers."""
    if y.ndim == 2:
        return prediction > 0.5
    if classes is not None:
        return classes[prediction.argmax(axis=1)]
    return prediction.round() if prediction.dtype.kind == "f" else prediction


_TWO = ("binary",)
_LABELS = ("binary", "multiclass")
_ALL = (*_LABELS, "multilabel")
_NUMBERS = ("regression", "bounded_regression")
_BETA = Parameter("beta", 2.0, 0.0, 100.0)
_QUANTILE = Parameter("quantile", 0.5, 0.0, 1.0)
_K = Parameter("k", 3, 1, 1000, whole=True)
_CUT = Parameter("k", None, 1, 100_000, whole=True)
_RANKED: dict[str, Any] = {"lowest": 0.0, "ordered": True, "by_query": True, "parameter": _CUT}

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "accuracy", "labels", True, _ALL),
        Metric("balanced_accuracy", "balanced_accuracy", "labels", True, _LABELS),
        Metric("f1", "f_beta", "labels", True, _TWO, settings=(("beta", 1.0),)),
        Metric("f_beta", "f_beta", "labels", True, _TWO, parameter=_BETA),
        Metric("f1_macro", "f_macro", "labels", True, _ALL),
        Metric("mcc", "matthews_correlation", "labels", True, _LABELS),
        Metric("qwk", "quadratic_weighted_kappa", "labels", True, (*_LABELS, "regression"), ordered=True),
        Metric("log_loss", "log_loss", "probabilities", False, _ALL),
        Metric("roc_auc", "roc_auc", "probabilities", True, _ALL),
        Metric("pr_auc", "average_precision", "probabilities", True, ("binary", "multilabel")),
        Metric("brier", "brier", "probabilities", False, _ALL),
        Metric("gini", "gini", "probabilities", True, (*_TWO, *_NUMBERS), lowest=0.0),
        Metric("map_at_k", "map_at_k", "probabilities", True, ("multiclass",), parameter=_K),
        Metric("ndcg", "ndcg", "probabilities", True, (*_LABELS, *_NUMBERS), **_RANKED),
        Metric("rmse", "root_mean_squared_error", "values", False, _NUMBERS, power=1, of_means=True),
        Metric("mae", "mean_absolute_error", "values", False, _NUMBERS, power=1),
        Metric("r2", "r2", "values", True, _NUMBERS, power=0, of_means=True),
        Metric("rmsle", "root_mean_squared_log_error", "values", False, _NUMBERS, lowest=0.0),
        Metric("mape", "mean_absolute_percentage_error", "values", False, _NUMBERS, nonzero=True),
        Metric("smape", "symmetric_mean_absolute_percentage_error", "values", False, _NUMBERS),
        Metric("rmspe", "root_mean_squared_percentage_error", "values", False, _NUMBERS, nonzero=True),
        Metric("pinball", "pinball", "values", False, _NUMBERS, power=1, parameter=_QUANTILE),
    )
}


def get_metric(name: str) -> Metric:
    """Return the metric of a name.

    Parameters
    ----------
    name : str
        Key of `METRICS`; with the value of its parameter, as in "f_beta:2", or without for the default.

    Returns
    -------
    Metric
        The metric, whose name has the parameter.

    Raises
    ------
    SpecError
        If there is no such metric, for which the message suggests the nearest name, or its parameter is invalid.

    Examples
    --------
    >>> get_metric("rmse").greater_is_better, get_metric("pinball:0.9").settings
    (False, (('quantile', 0.9),))
    """
    base, _, text = name.partition(":")
    metric = METRICS.get(base)
    if metric is None:
        hint = " A function of your own is metric: {python: FILE.py:NAME}." if ".py" in name else ""
        raise SpecError(f"There is no metric {name!r}. {did_you_mean(base, METRICS)}{hint}")
    if metric.parameter is None:
        if text:
            raise SpecError(f"{base} has no parameter, found {name!r}: write {base}.")
        return metric
    value = metric.parameter.read(text)
    return metric if value is None else _with_value(metric, value)


def _with_value(metric: Metric, value: object) -> Metric:
    """Return a metric with a value of its parameter."""
    parameter = cast("Parameter", metric.parameter)
    try:
        checked = parameter.checked(value)
    except ValueError as error:
        raise SpecError(f"{metric.name}: {error}") from None
    return replace(metric, name=f"{metric.name}:{parameter.text(checked)}", settings=((parameter.name, checked),))


def metric_text(content: Mapping[str, Any]) -> str:
    """Return the name of a metric that is written as a mapping.

    Parameters
    ----------
    content : mapping
        The name under "name", and its parameter.

    Returns
    -------
    str
        Name as for `get_metric`.

    Raises
    ------
    SpecError
        If there is no such metric or parameter.

    Examples
    --------
    >>> metric_text({"name": "f_beta", "beta": 0.5})
    'f_beta:0.5'
    >>> metric_text({"name": "f_beta", "betta": 0.5})
    Traceback (most recent call last):
    ...
    tabular_dl.errors.SpecError: f_beta has no parameter 'betta'. Did you mean 'beta'?
    """
    name = content.get("name")
    if not isinstance(name, str):
        raise SpecError(f"expected a name, as in {{name: f_beta, beta: 2}}, found {dict(content)!r}.")
    parameter = get_metric(name).parameter
    given = {key: value for key, value in content.items() if key != "name"}
    known = [] if parameter is None else [parameter.name]
    unknown = next((key for key in given if key not in known), None)
    if unknown is not None:
        raise SpecError(f"{name} has no parameter {str(unknown)!r}. {did_you_mean(str(unknown), known)}")
    return _with_value(METRICS[name.partition(":")[0]], *given.values()).name if given else get_metric(name).name
