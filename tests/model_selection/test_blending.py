"""Laws of blending."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge

from tabular_dl.errors import SpecError
from tabular_dl.model_selection.blend_weights import greedy_weights, optimal_weights
from tabular_dl.model_selection.blending import METHODS, Blend, nested_predictions
from tabular_dl.problems.metrics import get_metric

pytestmark = pytest.mark.slow

ROWS, CLASSES = 40, np.array(["a", "b", "c"])


@pytest.fixture(autouse=True)
def short_selections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tabular_dl.model_selection.blend_weights.STEPS", 8)


def case(seed: int, models: int = 3, kind: str = "classes") -> tuple[np.ndarray, np.ndarray, Any, Any]:
    """Return predictions, target, metric and classes of models that are right more often than not."""
    rng = np.random.default_rng(seed)
    if kind == "numbers":
        y = rng.normal(size=ROWS)
        return (
            np.stack([y + rng.normal(0, 1 + k, ROWS) for k in range(models)])[:, :, None],
            y,
            get_metric("rmse"),
            None,
        )
    numbers = rng.integers(0, 3, ROWS)
    logits = rng.normal(size=(models, ROWS, 3)) + 1.5 * np.eye(3)[numbers]
    p = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    return p, CLASSES[numbers], get_metric("log_loss"), CLASSES


@pytest.mark.parametrize("kind", ["classes", "numbers"])
@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 30))
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_weights_are_not_negative_and_sum_to_one(method: str, kind: str, seed: int) -> None:
    predictions, y, metric, classes = case(seed, kind=kind)
    blend = Blend(method).fit(predictions, y, metric, classes)
    assert (blend.weights_ >= 0).all()
    assert blend.weights_.sum() == pytest.approx(1)
    combined = blend.combine(predictions)
    assert combined.shape == predictions.shape[1:]
    if classes is not None:
        np.testing.assert_allclose(combined.sum(axis=1), 1)


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "roc_auc"])
@given(seed=st.integers(0, 200))
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_greedy_is_never_worse_than_the_best_single_model_on_its_metric(metric: str, seed: int) -> None:
    predictions, y, _, classes = case(seed)
    scored = get_metric(metric)
    sign = 1 if scored.greater_is_better else -1
    blend = Blend("greedy", seed).fit(predictions, y, scored, classes)
    best = max(sign * scored(y, own, classes) for own in predictions)
    assert sign * scored(y, blend.combine(predictions), classes) >= best - 1e-12


@pytest.mark.parametrize("kind", ["classes", "numbers"])
@pytest.mark.parametrize("method", ["mean", "weighted", "rank", "greedy"])
def test_the_blend_of_equals_is_the_equal(method: str, kind: str) -> None:
    predictions, y, metric, classes = case(1, kind=kind)
    equal = np.repeat(predictions[:1], 3, axis=0)
    blend = Blend(method).fit(equal, y, metric, classes)
    np.testing.assert_allclose(blend.combine(equal), equal[0], atol=1e-9)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_the_models_does_not_matter(method: str, kind: str) -> None:
    predictions, y, metric, classes = case(2, kind=kind)
    order = [2, 0, 1]
    one = Blend(method).fit(predictions, y, metric, classes)
    other = Blend(method).fit(predictions[order], y, metric, classes)
    np.testing.assert_allclose(one.weights_[order], other.weights_, atol=1e-3)
    np.testing.assert_allclose(one.combine(predictions), other.combine(predictions[order]), atol=1e-3)


def test_optimal_weights_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 400))
    weights = optimal_weights(np.stack([a, b])[:, :, None], 0.3 * a + 0.7 * b, None)
    np.testing.assert_allclose(weights, [0.3, 0.7], atol=1e-3)


def test_a_model_that_is_noise_gets_little_weight() -> None:
    predictions, y, metric, classes = case(3)
    noise = np.random.default_rng(9).dirichlet(np.ones(3), ROWS)[None]
    with_noise = np.concatenate([predictions, noise])
    for method in ("weighted", "greedy", "stack"):
        assert Blend(method).fit(with_noise, y, metric, classes).weights_[-1] < 0.15, method


def test_a_fold_is_combined_by_weights_that_have_not_seen_it() -> None:
    predictions, y, metric, classes = case(4)
    folds = np.array_split(np.random.default_rng(0).permutation(ROWS), 3)
    found = nested_predictions(Blend("weighted"), predictions, y, folds, metric, classes)
    for rows in folds:
        others = np.setdiff1d(np.arange(ROWS), rows)
        weights = optimal_weights(predictions[:, others], y[others], classes)
        np.testing.assert_allclose(found[rows], np.tensordot(weights, predictions[:, rows], axes=1))


@pytest.mark.parametrize("lacking", CLASSES)
def test_a_stack_of_rows_that_lack_a_class_gives_it_no_probability(lacking: str) -> None:
    predictions, y, metric, classes = case(6)
    fold, others = np.flatnonzero(y == lacking), np.flatnonzero(y != lacking)
    blend = Blend("stack").fit(predictions[:, others], y[others], metric, classes)
    linear = LogisticRegression(max_iter=5000).fit(
        np.log(np.concatenate(list(predictions[:, others]), axis=1)), y[others]
    )
    by_hand = linear.predict_proba(np.log(np.concatenate(list(predictions), axis=1)))
    combined = blend.combine(predictions)
    np.testing.assert_array_equal(combined[:, classes == lacking], 0)
    np.testing.assert_allclose(combined[:, classes != lacking], by_hand, atol=1e-6)
    nested = nested_predictions(Blend("stack"), predictions, y, [fold, others[::2], others[1::2]], metric, classes)
    np.testing.assert_allclose(nested[fold], combined[fold])


def selected(predictions: np.ndarray, y: np.ndarray, score: Any) -> np.ndarray:
    """Select by a plain loop: add whatever model helps the mean most, and keep the best of all means."""
    chosen: list[int] = []
    found: list[tuple[float, list[int]]] = []
    for _ in range(8):
        scores = [score(y, predictions[[*chosen, k]].mean(axis=0)) for k in range(len(predictions))]
        chosen.append(int(np.argmax(scores)))
        found.append((max(scores), list(chosen)))
    best = max(found, key=lambda each: each[0])[1]
    return np.bincount(best, minlength=len(predictions)) / len(best)


def bagged(predictions: np.ndarray, y: np.ndarray, score: Any) -> np.ndarray:
    rng, each = np.random.default_rng(0), []
    for _ in range(10):
        rows = rng.integers(0, len(y), len(y))
        each.append(selected(predictions[:, rows], y[rows], score))
    return np.mean(each, axis=0)


def test_the_selections_of_bootstraps_are_averaged() -> None:
    # Whole numbers: no bootstrap has all of them, and none of them is a class.
    rng = np.random.default_rng(0)
    y = rng.permutation(ROWS)
    predictions = np.stack([y + rng.normal(0, 8 + k, ROWS) for k in range(3)])[:, :, None]
    score = lambda y, p, w=None: -float(np.mean((y - p[:, 0]) ** 2))  # noqa: E731
    found = greedy_weights(predictions, y, lambda rows: lambda p: score(y[rows], p))
    np.testing.assert_allclose(found, bagged(predictions, y, score))
    assert (found != selected(predictions, y, score)).any()


def test_a_mean_of_selections_that_is_worse_than_a_single_model_is_not_taken() -> None:
    # Each model hits some rows exactly, no mean of both any: on some bootstraps the second hits more than the first.
    hit = np.arange(20) < 11
    y = np.zeros(20)
    predictions = np.stack([np.where(hit, 0.0, 1.0), np.where(hit, 1.0, 0.0)])[:, :, None]
    score = lambda y, p, w=None: float(np.mean(p[:, 0] == y))  # noqa: E731
    assert 0 < bagged(predictions, y, score)[0] < 1
    assert greedy_weights(predictions, y, lambda rows: lambda p: score(y[rows], p)).tolist() == [1.0, 0.0]


def test_bootstraps_that_lack_a_class_are_left_out_whatever_type_the_labels_have() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(size=(3, 30))
    predictions, metric = np.stack([1 - p, p], axis=2), get_metric("roc_auc")
    weights = []
    for y in ((np.arange(30) == 3).astype(float), (np.arange(30) == 3).astype(int)):
        blend = Blend("greedy").fit(predictions, y, metric, np.unique(y))
        weights.append(blend.weights_)
    np.testing.assert_array_equal(*weights)


@pytest.mark.parametrize("method", METHODS)
def test_several_labels_at_once_are_blended_by_all_methods_but_a_stack(method: str) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (ROWS, 3))
    predictions = np.stack([np.clip(0.5 + 0.4 * (y - 0.5) + rng.normal(0, 0.2, y.shape), 0, 1) for _ in range(2)])
    blend, arguments = Blend(method), (predictions, y, get_metric("roc_auc"), np.arange(3))
    if method == "stack":
        with pytest.raises(SpecError, match=r"--method stack predicts one target, .* 3 at once: use per_class"):
            blend.fit(*arguments)
        return
    combined = blend.fit(*arguments).combine(predictions)
    weights = np.repeat(blend.weights_[:, None], 3, axis=1)
    if method == "per_class":  # a label is a problem of two classes for itself
        for label in range(3):
            p = predictions[:, :, label]
            weights[:, label] = optimal_weights(np.stack([1 - p, p], axis=2), y[:, label], np.arange(2))
        assert np.ptp(weights[0]) > 0.05
    elif method == "rank":
        whole = Blend("rank").fit(predictions[:, :, :1], y[:, :1], get_metric("roc_auc"), np.arange(1))
        np.testing.assert_allclose(combined[:, :1], whole.combine(predictions[:, :, :1]))
        return
    np.testing.assert_allclose(combined, np.einsum("mc,mrc->rc", weights, predictions), atol=1e-6)


def test_each_of_several_numbers_has_weights_of_its_own() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=(ROWS, 2)) * [1, 100]
    noise = np.array([[0.1, 300.0], [3.0, 10.0]])[:, None, :]  # each model knows one of the targets
    predictions = y + noise * rng.normal(size=(2, ROWS, 2))
    blend = Blend("per_class").fit(predictions, y, get_metric("rmse"), None)
    for column in range(2):
        alone = Blend("weighted").fit(predictions[:, :, [column]], y[:, column], get_metric("rmse"), None)
        np.testing.assert_allclose(blend.class_weights_[:, column], alone.weights_, atol=1e-6)
    np.testing.assert_allclose(blend.class_weights_, np.eye(2), atol=0.2)
    folds = np.split(np.arange(ROWS), 4)
    own = nested_predictions(Blend("per_class"), predictions, y, folds, get_metric("rmse"), None)
    y[folds[0]] = 0  # the targets of a fold do not change its own predictions
    other = nested_predictions(Blend("per_class"), predictions, y, folds, get_metric("rmse"), None)
    np.testing.assert_array_equal(own[folds[0]], other[folds[0]])


@pytest.mark.parametrize("method", ["per_class", "rank", "weighted"])
def test_probabilities_of_each_of_several_targets_sum_to_one(method: str) -> None:
    first, y, metric, _ = case(1)
    second = first[:, :, :2] / first[:, :, :2].sum(axis=2, keepdims=True)
    both, classes = np.concatenate([first, second], axis=2), [CLASSES, np.array(["a", "b"])]
    targets = np.column_stack([y, np.where(y == "c", "b", y)])
    combined = Blend(method).fit(both, targets, metric, classes).combine(both)
    for part in np.split(combined, [3], axis=1):
        np.testing.assert_allclose(part.sum(axis=1), 1)


def test_weights_of_a_class_are_those_of_whether_a_row_has_it() -> None:
    predictions, y, metric, classes = case(7)
    blend = Blend("per_class").fit(predictions, y, metric, classes)
    by_hand = np.zeros((ROWS, 3))
    for number, label in enumerate(CLASSES):
        p = predictions[:, :, number]
        weights = optimal_weights(np.stack([1 - p, p], axis=2), (y == label).astype(int), np.arange(2))
        by_hand[:, number] = weights @ p
    np.testing.assert_allclose(blend.combine(predictions), by_hand / by_hand.sum(axis=1, keepdims=True), atol=1e-6)
    # Of two classes, one decides the other; and numbers have no classes.
    two = np.stack([1 - predictions[:, :, 0], predictions[:, :, 0]], axis=2)
    for values, target, labels in (
        (two, (y == "a").astype(int), np.arange(2)),
        (*case(7, kind="numbers")[:2], None),
    ):
        both = [
            Blend(method).fit(values, target, metric, labels).combine(values) for method in ("per_class", "weighted")
        ]
        np.testing.assert_allclose(*both, atol=1e-3)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 100), fold=st.integers(0, 2))
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_targets_of_a_fold_do_not_change_its_predictions(
    method: str, kind: str, monkeypatch: pytest.MonkeyPatch, seed: int, fold: int
) -> None:
    monkeypatch.setattr("tabular_dl.model_selection.blend_weights.STEPS", 3)
    predictions, y, metric, classes = case(seed, kind=kind)
    folds = np.array_split(np.random.default_rng(seed).permutation(ROWS), 3)
    changed = y.copy()
    changed[folds[fold]] = np.random.default_rng(seed).permutation(y)[folds[fold]] if kind == "classes" else 1000.0
    first, second = (nested_predictions(Blend(method), predictions, t, folds, metric, classes) for t in (y, changed))
    np.testing.assert_array_equal(first[folds[fold]], second[folds[fold]])


def test_an_unknown_method_gets_the_nearest_name() -> None:
    predictions, y, metric, classes = case(5)
    with pytest.raises(SpecError, match=r"--method: there is no 'greed'\. Did you mean 'greedy'"):
        Blend("greed").fit(predictions, y, metric, classes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "greedy", "meta": "ridge"}, "--meta ridge: .* write --method stack --meta ridge"),
        ({"method": "mean", "levels": 2}, "--levels 2: --method mean trains no meta models"),
        ({"method": "rank", "passthrough": True}, "--passthrough: .* --method stack --passthrough"),
        ({"method": "stack", "meta": "rigde"}, r"--meta: there is no 'rigde'\. Did you mean 'ridge'"),
        ({"method": "stack", "levels": 3}, "--levels: expected 1 or 2, found 3"),
    ],
)
def test_options_that_do_not_belong_together_are_named(options: dict[str, Any], message: str) -> None:
    predictions, y, metric, classes = case(5)
    with pytest.raises(SpecError, match=message):
        Blend(**options).fit(predictions, y, metric, classes)


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_a_stack_that_an_older_version_stored_predicts_as_before(kind: str) -> None:
    predictions, y, _, classes = case(8, kind=kind)
    stacked = np.concatenate(list(predictions if classes is None else np.log(predictions)), axis=1)
    linear = Ridge() if classes is None else LogisticRegression()
    old = Blend.__new__(Blend)  # without the attributes that it did not have
    vars(old).update(method="stack", seed=0, weights_=np.full(3, 1 / 3), classification_=classes is not None)
    vars(old).update(linear_=linear.fit(stacked, y))
    content = skops.io.dumps(old)
    opened = skops.io.loads(content, trusted=["tabular_dl.model_selection.Blend"])
    expected = linear.predict(stacked)[:, None] if classes is None else linear.predict_proba(stacked)
    np.testing.assert_allclose(opened.combine(predictions), expected)
    assert "stack" in repr(opened)
