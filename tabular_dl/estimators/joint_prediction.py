"""Predictions of several estimators, each for its own matrix, by one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tabular_dl.estimators.network_inputs import Inputs
from tabular_dl.estimators.prediction import networks_of
from tabular_dl.problems import Coding

if TYPE_CHECKING:
    from tabular_dl.estimators.base import KerasEstimator
    from tabular_dl.nn import Network, Weights

__all__ = ["JointPrediction"]


class JointPrediction:
    """Fitted estimators with the same hyperparameters, prepared for many predictions.

    Networks with fewer inputs than others get inputs that are zero, and weights for them that are zero. Networks that
    differ in more, such as the categories of an embedding, have a call of their own.

    Parameters
    ----------
    estimators : sequence of E `KerasClassifier` or E `KerasRegressor`
        Fitted estimators.
    """

    def __init__(self, estimators: Sequence[KerasEstimator]) -> None:
        parts = [estimator.fitted_parts() for estimator in estimators]
        self.inputs: list[Inputs] = [inputs for _, inputs, _ in parts]
        self.codings: list[Coding] = [coding for _, _, coding in parts]
        self.types = estimators[0].matrix_types
        self.flat = estimators[0].one_column_ and not hasattr(estimators[0], "classes_")
        groups: dict[Network, list[int]] = {}
        for place, (network, _, _) in enumerate(parts):
            groups.setdefault(replace(network, inputs=0) if _extends(network) else network, []).append(place)
        weights = [networks_of(part, part.weights_, own[0]) for part, own in zip(estimators, parts, strict=True)]
        self.groups = [
            _Group(places, [parts[place][0] for place in places], [weights[place] for place in places])
            for places in groups.values()
        ]

    def __call__(self, matrices: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return each estimator's predictions for its matrix.

        Parameters
        ----------
        matrices : sequence of E ndarray of shape (rows, features)
            Feature matrix of each estimator, with the same number of rows.

        Returns
        -------
        list of E ndarray
            Probabilities, (rows, classes), or values, (rows,) or (rows, targets).

        Raises
        ------
        ValueError
            If a value is missing or infinite.
        """
        coded = []
        for matrix, inputs in zip(matrices, self.inputs, strict=True):
            converted = matrix if matrix.dtype in self.types else matrix.astype(self.types[0])
            if not np.isfinite(converted).all():
                raise ValueError("a feature is missing or infinite")
            coded.append(inputs.encode(converted))
        outputs: dict[int, np.ndarray] = {}
        for group in self.groups:
            outputs |= group.predict(coded)
        means = [coding.decode(outputs[place]).mean(axis=0) for place, coding in enumerate(self.codings)]
        return [mean[:, 0] if self.flat else mean for mean in means]


class _Group:
    """Estimators whose networks run in one call."""

    def __init__(self, places: list[int], networks: list[Network], weights: list[Weights]) -> None:
        from tabular_dl.nn import MatrixPredictor

        self.places = places
        self.width = max(network.inputs for network in networks)
        wide = [_widened(network, own, self.width) for network, own in zip(networks, weights, strict=True)]
        self.sizes = [len(next(iter(own.values()))) for own in wide]
        joined = {name: np.concatenate([own[name] for own in wide]) for name in wide[0]}
        self.predictor = MatrixPredictor(replace(networks[0], inputs=self.width), joined, self.sizes)

    def predict(self, coded: Sequence[Any]) -> dict[int, np.ndarray]:
        """Return the outputs of the networks of each of the group's estimators, by its place."""
        rows = np.zeros((len(self.places), len(coded[0]), self.width))
        for matrix, place in zip(rows, self.places, strict=True):
            matrix[:, : coded[place].shape[1]] = coded[place]
        outputs = np.split(self.predictor(rows), np.cumsum(self.sizes)[:-1])
        return dict(zip(self.places, outputs, strict=True))


def _extends(network: Network) -> bool:
    """Return whether inputs can be appended: nothing but the first dense layer reads them, and no codes come last."""
    from tabular_dl.nn import OwnInputs

    readers = [block for block in network.blocks if block.own_rows(OwnInputs(network.numeric))]
    return not network.embeddings and len(readers) == 1


def _widened(network: Network, weights: Weights, width: int) -> Weights:
    """Return weights with rows of zeros for more inputs."""
    name = network.kernels[0]
    padding = ((0, 0), (0, width - network.inputs), (0, 0))
    return weights if width == network.inputs else {**weights, name: np.pad(weights[name], padding)}
