"""Balance of the classes of a target: whether a class is rare, and whether accuracy is then misleading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

__all__ = ["ClassBalance", "Remedy", "class_balance", "remedy"]

RARE = 0.1  # share of the rows that the class would have if all classes were equally large
UNEVEN = 0.5
MISLEADING = 0.9  # share of the largest class from which accuracy is misleading


# Settings that suit a rare class: weights of the classes, or a threshold between two that is chosen by the metric.
Remedy = Literal["class_weight", "threshold"]


@dataclass(frozen=True)
class ClassBalance:
    """Largest and rarest class of a target.

    Attributes
    ----------
    rarest, largest : object
        Labels.
    rarest_rows, largest_rows, rows : int
        Number of rows of these classes, and of all.
    classes : int
        Number of classes.
    """

    rarest: Any
    largest: Any
    rarest_rows: int
    largest_rows: int
    rows: int
    classes: int

    @property
    def has_rare_class(self) -> bool:
        """Whether the rarest class has less than a tenth of the rows of an average class."""
        return self.rarest_rows * self.classes < RARE * self.rows

    @property
    def uneven(self) -> bool:
        """Whether the rarest class has less than half of the rows of an average class."""
        return self.rarest_rows * self.classes < UNEVEN * self.rows

    @property
    def misleads(self) -> bool:
        """Whether a class is rare, and always guessing the largest one has an accuracy of at least 0.9."""
        return self.has_rare_class and self.largest_rows >= MISLEADING * self.rows


def class_balance(target: pd.Series[Any]) -> ClassBalance:
    """Return the balance of the classes of a target.

    Parameters
    ----------
    target : Series of shape (rows,)
        Labels.

    Returns
    -------
    ClassBalance

    Examples
    --------
    >>> balance = class_balance(pd.Series(["stays"] * 97 + ["leaves"] * 3))
    >>> balance.rarest, balance.has_rare_class, balance.misleads
    ('leaves', True, True)
    """
    counts = target.value_counts()
    labels = counts.index.tolist()
    return ClassBalance(labels[-1], labels[0], int(counts.iloc[-1]), int(counts.iloc[0]), len(target), len(counts))


def remedy(metric: str, *, labels: bool, two_classes: bool) -> Remedy | None:
    """Return the setting that helps a metric where a class is rare.

    Weights move predictions to a rare class as far as `balanced_accuracy` rewards, and farther than F1 and Matthews'
    correlation do. For these, a threshold is chosen between two classes; more classes have none, and are better off
    without weights (docs/features.md).

    Parameters
    ----------
    metric : str
        Name of the metric, with its parameter if it has one.
    labels : bool
        Whether the metric scores labels.
    two_classes : bool
        Whether the target has two classes.

    Returns
    -------
    str or None
        None if nothing helps, as for accuracy and for metrics of probabilities.

    Examples
    --------
    >>> remedy("balanced_accuracy", labels=True, two_classes=True), remedy("mcc", labels=True, two_classes=True)
    ('class_weight', 'threshold')
    >>> remedy("f1_macro", labels=True, two_classes=False) is None
    True
    """
    name = metric.partition(":")[0]
    if not labels or name == "accuracy":
        return None
    if name in ("f1", "f_beta", "f1_macro", "mcc"):
        return "threshold" if two_classes else None
    return "class_weight"
