"""The live line says the epoch, the figures on the held-out rows and how many networks still train."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from tabular_dl.problems.losses import FOLLOWED, Followed
from tabular_dl.workflows.console import TrainingProgress

FIGURES = {
    "loss": np.array([9.0, 9.0]),
    "binary_accuracy": np.array([0.9, 0.9]),
    "val_loss": np.array([0.25, 0.75]),
    "val_binary_accuracy": np.array([0.5, 1.0]),
}
ACTIVE = np.array([True, False])
ACCURACY = FOLLOWED["0 or 1"]["accuracy"]
ERROR = FOLLOWED["number"]["mae"]


def line(
    figures: dict[str, np.ndarray], active: np.ndarray = ACTIVE, followed: Followed = ACCURACY, unit: float = 1.0
) -> str:
    """Return the last line that is drawn after the third of eight epochs."""
    drawn = io.StringIO()
    with TrainingProgress(Console(file=drawn, width=200), epochs=8, followed=followed, unit=unit) as progress:
        progress(3, figures, active)
    return drawn.getvalue().splitlines()[-1]


def test_the_line_has_epoch_held_out_figures_networks_and_time() -> None:
    shown = line(FIGURES)
    assert "epoch 3/8" in shown
    assert "val_loss 0.5000  val_accuracy 0.7500" in shown
    assert "1 of 2 training" in shown
    assert "0:00:0" in shown


def test_a_network_that_has_stopped_does_not_count() -> None:
    figures = {name: np.where(ACTIVE, values, np.nan) for name, values in FIGURES.items()}
    assert "val_loss 0.2500  val_accuracy 0.5000" in line(figures)


def test_without_held_out_rows_the_figures_are_those_of_training() -> None:
    shown = line({"loss": np.array([0.5, 1.5]), "mean_absolute_error": np.array([2.0, 4.0])}, followed=ERROR)
    assert "loss 1.0000  mae 3.0000" in shown
    assert "val_" not in shown


def test_the_metric_is_in_units_of_the_target_the_loss_is_not() -> None:
    assert "val_loss 0.5000  val_mae 7.5000" in line(
        {"loss": FIGURES["loss"], "val_loss": FIGURES["val_loss"], "val_mean_absolute_error": np.array([0.5, 1.0])},
        followed=ERROR,
        unit=10.0,
    )


@pytest.mark.filterwarnings("error")
def test_networks_that_have_all_diverged_are_no_reason_to_warn() -> None:
    nothing = {name: np.full(2, np.nan) for name in FIGURES}
    assert "val_loss nan" in line(nothing, np.array([False, False]))


def test_a_quiet_console_draws_nothing() -> None:
    drawn = io.StringIO()
    with TrainingProgress(Console(file=drawn, quiet=True), epochs=8, followed=ACCURACY) as progress:
        progress(1, FIGURES, ACTIVE)
    assert drawn.getvalue() == ""


def test_the_line_ends_when_training_is_broken_off() -> None:
    progress = TrainingProgress(Console(file=io.StringIO()), epochs=8, followed=ACCURACY)
    with pytest.raises(KeyboardInterrupt), progress:
        raise KeyboardInterrupt
    assert not progress.progress.live.is_started
