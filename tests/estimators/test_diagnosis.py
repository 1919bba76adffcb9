"""What curves say, from curves made for it."""

from __future__ import annotations

import numpy as np
import pytest

from tabular_dl.estimators.diagnosis import diagnose, tidy_history


def curves(train: list[float], validation: list[float] | None = None) -> dict[str, np.ndarray]:
    found = {"loss": np.array(train)[:, None]}
    return found if validation is None else {**found, "val_loss": np.array(validation)[:, None]}


@pytest.mark.parametrize(
    ("train", "validation", "best", "verdict", "number"),
    [
        ([1.0, 0.5, 0.1, 0.01], [1.0, 0.7, 0.8, 1.2], 2, "overfitting", "40% above"),
        ([1.0, 0.5, 0.3, 0.2], [1.0, 0.55, 0.6, 0.7], 2, "overfitting", "27%"),
        ([1.0, 0.95, 0.9, 0.9], [1.0, 0.96, 0.92, 0.93], 3, "underfitting", "90% of the first"),
        ([1.0, 0.8, 0.6, 0.4], [1.0, 0.8, 0.6, 0.42], 4, "underfitting", "more epochs"),
        ([1.0, 0.5, 0.4, 0.39], [1.0, 0.55, 0.42, 0.43], 3, "fine", "5% above"),
    ],
)
def test_the_verdict_goes_by_the_curves(
    train: list[float], validation: list[float], best: int, verdict: str, number: str
) -> None:
    found = diagnose(curves(train, validation), np.array([best]))
    assert found.verdict == verdict
    assert number in found.reason
    assert found.train_loss == train[best - 1]
    assert found.validation_loss == validation[best - 1]
    assert found.gap == pytest.approx(validation[best - 1] / train[best - 1] - 1)
    assert found.rise == pytest.approx(validation[-1] / validation[best - 1] - 1)


def test_without_validation_rows_only_underfitting_can_be_told() -> None:
    found = diagnose(curves([1.0, 0.95]), np.array([2]))
    assert found.verdict == "underfitting"
    assert np.isnan(found.gap)


def test_a_training_loss_that_still_falls_is_no_verdict_without_validation_rows() -> None:
    found = diagnose(curves([1.0, 0.5, 0.2]), np.array([3]))
    assert found.verdict == "fine"
    assert "fallen to 20% of the first epoch's" in found.reason


def test_members_that_stopped_have_no_rows_in_the_table() -> None:
    history = tidy_history({"loss": np.array([[1.0, 2.0], [0.5, np.nan]]), "accuracy": np.ones((2, 2))})
    assert len(history) == 6
    assert history.query("member == 1")["epoch"].tolist() == [1, 1]
    assert history["validation"].isna().all()
