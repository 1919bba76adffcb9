"""How the values of a round are drawn: at random from narrowing ranges, or by Optuna's Parzen estimator (TPE)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tabular_dl.errors import SpecError, did_you_mean
from tabular_dl.model_selection.range_narrowing import Trial
from tabular_dl.model_selection.search_space import Choice, Distribution

__all__ = ["SAMPLERS", "make_sampler"]

Sampler = Callable[[Mapping[str, Distribution], Sequence[Trial], int, int], list[dict[str, Any]]]


def tpe(ranges: Mapping[str, Distribution], trials: Sequence[Trial], n: int, seed: int) -> list[dict[str, Any]]:
    """Ask Optuna for n configurations, after telling it of all trials so far (Bergstra et al., 2011, NeurIPS 24).

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
    distributions = {leaf: _optuna(optuna, distribution) for leaf, distribution in ranges.items()}
    # The liar keeps the configurations of one batch apart.
    sampler = optuna.samplers.TPESampler(seed=seed % 2**32, constant_liar=True, multivariate=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for trial in trials:
        if np.isfinite(trial.score):
            params = {leaf: _to_optuna(ranges[leaf], value) for leaf, value in trial.params.items()}
            study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=trial.score))
    asked = [study.ask(distributions).params for _ in range(n)]
    return [{leaf: _from_optuna(ranges[leaf], value) for leaf, value in params.items()} for params in asked]


def _optuna(optuna: Any, distribution: Distribution) -> Any:
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


# None draws at random from ranges that narrow, which the rounds do themselves.
SAMPLERS: dict[str, Sampler | None] = {"random": None, "tpe": tpe}


def make_sampler(name: str) -> Sampler | None:
    """Return the sampler of this name.

    Raises
    ------
    SpecError
        If there is none, or its library is not installed.
    """
    if name not in SAMPLERS:
        raise SpecError(f"--sampler: there is no {name!r}. {did_you_mean(name, SAMPLERS)}")
    return SAMPLERS[name]
