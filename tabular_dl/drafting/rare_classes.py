"""Settings for a target with a rare class: weights of the classes, or a threshold, and focal losses to try instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tabular_dl.problems import Problem, get_metric
from tabular_dl.profiling import ClassBalance, remedy

__all__ = ["RareClassSettings", "rare_class_settings"]


@dataclass(frozen=True)
class RareClassSettings:
    """Settings of a draft for a rare class.

    Attributes
    ----------
    training : dict
        Keys of the section ``training``.
    threshold : {"auto"} or None
        Value of the key ``threshold``.
    reason : str
        Reason, and what else may be tried; empty if there is nothing to say.
    """

    training: dict[str, Any] = field(default_factory=dict)
    threshold: str | None = None
    reason: str = ""


def rare_class_settings(metric: str, balance: ClassBalance | None, problem: Problem) -> RareClassSettings:
    """Return the settings that a metric asks for where a class has less than half the rows of an average class.

    Parameters
    ----------
    metric : str
        Metric that scores runs.
    balance : ClassBalance or None
        Balance of the classes; None for numbers and for several targets.
    problem : Problem
        Type of problem.

    Returns
    -------
    RareClassSettings
        Settings and their reason.

    Examples
    --------
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> balance = ClassBalance("leaves", "stays", 3, 97, 100, 2)
    >>> rare_class_settings("f1_macro", balance, get_problem("binary")).threshold
    'auto'
    """
    labels = get_metric(metric).looks_at == "labels"
    if balance is None or not balance.uneven or not labels or metric == "accuracy":
        return RareClassSettings()
    help_by = remedy(metric, labels=labels, two_classes=problem.two_classes)
    evidence = (
        f"{metric} depends on each class, and {balance.rarest!r} has {100 * balance.rarest_rows / balance.rows:.2g} %"
    )
    loss = f"{'binary' if problem.two_classes else 'categorical'}_focal_crossentropy"
    instead = f"An alternative to try: training: {{loss: {loss}, focal_gamma: 2}}"
    if help_by == "class_weight":
        reason = f"{evidence} of the rows: its rows weigh more.\n{instead}, with or without the weights."
        return RareClassSettings({"class_weight": "balanced"}, None, reason)
    if help_by == "threshold":
        reason = f"{evidence} of the rows: the threshold between the classes is chosen by out-of-fold predictions.\n"
        return RareClassSettings({}, "auto", f"{reason}{instead}.")
    return RareClassSettings({}, None, f"{evidence} of the rows. Weights of the classes would go too far.\n{instead}.")
