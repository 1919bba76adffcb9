"""The section `model:` of a pipeline file, in its short and long form, and the key `baselines:`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tabular_dl.errors import SpecError
from tabular_dl.estimators.model_estimators import ModelClassifier, ModelRegressor
from tabular_dl.problems.problem_types import get_problem
from tabular_dl.spec.build import build_pipeline, check_network, check_settings, reads_missing
from tabular_dl.spec.models import ModelSpec, PipelineSpec
from tabular_dl.spec.reader import dump_spec, leaves, load_spec, read_space, with_values

FILE = """\
name: flowers
problem: {problem}
data: {{source: iris, target: kind}}
metric: {metric}
columns:
  - {{columns: [A, B], impute: none}}
  - {{columns: [C, D], encode: native}}
ensemble: {{folds: 2, members: 3}}
training: {{class_weight: balanced, validation_fraction: 0.2}}
seed: 7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "flowers.yaml"


def load(
    file: Path, model: str = "", *overrides: str, problem: str = "multiclass", metric: str = "log_loss"
) -> PipelineSpec:
    file.write_text(FILE.format(problem=problem, metric=metric) + model)
    return load_spec(file, overrides, check_network)


def refusal(file: Path, model: str = "", *overrides: str, **settings: str) -> str:
    with pytest.raises(SpecError) as refused:
        load(file, model, *overrides, **settings)
    return str(refused.value).replace(str(file), "flowers.yaml")


# Forms


def test_the_default_are_networks(file: Path) -> None:
    spec = load(file)
    assert spec.model == ModelSpec(name="network")
    assert spec.model.is_network
    assert spec.compared_with == "full"
    for nothing in ("model: null\n", "model: network\n", "model: {}\n", "model: {name: network, parameters: null}\n"):
        assert load(file, nothing) == spec


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("model: lightgbm\n", "lightgbm"),
        ("model: {name: lightgbm}\n", "lightgbm"),
        ("model: sklearn.svm:SVC\n", "sklearn.svm:SVC"),
        ("model: {estimator: 'sklearn.svm:SVC'}\n", "sklearn.svm:SVC"),
        ("model:\n  estimator: sklearn.svm:SVC\n  parameters:\n    C: 2.0\n", "sklearn.svm:SVC"),
    ],
)
def test_a_model_may_be_named_alone_or_with_its_parameters(file: Path, text: str, name: str) -> None:
    spec = load(file, text, metric="accuracy")
    assert spec.model.name == name
    assert spec.model.parameters == ({"C": 2.0} if "C:" in text else {})
    assert spec.compared_with == "simple"
    assert load_again(file, spec) == spec


def load_again(file: Path, spec: PipelineSpec) -> PipelineSpec:
    file.write_text(dump_spec(spec))
    return load_spec(file)


@pytest.mark.parametrize("text", ["", "model: knn\n", "model: {name: knn, parameters: {n_neighbors: 3}}\n"])
def test_overrides_reach_into_either_form(file: Path, text: str) -> None:
    spec = load(file, text, "model.name=knn", "model.parameters.n_neighbors=5", "model.early_stopping=null")
    assert spec.model == ModelSpec(name="knn", parameters={"n_neighbors": 5}, early_stopping=None)
    assert load(file, text, "model=ridge", metric="accuracy").model == ModelSpec(name="ridge")
    assert load(file, "model: lightgbm\n", "model=network").model.is_network
    assert load(file, "", "model={estimator: 'sklearn.svm:SVC'}", metric="accuracy").model.name == "sklearn.svm:SVC"


def test_leaves_name_the_model_unless_it_is_networks(file: Path) -> None:
    spec = load(file, "model: {name: knn, parameters: {n_neighbors: 3}}\n")
    found = {key: value for key, value in leaves(spec).items() if key.startswith("model")}
    assert found == {"model.name": "knn", "model.parameters.n_neighbors": 3, "model.early_stopping": "auto"}
    assert not any(key.startswith("model") for key in leaves(load(file)))


# Mistakes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "model: lightgmb\n",
            "flowers.yaml, line 11: model.name: there is no 'lightgmb'. Did you mean 'lightgbm'? A class",
        ),
        ("model: {name: lightgmb}\n", "flowers.yaml, line 11: model.name: there is no 'lightgmb'."),
        ("model: {nam: knn}\n", "flowers.yaml, line 11: model.nam: there is no such key. Did you mean 'name'?"),
        ("model: [knn]\n", "flowers.yaml, line 11: model: "),
        ("model: {name: knn, estimator: 'sklearn.svm:SVC'}\n", "model: name and estimator say the same: keep one"),
        ("model: {parameters: {dropout: 0.2}}\n", "parameters: those of networks are keys of network and training."),
        (
            "model: {name: lightgbm, early_stopping: 0}\n",
            "flowers.yaml, line 11: model.early_stopping: expected auto, null or a number of",
        ),
        (
            "model:\n  name: knn\n  parameters:\n    n_neighbours: 3\n",
            "flowers.yaml, line 14: model.parameters.n_neighbours: KNeighborsClassifier has no such parameter. Did you",
        ),
        (
            "model: {name: knn, parameters: {n_neighbors: 0}}\n",
            "line 11: model.parameters: knn cannot be made with them",
        ),
        ("model: 'sklearn.svm:SVCC'\n", "flowers.yaml, line 11: model: sklearn.svm:SVCC: sklearn.svm has no 'SVCC'."),
        ("model: 'nosuch.module:Model'\n", "nosuch.module cannot be imported"),
        ("baselines: trees\n", "flowers.yaml, line 11: baselines"),
    ],
)
def test_a_mistake_names_line_and_key(file: Path, text: str, message: str) -> None:
    assert message in refusal(file, text)


def test_a_mistake_of_an_override_names_it(file: Path) -> None:
    message = refusal(file, "model: lightgbm\n", "model.parameters.num_leavs=4")
    assert message.startswith("--set model.parameters.num_leavs=4: model.parameters.num_leavs: LGBMClassifier has no")
    assert refusal(file, "", "model=xgbost").startswith("--set model=xgbost: model.name: there is no 'xgbost'. Did you")


def test_what_is_predicted_may_not_be_known_yet(file: Path) -> None:
    """Then a parameter of the classifier or of the regressor will do until it is."""
    spec = load(file, "model: {name: logistic, parameters: {alpha: 2.0}}\n", problem="auto", metric="null")
    check_settings(spec, get_problem("regression"))
    with pytest.raises(SpecError, match=r"pipeline flowers: model.parameters.alpha: LogisticRegression has no such"):
        check_settings(spec, get_problem("binary"))
    assert "model.parameters.beta" in refusal(
        file, "model: {name: logistic, parameters: {beta: 2.0}}\n", problem="auto", metric="null"
    )


def test_a_metric_of_probabilities_is_told_before_training(file: Path) -> None:
    spec = load(file, "model: ridge\n")
    with pytest.raises(SpecError, match="pipeline flowers: model: RidgeClassifier predicts no probabilities"):
        check_settings(spec, get_problem("multiclass"))
    check_settings(load(file, "model: ridge\n", metric="accuracy"), get_problem("multiclass"))


# Pipelines


def test_the_last_step_is_the_model_with_what_the_file_says(file: Path) -> None:
    text = "model: {name: catboost, parameters: {depth: 3}, early_stopping: 8}\n"
    spec = load(file, text)
    pipeline = build_pipeline(spec, get_problem("multiclass"))
    assert [name for name, _ in pipeline.steps] == ["features", "preprocessing", "model"]
    model = pipeline[-1]
    assert isinstance(model, ModelClassifier)
    expected: dict[str, Any] = {
        **{"name": "catboost", "parameters": {"depth": 3}, "early_stopping": 8, "members": 3, "random_state": 7},
        **{"problem": "multiclass", "class_weight": "balanced", "validation_fraction": 0.2},
        # The preprocessing puts columns of codes first.
        **{"categorical_features": [0, 1], "bounds": None, "target_transform": None, "n_jobs": 1},
    }
    assert model.get_params() == expected
    numbers = load(
        file, text, "training={bounds: [0, 9], target_transform: log1p}", problem="regression", metric="rmse"
    )
    regressor = build_pipeline(numbers, get_problem("regression"))[-1]
    assert isinstance(regressor, ModelRegressor)
    assert (regressor.bounds, regressor.target_transform) == ([0, 9], "log1p")


def test_only_models_that_say_so_read_missing_numbers(file: Path) -> None:
    assert reads_missing(load(file, "model: xgboost\n"))
    assert not reads_missing(load(file, "model: knn\n"))
    assert not reads_missing(load(file))


@pytest.mark.parametrize(("text", "expected"), [("none", "none"), ("simple", "simple"), ("full", "full"), ("null", "")])
def test_baselines_are_chosen_by_the_file_or_follow_from_the_model(file: Path, text: str, expected: str) -> None:
    assert load(file, f"baselines: {text}\n").compared_with == (expected or "full")
    assert load(file, f"baselines: {text}\nmodel: knn\n").compared_with == (expected or "simple")


def test_networks_without_held_out_rows_do_not_bind_other_models(file: Path) -> None:
    assert load(file, "model: lightgbm\n", "training.validation_fraction=0").training["validation_fraction"] == 0
    assert "early_stopping needs held-out rows" in refusal(file, "", "training.validation_fraction=0")


# Search spaces


def test_names_alone_are_parameters_of_the_model(file: Path) -> None:
    spec = load(
        file, "model: lightgbm\nsearch: {num_leaves: {int_uniform: [4, 32]}, 'columns.0.scale': {choice: [none]}}\n"
    )
    space = read_space(spec, spec.search, check_network)
    assert [*space] == ["model.parameters.num_leaves", "columns.0.scale"]
    assert with_values(spec, {"model.parameters.num_leaves": 9}).model.parameters == {"num_leaves": 9}


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            "{num_leavs: {int_uniform: [4, 32]}}",
            "search.num_leavs: model.parameters.num_leavs: LGBMClassifier has no such",
        ),
        ("{random_state: {choice: [1, 2]}}", "search.random_state: model.parameters.random_state: Set seed."),
        (
            "{num_leaves: {int_uniform: [32, 4]}}",
            "search.num_leaves.int_uniform: expected a lower bound below the upper",
        ),
        ("{model.name: {choice: [knn, lightgmb]}}", "search.model.name: model.name: there is no 'lightgmb'."),
        ("{training.validation_fraction: {choice: [2.0]}}", "search.training.validation_fraction: "),
    ],
)
def test_a_space_that_cannot_be_searched_names_the_key(file: Path, space: str, message: str) -> None:
    assert message in refusal(file, f"model: lightgbm\nsearch: {space}\n")


def test_values_that_the_model_refuses_are_told_with_the_key(file: Path) -> None:
    message = refusal(file, "model: random_forest\nsearch: {max_features: {uniform: [0.1, 3.0]}}\n")
    assert "search.max_features: model.parameters: random_forest cannot be made with them" in message


def test_the_space_of_a_file_for_networks_is_not_that_of_another_model(file: Path) -> None:
    text = "search: {dropout: {uniform: [0, 0.5]}}\n"
    assert load(file, text, "model=lightgbm").model.name == "lightgbm"
    assert "LGBMClassifier has no such parameter" in refusal(file, f"model: lightgbm\n{text}")
