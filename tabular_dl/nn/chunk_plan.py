"""Plan of the chunks of a population: their number and sizes by memory, and how many train side by side.

Work is measured in floating-point operations: if it were in seconds, plans would depend on the load of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator

from tabular_dl.nn.batches import Feed, Table
from tabular_dl.nn.members import Members, Training
from tabular_dl.nn.network import Network

__all__ = ["pays_for_a_program", "planned_chunks", "training_work"]

# Floating-point operations that take as long as compiling a program.
WORK_THAT_PAYS_FOR_A_PROGRAM = 1.2e11
# Limit of the memory of a program's variables and activations.
CHUNK_BYTES = 2**30
# Operations of a member's matrix product below which a second core does not make it faster.
NARROW_PRODUCT = 2**20
# Number of members needed to keep a core busy.
MEMBERS_THAT_FILL_A_CORE = 8


def training_work(network: Network, rows: int, epochs: int) -> float:
    """Return the number of floating-point operations of training a member.

    Each weight takes two operations for a row in the forward pass and four in the backward pass.

    Parameters
    ----------
    network : Network
        Architecture.
    rows, epochs : int
        Number of rows in an epoch, and of epochs.

    Returns
    -------
    float
        Number of operations.

    Examples
    --------
    >>> training_work(Network(2, (), 1), rows=10, epochs=5)  # two weights and a bias
    900.0
    """
    return 6.0 * network.networks * network.parameters * rows * epochs


def pays_for_a_program(work: float) -> bool:
    """Return whether a number of operations takes longer than compiling a program.

    Examples
    --------
    >>> pays_for_a_program(1e12), pays_for_a_program(1e9)
    (True, False)
    """
    return work >= WORK_THAT_PAYS_FOR_A_PROGRAM


def planned_chunks(
    network: Network, table: Table, feed: Feed, members: Members, training: Training, cores: int
) -> tuple[int, list[tuple[list[int], int]]]:
    """Return the number of threads, and the members of each chunk with the number of those that count.

    All chunks have one size, so that they can use one program: the last repeats its last member.

    Parameters
    ----------
    network, table, members, training
        As for `tabular_dl.nn.training.fit_population`.
    feed : Feed
        Batches of the members.
    cores : int
        Maximum number of threads.

    Returns
    -------
    threads : int
        Number of chunks that train side by side.
    chunks : list of (list of int, int)
        Numbers of the members of each chunk, and the number of those that count.
    """
    threads = min(cores, _threads(network, table, feed, members, training))
    widths = network.activations
    # Training turns a category into a one-hot row.
    one_hot = sum(categories for categories, _ in network.embeddings)
    floats = 8 * network.parameters + 4 * feed.batch_size * (widths + one_hot) + 2 * feed.held_out * widths
    largest = max(1, CHUNK_BYTES // (4 * floats))
    count = -(-len(members) // largest)
    count = max(threads, -(-count // threads) * threads)
    return threads, list(_chunk_members(len(members), -(-len(members) // count)))


def _threads(network: Network, table: Table, feed: Feed, members: Members, training: Training) -> int:
    """Return the number of chunks that are worth training side by side."""
    largest = max(network.weights[name].inputs * network.weights[name].outputs for name in network.kernels)
    product = 2 * feed.batch_size * network.networks * largest
    work = training_work(network, feed.steps * feed.batch_size, training.epochs) * len(members)
    # A table keeps one block in memory: chunks at different blocks would load each of them again and again.
    alone = training.device == "gpu" or product > NARROW_PRODUCT or table.blocks > 1
    return 1 if alone or not pays_for_a_program(work) else max(1, len(members) // MEMBERS_THAT_FILL_A_CORE)


def _chunk_members(members: int, size: int) -> Iterator[tuple[list[int], int]]:
    for start in range(0, members, size):
        numbers = list(range(start, min(start + size, members)))
        yield numbers + numbers[-1:] * (size - len(numbers)), len(numbers)
