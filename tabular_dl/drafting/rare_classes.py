"""Settings for a target with a rare class: weights of the classes, or a threshold, and focal losses to try instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tabular_dl.problems import Problem, get_metric
from tabular_dl.profiling import ClassBalance, remedy

__all__ = ["TargetSettings", "rare_class_settings"]


@dataclass(frozen=True)
class TargetSettings:
    """Settings of a draft that follow from the target.

    Attributes
    ----------
    training : dict
        Keys of the section ``training``.
    keys : dict
        Keys of the pipeline, such as ``threshold``.
    reason : str
        Reason, and alternatives to try; empty if there is none.
    """

    training: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


def rare_class_settings(metric: str, balance: ClassBalance | None, problem: Problem) -> TargetSettings:
    """Return the settings that suit a metric where a class has less than half the rows of an average class.

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
    TargetSettings
        Settings and their reason.

    Examples
    --------
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> balance = ClassBalance("leaves", "stays", 3, 97, 100, 2)
    >>> rare_class_settings("f1_macro", balance, get_problem("binary")).keys
    {'threshold': 'auto'}
    """
    labels = get_metric(metric).looks_at == "labels"
    if balance is None or not balance.uneven or not labels or metric == "accuracy":
        return TargetSettings()
    setting = remedy(metric, labels=labels, two_classes=problem.two_classes)
    evidence = (
        f"{metric} depends on each class, and {balance.rarest!r} has {100 * balance.rarest_rows / balance.rows:.2g} %"
    )
    loss = f"{'binary' if problem.two_classes else 'categorical'}_focal_crossentropy"
    both = ", class_weight: balanced" if setting == "threshold" else ""
    instead = f"An alternative to try: training: {{loss: {loss}, focal_gamma: 2{both}}}"
    if setting == "class_weight":
        reason = f"{evidence} of the rows: its rows get greater weights.\n{instead}, with or without the weights."
        return TargetSettings({"class_weight": "balanced"}, {}, reason)
    if setting == "threshold":
        reason = f"{evidence} of the rows: the threshold between the classes is chosen by out-of-fold predictions.\n"
        return TargetSettings({}, {"threshold": "auto"}, f"{reason}{instead}.")
    return TargetSettings(
        {}, {}, f"{evidence} of the rows. Weights of the classes would move predictions too far.\n{instead}."
    )
