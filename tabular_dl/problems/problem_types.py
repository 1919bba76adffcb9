"""Types of problem: THE table of what follows from what is to be predicted.

Output units and activation, loss, metrics, target coding and baselines are one record each. Nothing else in the package
compares problem names: adding a type of problem is adding a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.problems.losses import FOLLOWED, LOSSES, OUTPUTS, Followed, get_loss
from tabular_dl.problems.target_coding import Bounded, Coding, Indicators, Labels, Numbers

__all__ = ["PROBLEMS", "Problem", "describe", "get_problem"]


@dataclass(frozen=True)
class Problem:
    """What follows from one type of problem.

    Parameters
    ----------
    name : str
        The word for it in a pipeline file.
    title : str
        What is predicted, in words.
    outputs : tuple of str
        Keras's names of the activations that the output layer may have; the first is taken.
    losses : dict of str to tuple of str
        For each of those, Keras's names of the losses that training may minimise; the first is taken.
    follow : tuple of str
        What is followed each epoch beside the loss (`tabular_dl.problems.losses.FOLLOWED`).
    metric : str
        The metric that a run is scored by unless the pipeline names another.
    coding : type
        How the target is coded for training.
    classification : bool
        Whether the target is made of labels.
    stratified : bool
        Whether folds and validation rows keep the shares of the classes.
    units : callable
        Returns the number of output units for so many classes, labels or targets.
    baselines : callable
        Returns ``{name: unfitted scikit-learn estimator}``, the simple models that a network has to beat.
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

    @property
    def activation(self) -> str:
        """Keras's name of the activation of the output layer."""
        return self.outputs[0]

    @property
    def loss(self) -> str:
        """Keras's name of the loss."""
        return self.losses[self.activation][0]

    @property
    def target(self) -> str:
        """What the loss compares the outputs with: "one-hot", "class number", "0 or 1" or "number"."""
        target = LOSSES[self.loss].target
        # An error of numbers is one of 0 and 1 too, and of one-hot rows.
        if target == "number" and self.classification:
            return "one-hot" if self.coding is Labels and self.units(3) > 1 else "0 or 1"
        if target == "0 or 1" and self.units(3) > 1 and self.coding is Labels:
            return "one-hot"
        return target

    @property
    def followed(self) -> tuple[Followed, ...]:
        """What is followed each epoch."""
        return tuple(FOLLOWED[self.target][name] for name in self.follow)

    def choose(
        self, output: str | None = None, loss: str | None = None, metrics: Sequence[str] | None = None
    ) -> Problem:
        """Return this problem with another output activation, loss or followed metrics.

        Raises
        ------
        SpecError
            If they cannot work together, with the reason.

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
        if loss is not None:
            name = get_loss(loss).name
            fitting = problem.losses[problem.activation]
            if name not in fitting:
                raise SpecError(
                    f"loss: {name} compares {OUTPUTS_OF[LOSSES[name].target]}; it cannot train a {self.name} problem "
                    f"with output {problem.activation}. Losses that can: {', '.join(fitting)}."
                )
            problem = replace(problem, losses={problem.activation: (name,)})
        if metrics is not None:
            known = FOLLOWED[problem.target]
            for metric in metrics:
                if metric not in known:
                    raise SpecError(
                        f"metrics: {metric!r} cannot be followed row by row for {self.name}. "
                        f"{did_you_mean(metric, known)}"
                    )
            problem = replace(problem, follow=tuple(metrics))
        return problem

    def check_smoothing(self, label_smoothing: float) -> None:
        """Refuse label smoothing where there are no labels, or where the loss would take no notice of it.

        Raises
        ------
        SpecError
            Naming the losses that smooth.

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
        if not LOSSES[self.loss].smooths:
            usable = [name for name in PROBLEMS[self.name].losses[self.activation] if LOSSES[name].smooths]
            raise SpecError(
                f"label_smoothing {label_smoothing} has no effect on the loss {self.loss}: set it to 0, or take a loss "
                f"that smooths: {', '.join(usable)}."
            )

    def _why_not(self, output: str) -> str:
        said = OUTPUTS.get(output)
        if said is None:
            return f"there is no output activation {output!r}. {did_you_mean(output, OUTPUTS)}"
        if output == "softmax" and self.units(3) == 1:
            return f"{self.name} has one unit, and softmax over one unit is always 1."
        return f"{output} returns {said}, which does not fit {self.title}."


# What losses of each kind compare.
OUTPUTS_OF = {
    "one-hot": "probabilities that sum to 1 with one-hot rows",
    "class number": "probabilities that sum to 1 with class numbers",
    "0 or 1": "probabilities with 0 or 1",
    "number": "numbers with numbers",
}


def _classification_baselines() -> dict[str, Any]:
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression

    return {
        "majority class": DummyClassifier(strategy="prior"),
        "logistic regression": LogisticRegression(max_iter=5000),
    }


def _multilabel_baselines() -> dict[str, Any]:
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.multioutput import ClassifierChain

    return {
        "majority class": DummyClassifier(strategy="prior"),
        "logistic regression": ClassifierChain(LogisticRegression(max_iter=5000)),
    }


def _regression_baselines() -> dict[str, Any]:
    from sklearn.dummy import DummyRegressor
    from sklearn.linear_model import LinearRegression

    return {"mean": DummyRegressor(strategy="mean"), "linear regression": LinearRegression()}


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
            baselines=_classification_baselines,
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
            baselines=_classification_baselines,
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
            baselines=_multilabel_baselines,
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
            baselines=_regression_baselines,
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
            baselines=_regression_baselines,
        ),
    )
}


def describe() -> list[dict[str, str]]:
    """Return the table of problems as text: a row a problem, with its column headings as keys.

    Examples
    --------
    >>> describe()[0]["problem"], describe()[0]["loss"]
    ('binary', 'binary_crossentropy')
    """
    codings = {
        Labels: "class numbers, sorted (0 and 1 for two)",
        Indicators: "0 or 1 a label",
        Numbers: "standardised inside",
        Bounded: "scaled to 0..1 by the bounds",
    }
    return [
        {
            "problem": problem.name,
            "predicts": problem.title,
            "units": "1" if problem.units is _one else "one each",
            "output": problem.activation,
            "loss": problem.loss,
            "followed": ", ".join(problem.follow),
            "scored by": problem.metric,
            "target": codings[problem.coding],
            "other losses": ", ".join(problem.losses[problem.activation][1:]),
        }
        for problem in PROBLEMS.values()
    ]


def get_problem(name: str) -> Problem:
    """Return the problem of this name.

    Raises
    ------
    SpecError
        If there is none; the message suggests the nearest.

    Examples
    --------
    >>> get_problem("binary").loss
    'binary_crossentropy'
    """
    try:
        return PROBLEMS[name]
    except KeyError:
        raise SpecError(f"There is no problem type {name!r}. {did_you_mean(name, PROBLEMS)}") from None
