"""Portfolio of `tabular-dl auto`: pipelines of different models for one table, cheapest first."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pandas as pd

from tabular_dl.drafting.efforts import with_effort
from tabular_dl.drafting.models import with_model
from tabular_dl.estimators import MODELS
from tabular_dl.problems import Problem
from tabular_dl.spec import ModelSpec, PipelineSpec

__all__ = ["Candidate", "make_portfolio"]

# Rows from which on forests are slow to store and to load, and add little to boosted trees.
MANY_ROWS = 50_000


@dataclass(frozen=True)
class Candidate:
    """Pipeline that may become a member of the blend.

    Attributes
    ----------
    label : str
        Short name, such as "lightgbm" or "realmlp".
    spec : PipelineSpec
        Pipeline.
    """

    label: str
    spec: PipelineSpec


def make_portfolio(spec: PipelineSpec, problem: Problem, train: pd.DataFrame) -> list[Candidate]:
    """Return pipelines of different kinds of models for a table, those that train in little time first.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline, whose columns, features, folds and metric all have.
    problem : Problem
        Type of problem.
    train : DataFrame of shape (rows, columns)
        Training rows with the target.

    Returns
    -------
    list of Candidate
        A linear model, boosted trees of the libraries that are installed, the pipeline's own networks, RealMLP and TabM
        of moderate size, and for smaller tables a forest.

    Examples
    --------
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> from tabular_dl.spec import load_spec
    >>> from tabular_dl.spec.build import competition_of
    >>> wine = load_spec("wine")
    >>> labels = [each.label for each in make_portfolio(wine, get_problem("multiclass"), competition_of(wine).train)]
    >>> labels[:2], labels[-1]
    (['logistic', 'hist_gradient_boosting'], 'tabm')
    """
    names = ["logistic" if problem.classification else "ridge", "hist_gradient_boosting"]
    installed = [name for name in ("lightgbm", "xgboost", "catboost") if find_spec(name) is not None]
    forests = ["extra_trees"] if len(train) < MANY_ROWS else []
    unchanged = [Candidate("network" if spec.model.is_network else spec.model.name, spec)]
    *realmlp, tabm = _networks(spec, problem, train) if spec.model.is_network else [None]
    fast, slow = [*names, *installed[:1]], [*installed[1:], *forests]
    last = [] if tabm is None else [tabm]
    return [*_of_models(spec, fast), *unchanged, *realmlp, *_of_models(spec, slow), *last]


def _of_models(spec: PipelineSpec, names: list[str]) -> list[Candidate]:
    """Return the pipeline with each of several models, except its own."""
    others = [name for name in names if name != spec.model.name]
    return [
        Candidate(name, with_model(spec.model_copy(update={"model": ModelSpec(name=name)})))
        for name in others
        if name in MODELS
    ]


def _networks(spec: PipelineSpec, problem: Problem, train: pd.DataFrame) -> list[Candidate]:
    """Return RealMLP, unless the pipeline has it already, and TabM."""
    good = with_effort(spec, problem, train, "good")
    realmlp = [] if spec.network.get("preset") == "realmlp" else [Candidate("realmlp", good)]
    kept = {"class_weight", "target_transform", "bounds"}
    sections: dict[str, Any] = {
        name: {key: value for key, value in getattr(spec, name).items() if key in kept}
        for name in ("network", "training")
    }
    sections["network"] |= {"preset": "tabm_mini", "hidden": [128, 128]}
    sections["training"] |= {"epochs": 60}
    one = good.ensemble.model_copy(update={"members": 1})
    return [*realmlp, Candidate("tabm", good.model_copy(update={**sections, "ensemble": one}))]
