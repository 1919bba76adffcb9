"""Portfolio of different models for one table."""

from __future__ import annotations

from importlib import util
from typing import Any

import pytest

from tabular_dl.competition.competition import load_competition
from tabular_dl.drafting import portfolio as module
from tabular_dl.drafting.portfolio import make_portfolio
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.reader import load_spec

WINE = load_competition("wine", "cultivar", "Id").train
MULTICLASS = get_problem("multiclass")


def labels(*overrides: str) -> list[str]:
    return [each.label for each in make_portfolio(load_spec("wine", overrides), MULTICLASS, WINE)]


def test_every_kind_is_there_once_and_cheap_ones_come_first() -> None:
    assert labels() == [
        *("logistic", "hist_gradient_boosting", "lightgbm", "network", "realmlp"),
        *("xgboost", "catboost", "extra_trees", "tabm"),
    ]


def test_libraries_that_are_not_installed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def spec_of(name: str) -> Any:
        return None if name in ("lightgbm", "catboost") else util.find_spec(name)

    monkeypatch.setattr(module, "find_spec", spec_of)
    assert labels() == ["logistic", "hist_gradient_boosting", "xgboost", "network", "realmlp", "extra_trees", "tabm"]


def test_the_pipelines_own_model_is_one_of_them() -> None:
    own = labels("network.preset=realmlp")  # its own networks are of that kind
    assert "realmlp" not in own
    assert own[-1] == "tabm"
    trees = labels("model=lightgbm", "columns.0.scale=none")
    assert trees.count("lightgbm") == 1
    assert "network" not in trees
    assert "tabm" not in trees


def test_all_members_have_the_same_folds_metric_and_columns() -> None:
    spec = load_spec("wine", ["metric=log_loss", "ensemble.folds=3", "seed=7"])
    for each in make_portfolio(spec, MULTICLASS, WINE):
        assert (each.spec.metric, each.spec.ensemble.folds, each.spec.seed) == ("log_loss", 3, 7)
        assert {name for rule in each.spec.columns for name in rule.columns} == {
            name for rule in spec.columns for name in rule.columns
        }


def test_a_large_table_has_no_forest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY_ROWS", len(WINE))
    assert "extra_trees" not in labels()


def test_a_number_begins_with_a_ridge_regression() -> None:
    boston = load_spec("boston")
    train = load_competition(boston.data.source, boston.data.target, boston.data.id).train
    assert make_portfolio(boston, get_problem("regression"), train)[0].label == "ridge"
