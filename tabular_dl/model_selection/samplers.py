"""Samplers of a round's configurations: at random from narrowing ranges, or by Optuna's Parzen estimator (TPE)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.model_selection.range_narrowing import Trial
from tabular_dl.model_selection.search_space import Choice, Distribution

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["SAMPLERS", "make_sampler"]

Sampler = Callable[[Mapping[str, Distribution], Sequence[Trial], int, int], list[dict[str, Any]]]


def tpe(ranges: Mapping[str, Distribution], trials: Sequence[Trial], n: int, seed: int) -> list[dict[str, Any]]:
    """Return n configurations from Optuna's tree-structured Parzen estimator (Bergstra et al., 2011, NeurIPS 24).

    Parameters
    ----------
    ranges : mapping of str to Range or Choice
        Distribution of each leaf.
    trials : sequence of Trial
        Trials so far; those that diverged are ignored.
    n : int
        Number of configurations.
    seed : int
        Seed of the sampler.

    Returns
    -------
    list of dict
        Value of each leaf, for each configuration.

    Raises
    ------
    SpecError
        If Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise SpecError("--sampler tpe needs Optuna: pip install 'tabular-dl[optuna]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {leaf: _optuna_distribution(optuna, distribution) for leaf, distribution in ranges.items()}
    # The constant liar makes the configurations of one batch differ.
    sampler = optuna.samplers.TPESampler(seed=seed % 2**32, constant_liar=True, multivariate=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for trial in trials:
        if np.isfinite(trial.score):
            params = {leaf: _to_optuna(ranges[leaf], value) for leaf, value in trial.params.items()}
            study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=trial.score))
    suggestions = [study.ask(distributions).params for _ in range(n)]
    return [{leaf: _from_optuna(ranges[leaf], value) for leaf, value in params.items()} for params in suggestions]


def _optuna_distribution(optuna: ModuleType, distribution: Distribution) -> BaseDistribution:
    if isinstance(distribution, Choice):
        return optuna.distributions.CategoricalDistribution([json.dumps(option) for option in distribution.options])
    if distribution.kind == "int_uniform":
        return optuna.distributions.IntDistribution(int(distribution.low), int(distribution.high))
    log = distribution.kind == "log_uniform"
    return optuna.distributions.FloatDistribution(distribution.low, distribution.high, log=log)


def _to_optuna(distribution: Distribution, value: Any) -> Any:
    return json.dumps(value) if isinstance(distribution, Choice) else value


def _from_optuna(distribution: Distribution, value: Any) -> Any:
    return json.loads(value) if isinstance(distribution, Choice) else value


# None stands for random draws from narrowing ranges, which `tabular_dl.model_selection.search_rounds` implements.
SAMPLERS: dict[str, Sampler | None] = {"random": None, "tpe": tpe}


def make_sampler(name: str) -> Sampler | None:
    """Return the sampler of a name.

    Parameters
    ----------
    name : {"random", "tpe"}
        Name of the sampler.

    Returns
    -------
    callable or None
        ``sampler(ranges, trials, n, seed) -> list of values``; None for random draws from narrowing ranges.

    Raises
    ------
    SpecError
        If there is no such sampler.
    """
    if name not in SAMPLERS:
        raise SpecError(f"--sampler: there is no {name!r}. {did_you_mean(name, SAMPLERS)}")
    return SAMPLERS[name]
