"""Models that a fit of a large table is compared with."""

from __future__ import annotations

import pytest
from rich.console import Console

from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.reader import load_spec
from tabular_dl.workflows import training

pytestmark = pytest.mark.slow

TINY = ["network.hidden=[2]", "training.epochs=1", "ensemble.folds=2", "ensemble.members=1"]
SIMPLE = ["majority class", "logistic regression"]


@pytest.mark.parametrize(
    ("cells", "names"), [(142 * 13, ["majority class", "logistic regression"]), (142 * 13 - 1, ["majority class"])]
)
def test_no_linear_model_is_fitted_on_a_table_of_more_cells(
    monkeypatch: pytest.MonkeyPatch, cells: int, names: list[str]
) -> None:
    monkeypatch.setattr(training, "MOST_CELLS", cells)
    result = training.train(load_spec("wine", [*TINY, "baselines=simple"]), Console(quiet=True))
    assert list(result.baselines) == names
    assert len(result.scores) == 2


@pytest.mark.parametrize(
    ("settings", "cells", "names"),
    [
        ([], 142 * 13, [*SIMPLE, "boosted trees"]),
        ([], 142 * 13 - 1, SIMPLE),
        (["baselines=full"], 0, [*SIMPLE, "boosted trees"]),
        (["baselines=none"], 142 * 13, []),
        (["model=knn", "columns.0.columns=[hue]", "rest=drop"], 142 * 13, SIMPLE),
        (["model=knn", "baselines=full"], 142 * 13, [*SIMPLE, "boosted trees"]),
    ],
)
def test_boosted_trees_stand_beside_networks_unless_the_table_is_large_or_the_file_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, settings: list[str], cells: int, names: list[str]
) -> None:
    monkeypatch.setattr(training, "MOST_CELLS_OF_TREES", cells)
    spec = load_spec("wine", settings)
    problem = get_problem("multiclass")
    found = training._baselines(spec, problem, 142 * 13)
    assert list(found) == names
    if "boosted trees" in found:
        assert found["boosted trees"].parameters == {"max_iter": training.ROUNDS}
