"""Factors of the learning rate and of weight decay of each weight: of its group, and of the parametrisation."""

from __future__ import annotations

import numpy as np

from tabular_dl.nn.blocks.base import Weight
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network
from tabular_dl.nn.weights import inputs_of_members

__all__ = ["rate_factors", "update_factor"]


def rate_factors(network: Network, members: Members, training: Training) -> dict[str, np.ndarray]:
    """Return the factors of each trained weight of each member.

    Parameters
    ----------
    network : Network
        Architecture.
    members : Members
        Members; a kernel's factor may depend on the number of a member's inputs.
    training : Training
        Factors of groups, parametrisation and optimizer.

    Returns
    -------
    dict of str to ndarray of shape (2, P)
        Factors of the rate of updates and of the rate of decay, by the names of `Network.weights`.
    """
    inputs = inputs_of_members(network, len(members), members.widths, members.categories, members.continuous)
    factors = {}
    for block in network.blocks:
        used_rows = [block.own_rows(members_inputs) for members_inputs in inputs]
        for name, weight in block.weights.items():
            if weight.trained:
                sizes = [len(rows[name]) if name in rows else weight.inputs for rows in used_rows]
                pairs = [update_factor(weight, size, training) for size in sizes]
                factors[f"{block.name}.{name}"] = np.array(pairs, np.float32).T
    return factors


def update_factor(weight: Weight, rows: int, training: Training) -> tuple[float, float]:
    """Return the factors of a weight's rate of updates and of its rate of decay.

    Both include the factor of the learning rate of its group. In the NTK parametrisation, ``x @ kernel / sqrt(inputs)``
    with kernels of scale 1 (Jacot et al., 2018, arXiv:1806.07572), the matrix ``kernel / sqrt(inputs)`` moves by
    ``1 / sqrt(inputs)`` of the step of a rule that does not depend on the scale of gradients, such as Adam's, and by
    ``1 / inputs`` of a step of gradient descent. Steps are scaled so here, and the network itself is a plain one.

    Parameters
    ----------
    weight : Weight
        Weight.
    rows : int
        Number of its rows that a member uses: the inputs of a kernel.
    training : Training
        Factors of groups, parametrisation and optimizer.

    Returns
    -------
    (float, float)
        Factor of the rate of updates, and of the rate of decay.

    Examples
    --------
    >>> training = Training("mse", (), rate_factors=(("head", 2.0),), parametrization="ntk")
    >>> update_factor(Weight(4, 1, penalised=True, group="head"), 4, training)
    (1.0, 2.0)
    """
    rate = dict(training.rate_factors).get(weight.group, 1.0)
    decay = rate * dict(training.decay_factors).get(weight.group, 1.0)
    if training.parametrization == "ntk" and weight.penalised:
        rate /= max(1, rows) ** (1.0 if training.optimizer == "sgd" else 0.5)
    return rate, decay
