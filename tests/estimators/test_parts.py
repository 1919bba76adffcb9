"""Networks that train in parts on processes are those of one program, though a process is killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tabular_dl.clusters import open_cluster
from tabular_dl.errors import SpecError
from tabular_dl.estimators import KerasClassifier, parts
from tabular_dl.model_selection.evaluation import evaluate
from tabular_dl.nn import parts as sizes
from tabular_dl.problems import get_metric

pytestmark = pytest.mark.slow

X = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
Y = (X[:, 0] > 0).astype(int)
SPLITS = [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))]


def scores(on_epoch: Callable[[int, int], None] | None = None, **settings: Any) -> np.ndarray:
    networks = [
        KerasClassifier(hidden=(4,), epochs=8, members=1, learning_rate=rate, **settings)
        for rate in (0.1, 0.03, 0.01, 1e-3)
    ]
    metric = get_metric("log_loss")
    outcomes = evaluate(networks, X, Y, SPLITS, metric, [1, 2, 3, 4], halving=True, on_epoch=on_epoch)
    return np.array([[*outcome.scores, outcome.epochs] for outcome in outcomes])


def killed_once(folder: Path) -> Callable[..., Any]:
    def train(shared: Any, digest: str, network: Any, members: Any, *further: Any) -> Any:
        import os
        import signal

        from tabular_dl.estimators.parts import _train

        if members.seeds[0] % 2 == 0 and not (folder / "killed").exists():
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return _train(shared, digest, network, members, *further)

    return train


@pytest.mark.parametrize("address", ["loky:2", "local:2"])
def test_a_search_with_halving_and_a_process_killed(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, together = list[tuple[int, int]](), list[tuple[int, int]]()
    expected = scores(lambda *pair: alone.append(pair))
    monkeypatch.setattr(sizes, "WORK_OF_A_PART", 1.0)  # a part for each network
    monkeypatch.setattr(parts, "_train", killed_once(tmp_path))
    with open_cluster(address):
        actual = scores(lambda *pair: together.append(pair))
    assert (tmp_path / "killed").exists()
    np.testing.assert_allclose(actual, expected, rtol=1e-4)
    assert together == alone
    assert alone[-1] == (8, 1)


def test_callbacks_need_one_process(tmp_path: Path) -> None:
    network = KerasClassifier(hidden=(4,), epochs=1, callbacks=[{"CSVLogger": {"filename": str(tmp_path / "log.csv")}}])
    with open_cluster("loky:2"), pytest.raises(SpecError, match="callbacks: they need all networks in one process"):
        network.fit(X, Y)
