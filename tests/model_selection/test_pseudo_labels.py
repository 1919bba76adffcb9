"""Pseudo-labels: soft, made fold by fold without the rows that are scored, and never held out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from tabular_dl.errors import DataError, SpecError
from tabular_dl.estimators import KerasClassifier, KerasRegressor, ModelClassifier, ModelRegressor, derived_seed
from tabular_dl.model_selection.crossfit import CrossFitClassifier, CrossFitRegressor
from tabular_dl.model_selection.fold_models import FoldModels
from tabular_dl.model_selection.pseudo_labels import LEAST, soft_labels

ROWS, FOLDS = 60, 3
HALF: dict[str, float] = {"share": 0.5, "rounds": 1}
SPLITS = list(KFold(FOLDS, shuffle=True, random_state=2).split(np.arange(ROWS)))
RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(ROWS, 3)), columns=list("abc"))
OTHERS = pd.DataFrame(RNG.normal(size=(40, 3)), columns=list("abc"))
NUMBERS = (3.0 * X["a"] + X["b"]).to_numpy()
LABELS = np.where(NUMBERS > 0.3, "yes", "no")
TREE = {"name": "sklearn.tree:DecisionTreeClassifier", "parameters": {"max_depth": 3}}
NETWORK: dict[str, Any] = {"hidden": [4], "epochs": 6, "learning_rate": 0.05, "members": 2, "batch_size": 16}


def pipeline(model: Any) -> Pipeline:
    return Pipeline([("scale", StandardScaler().set_output(transform="pandas")), ("model", model)])


@given(st.integers(2, 4), st.integers(1, 30), st.floats(0.1, 1.0), st.integers(0, 99))
def test_soft_labels_are_the_surest_rows_of_each_class_with_weights_of_one(
    classes: int, rows: int, share: float, seed: int
) -> None:
    p = np.random.default_rng(seed).dirichlet(np.ones(classes), rows)
    found = soft_labels(p, np.arange(classes), share, np.random.default_rng(0))
    table = pd.DataFrame({"predicted": p.argmax(axis=1), "highest": p.max(axis=1)})
    chosen = sorted(
        number
        for _, part in table.groupby("predicted")
        for number in part.nlargest(max(1, round(share * len(part))), "highest").index
    )
    assert sorted(set(found.places.tolist())) == chosen
    for row in chosen:
        own = found.places == row
        kept = p[row] >= LEAST
        np.testing.assert_array_equal(found.y[own], np.flatnonzero(kept))
        np.testing.assert_allclose(found.weights[own], p[row][kept] / p[row][kept].sum())


def test_numbers_are_of_rows_that_are_drawn() -> None:
    values = np.arange(10.0)
    found = soft_labels(values, None, 0.3, np.random.default_rng(5))
    assert len({*found.places}) == 3
    np.testing.assert_array_equal(found.y, values[found.places])
    assert {*soft_labels(values, None, 1.0, np.random.default_rng(1)).places} == {*range(10)}


def test_a_round_is_a_fit_on_training_rows_and_on_test_rows_weighted_by_probability() -> None:
    settings = {"cv": SPLITS, "random_state": 0}
    first = CrossFitClassifier(pipeline(ModelClassifier(**TREE)), **settings).fit(X, LABELS)
    model = CrossFitClassifier(pipeline(ModelClassifier(**TREE)), pseudo_labels=HALF, **settings)
    found = model.fit(X, LABELS, unlabeled=OTHERS).oof_predictions_
    for fold, (train, test) in enumerate(SPLITS):
        p = first.predict_fold(fold, OTHERS)
        labels = soft_labels(p, np.array(["no", "yes"]), 0.5, np.random.default_rng(0))
        scaler = StandardScaler().fit(X.iloc[train])
        rows = np.concatenate([scaler.transform(X.iloc[train]), scaler.transform(OTHERS.iloc[labels.places])])
        y, weights = np.concatenate([LABELS[train], labels.y]), np.concatenate([np.ones(len(train)), labels.weights])
        tree = DecisionTreeClassifier(max_depth=3, random_state=derived_seed(derived_seed(0, fold), 0))
        expected = tree.fit(rows, y, sample_weight=weights).predict_proba(scaler.transform(X.iloc[test]))
        np.testing.assert_allclose(found[test], expected, atol=1e-12)
    assert model.pseudo_rounds_ == 1


def leak_score(**settings: Any) -> float:
    """Return the out-of-fold score of labels that are noise, where the test rows are the training rows."""
    noise = np.random.default_rng(3).integers(0, 2, 400)
    rows = pd.DataFrame(np.random.default_rng(4).normal(size=(400, 2)), columns=["u", "v"])
    model = ModelClassifier("sklearn.tree:DecisionTreeClassifier")
    crossfit = CrossFitClassifier(Pipeline([("model", model)]), cv=4, random_state=0, **settings)
    crossfit.fit(rows, noise, unlabeled=rows)
    return roc_auc_score(noise, crossfit.oof_predictions_[:, 1])


def test_test_rows_that_repeat_training_rows_leak_nothing_into_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    every: dict[str, float] = {"share": 1.0, "rounds": 2}
    # A tree knows its training rows by heart: labels by models that had seen the scored rows would be the answers.
    assert abs(leak_score(pseudo_labels=every) - 0.5) < 0.08
    learn = "tabular_dl.model_selection.further_training.with_pseudo_labels"
    from tabular_dl.model_selection.pseudo_labels import with_pseudo_labels

    def of_all_folds(folds: Any, target: Any, tables: Any, predictions: Any, *rest: Any) -> Any:
        return with_pseudo_labels(folds, target, tables, [np.mean(predictions, axis=0)] * len(tables), *rest)

    monkeypatch.setattr(learn, of_all_folds)
    assert leak_score(pseudo_labels=every) > 0.9


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_networks_hold_out_training_rows_alone(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    from tabular_dl.nn import fit_population

    def watched(network: Any, X: Any, y: Any, members: Any, *rest: Any) -> Any:
        seen.append((np.asarray(y), members))
        return fit_population(network, X, y, members, *rest)

    monkeypatch.setattr("tabular_dl.nn.fit_population", watched)
    settings = {**NETWORK, "early_stopping": 2}
    if kind == "classification":
        estimator, crossfit, y = KerasClassifier(**settings), CrossFitClassifier, LABELS
    else:
        estimator, crossfit, y = KerasRegressor(**settings), CrossFitRegressor, NUMBERS
    model = crossfit(pipeline(estimator), cv=SPLITS, random_state=0, pseudo_labels=HALF)
    model.fit(X, y, np.arange(ROWS) // 5, unlabeled=OTHERS)
    assert np.isfinite(model.predict_proba(X) if kind == "classification" else model.predict(X)).all()
    _, (_, members) = seen  # a training without pseudo-labels, and one with
    for number in range(len(members)):
        train = SPLITS[number // 2][0]
        held_out, trained = members.validation_rows[number], members.training_rows[number]
        own = trained[trained < ROWS]
        assert len(held_out) > 0
        assert not {*own // 5} & {*held_out // 5}  # whole groups
        assert sorted([*own, *held_out]) == sorted(train)
        assert (trained >= ROWS).sum() >= 20


def test_rows_of_a_weighted_table_count_as_the_mean_training_row() -> None:
    weights = np.where(np.arange(ROWS) % 2, 3.0, 1.0)
    settings = {"cv": SPLITS, "random_state": 0, "pseudo_labels": {"share": 1.0, "rounds": 1}}
    model = {"name": "ridge", "parameters": {"alpha": 1e-9}}
    found = CrossFitRegressor(pipeline(ModelRegressor(**model)), **settings)
    found.fit(X, NUMBERS**2, sample_weight=weights, unlabeled=OTHERS)
    # Least squares on their own predictions are the same least squares, whatever the weights of these rows.
    plain = CrossFitRegressor(pipeline(ModelRegressor(**model)), cv=SPLITS, random_state=0)
    plain.fit(X, NUMBERS**2, sample_weight=weights)
    np.testing.assert_allclose(found.oof_predictions_, plain.oof_predictions_, rtol=1e-6)


def test_pseudo_labels_need_rows_and_one_target_of_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FoldModels, "train", lambda *_: pytest.fail("trained before the refusal"))
    model = CrossFitClassifier(pipeline(ModelClassifier(**TREE)), cv=SPLITS, random_state=0, pseudo_labels=HALF)
    with pytest.raises(DataError, match="needs rows without a target"):
        model.fit(X, LABELS)
    two = np.column_stack([LABELS == "yes", NUMBERS > 1]).astype(int)
    with pytest.raises(SpecError, match="several targets cannot be soft"):
        model.fit(X, two, unlabeled=OTHERS)
