"""Figure of the held-out rows that early stopping and plateaus monitor, and its curve beside the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tabular_dl.errors import SpecError
from tabular_dl.estimators.task import Prepared
from tabular_dl.problems import METRICS, Bounded, LabelColumns, Labels, get_metric

if TYPE_CHECKING:
    from tabular_dl.nn import Monitor, Population

__all__ = ["curves_of", "monitor_for"]


def monitor_for(name: str, group: Prepared) -> Monitor:
    """Return the figure that early stopping and plateaus monitor.

    Parameters
    ----------
    name : str
        "loss", or the name of a metric.
    group : Prepared
        Problem and target coding.

    Returns
    -------
    Monitor
        The figure.

    Raises
    ------
    SpecError
        If the metric cannot score the problem.
    """
    from tabular_dl.nn import Monitor

    if name == "loss":
        return Monitor()
    metric, coding = get_metric(name), group.coding
    try:
        metric.check(group.problem)
    except SpecError as error:
        raise SpecError(f"monitor: {str(error).removeprefix('metric: ')}") from None

    def score(y: np.ndarray, outputs: np.ndarray, weights: np.ndarray | None) -> float:
        if isinstance(coding, Labels):
            numbers = y.argmax(axis=1) if coding.one_hot else y[:, 0].astype(int)
            return metric(coding.classes[numbers], coding.decode(outputs), coding.classes, weights)
        if isinstance(coding, LabelColumns):
            classes = [np.arange(len(labels)) for labels in coding.classes]
            return metric(coding.numbers(y), coding.decode(outputs), classes, weights)
        if coding.standardised and metric.power is not None:
            # In standardised units of each group; the estimator converts the curve to units of the target.
            return metric(y, outputs, sample_weight=weights)
        # Decoding leaves rounding errors: 0 may become slightly negative, and labels have to be whole.
        truth = coding.decode(y).round() if metric.looks_at == "labels" else coding.decode(y)
        truth = truth if metric.lowest is None else np.maximum(truth, metric.lowest)
        return metric(truth, coding.decode(outputs), sample_weight=weights)

    return Monitor(name, score, metric.greater_is_better)


def _is_followed(name: str, group: Prepared) -> bool:
    """Return whether the curve with the monitor's name is that of the monitored metric.

    Figures of epochs are means over rows and labels of coded values. A metric of the same name is equal to that unless
    it requires all of several labels to be right, or the coding of numbers is more than a shift and one factor.

    Parameters
    ----------
    name : str
        Name of the monitored metric.
    group : Prepared
        Problem and target coding.

    Returns
    -------
    bool
        False if the metric has a curve of its own.
    """
    coding = group.coding
    same = isinstance(coding, Labels) or coding.standardised or (isinstance(coding, Bounded) and len(coding.scale) == 1)
    return same or name not in {followed.name for followed in group.problem.followed}


def curves_of(prepared: Prepared, population: Population, monitor: str) -> dict[str, np.ndarray]:
    """Return the learning curves of a population by the names of a pipeline file, in units of the target.

    Parameters
    ----------
    prepared : Prepared
        Problem and target coding.
    population : Population
        Trained population.
    monitor : str
        Name of the monitored figure.

    Returns
    -------
    dict of str to ndarray of shape (epochs, P)
        Curves by name.
    """
    coding = prepared.coding
    followed = {metric.function: (metric.name, metric.power) for metric in prepared.problem.followed}
    curves = {}
    for key, values in population.history.items():
        prefix, function = ("val_", key[4:]) if key.startswith("val_") else ("", key)
        scored = METRICS.get(function.partition(":")[0])
        power = (scored.power or 0) if scored is not None and coding.standardised else 0
        name, power = followed.get(function, (function, power))
        if function == monitor and not _is_followed(function, prepared):
            name = f"monitor_{function}"
        curves[prefix + name] = values * coding.unit**power if power else values
    return curves
