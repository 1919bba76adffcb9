"""Weights of members: drawn, learned from their training rows, and reduced to their inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tabular_dl.nn.blocks.base import Block, OwnInputs, Weight
from tabular_dl.nn.network import Network, Weights

__all__ = ["in_old_order", "initial_weights", "inputs_of_members", "own_weights"]


def initial_weights(
    network: Network,
    seeds: Sequence[int],
    widths: Sequence[int] | np.ndarray | None = None,
    categories: np.ndarray | None = None,
    continuous: Sequence[int] | np.ndarray | None = None,
) -> Weights:
    """Draw each member's initial weights from its seed.

    For a member with fewer inputs than the population, a kernel of its width is drawn and the other rows are zero: the
    inputs there are zero as well, so these rows never change.

    Parameters
    ----------
    network : Network
        Architecture.
    seeds : sequence of int, length P
        Seed of each member.
    widths : sequence of int, length P, optional
        Number of numeric inputs of each member; by default those of the network.
    categories : array of shape (P, embeddings), optional
        Number of categories of each embedding of each member; by default those of the network.
    continuous : sequence of int, length P, optional
        Number of continuous inputs of each member; by default those of the network.

    Returns
    -------
    dict of str to ndarray of shape (P, in, out)
        Weights by the names of `Network.weights`.

    Examples
    --------
    >>> network = Network(inputs=3, hidden=(4,), outputs=1)
    >>> two, one = initial_weights(network, [7, 8], [3, 2]), initial_weights(network, [8], [2])
    >>> bool((two["dense_0.kernel"][1] == one["dense_0.kernel"][0]).all()), two["dense_0.kernel"][1, 2].tolist()
    (True, [0.0, 0.0, 0.0, 0.0])
    """
    inputs = inputs_of_members(network, len(seeds), widths, categories, continuous)
    weights: Weights = {}
    for block in network.blocks:
        rows_used = [block.own_rows(members_inputs) for members_inputs in inputs]
        for name, weight in block.weights.items():
            rows = [used.get(name, np.arange(weight.inputs)) for used in rows_used]
            weights[f"{block.name}.{name}"] = _stacked(block, name, weight, seeds, rows)
    return weights


def inputs_of_members(
    network: Network,
    members: int,
    widths: Sequence[int] | np.ndarray | None = None,
    categories: np.ndarray | None = None,
    continuous: Sequence[int] | np.ndarray | None = None,
) -> list[OwnInputs]:
    """Return the inputs of each member.

    Parameters
    ----------
    network : Network
        Architecture.
    members : int
        Number of members, P.
    widths, categories, continuous
        As for `initial_weights`.

    Returns
    -------
    list of OwnInputs
        Inputs of each member.
    """
    sizes = [size for size, _ in network.embeddings]
    return [
        OwnInputs(
            network.numeric if widths is None else int(widths[member]),
            tuple(sizes if categories is None else map(int, categories[member])),
            network.continuous if continuous is None else int(continuous[member]),
        )
        for member in range(members)
    ]


def _stacked(block: Block, name: str, weight: Weight, seeds: Sequence[int], rows: Sequence[np.ndarray]) -> np.ndarray:
    """Draw one weight of all members, (P, in, out); each pair of seed and rows is drawn once."""
    stacked = np.zeros((len(seeds), weight.inputs, weight.outputs), "float32")
    alike: dict[bytes, list[int]] = {}
    for member, numbers in enumerate(rows):
        alike.setdefault(numbers.tobytes(), []).append(member)
    for members in alike.values():
        unique_seeds = sorted({seeds[member] for member in members})
        values = dict(zip(unique_seeds, block.draw(name, rows[members[0]], unique_seeds), strict=True))
        for member in members:
            stacked[member, rows[member]] = values[seeds[member]]
    return stacked


def own_weights(network: Network, weights: Mapping[str, np.ndarray], inputs: OwnInputs) -> Weights:
    """Reduce the weights of members to their inputs, without those that only other members have.

    Parameters
    ----------
    network : Network
        Architecture of the population.
    weights : mapping of str to ndarray of shape (P, in, out)
        Weights of members with the same inputs.
    inputs : OwnInputs
        Inputs of these members.

    Returns
    -------
    dict of str to ndarray of shape (P, in, out)
        Weights of a network with these inputs.
    """
    cut = {}
    for block in network.blocks:
        rows = block.own_rows(inputs)
        for name in block.weights:
            weight = weights[f"{block.name}.{name}"]
            cut[f"{block.name}.{name}"] = np.ascontiguousarray(weight[:, rows[name]] if name in rows else weight)
    return cut


def in_old_order(network: Network) -> Iterator[str]:
    """Yield the names of weights in the order of models stored before weights had names: embedding tables last."""
    names = list(network.weights)
    yield from (name for name in names if not name.startswith("embeddings."))
    yield from (name for name in names if name.startswith("embeddings."))
