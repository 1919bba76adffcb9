"""A population as one program, in four parts, and on two processes of which one is killed: digests and wall seconds.

    python benchmarks/cluster.py [MEMBERS [EPOCHS]]

The digest is the SHA-256 of all trained weights. Parts have the same digest wherever they train, since a part is a pure
function of its members; that of one program may differ by rounding, as a product of other sizes rounds differently.
"""

from __future__ import annotations

import hashlib
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tabular_dl.clusters import Cluster, open_cluster
from tabular_dl.clusters.cluster import DaskCluster
from tabular_dl.estimators.parts import fit_in_parts
from tabular_dl.nn import Members, Network, Population, Training, fit_population
from tabular_dl.nn import parts as plan

ROWS, FEATURES, PARTS = 891, 26, 4
KILL_AFTER = 4.0  # seconds


def digest(population: Population) -> str:
    """Return the SHA-256 of all weights, by their names."""
    total = hashlib.sha256()
    for name, weight in sorted(population.weights.items()):
        total.update(name.encode() + np.ascontiguousarray(weight).tobytes())
    return total.hexdigest()


def kill_one(cluster: Cluster, killed: list[int]) -> None:
    """Kill a worker after some seconds, in the middle of its part."""
    if not isinstance(cluster, DaskCluster):
        raise SystemExit("only workers of Dask are killed here")
    workers = list(cluster.client.run(os.getpid).values())

    def kill() -> None:
        time.sleep(KILL_AFTER)
        os.kill(workers[0], signal.SIGKILL)
        killed.append(workers[0])

    threading.Thread(target=kill, daemon=True).start()


def main() -> None:
    """Train in each way, and print a table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 320
    epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, FEATURES)).astype(np.float32)
    y = (X[:, :1] + rng.normal(size=(ROWS, 1)) > 0).astype(np.float32)
    rows = [np.arange(ROWS)[np.arange(ROWS) % 5 != member % 5] for member in range(count)]
    members = Members(seeds=list(range(count)), training_rows=rows, learning_rate=np.geomspace(1e-4, 1e-2, count))
    network = Network(FEATURES, (64, 32), 1, output_activation="sigmoid")
    training = Training("binary_crossentropy", ("binary_accuracy",), epochs=epochs, batch_size=32)
    plan.WORK_OF_A_PART = 6.0 * network.parameters * max(map(len, rows)) * epochs * -(-count // PARTS)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {count} networks, {epochs} epochs", flush=True)

    def one() -> Population:
        return fit_population(network, X, y, members, training)

    def on(address: str, *, kill: bool = False) -> Callable[[], Population]:
        def train() -> Population:
            killed: list[int] = []
            with open_cluster(address) as cluster:
                assert cluster is not None
                if kill:
                    kill_one(cluster, killed)
                population = fit_in_parts(cluster, network, [X], y, members, training)
            if kill and not killed:
                raise SystemExit("training ended before the worker was killed: more epochs")
            return population

        return train

    ways: dict[str, Callable[[], Any]] = {
        "one program": one,
        "loky:2": on("loky:2"),
        "local:1": on("local:1"),
        "local:2": on("local:2"),
        "local:2, one killed": on("local:2", kill=True),
    }
    for name, train in ways.items():
        start = time.perf_counter()
        population = train()
        print(f"{name:20} {time.perf_counter() - start:7.1f} s  {digest(population)}", flush=True)


if __name__ == "__main__":
    main()
