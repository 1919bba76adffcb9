"""Types of problem: a table of output units, activations, losses, metrics, target codings and baselines.

No other code of the package compares problem names. To add a type of problem, add a row to `PROBLEMS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.problems.baselines import (
    classification_baselines,
    multilabel_baselines,
    multioutput_baselines,
    regression_baselines,
)
from tabular_dl.problems.label_columns import LabelColumns
from tabular_dl.problems.losses import FOLLOWED, LOSSES, OUTPUTS, Followed, Loss, Target, get_loss, known_or_own
from tabular_dl.problems.number_coding import Bounded, Numbers
from tabular_dl.problems.target_coding import Coding, Indicators, Labels

__all__ = ["PROBLEMS", "Problem", "get_problem"]


@dataclass(frozen=True)
class Problem:
    """Type of problem.

    Parameters
    ----------
    name : str
        Name in a pipeline file.
    title : str
        Description of the predicted value.
    outputs : tuple of str
        Keras's names of the possible output activations; the first is the default.
    losses : dict of str to tuple of str
        For each output activation, Keras's names of the possible losses; the first is the default.
    follow : tuple of str
        Names of the functions recorded each epoch beside the loss (`tabular_dl.problems.losses.FOLLOWED`).
    metric : str
        Metric that scores a run unless the pipeline names another.
    coding : type
        Coding of the target for training.
    classification : bool
        Whether the target consists of labels.
    stratified : bool
        Whether folds and validation rows keep the proportions of the classes.
    units : callable
        Function that returns the number of output units for a number of classes, labels or targets.
    baselines : callable
        Function that returns ``{name: unfitted scikit-learn estimator}`` of simple models to compare networks with.
    each : str or None, default=None
        Name of the problem of each target, if there are several of classes, which metrics score one by one.
    """

    name: str
    title: str
    outputs: tuple[str, ...]
    losses: dict[str, tuple[str, ...]]
    follow: tuple[str, ...]
    metric: str
    coding: type[Coding]
    classification: bool
    stratified: bool
    units: Callable[[int], int]
    baselines: Callable[[], dict[str, Any]]
    each: str | None = None

    @property
    def two_classes(self) -> bool:
        """Whether the target has two classes, so that one output is the probability of the second."""
        return self.classification and self.units(3) == 1

    @property
    def activation(self) -> str:
        """Keras's name of the activation of the output layer."""
        return self.outputs[0]

    @property
    def loss(self) -> str:
        """Keras's name of the loss."""
        return self.losses[self.activation][0]

    @property
    def target(self) -> Target:
        """Form of the targets: "one-hot", "class number", "0 or 1" or "number"."""
        target = known_or_own(self.loss).target
        # Losses for numbers also apply to 0 and 1, and to one-hot rows.
        if target == "number" and self.classification:
            return "one-hot" if self.coding is Labels and self.units(3) > 1 else "0 or 1"
        if target == "0 or 1" and self.units(3) > 1 and self.coding is Labels:
            return "one-hot"
        return target

    @property
    def followed(self) -> tuple[Followed, ...]:
        """Functions recorded each epoch."""
        return tuple(FOLLOWED[self.target][name] for name in self.follow)

    def choose(
        self, output: str | None = None, loss: str | Loss | None = None, metrics: Sequence[str] | None = None
    ) -> Problem:
        """Return the problem with another output activation, another loss or other followed metrics.

        Parameters
        ----------
        output : str, optional
            Keras's name of the output activation.
        loss : str or Loss, optional
            Keras's name of the loss, or a loss of the user with target "number".
        metrics : sequence of str, optional
            Names of the functions to record each epoch.

        Returns
        -------
        Problem
            The changed problem.

        Raises
        ------
        SpecError
            If one of them is unknown or does not suit the others; the message lists the possible ones.

        Examples
        --------
        >>> PROBLEMS["regression"].choose(loss="huber").loss
        'huber'
        """
        problem = self
        if output is not None:
            if output not in self.outputs:
                raise SpecError(f"output: {self._why_not(output)} Outputs for {self.name}: {', '.join(self.outputs)}.")
            problem = replace(self, outputs=(output,))
        if isinstance(loss, Loss):
            problem = replace(problem, losses={problem.activation: (loss.name,)})
        elif loss is not None:
            name = get_loss(loss).name
            fitting = problem.losses[problem.activation]
            if name not in fitting:
                raise SpecError(
                    f"loss: {name} compares {OUTPUTS_OF[LOSSES[name].target]}; it cannot train a {self.name} problem "
                    f"with output {problem.activation}. Losses that can: {', '.join(fitting)}."
                )
            problem = replace(problem, losses={problem.activation: (name,)})
        if metrics is not None:
            functions = FOLLOWED[problem.target]
            for metric in metrics:
                if metric not in functions:
                    raise SpecError(
                        f"metrics: {metric!r} cannot be followed row by row for {self.name}. "
                        f"{did_you_mean(metric, functions)}"
                    )
            problem = replace(problem, follow=tuple(metrics))
        return problem

    def check_smoothing(self, label_smoothing: float) -> None:
        """Raise an error if label smoothing has no effect: for numbers, or for a loss that does not smooth.

        Parameters
        ----------
        label_smoothing : float
            Amount of smoothing; 0 for none.

        Raises
        ------
        SpecError
            If the problem has no labels or the loss does not smooth; the message lists the losses that do.

        Examples
        --------
        >>> PROBLEMS["binary"].check_smoothing(0.1)
        >>> PROBLEMS["regression"].check_smoothing(0.1)
        Traceback (most recent call last):
        ...
        tabular_dl.errors.SpecError: label_smoothing 0.1 is for classes, the problem is regression: set it to 0.
        """
        if not label_smoothing:
            return
        if not self.classification:
            raise SpecError(
                f"label_smoothing {label_smoothing} is for classes, the problem is {self.name}: set it to 0."
            )
        if not known_or_own(self.loss).smooths:
            usable = [name for name in PROBLEMS[self.name].losses[self.activation] if LOSSES[name].smooths]
            raise SpecError(
                f"label_smoothing {label_smoothing} has no effect on the loss {self.loss}: set it to 0, or choose one "
                f"of the losses {', '.join(usable)}."
            )

    def _why_not(self, output: str) -> str:
        values = OUTPUTS.get(output)
        if values is None:
            return f"there is no output activation {output!r}. {did_you_mean(output, OUTPUTS)}"
        if output == "softmax" and self.units(3) == 1:
            return f"{self.name} has one unit, and softmax over one unit is always 1."
        return f"{output} returns {values}, which does not fit {self.title}."


# Outputs and targets that a loss compares, by the form of its targets.
OUTPUTS_OF = {
    "one-hot": "probabilities that sum to 1 with one-hot rows",
    "class number": "probabilities that sum to 1 with class numbers",
    "0 or 1": "probabilities with 0 or 1",
    "number": "numbers with numbers",
}


def _one(count: int) -> int:
    del count
    return 1


def _each(count: int) -> int:
    return count


_ERRORS = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
_YES_OR_NO = ("binary_crossentropy", "binary_focal_crossentropy", *_ERRORS)

PROBLEMS: dict[str, Problem] = {
    problem.name: problem
    for problem in (
        Problem(
            name="binary",
            title="one of two classes",
            outputs=("sigmoid", "hard_sigmoid"),
            losses={"sigmoid": _YES_OR_NO, "hard_sigmoid": _YES_OR_NO},
            follow=("accuracy",),
            metric="accuracy",
            coding=Labels,
            classification=True,
            stratified=True,
            units=_one,
            baselines=classification_baselines,
        ),
        Problem(
            name="multiclass",
            title="one of several classes",
            outputs=("softmax", "sigmoid"),
            losses={
                "softmax": (
                    "sparse_categorical_crossentropy",
                    "categorical_crossentropy",
                    "categorical_focal_crossentropy",
                    "kl_divergence",
                    *_ERRORS,
                ),
                "sigmoid": _YES_OR_NO,
            },
            follow=("accuracy",),
            metric="accuracy",
            coding=Labels,
            classification=True,
            stratified=True,
            units=_each,
            baselines=classification_baselines,
        ),
        Problem(
            name="multilabel",
            title="several labels at once, each yes or no",
            outputs=("sigmoid", "hard_sigmoid"),
            losses={"sigmoid": _YES_OR_NO, "hard_sigmoid": _YES_OR_NO},
            follow=("accuracy",),
            metric="accuracy",
            coding=Indicators,
            classification=True,
            stratified=False,
            units=_each,
            baselines=multilabel_baselines,
            each="binary",
        ),
        Problem(
            name="multioutput",
            title="one of several classes, for each of several targets",
            outputs=("sigmoid", "hard_sigmoid"),
            losses={"sigmoid": _YES_OR_NO, "hard_sigmoid": _YES_OR_NO},
            follow=("accuracy",),
            metric="accuracy",
            coding=LabelColumns,
            classification=True,
            stratified=False,
            units=_each,
            baselines=multioutput_baselines,
            each="multiclass",
        ),
        Problem(
            name="regression",
            title="a number, or several",
            outputs=("linear",),
            losses={"linear": _ERRORS},
            follow=("mae",),
            metric="rmse",
            coding=Numbers,
            classification=False,
            stratified=False,
            units=_each,
            baselines=regression_baselines,
        ),
        Problem(
            name="bounded_regression",
            title="a number between two bounds",
            outputs=("sigmoid", "hard_sigmoid"),
            losses={
                "sigmoid": (*_ERRORS, "binary_crossentropy"),
                "hard_sigmoid": (*_ERRORS, "binary_crossentropy"),
            },
            follow=("mae",),
            metric="rmse",
            coding=Bounded,
            classification=False,
            stratified=False,
            units=_each,
            baselines=regression_baselines,
        ),
    )
}


def get_problem(name: str) -> Problem:
    """Return the problem of a name, a key of `PROBLEMS`.

    Raises
    ------
    SpecError
        If there is no such problem; the message suggests the nearest name.

    Examples
    --------
    >>> get_problem("binary").loss
    'binary_crossentropy'
    """
    try:
        return PROBLEMS[name]
    except KeyError:
        raise SpecError(f"There is no problem type {name!r}. {did_you_mean(name, PROBLEMS)}") from None
