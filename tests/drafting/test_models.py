"""A pipeline of networks adapted to another model: the same columns, as that model reads them best."""

from __future__ import annotations

from typing import Any

import pytest

from tabular_dl.drafting.models import with_model
from tabular_dl.estimators.model_table import MODELS
from tabular_dl.preprocessing.column_rules import ColumnRule
from tabular_dl.spec.models import PipelineSpec

CONTENT: dict[str, Any] = {
    "name": "houses",
    "problem": "regression",
    "data": {"source": "houses", "target": "price", "id": "Id"},
    "features": {"age": {"eval": "sold - built"}},
    "columns": [
        {"columns": ["area", "age"], "impute": "median", "scale": "standard", "clip": 0.01, "missing_flag": True},
        {"columns": ["income"], "encode": "piecewise", "bins": 8},
        {"columns": ["heating"], "encode": "onehot", "impute": {"constant": "none"}},
        {"columns": ["street"], "encode": "embedding", "rare": 5},
        {"columns": ["quarter"], "encode": "target"},
        {"columns": ["colour_*"], "encode": "onehot"},
    ],
    "network": {"hidden": [8], "dropout": 0.2, "target_transform": "log1p"},
    "training": {"epochs": 5, "bounds": [0, 100], "validation_fraction": 0, "early_stopping": None},
    "ensemble": {"folds": 3, "members": 4, "group": "owner"},
    "search": {"dropout": {"uniform": [0, 0.5]}},
}


def adapted(name: str, *given: str, **changes: Any) -> PipelineSpec:
    return with_model(PipelineSpec.model_validate({**CONTENT, "model": name, **changes}), given)


def rules(spec: PipelineSpec) -> list[dict[str, Any]]:
    return [rule.model_dump(exclude_defaults=True) for rule in spec.columns]


@pytest.mark.parametrize("name", [name for name in MODELS if MODELS[name].native])
def test_a_model_that_reads_categories_and_missing_numbers_gets_both_as_they_are(name: str) -> None:
    area, income, heating, street, quarter, colours = rules(adapted(name))
    # Missing flags stay: that a value is missing may tell more than where the missing values go.
    assert area == {"columns": ("area", "age"), "impute": "none", "missing_flag": True}
    assert income == {"columns": ("income",), "impute": "none"}
    assert heating == {"columns": ("heating",), "encode": "native", "impute": "none"}
    assert street == {"columns": ("street",), "encode": "native", "impute": "none", "rare": 5}
    assert quarter["encode"] == "target"
    # How many columns a pattern matches is not known before the table is read, so they cannot be numbered.
    assert colours["encode"] == "onehot"


def test_hashed_categories_stay_in_their_buckets_and_texts_and_smoothed_means_as_they_are() -> None:
    columns = [
        {"columns": ["heating"], "encode": "hash"},
        {"columns": ["street"], "encode": "hash", "buckets": 200},
        {"columns": ["house"], "encode": "embedding", "buckets": 300},
        {"columns": ["about"], "encode": "text", "components": 5, "scale": "standard"},
        {"columns": ["quarter"], "encode": "target", "smoothing": [1, 10]},
    ]
    native, numbers = (rules(adapted(name, columns=columns)) for name in ("hist_gradient_boosting", "ridge"))
    assert [(rule["encode"], rule.get("buckets")) for rule in native[:3]] == [
        ("native", 64),
        ("native", 200),
        ("native", 300),
    ]
    assert [(rule["encode"], rule.get("buckets")) for rule in numbers[:3]] == [
        ("hash", None),
        ("hash", 200),
        ("onehot", 300),
    ]
    assert native[3:] == numbers[3:]


@pytest.mark.parametrize("name", [*(name for name in MODELS if not MODELS[name].native), "sklearn.svm:SVR"])
def test_other_models_get_a_column_a_category_and_numbers_without_gaps(name: str) -> None:
    adapted_rules, written = rules(adapted(name)), rules(PipelineSpec.model_validate(CONTENT))
    assert adapted_rules[3] == {**written[3], "encode": "onehot"}
    assert [*adapted_rules[:3], *adapted_rules[4:]] == [*written[:3], *written[4:]]


def test_members_search_space_and_settings_of_networks_are_the_models() -> None:
    spec = adapted("lightgbm")
    assert (spec.ensemble.members, spec.ensemble.folds, spec.ensemble.group) == (1, 3, "owner")
    assert spec.search == MODELS["lightgbm"].space
    # Those that other models have too; a validation_fraction of 0 is for networks that hold out no rows.
    assert spec.network == {"target_transform": "log1p"}
    assert spec.training == {"bounds": [0, 100]}
    assert (spec.features, spec.data, spec.seed) == (CONTENT["features"], spec.data, 0)
    assert adapted("lightgbm", training={"validation_fraction": 0.2}).training == {"validation_fraction": 0.2}


def test_the_space_of_logistic_depends_on_what_is_predicted() -> None:
    assert [*adapted("logistic").search] == ["alpha"]
    assert [*adapted("logistic", problem="binary").search] == ["C"]
    assert adapted("logistic", problem="auto").search == {}


@pytest.mark.parametrize("path", ["columns", "columns.0.scale"])
def test_rules_that_are_given_stay(path: str) -> None:
    assert adapted("lightgbm", path).columns == PipelineSpec.model_validate(CONTENT).columns


def test_members_and_space_that_are_given_stay() -> None:
    spec = adapted("lightgbm", "ensemble.members", "search")
    assert spec.ensemble.members == 4
    assert spec.search == CONTENT["search"]
    assert all(rule.scale == "none" for rule in spec.columns)


def test_a_pipeline_is_adapted_once() -> None:
    once = adapted("xgboost")
    assert with_model(once) == once
    assert all(isinstance(rule, ColumnRule) for rule in once.columns)
