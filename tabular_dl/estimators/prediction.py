"""Predictions of trained networks, decoded and averaged over the members of an estimator."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from tabular_dl.estimators.hyperparameters import Hyperparameters
from tabular_dl.estimators.network_inputs import Matrix
from tabular_dl.estimators.population import derived_seed
from tabular_dl.problems import Coding

if TYPE_CHECKING:
    from tabular_dl.nn import Network, Weights

__all__ = ["decoded"]


def decoded(
    estimators: Sequence[Hyperparameters], network: Network, weights: Weights, coding: Coding, X: Matrix
) -> np.ndarray:
    """Return the mean over each estimator's members of their decoded outputs.

    Parameters
    ----------
    estimators : sequence of E `KerasClassifier` or E `KerasRegressor`
        Of one `mc_dropout`: where there is any, their networks are thinned, each by its own rates and seed.
    network : Network
        The architecture.
    weights : dict of str to ndarray of shape (E x members, in, out)
        One estimator's members after the other's.
    coding : Coding
        The target coding.
    X : ndarray or CSR matrix of shape (rows, inputs)
        Inputs of the networks.

    Returns
    -------
    ndarray of shape (E, rows, classes, labels or targets), float64
    """
    from tabular_dl.nn import predict, thinned

    first, count = estimators[0], len(estimators)
    if first.mc_dropout and count > 1:
        # One at a time: a thinned estimator is many networks.
        split = {name: np.split(weight, count) for name, weight in weights.items()}
        own = [{name: parts[number] for name, parts in split.items()} for number in range(count)]
        return np.concatenate([decoded([e], network, w, coding, X) for e, w in zip(estimators, own, strict=True)])
    if first.mc_dropout:
        # A generator is left alone: the same rows get the same prediction twice.
        seed = derived_seed(first.random_state if isinstance(first.random_state, Integral) else 0, 1)
        weights = thinned(network, weights, first.dropout, first.input_dropout, first.mc_dropout, seed)
    outputs = coding.decode(predict(network, weights, X))
    return outputs.reshape(count, len(outputs) // count, *outputs.shape[1:]).mean(axis=1)
