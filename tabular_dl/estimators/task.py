"""Tasks of joint training: settings and prepared rows of an estimator, and its trained networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tabular_dl.estimators.hyperparameters import Hyperparameters
from tabular_dl.estimators.network_inputs import Inputs, Matrix
from tabular_dl.problems import Coding, Problem

if TYPE_CHECKING:
    from tabular_dl.nn import Network, Population

__all__ = ["Prepared", "Task", "TrainedTask"]


@dataclass(frozen=True)
class Prepared:
    """Problem, target coding and inputs, learned from training rows before training.

    Attributes
    ----------
    problem, coding, inputs : Problem, Coding, Inputs
        Type of problem, coding of the target, and inputs of the networks.
    y : ndarray of shape (rows,) or (rows, targets)
        Target of all rows.
    rows : ndarray of int
        Numbers of the training rows, without those of weight 0.
    weights : ndarray of shape (training rows,) or None
        Weights of the training rows, with mean 1.
    """

    problem: Problem
    coding: Coding
    inputs: Inputs
    y: np.ndarray
    rows: np.ndarray
    weights: np.ndarray | None


@dataclass(frozen=True)
class Task:
    """Networks of one estimator, to be trained.

    Attributes
    ----------
    settings : Hyperparameters
        Hyperparameters of the estimator.
    matrix : ndarray, memory map or CSR matrix of shape (rows, features)
        Features of all rows; ``prepared.rows`` are the training rows.
    prepared : Prepared
        Problem, target coding and inputs; tasks with the same matrix and training rows share this object.
    """

    settings: Hyperparameters
    matrix: Matrix
    prepared: Prepared


@dataclass(frozen=True)
class TrainedTask:
    """Trained networks of one task.

    Attributes
    ----------
    prepared : Prepared
        Problem, target coding and inputs of the task.
    population : Population
        Members of the task.
    network : Network
        Architecture, with the inputs and categories of the task only.
    """

    prepared: Prepared
    population: Population
    network: Network
