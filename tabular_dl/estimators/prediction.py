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

__all__ = ["decoded", "networks_of"]


def decoded(
    estimators: Sequence[Hyperparameters], network: Network, weights: Weights, coding: Coding, X: Matrix
) -> np.ndarray:
    """Return decoded outputs, averaged over each estimator's members.

    Parameters
    ----------
    estimators : sequence of E `KerasClassifier` or E `KerasRegressor`
        Estimators with the same `mc_dropout`; if it is not 0, networks are drawn from each estimator's members by its
        dropout rates and seed.
    network : Network
        Architecture.
    weights : dict of str to ndarray of shape (E x members, in, out)
        Weights, the members of one estimator after those of another.
    coding : Coding
        Target coding.
    X : ndarray or CSR matrix of shape (rows, inputs)
        Inputs of the networks.

    Returns
    -------
    ndarray of shape (E, rows, classes, labels or targets), float64
        Predictions of each estimator.
    """
    from tabular_dl.nn import predict

    first, count = estimators[0], len(estimators)
    if first.mc_dropout and count > 1:
        # One estimator after another, as `mc_dropout` multiplies the number of networks.
        split = {name: np.split(weight, count) for name, weight in weights.items()}
        per_estimator = [{name: parts[number] for name, parts in split.items()} for number in range(count)]
        pairs = zip(estimators, per_estimator, strict=True)
        return np.concatenate([decoded([estimator], network, part, coding, X) for estimator, part in pairs])
    if first.mc_dropout:
        weights = networks_of(first, weights, network)
    outputs = coding.decode(predict(network, weights, X))
    return outputs.reshape(count, len(outputs) // count, *outputs.shape[1:]).mean(axis=1)


def networks_of(estimator: Hyperparameters, weights: Weights, network: Network) -> Weights:
    """Return the weights of the networks that an estimator predicts by: its members, or networks drawn from them.

    Parameters
    ----------
    estimator : `KerasClassifier` or `KerasRegressor`
        Estimator; with `mc_dropout`, networks are drawn by its dropout rates and seed.
    weights : dict of str to ndarray of shape (members, in, out)
        Weights of its members.
    network : Network
        Architecture.

    Returns
    -------
    dict of str to ndarray of shape (networks, in, out)
        Weights of the networks.
    """
    from tabular_dl.nn import thinned

    if not estimator.mc_dropout:
        return weights
    # A generator is not used, as it would change predictions from call to call.
    seed = derived_seed(estimator.random_state if isinstance(estimator.random_state, Integral) else 0, 1)
    dropout = estimator.resolved().dropout
    return thinned(network, weights, dropout, estimator.input_dropout, estimator.mc_dropout, seed)
