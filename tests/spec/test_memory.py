"""Memory of networks: counted before they are built, and refused by the key that most of it is for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabular_dl.errors import SpecError
from tabular_dl.limits import VARIABLE
from tabular_dl.problems import get_problem
from tabular_dl.spec import check_memory, load_spec, memory

ROWS = 1000
TABLE = pd.DataFrame({"x": np.arange(ROWS), "word": [f"w{row % 700}" for row in range(ROWS)]})
TARGET = pd.Series(np.arange(ROWS) % 2)
COLUMNS = "columns=[{columns: [x], scale: standard}]"


def check(*overrides: str) -> None:
    check_memory(load_spec("wine", [COLUMNS, *overrides]), get_problem("binary"), TABLE, TARGET)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(memory, "machine_memory", lambda: 10**9)
    return 10**9


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("network.hidden=[64, 1000000000]", "network.hidden"),
        ("network.hidden=[20000, 20000]", "network.hidden"),
        ("ensemble.members=1000000000", "ensemble.members"),
        ("network.mc_dropout=1000000000", "network.mc_dropout"),
        ("network={numeric_embedding: plr, frequencies: 100000000}", "network.frequencies"),
        (
            "network={numeric_embedding: piecewise_linear, numeric_embedding_size: 100000000}",
            "network.numeric_embedding_size",
        ),
        ("network={preset: tabm, shared_networks: 1000000}", "network.shared_networks"),
    ],
)
def test_networks_that_do_not_fit_are_refused_with_their_key(machine: int, override: str, key: str) -> None:
    with pytest.raises(SpecError, match=rf"wine: {key}: .* need.* [GT]B of memory; this machine has 1 GB"):
        check(override)


def test_a_column_of_very_many_words_is_refused(machine: int) -> None:
    rows = 20_000
    table = pd.DataFrame({"word": [f"w{row}" for row in range(rows)]})
    target = pd.Series(np.arange(rows) % 2)
    spec = load_spec("wine", ["columns=[{columns: [word], encode: onehot}]"])
    with pytest.raises(
        SpecError, match=r"columns: a matrix of 20,000 rows and 20,000 inputs needs 3.2 GB of memory.*--limits 4"
    ):
        check_memory(spec, get_problem("binary"), table, target)
    check_memory(
        load_spec("wine", ["columns=[{columns: [word], encode: onehot, rare: 2}]"]),
        get_problem("binary"),
        table,
        target,
    )


def test_networks_that_fit_are_not_refused(machine: int) -> None:
    check()
    check("network.hidden=[512, 256, 128]", "ensemble.members=20")
    check("training.batch_size=2147483647", "training.epochs=2147483647")


def test_the_weights_are_those_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    from tabular_dl.nn import Network

    weights = Network(inputs=700, hidden=(30, 20), outputs=1).parameters
    spec = load_spec(
        "wine", ["columns=[{columns: [word], encode: onehot}]", "network.hidden=[30, 20]", "network.dropout=0"]
    )
    needs: dict[str, Any] = {key: need for key, _, need in memory._needs(spec, get_problem("binary"), TABLE, TARGET)}
    assert needs["network.hidden"] == 4 * 6 * weights * spec.ensemble.folds


@pytest.mark.parametrize(("keys", "inputs"), [("", 12), (", bins: 40", 40), (", bin_strategy: tree", 1)])
def test_a_column_has_as_many_inputs_as_bins(keys: str, inputs: int) -> None:
    spec = load_spec("wine", [f"columns=[{{columns: [x, one, few], encode: piecewise{keys}}}]"])
    table = pd.DataFrame({"x": np.where(TARGET, TABLE["x"], np.nan), "one": 1, "few": [f"{row % 3}" for row in TARGET]})
    needs = {key: need for key, _, need in memory._needs(spec, get_problem("binary"), table, TARGET)}
    # One more for the two values of `few`.
    assert needs["columns"] == 4 * 2 * ROWS * (inputs + 1)


def test_the_option_raises_the_limit(machine: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1e8")
    check("network.hidden=[64, 1000000000]")
