"""Models that are not there, and parameters that they do not have, are refused before anything is trained."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tabular_dl.errors import SpecError
from tabular_dl.estimators.model_estimators import ModelRegressor
from tabular_dl.estimators.model_parameters import (
    boosting_rounds,
    check_model,
    known_parameters,
    make_model,
    model_class,
)
from tabular_dl.estimators.model_table import MODELS


def refusal(name: str, parameters: dict[str, Any] | None = None, *, classification: bool = True, **needs: bool) -> str:
    with pytest.raises(SpecError) as refused:
        check_model(name, parameters or {}, classification=classification, **needs)
    return str(refused.value)


@pytest.mark.parametrize("name", MODELS)
def test_each_named_model_can_be_made_and_its_space_names_parameters_of_it(name: str) -> None:
    for classification in (True, False):
        check_model(name, {}, classification=classification)
        space = MODELS[name].space_for(classification)
        assert space
        assert {*space} <= {*known_parameters(model_class(name, classification=classification))}
    # Where it is not known what is predicted, the space is one of both.
    assert MODELS[name].space_for(None) == ({} if name == "logistic" else MODELS[name].space)


# The class


@pytest.mark.parametrize("package", ["lightgbm", "xgboost", "catboost"])
def test_a_library_that_is_not_installed_is_named_with_the_line_that_installs_it(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)  # an import of it is a ModuleNotFoundError
    assert refusal(package) == f'model: {package} is not installed: pip install "tabular-dl[trees]".'


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lightgmb", "model: there is no 'lightgmb'. Did you mean 'lightgbm'? Any class: package.module:Class."),
        ("sklearn.svm:SVCs", "model: sklearn.svm:SVCs: sklearn.svm has no 'SVCs'. Did you mean 'SVC'?"),
        ("nosuchpackage.x:Y", "model: nosuchpackage.x:Y: nosuchpackage.x cannot be imported (No module named "),
        ("sklearn.svn:SVC", "sklearn.svn cannot be imported (No module named 'sklearn.svn'). Install the package."),
        ("sklearn.svm:", "expected package.module:Class, such as sklearn.svm:SVC."),
        (":SVC", "expected package.module:Class"),
        (".svm:SVC", "expected package.module:Class"),
        ("sklearn svm:SVC", "expected package.module:Class"),
        (
            "sklearn.preprocessing:StandardScaler",
            "is no scikit-learn estimator, as it is no class with fit, predict and",
        ),
        ("sklearn.metrics:accuracy_score", "is no scikit-learn estimator"),
        ("sklearn.svm:SVR", "model: SVR predicts numbers, and the target is one of classes: take another class."),
    ],
)
def test_a_class_that_cannot_be_trained_is_named(name: str, message: str) -> None:
    assert message in refusal(name)


def test_a_classifier_cannot_predict_numbers() -> None:
    message = "model: SVC predicts classes, and the target is a number: take another class."
    assert refusal("sklearn.svm:SVC", classification=False) == message


def test_a_module_that_fails_when_it_is_imported_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "its_own_model.py").write_text("raise RuntimeError('libgomp.so.1 is not there.')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert refusal("its_own_model:Model") == (
        "model: its_own_model:Model: its_own_model cannot be imported (libgomp.so.1 is not there.)"
    )


def test_a_metric_of_probabilities_needs_a_model_that_predicts_them() -> None:
    message = (
        "model: RidgeClassifier predicts no probabilities, which the metric needs: write metric: accuracy, or take"
    )
    assert refusal("ridge", needs_probabilities=True).startswith(message)
    check_model("ridge", {}, classification=True)
    check_model("ridge", {}, classification=False, needs_probabilities=True)  # numbers have none
    assert "SVC predicts no probabilities" in refusal("sklearn.svm:SVC", needs_probabilities=True)


# Its parameters


@pytest.mark.parametrize(
    ("name", "parameter", "nearest"),
    [
        ("hist_gradient_boosting", "learning_rat", "learning_rate"),
        ("random_forest", "n_estimatrs", "n_estimators"),
        ("knn", "n_neighbours", "n_neighbors"),
        ("lightgbm", "num_leavs", "num_leaves"),
        ("xgboost", "max_dept", "max_depth"),
        ("catboost", "iteratons", "iterations"),
        ("sklearn.svm:SVC", "kernal", "kernel"),
    ],
)
def test_a_parameter_that_does_not_exist_is_told_with_the_nearest(name: str, parameter: str, nearest: str) -> None:
    kind = model_class(name, classification=True).__name__
    message = f"model.parameters.{parameter}: {kind} has no such parameter. Did you mean {nearest!r}?"
    assert refusal(name, {parameter: 1}) == message


@pytest.mark.parametrize(
    ("name", "parameter", "key"),
    [
        ("lightgbm", "random_state", "Set seed."),
        ("catboost", "random_seed", "Set seed."),
        ("xgboost", "early_stopping_rounds", "Set model.early_stopping."),
        ("catboost", "od_wait", "Set model.early_stopping."),
        ("hist_gradient_boosting", "n_iter_no_change", "Set model.early_stopping."),
        ("hist_gradient_boosting", "validation_fraction", "Set training.validation_fraction."),
        ("logistic", "class_weight", "Set training.class_weight."),
        ("catboost", "cat_features", "Name the columns in a rule with encode: native."),
    ],
)
def test_a_parameter_with_a_key_of_its_own_is_sent_there(name: str, parameter: str, key: str) -> None:
    assert refusal(name, {parameter: 1}) == f"model.parameters.{parameter}: {key}"


def test_models_that_hold_out_rows_by_themselves_may() -> None:
    check_model("sklearn.ensemble:GradientBoostingClassifier", {"n_iter_no_change": 5}, classification=True)
    check_model("sklearn.linear_model:SGDRegressor", {"early_stopping": True}, classification=False)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("logistic", {"C": -1.0}, "model.parameters: logistic cannot be made with them: The 'C' parameter of Logistic"),
        ("random_forest", {"max_features": 3.5}, "The 'max_features' parameter of RandomForestClassifier must be"),
        ("sklearn.ensemble:VotingClassifier", {}, "cannot be made with them: "),
    ],
)
def test_values_that_scikit_learn_refuses_are_told_before_training(
    name: str, parameters: dict[str, Any], message: str
) -> None:
    assert message in refusal(name, parameters)


# Other names of a parameter


@pytest.mark.parametrize(
    ("name", "given", "argument", "value"),
    [
        ("lightgbm", {"eta": 0.7}, "learning_rate", 0.7),
        ("lightgbm", {"num_boost_round": 9}, "n_estimators", 9),
        ("lightgbm", {"min_data_in_leaf": 3}, "min_child_samples", 3),
        ("catboost", {"n_estimators": 9}, "n_estimators", 9),
        ("catboost", {"iterations": 9}, "iterations", 9),
        ("xgboost", {"n_estimators": 9}, "n_estimators", 9),
    ],
)
def test_a_parameter_may_be_given_by_any_of_its_names(
    name: str, given: dict[str, Any], argument: str, value: Any
) -> None:
    """A default of ours under another name would be taken instead, or be one name too many."""
    made = make_model(name, model_class(name, classification=False), given, {}).get_params()
    assert made[argument] == value
    others = {"eta", "num_boost_round", "min_data_in_leaf", "iterations", "n_estimators"} - {argument}
    assert [other for other in others if made.get(other) is not None and other != "n_estimators"] == []


def test_settings_of_ours_give_way_to_what_is_given() -> None:
    kind = model_class("catboost", classification=False)
    made = make_model("catboost", kind, {"silent": True}, {"verbose": 0, "thread_count": 1}).get_params()
    assert (made["silent"], made["thread_count"], made.get("verbose")) == (True, 1, None)


def test_one_parameter_by_two_names_is_refused() -> None:
    message = "model.parameters.learning_rate: it is the same as eta; keep one of the two."
    assert refusal("lightgbm", {"eta": 0.1, "learning_rate": 0.2}) == message
    assert "it is the same as iterations" in refusal("catboost", {"iterations": 5, "num_trees": 5})


def test_the_number_of_rounds_is_found_by_any_name() -> None:
    for name, expected in (("lightgbm", ("n_estimators", 2000)), ("catboost", ("iterations", 1000)), ("knn", None)):
        assert boosting_rounds(name, {}, classification=True) == expected
    assert boosting_rounds("catboost", {"num_trees": 7, "depth": 2}, classification=True) == ("num_trees", 7)
    assert boosting_rounds("lightgbm", {"num_round": 7}, classification=False) == ("num_round", 7)


def test_the_estimator_takes_them_too() -> None:
    rows = [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]] * 5
    fitted = ModelRegressor("catboost", parameters={"num_trees": 4}, early_stopping=None).fit(rows, range(20))
    assert fitted.rounds_.tolist() == [4]


@pytest.mark.parametrize(
    ("objective", "instead"), [("multi:softmax", "multi:softprob"), ("binary:hinge", "binary:logistic")]
)
def test_an_objective_without_probabilities_is_refused_with_the_one_that_has_them(objective: str, instead: str) -> None:
    with pytest.raises(SpecError, match=rf"model.parameters.objective: {objective} .*write {instead}"):
        check_model("xgboost", {"objective": objective}, classification=True)
