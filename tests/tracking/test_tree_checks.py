"""Stored trees with cycles, or with numbers beyond their arrays, are refused before rows are predicted."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.neighbors import KDTree
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators.keras_estimators import KerasClassifier
from tabular_dl.estimators.model_estimators import ModelClassifier, ModelRegressor
from tabular_dl.model_selection.crossfit import CrossFitClassifier
from tabular_dl.tracking import persistence
from tabular_dl.tracking.persistence import TRUSTED_TYPES, check_storable, load_model
from tabular_dl.tracking.tree_checks import check_trees

RNG = np.random.default_rng(0)
ROWS = 90
X = np.column_stack([RNG.integers(0, 6, ROWS), RNG.normal(size=(ROWS, 2))]).astype(float)
Y = np.where((X[:, 0] % 3 > 0) & (X[:, 1] > -1), "yes", "no")
SETTINGS: dict[str, dict[str, Any]] = {
    "hist_gradient_boosting": {"max_iter": 3},
    "random_forest": {"n_estimators": 2},
    "extra_trees": {"n_estimators": 2},
    "knn": {"leaf_size": 5, "algorithm": "kd_tree"},
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1, "openmp"):
        yield


def fitted(name: str, **settings: Any) -> ModelClassifier:
    parameters = SETTINGS.get(name, {})
    return ModelClassifier(name, parameters=parameters, random_state=0, **settings).fit(X, Y)


# What is sound


@pytest.mark.parametrize(
    "name",
    [
        *SETTINGS,
        *("logistic", "sklearn.tree:DecisionTreeClassifier", "sklearn.ensemble:GradientBoostingClassifier"),
        *("sklearn.ensemble:BaggingClassifier", "sklearn.ensemble:AdaBoostClassifier"),
    ],
)
@pytest.mark.parametrize("categorical", [None, [0], [0, 2]])
def test_models_are_sound_as_they_are_and_as_they_are_loaded(name: str, categorical: list[int] | None) -> None:
    if categorical == [0, 2]:
        model = ModelRegressor(name.replace("Classifier", "Regressor"), parameters=SETTINGS.get(name, {}), members=2)
        rows = X.copy()
        rows[:, 2] = rows[:, 0] % 2
        model.set_params(categorical_features=categorical, random_state=0).fit(rows, X[:, 1] * X[:, 0])
    else:
        model = fitted(name, categorical_features=categorical)
    check_trees(model)
    check_trees(skops.io.loads(skops.io.dumps(model), trusted=TRUSTED_TYPES))


def test_texts_are_stored_beside_the_schema_which_is_limited_and_as_a_part_of_it_they_are_read() -> None:
    model = fitted("lightgbm")
    stored = skops.io.dumps(model)
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        assert "tree_sizes" not in archive.read("schema.json").decode()
    assert skops.io.loads(stored, trusted=TRUSTED_TYPES).models_ == model.models_
    before = ModelClassifier("lightgbm")
    before.__setstate__({**vars(model), "models_": [*model.models_]})  # as models were stored at first
    np.testing.assert_array_equal(before.predict_proba(X), model.predict_proba(X))
    with pytest.raises(ValueError, match="float64"):
        before.__setstate__({**vars(model), "models_": [np.ones(3)]})


def test_models_of_a_fold_with_one_class_are_sound() -> None:
    model = ModelClassifier("knn")
    model.start(X, Y)
    model.finish([model.train_member(0, X, Y, np.flatnonzero(Y == "no"))])
    assert model.models_ == [None]
    check_trees(model)
    model.known_classes_ = [np.array([0, 1])]
    with pytest.raises(ValueError, match="a member has no model, and several classes"):
        check_trees(model)


# What is not


def change_nodes(state: dict[str, Any], **values: Any) -> dict[str, Any]:
    nodes = state["nodes"].copy()
    inner = np.flatnonzero(nodes["left_child"] != -1)[0]
    for field, value in values.items():
        nodes[field][inner] = value
    return {**state, "nodes": nodes}


@pytest.mark.parametrize(
    "change",
    [
        lambda state: change_nodes(state, left_child=10_000_000),
        lambda state: change_nodes(state, right_child=-5),
        lambda state: change_nodes(state, left_child=0),
        lambda state: change_nodes(state, feature=3),
        lambda state: change_nodes(state, feature=-2),
        lambda state: {**state, "node_count": 10_000_000},
    ],
    ids=["child beyond the end", "child before the beginning", "circle", "column", "negative column", "count"],
)
@pytest.mark.parametrize("name", ["random_forest", "sklearn.tree:DecisionTreeClassifier"])
def test_a_changed_tree_of_scikit_learn_is_refused(name: str, change: Callable[[Any], Any]) -> None:
    model = fitted(name)
    (member,) = model.models_
    tree = (member.estimators_[1] if "forest" in name else member).tree_
    tree.__setstate__(change(tree.__getstate__()))
    with pytest.raises(
        ValueError, match="a tree of DecisionTreeClassifier leads to nodes or columns that are not ther"
    ):
        check_trees(model)


def test_a_tree_of_an_ensemble_that_reads_more_columns_than_it_is_refused() -> None:
    model = fitted("extra_trees")
    model.models_[0].estimators_[0].n_features_in_ = 9
    with pytest.raises(ValueError, match="a part of ExtraTreesClassifier reads columns that are not there"):
        check_trees(model)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("left", 10_000_000), ("right", 4_000_000_000), ("left", 0), ("feature_idx", 3)),
        *(("bitset_idx", 1000), ("is_categorical", 1)),
    ],
)
def test_a_changed_node_of_hist_gradient_boosting_is_refused(field: str, value: int) -> None:
    model = fitted("hist_gradient_boosting", categorical_features=[0])
    check_trees(model)
    (member,) = model.models_
    nodes = [(p.nodes, node) for of_round in member._predictors for p in of_round for node in range(len(p.nodes))]
    categorical = field == "bitset_idx"
    table, place = next(
        (table, node)
        for table, node in nodes
        if not table["is_leaf"][node] and bool(table["is_categorical"][node]) == categorical
    )
    table[field][place] = value
    with pytest.raises(ValueError, match="a tree of HistGradientBoostingClassifier leads to nodes or columns"):
        check_trees(model)


@pytest.mark.parametrize("shape", [(0, 8), (9, 1)])
def test_bitsets_of_another_shape_are_refused(shape: tuple[int, int]) -> None:
    model = fitted("hist_gradient_boosting", categorical_features=[0])
    for of_round in model.models_[0]._predictors:
        for predictor in of_round:
            predictor.raw_left_cat_bitsets = np.zeros(shape, np.uint32)
    with pytest.raises(ValueError, match="a tree of HistGradientBoostingClassifier"):
        check_trees(model)


@pytest.mark.parametrize(
    "change",
    [
        lambda data, rows, nodes, bounds: rows.__setitem__(0, 10_000_000),
        lambda data, rows, nodes, bounds: rows.__setitem__(0, rows[1]),
        lambda data, rows, nodes, bounds: nodes["idx_end"].__setitem__(3, ROWS + 1),
        lambda data, rows, nodes, bounds: nodes["idx_start"].__setitem__(3, -1),
        lambda data, rows, nodes, bounds: nodes["is_leaf"].__setitem__(len(nodes) - 1, 0),
    ],
    ids=["row", "row twice", "end", "start", "children"],
)
def test_a_changed_tree_of_neighbours_is_refused(change: Callable[..., None]) -> None:
    model = fitted("knn")
    tree = model.models_[0]._tree
    assert isinstance(tree, KDTree)
    state = [part.copy() if isinstance(part, np.ndarray) else part for part in tree.__getstate__()]
    change(*state[:4])
    tree.__setstate__(tuple(state))
    with pytest.raises(ValueError, match="a tree of KNeighborsClassifier leads to nodes or columns"):
        check_trees(model)


def test_members_that_are_missing_are_refused() -> None:
    model = fitted("logistic", members=2)
    for change in (
        {"models_": []},
        {"models_": model.models_[:1]},
        {"models_": None},
        {"known_classes_": [np.array([7])] * 2},
    ):
        changed = copy.copy(model)
        changed.__dict__.update(change)
        with pytest.raises(ValueError, match=r"models_ are not those|known_classes_ are not among"):
            check_trees(changed)


# Archives


@pytest.fixture(scope="module", params=["hist_gradient_boosting", "random_forest", "knn"])
def archive(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Store a cross-fit of trees with a column of categories."""
    model = ModelClassifier(request.param, parameters=SETTINGS[request.param], categorical_features=[0])
    with threadpool_limits(1, "openmp"):
        crossfit = CrossFitClassifier(Pipeline([("model", model)]), cv=2, random_state=0).fit(X, Y)
    path = tmp_path_factory.mktemp("stored") / "model.skops"
    skops.io.dump(crossfit, path)
    return path


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_stored_cross_fit_of_trees_loads_and_predicts_the_same(archive: Path) -> None:
    loaded = load_model(archive)
    parts = [loaded._raw(fold, X[rows]) for fold, rows in zip(loaded.pipelines_, loaded.test_rows_, strict=True)]
    order = np.argsort(np.concatenate(loaded.test_rows_))
    np.testing.assert_array_equal(np.concatenate(parts)[order], loaded.oof_predictions_)


def node_tables(members: dict[str, bytes]) -> dict[str, np.ndarray]:
    """Return the tables of nodes: arrays whose elements have several fields."""
    arrays = {name: np.load(io.BytesIO(content)) for name, content in members.items() if name.endswith(".npy")}
    return {name: array for name, array in arrays.items() if array.dtype.names}


def test_a_stored_node_that_has_been_changed_is_refused(archive: Path, tmp_path: Path) -> None:
    members = members_of(archive)
    name, nodes = next((name, nodes) for name, nodes in node_tables(members).items() if len(nodes) > 1)
    for field in {"left", "left_child", "idx_end"}.intersection(nodes.dtype.names):
        nodes[field][0] = 1_000_000
    buffer = io.BytesIO()
    np.save(buffer, nodes)
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as changed:
        for other, content in members.items():
            changed.writestr(other, buffer.getvalue() if other == name else content)
    with pytest.raises(DataError, match=r"a tree of \w+ leads to nodes"):
        load_model(tmp_path / "model.skops")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"', '<", b"', '|O", "is not an array of numbers or texts"),
        (b"'shape': (", b"'shape': (9", "claims "),
    ],
)
def test_the_header_of_a_table_of_nodes_is_checked(
    archive: Path, tmp_path: Path, old: bytes, new: bytes, reason: str
) -> None:
    members = members_of(archive)
    name = next(iter(node_tables(members)))
    assert old in members[name]
    # The header is padded: its length stays.
    content = members[name].replace(old, new, 1)
    extra = len(new) - len(old)
    content = content.replace(b" " * extra + b"\n", b"\n", 1) if extra else content
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as changed:
        for other, text in members.items():
            changed.writestr(other, content if other == name else text)
    with pytest.raises(DataError, match=reason):
        load_model(tmp_path / "model.skops")


# Whether a model could be stored, before it is trained


class Unstorable(ClassifierMixin, BaseEstimator):
    """Estimator of which skops stores every part, and whose type no stored model may have."""

    __module__ = "somebody.elses"

    def fit(self, X: np.ndarray, y: np.ndarray) -> Unstorable:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.full(len(X), self.classes_[0])

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


class Opened(RegressorMixin, BaseEstimator):
    """Estimator with a part that skops does not store."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Opened:
        self.generator_ = (row for row in X)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.zeros(len(X))


@pytest.mark.parametrize(
    ("kind", "own", "reason"),
    [
        (ModelClassifier, Unstorable, "it consists of somebody.elses.Unstorable, which no stored model may have"),
        (ModelRegressor, Opened, "skops does not store it ("),
    ],
)
def test_a_class_that_could_not_be_stored_is_refused_before_training(
    kind: Any, own: type, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tabular_dl.estimators.model_base.model_class", lambda *_, **__: own)
    estimator = kind("somebody.elses:Model", members=50, bounds=None)
    with pytest.raises(SpecError) as refused:
        check_storable(estimator)
    message = str(refused.value)
    assert message.startswith("model: somebody.elses:Model cannot be stored without pickle: ")
    assert reason in message
    assert "tabular-dl folds writes, and import its predictions: tabular-dl import --help" in message
    assert not hasattr(estimator, "models_")


@pytest.mark.parametrize(
    "estimator",
    [
        ModelClassifier("sklearn.svm:SVC", parameters={"C": 2.0}, class_weight={"yes": 2.0}, categorical_features=[7]),
        ModelRegressor("sklearn.ensemble:GradientBoostingRegressor", bounds=[5, 9], target_transform="log1p"),
        ModelRegressor("sklearn.neighbors:KNeighborsRegressor", parameters={"algorithm": "ball_tree"}),
        ModelClassifier("knn", parameters={"p": 1, "algorithm": "ball_tree"}),
        ModelClassifier("knn", parameters={"metric": "cosine"}),
    ],
)
def test_classes_of_scikit_learn_can_be_stored(estimator: Any) -> None:
    before = json.dumps(estimator.get_params(), default=str)
    check_storable(estimator)
    assert json.dumps(estimator.get_params(), default=str) == before


def test_neighbours_by_a_metric_that_no_stored_model_may_have_are_refused() -> None:
    with pytest.raises(SpecError, match=r"model: knn cannot be stored .*MinkowskiDistance64, which no stored model"):
        check_storable(ModelClassifier("knn", parameters={"p": 3, "algorithm": "kd_tree"}))


def test_networks_and_named_models_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persistence, "clone", lambda _: pytest.fail("it was tried"))
    for estimator in (KerasClassifier(), ModelClassifier("catboost"), ModelRegressor("ridge")):
        check_storable(estimator)
