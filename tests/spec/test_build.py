"""Every shipped pipeline fits; a table that does not suit a pipeline is refused with file, column, row and value."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier, is_regressor

from tabular_dl.competition.competition import load_competition
from tabular_dl.competition.keras_datasets import is_loaded
from tabular_dl.errors import DataError, SpecError
from tabular_dl.model_selection.crossfit import CrossFitClassifier, CrossFitRegressor
from tabular_dl.problems.problem_types import PROBLEMS, get_problem
from tabular_dl.spec.build import build_pipeline, metric_of, problem_of
from tabular_dl.spec.pipeline_files import list_pipelines
from tabular_dl.spec.reader import PipelineSpec, leaves, load_spec, read_space, with_values
from tabular_dl.spec.targets import check_target
from tabular_dl.spec.used_columns import columns_used
from tabular_dl.spec.validate import check_rows, validate_rows

NAN = float("nan")
SMALL = ["training.epochs=2", "ensemble.folds=2", "ensemble.members=1"]


def flowers(**changes: Any) -> PipelineSpec:
    """A pipeline with a column of numbers, one of categories, and a feature of a third."""
    content: dict[str, Any] = {
        "name": "flowers",
        "data": {"source": "iris", "target": "kind", "id": "Id"},
        "features": {"Area": {"eval": "width * width"}},
        "columns": [{"columns": ["size", "Area"]}, {"columns": ["colour"], "encode": "onehot"}],
        "ensemble": {"folds": 3, "members": 2},
        "seed": 5,
    }
    return PipelineSpec.model_validate(content | changes)


def rows(**changes: Any) -> pd.DataFrame:
    content = {"Id": [1, 2, 3], "size": [1.0, 2.0, 3.0], "colour": ["red", None, "blue"], "width": [1, 2, 3]}
    return pd.DataFrame(content | changes, index=[10, 20, 30])


def refusal_of_rows(spec: PipelineSpec, table: pd.DataFrame, **settings: Any) -> str:
    with pytest.raises(DataError) as refused:
        check_rows(spec, table, "train.csv", **settings)
    return str(refused.value)


def refusal_of_target(problem: str, y: list[Any], folds: int = 2) -> str:
    spec = flowers(ensemble={"folds": folds})
    with pytest.raises(DataError) as refused:
        check_target(spec, get_problem(problem), pd.Series(y), "train.csv")
    return str(refused.value)


# Rules that the rest of the pipeline has to know of


def test_embedded_columns_are_the_categorical_features_of_the_network() -> None:
    rules = [{"columns": ["size"]}, {"columns": ["colour", "shape"], "encode": "embedding"}]
    network = {"embedding_size": 3}
    pipeline = build_pipeline(flowers(columns=rules, network=network), get_problem("binary"))
    assert pipeline[-1].categorical_features == [0, 1]
    table = rows(shape=["a", "b", "a"]).drop(columns="Id")
    assert pipeline[:-1].fit_transform(table).tolist() == [[1, 0, 1], [-2, 1, 2], [0, 0, 3]]
    assert build_pipeline(flowers(), get_problem("binary"))[-1].categorical_features is None
    with pytest.raises(SpecError, match="encode: embedding say the same thing: leave network"):
        build_pipeline(flowers(columns=rules, network={"categorical_features": [2]}), get_problem("binary"))


@pytest.mark.parametrize(("problem", "kind"), [("regression", "continuous"), ("multiclass", "auto")])
def test_target_encoding_is_told_the_problem_and_the_seed(problem: str, kind: str) -> None:
    rules = [{"columns": ["colour"], "encode": "target"}]
    encoder = build_pipeline(flowers(columns=rules), get_problem(problem))[1].transformers[0][1][-1]
    assert (encoder.target_type, encoder.cv.random_state) == (kind, 5)
    assert encoder.cv.stratified == (problem == "multiclass")


@pytest.mark.parametrize(
    ("leaf", "values"),
    [
        ("columns.1.encode", ["onehot", "hash", "label", "target", "frequency", "embedding", "text"]),
        ("columns.2.smoothing", [0, 10, [1.0, 10.0, 100.0]]),
        ("columns.3.buckets", [8, 1000]),
        ("columns.4.components", [5, 50]),
        ("columns.0.scale", ["quantile", "power", "none"]),
        ("columns.0.clip", [0, 0.01]),
        ("columns.1.rare", [1, 10]),
        ("columns.0.encode", ["none", "piecewise"]),
    ],
)
def test_every_word_of_a_rule_may_be_searched(leaf: str, values: list[Any]) -> None:
    colour: list[dict[str, Any]] = [{"columns": ["colour"], "encode": name} for name in ("target", "embedding", "text")]
    spec = flowers(columns=[*flowers().model_dump(exclude_defaults=True)["columns"], *colour])
    (found,) = read_space(spec, {leaf: {"choice": values}})
    assert found == leaf
    for value in values:
        changed = with_values(spec, {leaf: value})
        assert leaves(changed)[leaf] == value
        build_pipeline(changed, get_problem("binary"))


# The shipped pipelines


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in list_pipelines() if not is_loaded(load_spec(name).data.source)])
def test_a_shipped_pipeline_fits_on_a_hundred_rows_and_predicts_finite_values(name: str) -> None:
    spec = load_spec(name, SMALL)
    competition = load_competition(spec.data.source, spec.data.target, spec.data.id)
    train, test = competition.train.head(100), competition.test
    problem = problem_of(spec, train[spec.data.target])
    check_target(spec, problem, train[spec.data.target], "train.csv")
    check_rows(spec, train.drop(columns=spec.data.target), "train.csv")
    check_rows(spec, test, "test.csv", rest=False)
    X, y = train[columns_used(spec, train)], train[spec.data.target].to_numpy()
    kind = CrossFitClassifier if problem.classification else CrossFitRegressor
    crossfit = kind(build_pipeline(spec, problem), cv=2, random_state=spec.seed).fit(X, y)
    assert np.isfinite(crossfit.oof_predictions_).all()
    assert np.isfinite(metric_of(spec, problem)(y, crossfit.oof_predictions_, getattr(crossfit, "classes_", None)))
    if problem.classification:
        probabilities = crossfit.predict_proba(test)
        assert probabilities.shape == (len(test), len(set(y)))
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    else:
        predicted = crossfit.predict(test)
        assert predicted.shape == (len(test),)
        assert np.isfinite(predicted).all()


# What a spec becomes


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_the_steps_are_what_the_spec_says(problem: Any) -> None:
    spec = flowers(network={"hidden": [3], "dropout": 0.2}, training={"epochs": 9, "early_stopping": None})
    pipeline = build_pipeline(spec, problem)
    assert list(pipeline.named_steps) == ["features", "preprocessing", "network"]
    assert pipeline["features"].features == spec.features
    assert [columns for _, _, columns in pipeline["preprocessing"].transformers] == [["size", "Area"], ["colour"]]
    network = pipeline["network"]
    assert (is_classifier(network), is_regressor(network)) == (problem.classification, not problem.classification)
    assert network.get_params() == type(network)().get_params() | {
        "hidden": [3],
        "dropout": 0.2,
        "epochs": 9,
        "early_stopping": None,
        "members": 2,
        "problem": problem.name,
        "random_state": 5,
    }


@pytest.mark.parametrize(
    ("section", "settings", "message"),
    [
        ("network", {"l2": -1.0}, "l2 should be greater than or equal to 0; it is -1.0."),
        ("network", {"hidden": [8, 0]}, "hidden should be greater than or equal to 1; it is [8, 0]."),
        ("network", {"activation": "rleu"}, "activation: there is no 'rleu'. Did you mean 'relu'?"),
        ("training", {"epochs": "ten"}, "epochs should be a valid integer; it is 'ten'."),
        ("training", {"epochs": 1.5}, "epochs should be a valid integer; it is 1.5."),
        ("training", {"learning_rate": 0}, "learning_rate should be greater than 0; it is 0."),
        ("training", {"optimizer": "adm"}, "optimizer: there is no 'adm'. Did you mean 'adam'?"),
        (
            "training",
            {"validation_fraction": 0},
            "early_stopping needs held-out rows: set validation_fraction above 0, or to auto, or early_stopping to "
            "null.",
        ),
    ],
)
def test_a_hyperparameter_that_cannot_be_is_refused_before_any_training(
    section: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError) as refused:
        build_pipeline(flowers(**{section: settings}), get_problem("binary"))
    assert str(refused.value) == f"pipeline flowers: {message}"


def test_the_problem_is_the_one_that_is_named_or_that_the_target_shows() -> None:
    y = pd.Series([0, 1, 2, 1])
    assert problem_of(flowers(problem="regression"), y).name == "regression"
    assert problem_of(flowers(), y).name == "multiclass"
    assert problem_of(flowers(), y.astype(float) + 0.5).name == "regression"


def test_the_metric_is_the_one_that_is_named_or_the_problems_own() -> None:
    assert metric_of(flowers(), get_problem("regression")).name == PROBLEMS["regression"].metric
    assert metric_of(flowers(metric="mae"), get_problem("regression")).name == "mae"
    with pytest.raises(SpecError, match="metric: mae cannot score a binary problem"):
        metric_of(flowers(metric="mae"), get_problem("binary"))


def test_the_columns_used_are_what_rules_and_features_read_and_neither_id_nor_target() -> None:
    table = rows(kind=["a", "b", "a"], weight=[1, 2, 3])
    assert columns_used(flowers(), table) == ["size", "colour", "width"]
    reordered = table[["kind", "width", "weight", "size", "Id", "colour"]]
    assert columns_used(flowers(), reordered) == ["width", "size", "colour"]


# Targets


@pytest.mark.parametrize(
    ("problem", "y"),
    [
        ("binary", [0, 1, 0, 1]),
        ("binary", ["yes", "no", "no", "yes"]),
        ("binary", [True, False, True, False]),
        ("multiclass", ["a", "b", "c", "a", "b", "c"]),
        ("multiclass", [0, 1, 0, 1]),
        ("binary", [1.0, 2.0, 1.0, 2.0]),
        ("regression", [0.5, 1.5, -2.0]),
        ("regression", [1, 2]),
        ("regression", [True, False]),
        ("regression", ["1.5", "2"]),
    ],
)
def test_a_target_that_fits_is_accepted(problem: str, y: list[Any]) -> None:
    check_target(flowers(ensemble={"folds": 2}), get_problem(problem), pd.Series(y), "train.csv")


@pytest.mark.parametrize("problem", PROBLEMS)
def test_fewer_rows_than_folds_are_refused(problem: str) -> None:
    expected = "train.csv has 4 rows, fewer than the 5 folds: set ensemble.folds lower."
    assert refusal_of_target(problem, [0, 1, 0, 1], folds=5) == expected


@pytest.mark.parametrize(
    ("y", "shown"), [([0, 0, 0, 1], "1"), (["a", "b", "a", "a"], "'b'"), ([True, True, True, False], "False")]
)
@pytest.mark.parametrize("problem", ["binary", "multiclass"])
def test_a_class_with_fewer_rows_than_folds_is_named(problem: str, y: list[Any], shown: str) -> None:
    assert refusal_of_target(problem, y) == (
        f"train.csv, column kind (the target): the class {shown} has 1 rows, fewer than the 2 folds. "
        "Every fold needs one: set ensemble.folds lower, or join rare classes."
    )


@pytest.mark.parametrize(("y", "count"), [([0, 1, 2, 0, 1, 2], 3), (["a", "a"], 1)])
def test_a_binary_target_has_two_values(y: list[Any], count: int) -> None:
    assert refusal_of_target("binary", y) == (
        f"train.csv, column kind (the target) has {count} different values: problem: binary needs two. "
        "Write problem: auto."
    )


@pytest.mark.parametrize("problem", ["binary", "multiclass"])
@pytest.mark.parametrize(
    ("y", "row", "shown"),
    [([0.5, 1.5, 0.5, 1.5], 0, "0.5"), ([1.0, 2.0, 2.5, 1.0], 2, "2.5"), ([1.0, math.inf], 1, "inf")],
)
def test_a_number_with_a_fraction_is_no_label(problem: str, y: list[Any], row: int, shown: str) -> None:
    message = refusal_of_target(problem, y)
    where = f"train.csv, column kind (the target), row {row}: "
    assert message.startswith(f"{where}expected a label for problem: {problem}, found {shown}, ")
    assert "whole number" in message
    assert "problem: regression" in message


@pytest.mark.parametrize(
    ("y", "row", "shown"),
    [
        (["1.5", "many", "2"], 1, "'many'"),
        ([1.0, 2.0, math.inf], 2, "inf"),
        ([-math.inf, 2.0, 1.0], 0, "-inf"),
        ([1.0, 2.0, NAN], 2, "nan"),
    ],
)
def test_a_regression_needs_finite_numbers(y: list[Any], row: int, shown: str) -> None:
    assert refusal_of_target("regression", y) == (
        f"train.csv, column kind (the target), row {row}: expected a finite number for problem: regression, "
        f"found {shown}. Correct it, or name another problem."
    )


# Rows


def test_rows_that_fit_are_accepted() -> None:
    check_rows(flowers(), rows(), "train.csv")
    check_rows(flowers(), rows(size=[NAN, 2.0, 3.0]), "train.csv")
    check_rows(flowers(), rows().drop(columns="Id"), "train.csv")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"size": ["1", "big", "small"]},
            "train.csv, column 'size', row 20: expected a finite number, found 'big' (and 1 more such rows). "
            "Correct the value, or read the column as categories with `encode: onehot` in its rule.",
        ),
        (
            {"size": [1.0, 2.0, math.inf]},
            "train.csv, column 'size', row 30: expected a finite number, found inf. "
            "Correct the value, or read the column as categories with `encode: onehot` in its rule.",
        ),
        (
            {"width": [1, "wide", 3]},
            "train.csv: feature 'Area', column 'width', row 20: expected a finite number, found 'wide'. "
            "Correct the value, or compare text as in Sex == 'female'.",
        ),
        (
            {"weight": [1, 2, 3], "note": ["x", "y", "z"]},
            "train.csv: no rule names the column(s) weight, note. Name each in a rule under `columns`, "
            "or write `rest: drop` to leave them out.",
        ),
    ],
)
def test_rows_that_do_not_fit_name_file_column_row_and_value(changes: dict[str, Any], message: str) -> None:
    assert refusal_of_rows(flowers(), rows(**changes)) == message


def test_a_column_that_a_rule_or_a_feature_names_and_the_table_lacks_gets_the_nearest() -> None:
    without_size = rows().rename(columns={"size": "sizes"})
    expected = "train.csv lacks columns that the rules name. 'size': Did you mean 'sizes'?"
    assert refusal_of_rows(flowers(), without_size) == expected
    without_width = rows().rename(columns={"width": "widths"})
    assert refusal_of_rows(flowers(), without_width) == (
        "train.csv: feature 'Area' reads column 'width', which the table does not have. Did you mean 'widths'?"
    )


def test_a_value_that_is_missing_where_nothing_is_imputed_names_its_row() -> None:
    spec = flowers(columns=[{"columns": ["size"], "impute": "none"}], rest="drop")
    assert refusal_of_rows(spec, rows(size=[1.0, NAN, 3.0])) == (
        "train.csv, column 'size', row 20: the value is missing, and its rule says `impute: none`. "
        "Write `impute: median`, or fill in the value."
    )


def test_columns_that_no_rule_names_may_be_dropped_by_the_pipeline_or_by_the_caller() -> None:
    table = rows(weight=[1, 2, 3])
    check_rows(flowers(rest="drop"), table, "train.csv")
    check_rows(flowers(), table, "test.csv", rest=False)


@pytest.mark.parametrize(
    "changes",
    [{"columns": [{"columns": ["size", "kind"]}]}, {"features": {"Area": {"from": "kind"}}}],
    ids=["in a rule", "in a feature"],
)
def test_the_target_cannot_be_a_feature(changes: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as refused:
        check_rows(flowers(**changes), rows(), "train.csv")
    assert str(refused.value) == "pipeline flowers: the target 'kind' cannot be a feature too: remove it."


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": [{"columns": ["size", "Id"]}]},
        {"features": {"Area": {"from": "Id"}}},
        {"features": {"Area": {"eval": "Id * width"}}},
        {"features": {"Id": {"from": "width"}}},
    ],
    ids=["in a rule", "in from", "in eval", "as a feature's name"],
)
def test_the_id_cannot_be_a_feature(changes: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as refused:
        check_rows(flowers(**changes), rows(), "train.csv")
    message = str(refused.value)
    assert message.startswith("pipeline flowers: the id 'Id' cannot be a feature")
    assert "a part of it by `from` and `extract` or `date`, or leave it out." in message


def test_a_part_of_the_id_may_be_a_feature() -> None:
    features = {"Area": {"eval": "width * width"}, "Site": {"from": "Id", "extract": "^(.)"}}
    spec = flowers(features=features, rest="drop")
    check_rows(spec, rows(Id=["a1", "b2", "a3"]), "train.csv")
    spec = flowers(features={"Area": {"eval": "width * width"}, "Hour": {"from": "Id", "date": "hour"}}, rest="drop")
    check_rows(spec, rows(Id=["2011-01-20 07:00", "2011-01-20 08:00", "2011-01-21 00:00"]), "train.csv")


def test_checking_rows_changes_nothing() -> None:
    table = rows(size=["1", "2", None])
    before = table.copy(deep=True)
    check_rows(flowers(), table, "train.csv")
    pd.testing.assert_frame_equal(table, before)


def test_dates_of_test_rows_are_written_as_those_of_training_rows() -> None:
    spec = flowers(features={"Area": {"from": "bought", "date": "month"}})
    training, test = rows(bought=["31/01/2024", "01/02/2024", None]), rows(bought=["2024-01-31"] * 3)
    check_rows(spec, test.drop(columns="Id"), "test.csv", rest=False)
    learned = validate_rows(spec, training, "train.csv")
    (fault,) = validate_rows(spec, test, "test.csv", rest=False, training=learned).faults
    assert re.match(r"test.csv: feature 'Area', column 'bought', row 10: .* found '2024-01-31'", fault.message)
    later = rows(bought=["02/03/2024", None, "15/05/2023"], other=[1, 2, 3]).drop(columns=["Id", "width"])
    assert validate_rows(spec, later, "test.csv", rest=False, training=learned).faults == ()


def test_the_columns_of_groups_are_used_and_the_target_is_none_of_them() -> None:
    level = {"from": "size", "by": "shape", "statistic": "mean"}
    table = rows(shape=["a", "b", "a"])
    assert columns_used(flowers(features={"Area": level}), table) == ["size", "colour", "shape"]
    with pytest.raises(SpecError, match="the target 'kind' cannot be a feature too"):
        check_rows(flowers(features={"Area": level | {"by": "kind"}}), table, "train.csv")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "rmsle"}, "rmsle is for numbers from 0 on, found -2. Correct it, or choose another metric."),
        (
            {"network": {"target_transform": "log1p"}},
            "target_transform: log1p is for numbers from 0 on, found -2. Correct it, or leave target_transform out.",
        ),
    ],
)
def test_a_negative_target_has_no_logarithm(changes: dict[str, Any], message: str) -> None:
    spec, problem = flowers(ensemble={"folds": 2}, **changes), get_problem("regression")
    check_target(spec, problem, pd.Series([3, 0, 5], index=[1, 2, 3]), "train.csv")
    with pytest.raises(DataError) as refused:
        check_target(spec, problem, pd.Series([3, -2, 5], index=[1, 2, 3]), "train.csv")
    assert str(refused.value) == f"train.csv, column kind (the target), row 2: {message}"


# Patterns


def test_a_pattern_means_every_raw_column_but_target_and_id() -> None:
    spec = flowers(features={}, columns=[{"columns": ["[ws]i*"]}, {"columns": ["col*"], "encode": "onehot"}])
    table = rows(kind=["a", "b", "a"])
    assert columns_used(spec, table) == ["size", "colour", "width"]
    check_rows(spec, rows(), "train.csv")
    assert columns_used(flowers(features={}, columns=[{"columns": ["*"]}]), table) == ["size", "colour", "width"]


def test_a_pattern_may_mean_a_feature_and_never_the_id_that_a_feature_reads() -> None:
    spec = flowers(
        features={"Ingroup": {"from": "Id", "extract": "^(.)"}, "Inch": {"eval": "size / 2.54"}},
        columns=[{"columns": ["I*"]}],
        rest="drop",
    )
    table = rows(Id=["1a", "2a", "3b"], kind=[1, 2, 3])
    used = columns_used(spec, table)
    assert used == ["Id", "size"]
    pipeline = build_pipeline(spec, get_problem("regression"))
    check_rows(spec, table[used], "train.csv")
    matrix = pipeline[:-1].fit_transform(table[used])
    np.testing.assert_allclose(matrix[:, 0], [1, 2, 3])  # Ingroup, as numbers
    assert pipeline[:-1].get_feature_names_out().tolist() == ["Ingroup", "Inch"]


def test_a_pattern_that_matches_nothing_is_named_with_the_file() -> None:
    spec = flowers(features={}, columns=[{"columns": ["siez*"]}], rest="drop")
    assert refusal_of_rows(spec, rows()) == (
        "train.csv lacks columns that the rules name. 'siez*' matches no column. Did you mean 'size'?"
    )
