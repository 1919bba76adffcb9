"""A threshold is the best on the rows that it was chosen on, and no row is scored by one that it helped to choose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from tabular_dl.errors import SpecError
from tabular_dl.model_selection.blended_models import BlendedClassifier
from tabular_dl.model_selection.blending import Blend
from tabular_dl.model_selection.classification_threshold import Thresholded
from tabular_dl.model_selection.scoring import fold_scores
from tabular_dl.problems import decisions
from tabular_dl.problems.decisions import best_threshold, decide
from tabular_dl.problems.metrics import get_metric

LABELS = np.array(["no", "yes"])
FUNCTIONS: dict[str, Any] = {
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
    "f1": lambda y, found: f1_score(y, found, pos_label="yes", zero_division=0.0),
    "f1_macro": lambda y, found: f1_score(y, found, average="macro", zero_division=0.0),
}


class Known(Thresholded):
    """A model whose predictions are known: out of fold, and of any row."""

    def __init__(self, p: np.ndarray, folds: list[np.ndarray]) -> None:
        self.oof_predictions_ = two(p)
        self.test_rows_ = folds
        self.classes_ = LABELS

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        return two(X["p"].to_numpy())


def two(p: Any) -> np.ndarray:
    return np.stack([1 - np.asarray(p), np.asarray(p)], axis=1)


@settings(max_examples=40)
@given(
    rows=st.lists(st.tuples(st.integers(0, 16), st.booleans()), min_size=4, max_size=20).filter(
        lambda rows: len({label for _, label in rows}) == 2
    ),
    name=st.sampled_from(sorted(FUNCTIONS)),
)
def test_no_threshold_scores_better_than_the_one_that_is_chosen(rows: list[tuple[int, bool]], name: str) -> None:
    p, y = np.array([k / 16 for k, _ in rows]), LABELS[[int(label) for _, label in rows]]
    score = lambda threshold: FUNCTIONS[name](y, LABELS[(p > threshold).astype(int)])  # noqa: E731
    chosen = best_threshold(y, two(p), LABELS, get_metric(name))
    # Between any two probabilities, and one half; a row that gets its label for all thresholds helps nobody.
    every = [0.5, *((np.unique(p)[1:] + np.unique(p)[:-1]) / 2)]
    assert score(chosen) == pytest.approx(max(score(threshold) for threshold in every))
    nearer = [threshold for threshold in every if abs(threshold - 0.5) < abs(chosen - 0.5) - 1e-9]
    assert all(score(threshold) < score(chosen) for threshold in nearer)


def test_of_many_probabilities_some_thresholds_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    plain = decisions.decide
    monkeypatch.setattr(decisions, "decide", lambda p, threshold: (calls.append(1), plain(p, threshold))[1])
    p = np.linspace(0, 1, 1001)
    chosen = best_threshold(LABELS[(p > 0.8).astype(int)], two(p), LABELS, get_metric("accuracy"))
    assert chosen == pytest.approx(0.8, abs=0.01)
    assert len(calls) == 101


def test_one_half_is_the_same_as_none() -> None:
    p = two([0.0, 0.49, 0.5, 0.51, 1.0])
    np.testing.assert_array_equal(decide(p, 0.5), decide(p, None))
    assert decide(p, None).argmax(axis=1).tolist() == [0, 0, 0, 1, 1]
    three = np.array([[0.2, 0.5, 0.3]])
    assert decide(three, None).tolist() == [[0, 1, 0]]


# Fold 0 wants a threshold of 0.25, fold 1 one of 0.75.
FOLDS = [np.array([0, 2, 4, 6]), np.array([1, 3, 5, 7])]
P = np.array([0.2, 0.2, 0.3, 0.3, 0.7, 0.7, 0.8, 0.8])
Y = LABELS[[0, 0, 1, 0, 1, 0, 1, 1]]


def test_each_fold_is_scored_by_the_threshold_of_the_other_folds() -> None:
    model, metric = Known(P, FOLDS), get_metric("accuracy")
    assert model.choose_threshold("auto", Y, metric) is model
    assert model.oof_thresholds_ is not None
    np.testing.assert_allclose(model.oof_thresholds_[FOLDS[0]], 0.75)
    np.testing.assert_allclose(model.oof_thresholds_[FOLDS[1]], 0.25)
    # By hand: fold 0 at 0.75 misses the yes at 0.3 and 0.7; fold 1 at 0.25 takes the no at 0.3 and 0.7 for yes.
    assert fold_scores(model, Y, metric).tolist() == [0.5, 0.5]
    assert model.threshold_ == 0.5
    # What looks at probabilities does not change.
    log_loss = get_metric("log_loss")
    before = fold_scores(Known(P, FOLDS), Y, log_loss)
    np.testing.assert_array_equal(fold_scores(model, Y, log_loss), before)


def test_a_number_is_the_threshold_of_all_rows_and_of_predictions() -> None:
    model, metric = Known(P, FOLDS), get_metric("accuracy")
    assert model.predict(pd.DataFrame({"p": [0.3, 0.6]})).tolist() == ["no", "yes"]
    model.choose_threshold(0.25, Y, metric)
    assert model.predict(pd.DataFrame({"p": [0.2, 0.3, 0.6]})).tolist() == ["no", "yes", "yes"]
    assert fold_scores(model, Y, metric).tolist() == [1.0, 0.5]
    model.choose_threshold(None, Y, metric)
    assert (model.threshold_, model.oof_thresholds_) == (None, None)
    assert fold_scores(model, Y, metric).tolist() == [0.75, 0.75]


@pytest.mark.parametrize("threshold", [7.0, -0.1, float("nan"), "best"])
def test_a_threshold_is_a_probability(threshold: Any) -> None:
    with pytest.raises(
        SpecError, match=f'^threshold: expected a number from 0 to 1, "auto" or None, found {threshold!r}'
    ):
        Known(P, FOLDS).choose_threshold(threshold, Y, get_metric("accuracy"))


@pytest.mark.parametrize("threshold", [0.3, "auto"])
def test_there_is_no_threshold_between_three_classes_or_of_several_labels(threshold: Any) -> None:
    three, several = Known(P, FOLDS), Known(P, FOLDS)
    three.classes_, several.indicators_ = np.arange(3), True
    for model, found in ((three, "3 classes"), (several, "several labels at once")):
        message = f"^threshold: {threshold} decides between two classes, found {found}: write None"
        with pytest.raises(SpecError, match=message):
            model.choose_threshold(threshold, Y, get_metric("accuracy"))
        assert model.choose_threshold(None, Y, get_metric("accuracy")).threshold_ is None


def test_a_blend_has_a_threshold_like_any_model() -> None:
    metric, rows = get_metric("accuracy"), pd.DataFrame({"p": [0.3, 0.6]})
    blend = BlendedClassifier([Known(P, FOLDS), Known(P**2, FOLDS)], Blend("mean", 0)).fit_blend(Y, metric)
    alone = Known((P + P**2) / 2, FOLDS).choose_threshold("auto", Y, metric)
    blend.choose_threshold("auto", Y, metric)
    assert blend.threshold_ == pytest.approx(alone.threshold_)
    np.testing.assert_allclose(fold_scores(blend, Y, metric), fold_scores(alone, Y, metric))
    assert blend.choose_threshold(0.1, Y, metric).predict(rows).tolist() == ["yes", "yes"]
    # Learned anew, it decides as a new one does.
    assert blend.fit_blend(Y, metric).threshold_ is None
    assert blend.predict(rows).tolist() == ["no", "yes"]
