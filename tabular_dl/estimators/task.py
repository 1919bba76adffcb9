"""Tasks of joint training: what an estimator asks for, prepared from its rows, and what it gets back."""

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
    """Problem, target coding and inputs, learned from training rows before any network trains on them.

    Attributes
    ----------
    problem, coding, inputs : Problem, Coding, Inputs
        The type of problem, how the target is coded, and what networks are given.
    rows : ndarray
        Numbers of the rows to train on, without those of weight 0.
    weights : ndarray or None
        Their weights, of mean 1.
    one_column : bool
        Whether the target is one-dimensional.
    """

    problem: Problem
    coding: Coding
    inputs: Inputs
    rows: np.ndarray
    weights: np.ndarray | None
    one_column: bool


@dataclass(frozen=True)
class Task:
    """The networks that one estimator wants trained.

    Attributes
    ----------
    settings : Hyperparameters
        Those of the estimator.
    matrix : ndarray, memory map or CSR matrix of shape (rows, features)
        All rows, of which ``prepared.rows`` are trained on.
    prepared : Prepared
        Tasks that share a matrix and its rows share this object.
    """

    settings: Hyperparameters
    matrix: Matrix
    prepared: Prepared


@dataclass(frozen=True)
class TrainedTask:
    """The trained networks of one task.

    Attributes
    ----------
    prepared : Prepared
        The task's own.
    population : Population
        Its members alone.
    network : Network
        Their architecture, with the inputs and categories that they really have.
    """

    prepared: Prepared
    population: Population
    network: Network
