"""Small tables get small networks trained on all rows; large tables get large networks and fewer epochs."""

from __future__ import annotations

import pytest

from tabular_dl.drafting.network_defaults import choose_sizes
from tabular_dl.problems.problem_types import PROBLEMS, get_problem
from tabular_dl.spec.reader import hyperparameters


@pytest.mark.parametrize("problem", ["binary", "multiclass", "regression"])
def test_more_rows_never_mean_a_smaller_network_more_dropout_or_longer_training(problem: str) -> None:
    sizes = [
        choose_sizes(rows, get_problem(problem)) for rows in (10, 999, 1_000, 9_999, 10_000, 99_999, 100_000, 10**7)
    ]
    widths = [size.network["hidden"][0] for size in sizes]
    assert widths == sorted(widths)
    for values in (
        [size.network["l2"] for size in sizes],
        [size.training["epochs"] for size in sizes],
        [size.ensemble["folds"] * size.ensemble["members"] for size in sizes],
    ):
        assert values == sorted(values, reverse=True)


def test_all_rows_of_a_small_table_train_and_larger_ones_stop_early() -> None:
    for problem, few in (("regression", 999), ("binary", 499), ("multiclass", 499)):
        small, large = (choose_sizes(rows, get_problem(problem)).training for rows in (few, few + 1))
        assert (small["early_stopping"], small["validation_fraction"]) == (None, 0)
        assert large["early_stopping"] == 10
        assert "validation_fraction" not in large


@pytest.mark.parametrize(("rarest", "folds"), [(None, 5), (5, 5), (4, 4), (2, 2), (100, 5)])
def test_every_fold_has_a_row_of_the_rarest_class(rarest: int | None, folds: int) -> None:
    sizes = choose_sizes(500, get_problem("multiclass"), rarest)
    assert sizes.ensemble["folds"] == folds
    assert (sizes.folds_reason is None) == (folds == 5)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_sections_hold_hyperparameters_and_no_others(problem: str) -> None:
    sizes = choose_sizes(2_000, get_problem(problem))
    assert {*sizes.network, *sizes.training, *sizes.search} <= {*hyperparameters()}
