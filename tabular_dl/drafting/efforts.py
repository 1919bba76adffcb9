"""Networks of a pipeline replaced by those of another effort: `tabular-dl fit NAME --preset good`."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from tabular_dl.drafting.network_defaults import Effort, choose_sizes
from tabular_dl.estimators import PRESETS
from tabular_dl.problems import Problem, rarest_class
from tabular_dl.spec import PipelineSpec

__all__ = ["with_effort"]

# Hyperparameters that an effort decides, beside those of presets; all others are the user's.
DECIDED = frozenset({*PRESETS["mlp"], "preset", "l1", "l2", "input_dropout", "batch_size", "validation_fraction"})


def with_effort(
    spec: PipelineSpec, problem: Problem, train: pd.DataFrame, effort: Effort, given: Collection[str] = ()
) -> PipelineSpec:
    """Return a pipeline with the networks that `init` would draft for its table with an effort.

    Parameters
    ----------
    spec : PipelineSpec
        Pipeline.
    problem : Problem
        Type of problem.
    train : DataFrame of shape (rows, columns)
        Training rows with the target.
    effort : {"fast", "good", "best"}
        Time that training may take.
    given : collection of str
        Paths of settings that stay as they are, such as ``"network.dropout"``.

    Returns
    -------
    PipelineSpec
        Pipeline with other networks, training and number of members; all other settings stay.

    Examples
    --------
    >>> from tabular_dl.problems.problem_types import get_problem
    >>> from tabular_dl.spec import load_spec
    >>> from tabular_dl.spec.build import competition_of
    >>> wine = load_spec("wine")
    >>> with_effort(wine, get_problem("multiclass"), competition_of(wine).train, "good").network["preset"]
    'realmlp'
    """
    target = train[spec.data.target]
    numbers = len(train.drop(columns=spec.data.target).select_dtypes("number").columns)
    rarest = rarest_class(target) if problem.classification else None
    sizes = choose_sizes(len(target), problem, rarest, effort=effort, numbers=numbers)
    decided = {*DECIDED} - {path.partition(".")[2] for path in given}
    sections = {}
    for name, drafted in (("network", sizes.network), ("training", sizes.training)):
        kept = {key: value for key, value in getattr(spec, name).items() if key not in decided}
        sections[name] = {**{key: value for key, value in drafted.items() if key in decided}, **kept}
    members = spec.ensemble.members if "ensemble.members" in given else sizes.ensemble["members"]
    ensemble = spec.ensemble.model_copy(update={"members": members})
    search = spec.search if "search" in given else sizes.search
    return spec.model_copy(update={**sections, "ensemble": ensemble, "search": search})
