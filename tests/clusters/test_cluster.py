"""Calls on processes of this machine: in order, repeated when a process is killed, and no process left behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tabular_dl.clusters import Cluster, current_cluster, open_cluster
from tabular_dl.clusters import versions as module
from tabular_dl.clusters.cluster import DaskCluster
from tabular_dl.errors import UserError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["loky:2", "local:2"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with open_cluster(request.param) as opened:
        assert opened is current_cluster()
        assert opened is not None
        yield opened


# Functions inside functions travel by their code: workers need not import this file.
def killed(times: int) -> Callable[[Path, int], int]:
    def square(folder: Path, number: int) -> int:
        import os
        import signal

        deaths = len(list(folder.iterdir()))
        if number == 2 and deaths < times:
            (folder / str(deaths)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number

    return square


def failing(kind: str, times: int) -> Callable[[Path, int], int]:
    def fail(folder: Path, number: int) -> int:
        import builtins

        from tabular_dl import errors

        failures = len(list(folder.iterdir()))
        if number == 1 and failures < times:
            (folder / str(failures)).touch()
            raise getattr(errors, kind, getattr(builtins, kind, None))("no space left")
        return number

    return fail


def calls(folder: Path) -> tuple[list[tuple[Path, int]], list[str]]:
    return [(folder, number) for number in range(4)], [f"part of rate {number}" for number in range(4)]


def test_results_are_in_the_order_of_the_calls(cluster: Cluster, tmp_path: Path) -> None:
    assert cluster.run(killed(0), *calls(tmp_path)) == [0, 1, 4, 9]


def test_a_call_whose_process_is_killed_is_repeated(cluster: Cluster, tmp_path: Path) -> None:
    assert cluster.run(killed(1), *calls(tmp_path)) == [0, 1, 4, 9]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_call_that_always_kills_its_process_is_named(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="part of rate 2"):
        cluster.run(killed(99), *calls(tmp_path))
    assert len(list(tmp_path.iterdir())) == 3
    assert cluster.run(killed(0), *calls(tmp_path)) == [0, 1, 4, 9]


def test_want_of_memory_and_a_full_disk_are_tried_again(cluster: Cluster, tmp_path: Path) -> None:
    assert cluster.run(failing("MemoryError", 2), *calls(tmp_path)) == [0, 1, 2, 3]
    with pytest.raises(UserError, match=r"failed 3 times: part of rate 1\. The last time, OSError: no space left"):
        cluster.run(failing("OSError", 99), *calls(tmp_path))


def test_an_error_of_the_user_is_raised_at_once(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no space left"):
        cluster.run(failing("UserError", 99), *calls(tmp_path))
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("address", ["loky:2", "local:1"])
def test_processes_end_with_the_statement_whatever_ends_it(address: str) -> None:
    before, outside = set(psutil.Process().children(recursive=True)), current_cluster()

    def process_number() -> int:
        import os

        return os.getpid()

    numbers: list[Any] = []
    with pytest.raises(KeyboardInterrupt), open_cluster(address) as opened:  # noqa: PT012
        assert opened is not None
        numbers += opened.run(process_number, [()], ["part"])
        raise KeyboardInterrupt
    assert numbers[0] != os.getpid()
    assert not psutil.pid_exists(numbers[0])
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [child for child in left if "resource_tracker" not in " ".join(child.cmdline())]
    assert current_cluster() is outside


def test_an_address_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabular_dl.clusters.opened.CONNECT_SECONDS", 0.5)
    with (
        pytest.raises(UserError, match=r"no scheduler of Dask answers at tcp://127\.0\.0\.1:1 "),
        open_cluster("tcp://127.0.0.1:1"),
    ):
        pass


@pytest.mark.parametrize("cluster", ["local:2"], indirect=True)
def test_a_scheduler_that_runs_and_workers_with_other_versions(
    cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = cluster.client.scheduler.address
    with open_cluster(address) as connected:
        assert connected is not None
        assert connected.run(killed(0), *calls(tmp_path)) == [0, 1, 4, 9]
        with connected.shared([np.arange(3)]) as shared:
            assert [len(arrays[0]) for arrays in connected.run(list, [(shared,)] * 2, ["a", "b"])] == [3, 3]
    other = {**module.versions(), "numpy": "1.0"}
    monkeypatch.setattr("tabular_dl.clusters.opened.versions", lambda: other)
    with pytest.raises(UserError, match=r"has numpy \S+, this process 1\.0\."), open_cluster(address):
        pass
