"""Changed texts of LightGBM, XGBoost and CatBoost are refused before a library reads them; valid ones pass."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st

from tabular_dl.errors import SpecError
from tabular_dl.estimators.model_estimators import ModelClassifier, ModelRegressor
from tabular_dl.tracking.booster_checks import BOOSTERS, check_booster
from tabular_dl.tracking.model_text import DEEPEST, read_json
from tabular_dl.tracking.persistence import TRUSTED_TYPES, check_storable
from tabular_dl.tracking.tree_checks import check_trees

RNG = np.random.default_rng(0)
ROWS = 90
X = np.column_stack([RNG.integers(0, 20, ROWS), RNG.normal(size=(ROWS, 2)), RNG.integers(0, 3, ROWS)]).astype(float)
X[::9, 1] = np.nan
THREE = np.array(["a", "b", "c"])[(X[:, 0] % 3).astype(int)]
NUMBERS = X[:, 2] + X[:, 3]
LEAVES: dict[str, dict[str, Any]] = {
    "lightgbm": {"n_estimators": 3, "num_leaves": 6, "min_child_samples": 2, "min_data_per_group": 2, "cat_smooth": 0},
    "xgboost": {"n_estimators": 3, "max_depth": 3},
    "catboost": {"iterations": 5, "depth": 3, "one_hot_max_size": 4},
}


def fitted(library: str, y: np.ndarray, categorical: list[int] | None = None, **parameters: Any) -> Any:
    kind = ModelRegressor if y.dtype.kind == "f" else ModelClassifier
    model = kind(library, parameters=LEAVES[library] | parameters, random_state=0, early_stopping=None)
    return model.set_params(categorical_features=categorical).fit(X, y)


@cache
def text(library: str) -> str:
    """Return a model of three classes with splits by categories and by numbers."""
    stored = fitted(library, THREE, [0, 3]).models_[0]
    check_booster(library, stored, 4, 3)
    return str(stored)


# What is sound

PARAMETERS: list[tuple[str, dict[str, Any]]] = [
    *(("lightgbm", {"boosting_type": kind}) for kind in ("gbdt", "dart")),
    ("lightgbm", {"boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}),
    *(("lightgbm", values) for values in ({"linear_tree": True}, {"min_child_samples": 1000}, {"num_leaves": 31})),
    *(("xgboost", {"booster": booster}) for booster in ("gbtree", "dart")),
    *(("xgboost", values) for values in ({"num_parallel_tree": 2, "subsample": 0.5}, {"max_depth": 1}, {"gamma": 1e6})),
    ("xgboost", {"grow_policy": "lossguide", "max_leaves": 7, "max_depth": 0}),
    *(("catboost", {"grow_policy": policy}) for policy in ("SymmetricTree", "Lossguide", "Depthwise")),
    *(("catboost", values) for values in ({"one_hot_max_size": 2}, {"boosting_type": "Ordered"}, {"depth": 1})),
    ("catboost", {"grow_policy": "Lossguide", "min_data_in_leaf": 1000}),  # trees of one leaf
]


@pytest.mark.parametrize(("library", "parameters"), PARAMETERS)
def test_all_that_fits_passes(library: str, parameters: dict[str, Any]) -> None:
    for y in (THREE, THREE == "a", NUMBERS):
        for categorical in (None, [0, 3]):
            check_trees(fitted(library, y, categorical, **parameters))


@pytest.mark.parametrize(
    ("library", "parameters"),
    [
        ("xgboost", {"tree_method": "exact", "gamma": 0.5, "max_depth": 6}),
        ("xgboost", {"booster": "gblinear"}),
        *(("xgboost", {"objective": name}) for name in ("reg:absoluteerror", "rank:pairwise", "reg:tweedie")),
        *(("lightgbm", {"objective": name}) for name in ("quantile", "huber", "mape", "tweedie", "cross_entropy")),
        ("lightgbm", {"monotone_constraints": [0, 1, -1, 0]}),
        *(("catboost", {"loss_function": name}) for name in ("MAE", "Quantile:alpha=0.2", "Poisson")),
    ],
)
def test_losses_and_methods_for_numbers_pass(library: str, parameters: dict[str, Any]) -> None:
    target = np.abs(NUMBERS) / np.abs(NUMBERS).max()
    check_trees(fitted(library, target, None if "gblinear" in parameters.values() else [], **parameters))


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_a_constant_target_and_early_stopping_pass(library: str) -> None:
    check_trees(fitted(library, np.ones(ROWS), [0, 3]))
    check_trees(ModelClassifier(library, random_state=0, early_stopping=1, parameters=LEAVES[library]).fit(X, THREE))


def test_a_constant_column_passes() -> None:
    rows = X.copy()
    rows[:, 1] = 1.0
    for library in BOOSTERS:
        model = ModelRegressor(library, parameters=LEAVES[library], early_stopping=None, categorical_features=[0])
        check_trees(model.fit(rows, NUMBERS))


# What is not: numbers of LightGBM


def line(name: str, change: Callable[[list[str]], list[str]], where: int = 0) -> Callable[[str], str]:
    """Return a change of the values of a line of a tree that leaves the sizes of trees right."""

    def changed(stored: str) -> str:
        match = list(re.finditer(rf"^{name}=(.*)$", stored, re.M))[where]
        stored = f"{stored[: match.start(1)]}{' '.join(change(match[1].split(' ')))}{stored[match.end(1) :]}"
        trees = re.split(r"(?m)^(?=Tree=)", stored[: stored.index("end of trees")])[1:]
        return re.sub(r"(?m)^tree_sizes=.*$", "tree_sizes=" + " ".join(str(len(tree)) for tree in trees), stored)

    return changed


def put(place: int, value: str) -> Callable[[list[str]], list[str]]:
    return lambda values: [*values[:place], value, *values[place + 1 :]]


def lightgbm_inner_child(values: list[str]) -> list[str]:
    """Let a node lead back to the first."""
    place = next(k for k, value in enumerate(values) if int(value) > 0)
    return put(place, "0")(values)


OF_LIGHTGBM = {
    "circle": line("right_child", lightgbm_inner_child),
    "child beyond": line("left_child", put(0, "5000000")),
    "child of 32 bits": line("left_child", put(0, "4294967297")),
    "leaf beyond": line("left_child", put(0, "-7")),
    "leaf twice": line("right_child", lambda values: ["-1"] * len(values)),
    "column": line("split_feature", put(0, "4")),
    "negative column": line("split_feature", put(0, "-1")),
    "decision": line("decision_type", put(0, "12")),
    "categorical": line("decision_type", lambda values: ["9"] * len(values)),
    "set": line("threshold", put(0, "9")),
    "bounds": line("cat_boundaries", put(1, "900")),
    "bounds that fall": line("cat_boundaries", put(0, "1")),
    "bits": line("cat_threshold", lambda values: values[:-1]),
    "large bits": line("cat_threshold", put(0, "4294967296")),
    "sets": line("num_cat", put(0, "1000000")),
    "no sets": line("num_cat", put(0, "0")),
    "few leaves": line("num_leaves", put(0, "2")),
    "many leaves": line("num_leaves", put(0, "999999999")),
    "no leaves": line("num_leaves", put(0, "0")),
    "few values": line("leaf_value", lambda values: values[:-1]),
    "few children": line("left_child", lambda values: values[:-1]),
    "no number": line("leaf_value", put(0, "x")),
    "linear": line("is_linear", put(0, "1")),
    "classes": line("num_class", put(0, "5")),
    "trees a round": line("num_tree_per_iteration", put(0, "0")),
    "columns": line("max_feature_idx", put(0, "90")),
    "objective": line("objective", lambda _: ["multiclass", "num_class:900"]),
    "two objectives": line("objective", lambda values: [*values, "num_class:900"]),
    "number of a tree": line("Tree", put(0, "7")),
    "sizes": lambda stored: re.sub(r"tree_sizes=\d+", "tree_sizes=99999", stored),
    "no sizes": lambda stored: re.sub(r"tree_sizes=.*\n", "", stored),
    "end": lambda stored: stored[: len(stored) // 2],
    "line twice": lambda stored: stored.replace("label_index=0\n", "label_index=0\nnum_class=9\n"),
    "other parameters": lambda stored: stored.replace("[num_leaves: 6]", "[num_leaves"),
    "not ASCII": lambda stored: stored.replace("Column_0", "Column_\u0661"),
}


@pytest.mark.parametrize("change", OF_LIGHTGBM.values(), ids=OF_LIGHTGBM)
def test_a_changed_text_of_lightgbm_is_refused(change: Callable[[str], str]) -> None:
    changed = change(text("lightgbm"))
    assert changed != text("lightgbm")
    with pytest.raises(ValueError, match="LightGBM"):
        check_booster("lightgbm", changed, 4, 3)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("leaf_features", lambda values: ["4" if value else value for value in values]),
        ("leaf_features", lambda values: values[1:]),
        ("num_features", put(0, "100000")),
        ("leaf_coeff", lambda values: [*values, "1"]),
        ("leaf_const", lambda values: values[1:]),
    ],
)
def test_a_changed_linear_tree_is_refused(name: str, change: Callable[[list[str]], list[str]]) -> None:
    (stored,) = fitted("lightgbm", NUMBERS, linear_tree=True).models_
    changed = line(name, change, -1)(stored)
    assert changed != stored
    with pytest.raises(ValueError, match="tree of LightGBM"):
        check_booster("lightgbm", changed, 4, None)


# Numbers of XGBoost


def place(path: str, value: Any) -> Callable[[Any], None]:
    """Return a change of one value; a list of new values replaces the whole list."""

    def change(model: Any) -> None:
        *keys, last = (int(key) if key.lstrip("-").isdecimal() else key for key in path.split("."))
        for key in keys:
            model = model[key]
        model[last] = value(model[last]) if callable(value) else value

    return change


TREES = "learner.gradient_booster.model"
TREE = f"{TREES}.trees.0"
OF_XGBOOST = {
    "circle": place(f"{TREE}.left_children.1", 0),
    "child beyond": place(f"{TREE}.left_children.0", 10**6),
    "negative child": place(f"{TREE}.right_children.0", -7),
    "one child": place(f"{TREE}.right_children.0", -1),
    "child twice": place(f"{TREE}.right_children.0", 1),
    "child of a fraction": place(f"{TREE}.right_children.0", 2.0),
    "child of 70 bits": place(f"{TREE}.right_children.0", 2**70),
    "parent": place(f"{TREE}.parents.1", 2),
    "parent of the root": place(f"{TREE}.parents.0", 0),
    "column": place(f"{TREE}.split_indices.0", 4),
    "negative column": place(f"{TREE}.split_indices.0", -1),
    "type": place(f"{TREE}.split_type.0", 2),
    "a categorical split without a set": place(f"{TREE}.split_type.0", lambda old: 1 - old),
    "nodes": place(f"{TREE}.tree_param.num_nodes", "4"),
    "many nodes": place(f"{TREE}.tree_param.num_nodes", "2147483647"),
    "vectors": place(f"{TREE}.tree_param.size_leaf_vector", "3"),
    "deleted": place(f"{TREE}.tree_param.num_deleted", "1"),
    "columns of a tree": place(f"{TREE}.tree_param.num_feature", "400"),
    "few values": place(f"{TREE}.split_conditions", lambda old: old[:-1]),
    "few statistics": place(f"{TREE}.sum_hessian", lambda old: old[:-1]),
    "no number": place(f"{TREE}.base_weights.0", "1"),
    "category": place(f"{TREE}.categories.0", -1),
    "large category": place(f"{TREE}.categories.0", 2**31 - 1),
    "segment": place(f"{TREE}.categories_segments.0", 1),
    "size": place(f"{TREE}.categories_sizes.0", 10**6),
    "no size": place(f"{TREE}.categories_sizes.0", 0),
    "node of categories": place(f"{TREE}.categories_nodes.0", 10**6),
    "few categories": place(f"{TREE}.categories", lambda old: old[:-1]),
    "id": place(f"{TREE}.id", 1),
    "class": place(f"{TREES}.tree_info.0", 3),
    "rounds": place(f"{TREES}.iteration_indptr.1", 4),
    "rounds beyond": place(f"{TREES}.iteration_indptr.-1", 900),
    "number of trees": place(f"{TREES}.gbtree_model_param.num_trees", "8"),
    "parallel trees": place(f"{TREES}.gbtree_model_param.num_parallel_tree", "0"),
    "encoder": place(f"{TREES}.cats.enc", [1]),
    "columns": place("learner.learner_model_param.num_feature", "40"),
    "classes": place("learner.learner_model_param.num_class", "30"),
    "targets": place("learner.learner_model_param.num_target", "2"),
    "scores": place("learner.learner_model_param.base_score", "[1,2]"),
    "nested scores": place("learner.learner_model_param.base_score", "[[1],[2],[3]]"),
    "objective": place("learner.objective.softmax_multiclass_param.num_class", "9"),
    "booster": place("learner.gradient_booster.name", "gbforest"),
    "attribute": place("learner.attributes", {"best_iteration": 3}),
    "no learner": place("learner", []),
    "a number as a tree": place(TREE, 7),
}


@pytest.mark.parametrize("change", OF_XGBOOST.values(), ids=OF_XGBOOST)
def test_a_changed_text_of_xgboost_is_refused(change: Callable[[Any], None]) -> None:
    model = json.loads(text("xgboost"))
    change(model)
    with pytest.raises(ValueError, match=r"XGBoost|whole number|of xgboost lacks a part|not lists"):
        check_booster("xgboost", json.dumps(model), 4, 3)


def test_removed_nodes_have_parents_and_dart_has_weights() -> None:
    pruned = json.loads(fitted("xgboost", NUMBERS, tree_method="exact", gamma=0.5, max_depth=6).models_[0])
    (tree, *_) = pruned["learner"]["gradient_booster"]["model"]["trees"]
    removed = tree["split_indices"].index(2**31 - 1)
    tree["parents"][removed] = 2**31 - 1
    with pytest.raises(ValueError, match="a tree of XGBoost leads to nodes"):
        check_booster("xgboost", json.dumps(pruned), 4, None)
    dart = json.loads(fitted("xgboost", NUMBERS, booster="dart").models_[0])
    dart["learner"]["gradient_booster"]["weight_drop"].pop()
    with pytest.raises(ValueError, match="a tree of XGBoost leads to nodes"):
        check_booster("xgboost", json.dumps(dart), 4, None)
    linear = json.loads(fitted("xgboost", NUMBERS, booster="gblinear").models_[0])
    linear["learner"]["gradient_booster"]["model"]["weights"].pop()
    with pytest.raises(ValueError, match="XGBoost's weights"):
        check_booster("xgboost", json.dumps(linear), 4, None)


# Numbers of CatBoost

TABLE = "ctr_data.*"
OF_CATBOOST = {
    "split": place("oblivious_trees.0.splits.0.split_index", 10_000),
    "negative split": place("oblivious_trees.0.splits.0.split_index", -1),
    "few values": place("oblivious_trees.0.leaf_values", lambda old: old[:-3]),
    "few weights": place("oblivious_trees.0.leaf_weights", lambda old: old[:-1]),
    "few splits": place("oblivious_trees.0.splits", lambda old: [*old, old[0]]),
    "deep": place("oblivious_trees.0.splits", lambda old: old * 30),
    "dimensions": place("scale_and_bias.1", [0.0]),
    "scale": place("scale_and_bias.0", "1"),
    "two kinds of trees": lambda model: model.update(trees=[]),
    "flat column": place("features_info.float_features.0.flat_feature_index", 10**9),
    "negative flat column": place("features_info.float_features.0.flat_feature_index", -1),
    "flat column twice": place("features_info.float_features.0.flat_feature_index", 0),
    "column": place("features_info.float_features.1.feature_index", 10**9),
    "category": place("features_info.categorical_features.0.feature_index", 3),
    "few borders": place("features_info.ctrs", []),
    "borders": place("features_info.float_features.1.borders", ["1"]),
    "text": lambda model: model["features_info"].update(text_features=[{}]),
    "class of a table": place("features_info.ctrs.0.target_border_idx", 3),
    "column of a table": place("features_info.ctrs.0.elements.0.cat_feature_index", 7),
    "type of a table": place("features_info.ctrs.0.ctr_type", "Counter"),
    "stride": place(f"{TABLE}.hash_stride", 0),
    "wide stride": place(f"{TABLE}.hash_stride", 6),
    "one class": place(f"{TABLE}.hash_stride", 2),
    "few rows": place(f"{TABLE}.hash_map", lambda old: old[:-1]),
    "no rows": place(f"{TABLE}.hash_map", []),
    "hash": place(f"{TABLE}.hash_map.0", "99999999999999999999"),
    "count": place(f"{TABLE}.hash_map.1", "7"),
    "large count": place(f"{TABLE}.hash_map.1", 2**40),
    "no tables": place("ctr_data", {}),
    "loss": place("model_info.params.loss_function.type", "RMSEWithUncertainty"),
    "no features": place("features_info", 3),
}


@pytest.mark.parametrize("change", OF_CATBOOST.values(), ids=OF_CATBOOST)
def test_a_changed_text_of_catboost_is_refused(change: Callable[[Any], None]) -> None:
    model = json.loads(text("catboost"))
    (name,) = model["ctr_data"]  # of column 0; column 3 is one-hot encoded
    model["ctr_data"] = {"*": model["ctr_data"][name]}
    change(model)
    tables = model.pop("ctr_data")
    model["ctr_data"] = {name: tables["*"]} if tables else {}
    with pytest.raises(ValueError, match=r"CatBoost|whole numbers|of catboost lacks a part"):
        check_booster("catboost", json.dumps(model), 4, 3)


@pytest.mark.parametrize(
    "change",
    [
        place("left", {"value": [1.0, 2.0]}),
        place("left", 3),
        place("split.split_index", 10_000),
        lambda tree: tree.pop("right"),
        place("right", {"value": 1.0, "weight": "1"}),
        place("right", {"value": 1.0}),
    ],
)
def test_a_changed_tree_that_is_not_symmetric_is_refused(change: Callable[[Any], Any]) -> None:
    model = json.loads(fitted("catboost", NUMBERS, [0], grow_policy="Lossguide").models_[0])
    change(model["trees"][0])
    with pytest.raises(ValueError, match=r"CatBoost|of catboost lacks a part"):
        check_booster("catboost", json.dumps(model), 4, None)


# Any text


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_changed_number_raises_a_value_error_or_nothing(data: st.DataObject) -> None:
    library = data.draw(st.sampled_from(sorted(BOOSTERS)))
    stored = text(library)
    numbers = list(re.finditer(r"-?\d+", stored))
    number = data.draw(st.sampled_from(numbers))
    value = data.draw(st.sampled_from(["-1", "0", "99999999999999999999", "nan", '"', "[", "1.5", ""]))
    with suppress(ValueError):
        check_booster(library, stored[: number.start()] + value + stored[number.end() :], 4, 3)


def test_json_that_readers_understand_differently_is_refused() -> None:
    with pytest.raises(ValueError, match="has a key twice"):
        read_json('{"a": 1, "\\u0061": 2}')
    deep = "[" * DEEPEST + "]" * DEEPEST
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(f'{{"a": {deep}}}')
    with pytest.raises(ValueError, match="is not one mapping"):
        read_json(f'{{"a": "{"]" * 500}", "b": {"[" * 500}{"]" * 500}, "c": "{"[" * 500}"}}')
    for library in BOOSTERS:
        for wrong in (None, 3, "", "{}", '{"learner": []}'):
            with pytest.raises(ValueError, match=r"."):
                check_booster(library, wrong, 4, 3)


@pytest.mark.parametrize("library", sorted(BOOSTERS))
def test_models_of_other_columns_or_classes_are_refused(library: str) -> None:
    for features, classes in ((5, 3), (4, 2), (4, None), (4, 30)):
        if library == "catboost" and features == 5:
            continue  # it reads the first columns of a wider table
        with pytest.raises(ValueError, match=r"columns|classes"):
            check_booster(library, text(library), features, classes)


def test_a_loaded_model_is_checked_and_keeps_no_opened_model() -> None:
    model = fitted("lightgbm", THREE)
    model.models_ = [OF_LIGHTGBM["child beyond"](model.models_[0])]
    loaded = skops.io.loads(skops.io.dumps(model), trusted=TRUSTED_TYPES)
    with pytest.raises(ValueError, match="a tree of LightGBM leads to nodes or columns that are not there"):
        check_trees(loaded)
    loaded.__setstate__({**loaded.__getstate__(), "_opened": [7]})
    assert "_opened" not in vars(loaded)


# Before training


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (ModelClassifier("xgboost", parameters={"multi_strategy": "multi_output_tree"}), "multi_strategy"),
        (
            ModelRegressor("xgboost", parameters={"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5]}),
            "XGBoost predicts several targets",
        ),
        (ModelRegressor("catboost", parameters={"loss_function": "RMSEWithUncertainty"}), "several numbers"),
    ],
)
def test_parameters_that_make_other_models_are_refused(estimator: Any, reason: str) -> None:
    with pytest.raises(SpecError, match=r"model\.parameters: .* would be refused when it is loaded") as refused:
        check_storable(estimator)
    assert reason in str(refused.value)


def test_parameters_of_boosted_trees_are_tried_with_few_rounds() -> None:
    for name, rounds in (("lightgbm", "num_iterations"), ("xgboost", "n_estimators"), ("catboost", "num_trees")):
        check_storable(ModelClassifier(name, parameters={rounds: 10**8}))


# Support vectors


@pytest.mark.parametrize("name", ["SVC", "NuSVC", "SVR", "NuSVR"])
@pytest.mark.parametrize(
    "change",
    [
        lambda model: model._n_support.__setitem__(0, 10**6),
        lambda model: model._n_support.__setitem__(0, -1),
        lambda model: setattr(model, "_n_support", np.repeat(model._n_support, 2)),
        lambda model: setattr(model, "_dual_coef_", model._dual_coef_[:, 1:].copy()),
        lambda model: setattr(model, "_intercept_", model._intercept_[:0]),
        lambda model: setattr(model, "support_vectors_", model.support_vectors_[1:]),
        lambda model: setattr(model, "support_", model.support_[1:]),
        lambda model: setattr(model, "_probA", np.zeros(99)),
        lambda model: setattr(model, "_impl", "one_class"),
        lambda model: setattr(model, "_sparse", True),
        lambda model: setattr(model, "kernel", "precomputed"),
    ],
)
def test_changed_support_vectors_are_refused(name: str, change: Callable[[Any], Any]) -> None:
    if name.endswith("C"):
        model: Any = ModelClassifier(f"sklearn.svm:{name}", categorical_features=[0]).fit(X[:, [0, 2]], THREE)
    else:
        model = ModelRegressor(f"sklearn.svm:{name}").fit(X[:, [0, 2]], NUMBERS)
    check_trees(model)
    check_trees(skops.io.loads(skops.io.dumps(model), trusted=TRUSTED_TYPES))
    changed = copy.deepcopy(model)
    (member,) = changed.models_
    change(member[-1] if name.endswith("C") else member)
    with pytest.raises(ValueError, match=f"the support vectors of {name} are not as many"):
        check_trees(changed)
