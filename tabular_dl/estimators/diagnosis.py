"""Diagnosis of learning curves: underfitting, overfitting or fine, and the figures behind the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

__all__ = ["Diagnosis", "diagnose", "tidy_history"]

Verdict = Literal["underfitting", "overfitting", "fine"]

# Distance of the validation loss from the training loss, as a share of the latter, above which networks overfit.
GAP = 0.2
# Training loss, as a share of that of the first epoch, above which networks underfit.
LITTLE_LEARNED = 0.8
# Rise of the validation loss after its best epoch, as a share of it, above which networks overfit.
RISE = 0.05
# Best epoch, as a share of all epochs, from which networks were still learning at the end.
LATE = 0.9


def tidy_history(curves: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return learning curves as a tidy table.

    Parameters
    ----------
    curves : mapping of str to ndarray of shape (epochs, members)
        Figures of training rows, and of validation rows under names with "val_"; NaN after a member stopped.

    Returns
    -------
    DataFrame
        Table with a row per metric, epoch, and member that trained in it. Columns are "epoch" (from 1), "member" (from
        0), "metric", "train" and "validation"; values are NaN if there is no such figure.

    Examples
    --------
    >>> tidy_history({"loss": np.array([[1.0], [0.5]]), "val_loss": np.array([[1.2], [0.9]])})
       epoch  member metric  train  validation
    0      1       0   loss    1.0         1.2
    1      2       0   loss    0.5         0.9
    """
    names = dict.fromkeys(name.removeprefix("val_") for name in curves)
    trained = np.isfinite(curves["loss"])
    epochs, members = np.nonzero(trained)
    missing = np.full(trained.shape, np.nan)
    parts = [
        pd.DataFrame(
            {
                "epoch": epochs + 1,
                "member": members,
                "metric": name,
                "train": curves.get(name, missing)[trained],
                "validation": curves.get(f"val_{name}", missing)[trained],
            }
        )
        for name in names
    ]
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class Diagnosis:
    """Verdict on learning curves.

    Attributes
    ----------
    verdict : {"underfitting", "overfitting", "fine"}
        Diagnosis of the networks.
    reason : str
        Reason with its figures.
    train_loss, validation_loss : float
        Means over the members' losses at their best epochs; NaN without validation rows.
    gap : float
        ``(validation_loss - train_loss) / train_loss``.
    learned : float
        Training loss at the best epoch divided by that of the first epoch.
    rise : float
        Validation loss of the last epoch divided by that of the best epoch, minus 1.
    best_epoch, epochs : float
        Mean best epoch, and mean number of epochs.
    """

    verdict: Verdict
    reason: str
    train_loss: float
    validation_loss: float
    gap: float
    learned: float
    rise: float
    best_epoch: float
    epochs: float


def diagnose(curves: Mapping[str, np.ndarray], best_epoch: np.ndarray) -> Diagnosis:
    """Return whether networks underfit, overfit or are fine, according to their learning curves.

    - Overfitting: the validation loss at the best epoch is more than 20 % above the training loss, or has risen by more
      than 5 % since.
    - Underfitting: the training loss at the best epoch is above 80 % of that of the first epoch, or the best epoch is
      in the last tenth of the epochs. The latter is only checked with validation rows: the training loss always falls.
    - Fine: none of these.

    Parameters
    ----------
    curves : mapping of str to ndarray of shape (epochs, members)
        "loss" and, with validation rows, "val_loss"; NaN after a member stopped.
    best_epoch : ndarray of shape (members,)
        Epoch, from 1, of each member's weights.

    Returns
    -------
    Diagnosis
        Verdict, reason and figures.

    Examples
    --------
    >>> curves = {"loss": np.array([[1.0], [0.5], [0.1]]), "val_loss": np.array([[1.0], [0.8], [1.2]])}
    >>> diagnose(curves, np.array([2])).verdict
    'overfitting'
    """
    loss, members = curves["loss"], np.arange(len(best_epoch))
    lengths = np.isfinite(loss).sum(axis=0)
    best = np.clip(best_epoch, 1, None) - 1
    train = float(np.mean(loss[best, members]))
    learned = float(np.mean(loss[best, members] / loss[0]))
    validation = gap = rise = float("nan")
    if "val_loss" in curves:
        held_out = curves["val_loss"]
        validation = float(np.mean(held_out[best, members]))
        last = np.maximum(lengths, 1) - 1
        gap = (validation - train) / max(train, 1e-12)
        rise = float(np.mean(held_out[last, members] / np.maximum(held_out[best, members], 1e-12))) - 1.0
    late = "val_loss" in curves and bool(np.mean(best_epoch / np.maximum(lengths, 1)) >= LATE)
    verdict, reason = _verdict(gap, rise, learned, late)
    return Diagnosis(
        verdict, reason, train, validation, gap, learned, rise, float(np.mean(best_epoch)), float(np.mean(lengths))
    )


def _verdict(gap: float, rise: float, learned: float, late: bool) -> tuple[Verdict, str]:
    if gap > GAP:
        return "overfitting", (
            f"the validation loss is {gap:.0%} above the training loss (more than {GAP:.0%}): more dropout, l2 or "
            "data, or fewer units"
        )
    if rise > RISE:
        return "overfitting", (
            f"the validation loss has risen by {rise:.0%} since its best epoch (more than {RISE:.0%}): early_stopping "
            "kept the best weights"
        )
    if learned > LITTLE_LEARNED:
        return "underfitting", (
            f"the training loss is still {learned:.0%} of the first epoch's (more than {LITTLE_LEARNED:.0%}): more "
            "units, a higher learning_rate or better features"
        )
    if late:
        return "underfitting", "the networks were still improving when training ended: more epochs"
    if np.isnan(gap):
        return "fine", (
            f"the training loss has fallen to {learned:.0%} of the first epoch's; only validation rows "
            "(validation_fraction) or the folds' scores show overfitting"
        )
    return "fine", f"the validation loss is {gap:.0%} above the training loss, and the best epoch is not the last"
