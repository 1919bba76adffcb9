"""Estimated training times of the members of `tabular-dl auto`, corrected by measured ones."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tabular_dl.estimators import cores, model_named
from tabular_dl.problems import Problem, output_units
from tabular_dl.spec import BESIDE_EPOCHS, PipelineSpec, about_seconds

__all__ = ["Estimates"]

# Seconds of one core for all rounds of HistGradientBoosting, per cell of the table, output and fold, and multiples of
# them for other models. They need not be exact: the time of the first such model corrects the estimates of the others.
CELL = 8e-6
MULTIPLES = {"lightgbm": 0.6, "xgboost": 1.2, "catboost": 4.0, "extra_trees": 3.0, "random_forest": 4.0}
LINEAR = {"logistic": 0.3, "ridge": 0.02}
OVERHEAD = 0.5
# Fewest boosting rounds that are worth training, and the greatest learning rate for few of them.
FEWEST, FASTEST = 30, 0.3


class Estimates:
    """Estimates of the training time of pipelines for one table.

    Parameters
    ----------
    problem : Problem
        Type of problem.
    train : DataFrame of shape (rows, columns)
        Training rows with the target.
    target : str
        Target column.
    """

    def __init__(self, problem: Problem, train: pd.DataFrame, target: str | list[str]) -> None:
        self.problem, self.train, self.target = problem, train, target
        self._ratios = {True: 1.0, False: 1.0}

    def seconds(self, spec: PipelineSpec) -> float:
        """Return the estimated training time of a pipeline.

        Parameters
        ----------
        spec : PipelineSpec
            Pipeline.

        Returns
        -------
        float
            Seconds.
        """
        return self._ratios[spec.model.is_network] * self._first(spec)

    def learn(self, spec: PipelineSpec, seconds: float) -> None:
        """Correct later estimates for networks, or for other models, by the measured time of a pipeline."""
        self._ratios[spec.model.is_network] = seconds / self._first(spec)

    def fitting(self, spec: PipelineSpec, seconds: float) -> PipelineSpec | None:
        """Return a pipeline that trains for at most a number of seconds; None if that is not possible.

        Boosted trees get fewer rounds with a greater learning rate. Networks are not changed: they can be stopped.

        Parameters
        ----------
        spec : PipelineSpec
            Pipeline.
        seconds : float
            Time that it may take.

        Returns
        -------
        PipelineSpec or None
            The pipeline, with other parameters if needed.
        """
        estimate = self.seconds(spec)
        if estimate <= seconds:
            return spec
        model = model_named(spec.model.name)
        if model.rounds is None:
            return None
        parameters: dict[str, Any] = {**model.own_values, **spec.model.parameters}
        rounds = int(parameters[model.rounds] * seconds / estimate)
        if rounds < FEWEST:
            return None
        rate = parameters.get("learning_rate")
        faster = {} if rate is None else {"learning_rate": min(FASTEST, rate * parameters[model.rounds] / rounds)}
        changed = {**spec.model.parameters, model.rounds: rounds, **faster}
        return spec.model_copy(update={"model": spec.model.model_copy(update={"parameters": changed})})

    def _first(self, spec: PipelineSpec) -> float:
        """Return the estimate without correction."""
        if spec.model.is_network:
            target = self.train[self.target]
            return OVERHEAD + about_seconds(spec, self.problem, self.train, target) - BESIDE_EPOCHS
        name, tasks = spec.model.name, spec.ensemble.trainings * spec.ensemble.members
        outputs = output_units(self.problem, self.train[self.target])
        work = CELL * self.train.size * outputs * tasks * LINEAR.get(name, MULTIPLES.get(name, 1.0))
        return OVERHEAD + work / min(cores(), tasks)
