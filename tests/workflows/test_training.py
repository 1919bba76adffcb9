"""What a fit compares its networks with, where a table is large."""

from __future__ import annotations

import pytest
from rich.console import Console

from tabular_dl.spec.reader import load_spec
from tabular_dl.workflows import training

pytestmark = pytest.mark.slow

TINY = ["network.hidden=[2]", "training.epochs=1", "ensemble.folds=2", "ensemble.members=1"]


@pytest.mark.parametrize(
    ("cells", "names"), [(142 * 13, ["majority class", "logistic regression"]), (142 * 13 - 1, ["majority class"])]
)
def test_no_linear_model_is_fitted_on_a_table_of_more_cells(
    monkeypatch: pytest.MonkeyPatch, cells: int, names: list[str]
) -> None:
    monkeypatch.setattr(training, "MOST_CELLS", cells)
    result = training.train(load_spec("wine", TINY), Console(quiet=True))
    assert list(result.baselines) == names
    assert len(result.scores) == 2
