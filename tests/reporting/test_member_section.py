"""Section of a blend's report that compares its members: values by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tabular_dl.model_selection.blended_models import BlendedClassifier, BlendedRegressor
from tabular_dl.model_selection.blending import Blend
from tabular_dl.problems.metrics import get_metric
from tabular_dl.reporting import member_section as module
from tabular_dl.reporting.member_section import member_section

FOLDS = [np.arange(0, 10), np.arange(10, 20)]
NAMES = ["a, network", "b, lightgbm", "c, imported"]


class Model:
    """Model of which only the predictions matter."""

    test_rows_ = FOLDS

    def __init__(self, predictions: np.ndarray, classes: np.ndarray | None = None) -> None:
        self.oof_predictions_ = predictions
        if classes is not None:
            self.classes_ = classes


@pytest.fixture(scope="module")
def numbers() -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(0)
    y = rng.normal(size=20)
    models = [Model(y + rng.normal(size=20) * noise) for noise in (0.1, 0.5, 1.0)]
    return BlendedRegressor(models, Blend("mean")).fit_blend(y, get_metric("rmse")), y


def test_correlations_and_scores_without_each_member(numbers: tuple[Any, np.ndarray]) -> None:
    blended, y = numbers
    first, second = member_section(blended, NAMES, y, get_metric("rmse")).tables
    predictions = [model.oof_predictions_ for model in blended.models]
    for place, row in enumerate(first.rows):
        assert row[0] == f"{place + 1} {NAMES[place]}"
        by_hand = [np.corrcoef(predictions[place], other)[0, 1] for other in predictions]
        assert row[1:] == [f"{value:.3f}" for value in by_hand]

    def scores(kept: list[np.ndarray]) -> np.ndarray:
        mean = np.mean(kept, axis=0)
        return np.array([np.sqrt(np.mean((y[rows] - mean[rows]) ** 2)) for rows in FOLDS])

    everyone = scores(predictions)
    for place, row in enumerate(second.rows):
        without = scores([values for number, values in enumerate(predictions) if number != place])
        assert row[:2] == [NAMES[place], f"{without.mean():.4f}"]
        assert row[2].startswith(f"{(without - everyone).mean():+.4f} (")


def test_of_two_classes_the_probability_of_the_second_is_compared() -> None:
    rng = np.random.default_rng(1)
    classes, y = np.array(["no", "yes"]), np.array(["no", "yes"] * 10)
    shares = rng.random((2, 20))
    models = [Model(np.column_stack([1 - share, share]), classes) for share in shares]
    blended = BlendedClassifier(models, Blend("mean")).fit_blend(y, get_metric("accuracy"))
    section = member_section(blended, NAMES[:2], y, get_metric("accuracy"))
    (table,) = section.tables  # without one of two there is no blend
    assert table.rows[0][2] == f"{np.corrcoef(*shares)[0, 1]:.3f}"


def test_of_many_rows_blends_without_a_member_are_left_out(
    numbers: tuple[Any, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    blended, y = numbers
    monkeypatch.setattr(module, "MOST_ROWS", len(y) - 1)
    assert len(member_section(blended, NAMES, y, get_metric("rmse")).tables) == 1


def test_equal_predictions_have_no_correlation() -> None:
    y = np.arange(20.0)
    models = [Model(np.zeros(20)), Model(y)]
    blended = BlendedRegressor(models, Blend("mean")).fit_blend(y, get_metric("rmse"))
    assert member_section(blended, NAMES[:2], y, get_metric("rmse")).tables[0].rows[0][2] == "-"
